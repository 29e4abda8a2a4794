//! Answers of the demo workspace against strict JSON Schemas of Notion's objects.
//!
//! The schemas lie beside the workspace (`../shared/notion/schemas`); without them the test says so
//! and passes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};

fn schemas(version: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/notion/schemas")
        .join(format!("{version}.json.gz"));
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    let output = Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

struct Judge {
    version: &'static str,
    schemas: Value,
    complaints: BTreeSet<String>,
    judged: usize,
}

impl Judge {
    fn judge(&mut self, name: &str, answer: &Value) {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$ref": format!("#/definitions/{name}"),
            "definitions": self.schemas["definitions"],
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        self.judged += 1;
        if let Err(error) = validator.validate(answer) {
            let text: String = error.to_string().chars().take(300).collect();
            self.complaints.insert(format!(
                "{} {name} {}: {text}",
                self.version,
                error.instance_path()
            ));
        }
    }
}

#[tokio::test]
async fn answers_fit_the_strict_schemas() {
    let bench = Bench::new();
    for version in [OLD, MID, NEW] {
        let Some(schemas) = schemas(version) else { return };
        let mut judge = Judge { version, schemas, complaints: BTreeSet::new(), judged: 0 };
        let token = &bench.demo.tokens.full;
        let get = async |path: String| {
            bench.with(token, version, "GET", &path, &Value::Null).await.ok().body
        };
        let post = async |path: String| {
            bench.with(token, version, "POST", &path, &json!({})).await.ok().body
        };
        let search = post("/v1/search".to_owned()).await;
        judge.judge("SearchResponse", &search);
        judge.judge("ListUsersResponse", &get("/v1/users".to_owned()).await);
        judge.judge("GetSelfResponse", &get("/v1/users/me".to_owned()).await);
        let (page, database) = (bench.demo.team_page_id, bench.demo.database_id);
        judge.judge("GetPageResponse", &get(format!("/v1/pages/{page}")).await);
        judge.judge("GetBlockResponse", &get(format!("/v1/blocks/{page}")).await);
        judge.judge("GetDatabaseResponse", &get(format!("/v1/databases/{database}")).await);
        let rows = if version == OLD {
            let rows = post(format!("/v1/databases/{database}/query")).await;
            judge.judge("QueryDatabaseResponse", &rows);
            rows
        } else {
            let source = bench.demo.data_source_id;
            judge.judge("GetDataSourceResponse", &get(format!("/v1/data_sources/{source}")).await);
            let rows = post(format!("/v1/data_sources/{source}/query")).await;
            judge.judge("QueryDataSourceResponse", &rows);
            rows
        };
        let row = &rows["results"][24];
        for value in row["properties"].as_object().unwrap().values() {
            // The types of the old SDK know places only where they are null.
            if version == OLD && value["type"] == "place" {
                continue;
            }
            let path = format!(
                "/v1/pages/{}/properties/{}",
                row["id"].as_str().unwrap(),
                value["id"].as_str().unwrap()
            );
            judge.judge("GetPagePropertyResponse", &get(path).await);
        }
        let pages = search["results"].as_array().unwrap().iter();
        for page in pages.filter(|page| page["object"] == "page").take(30) {
            let id = page["id"].as_str().unwrap();
            judge.judge(
                "ListBlockChildrenResponse",
                &get(format!("/v1/blocks/{id}/children")).await,
            );
            judge.judge("ListCommentsResponse", &get(format!("/v1/comments?block_id={id}")).await);
        }
        assert!(judge.complaints.is_empty(), "{:#?}", judge.complaints);
        assert!(judge.judged > 80);
    }
}
