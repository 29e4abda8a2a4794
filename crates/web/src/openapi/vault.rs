//! The OpenAPI document's part about master keys.

use serde_json::{Value, json};

use super::{json_answer, own, reference};

/// Paths and what can be done there.
pub(super) fn paths() -> [(&'static str, Value); 2] {
    [
        (
            "/api/v1/vault",
            json!({ "get": own("read-vault", "which master keys are in use (operator only)", "200", json_answer("What is sealed under which key.", reference("Vault")), json!({})) }),
        ),
        (
            "/api/v1/vault/rotate",
            json!({ "post": own("rotate-master-key", "change the master key, or go on with it (operator only)", "200", json_answer("What it came to.", reference("Rotated")), json!({})) }),
        ),
    ]
}

/// What is sent and answered there.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let key_source =
        || json!({ "enum": ["data_directory", "environment", "file", "command", "process"] });
    [
        (
            "Vault",
            json!({
                "type": "object",
                "required": ["source", "source_shown", "keys", "damaged", "damaged_cells", "progress"],
                "properties": {
                    "source": key_source(), "source_shown": text(), "damaged": texts(),
                    "damaged_cells": { "type": "integer" },
                    "keys": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "id": text(), "current": { "type": "boolean" }, "given": { "type": "boolean" },
                                "cells": { "type": "integer" }, "removable": { "type": "boolean" },
                            },
                        },
                    },
                    "progress": {
                        "type": ["object", "null"],
                        "properties": { "done": { "type": "integer" }, "total": { "type": "integer" } },
                    },
                },
            }),
        ),
        (
            "Rotated",
            json!({
                "type": "object",
                "required": ["key", "changed", "resealed", "failed", "failed_cells", "complete", "removable", "settled", "source", "source_shown"],
                "properties": {
                    "key": text(), "changed": { "type": "boolean" }, "resealed": { "type": "integer" },
                    "failed": texts(), "failed_cells": { "type": "integer" }, "complete": { "type": "boolean" }, "removable": texts(),
                    "settled": { "type": "boolean" }, "source": key_source(), "source_shown": text(),
                },
            }),
        ),
    ]
}
