//! The table of tools: a row for each name of the official server.
//!
//! Arguments are said as briefly as they can be: the schemas are part of every conversation. They list what
//! Notion takes and leave it to Notion to judge what is in it, which it says in words that help.

use serde_json::{Map, Value, json};

use super::shapes::block_types;

/// One tool: one operation of Notion.
pub(super) struct Row {
    /// The official server's name.
    pub(super) name: &'static str,
    /// The operation, alone.
    pub(super) operations: &'static [&'static str],
    /// Its name for people.
    pub(super) title: &'static str,
    /// What it does, for the model.
    pub(super) description: &'static str,
    /// The arguments by name, each with its schema. (`$ref` names one of `shapes.rs`.)
    pub(super) arguments: fn() -> Value,
    /// Those that must be there.
    pub(super) required: &'static [&'static str],
    /// Those that belong into the query. Names in the path go there; everything else is the body.
    pub(super) query: &'static [&'static str],
    /// Of what changes something: whether doing it twice is like doing it once.
    pub(super) idempotent: bool,
}

impl Row {
    const fn new(
        name: &'static str,
        operations: &'static [&'static str],
        title: &'static str,
        description: &'static str,
        arguments: fn() -> Value,
    ) -> Self {
        let (required, query, idempotent) = (&[], &[], false);
        Self { name, operations, title, description, arguments, required, query, idempotent }
    }

    const fn required(mut self, required: &'static [&'static str]) -> Self {
        self.required = required;
        self
    }

    const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }
}

const PAGING: &[&str] = &["start_cursor", "page_size"];

/// All of them, in the official server's order.
#[rustfmt::skip]
pub(super) static TABLE: &[Row] = &[
    Row::new("API-get-user", &["get-user"], "Get a user", "Get a person or bot by id.", || id("user_id"))
        .required(&["user_id"]),
    Row::new("API-get-users", &["get-users"], "List users", "List the people and bots of the workspace.", paging)
        .query(PAGING),
    Row::new("API-get-self", &["get-self"], "Get own bot", "Get the bot that this connection acts as.", || json!({})),
    Row::new("API-post-search", &["post-search"], "Search by title",
        "Search pages and data sources by title. No query lists everything, last edited first.", search),
    Row::new("API-get-block-children", &["get-block-children"], "List child blocks",
        "List the blocks right inside a block or page (a page id is a block id). Blocks with has_children hold more.",
        || with_paging(&id("block_id"))).required(&["block_id"]).query(PAGING),
    Row::new("API-patch-block-children", &["patch-block-children"], "Append blocks",
        "Append up to 100 blocks to a block or page.", append).required(&["block_id", "children"]),
    Row::new("API-retrieve-a-block", &["retrieve-a-block"], "Get a block", "Get a block by id.", || id("block_id"))
        .required(&["block_id"]),
    Row::new("API-update-a-block", &["update-a-block"], "Update a block",
        "Change a block's content, given under its type, e.g. paragraph: {\"rich_text\": [...]}. Its type cannot change.",
        update_block).required(&["block_id"]).idempotent(),
    Row::new("API-delete-a-block", &["delete-a-block"], "Delete a block",
        "Move a block, page or database to the trash.", || id("block_id")).required(&["block_id"]),
    Row::new("API-retrieve-a-page", &["retrieve-a-page"], "Get a page",
        "Get a page's properties. Its content: API-retrieve-page-markdown or API-get-block-children.", page)
        .required(&["page_id"]).query(&["filter_properties"]),
    Row::new("API-patch-page", &["patch-page"], "Update a page",
        "Change a page's properties, icon, cover or lock; trash or restore it; erase its content.", update_page)
        .required(&["page_id"]).idempotent(),
    Row::new("API-post-page", &["post-page"], "Create a page",
        "Create a page in a page, or a row in a data source; content as blocks (children) or markdown.", create_page)
        .required(&["parent"]),
    Row::new("API-retrieve-a-page-property", &["retrieve-a-page-property"], "Get a page property",
        "Get one property of a page in full; those in a page end after 25 references.", page_property)
        .required(&["page_id", "property_id"]).query(PAGING),
    Row::new("API-retrieve-a-comment", &["retrieve-a-comment"], "List comments",
        "List the open comments of a page or block.", || with_paging(&id("block_id")))
        .required(&["block_id"]).query(&["block_id", "start_cursor", "page_size"]),
    Row::new("API-create-a-comment", &["create-a-comment"], "Comment",
        "Comment on a page or block (parent), or reply in a thread (discussion_id); text as rich_text or markdown.",
        comment),
    Row::new("API-query-data-source", &["query-data-source"], "Query a data source",
        "List the rows of a data source, filtered and sorted. Its columns: API-retrieve-a-data-source.", query)
        .required(&["data_source_id"]).query(&["filter_properties"]),
    Row::new("API-retrieve-a-data-source", &["retrieve-a-data-source"], "Get a data source",
        "Get a data source with its columns.", || id("data_source_id")).required(&["data_source_id"]),
    Row::new("API-update-a-data-source", &["update-a-data-source"], "Update a data source",
        "Change title, icon or columns of a data source, move or trash it.", update_data_source)
        .required(&["data_source_id"]).idempotent(),
    Row::new("API-create-a-data-source", &["create-a-data-source"], "Create a data source",
        "Add a data source to a database.", create_data_source).required(&["parent", "properties"]),
    Row::new("API-list-data-source-templates", &["list-data-source-templates"], "List templates",
        "List the page templates of a data source.", templates)
        .required(&["data_source_id"]).query(&["name", "start_cursor", "page_size"]),
    Row::new("API-retrieve-a-database", &["retrieve-a-database"], "Get a database",
        "Get a database with the ids of its data sources.", || id("database_id")).required(&["database_id"]),
    Row::new("API-move-page", &["move-page"], "Move a page", "Move a page into another page or data source.", move_page)
        .required(&["page_id", "parent"]).idempotent(),
    Row::new("API-retrieve-page-markdown", &["retrieve-page-markdown"], "Read a page as Markdown",
        "Read a page's content as Markdown. If truncated, read the unknown_block_ids as page_id.", markdown)
        .required(&["page_id"]).query(&["include_transcript"]),
    Row::new("API-update-page-markdown", &["update-page-markdown"], "Edit a page as Markdown",
        "Edit a page's content as Markdown: type names one edit, given under its name.", update_markdown)
        .required(&["page_id", "type"]),
];

fn merged(parts: &[&Value]) -> Value {
    let members = parts.iter().filter_map(|part| part.as_object()).flatten();
    Value::Object(members.map(|(name, schema)| (name.clone(), schema.clone())).collect())
}

fn id(name: &str) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), json!({ "type": "string" }))]))
}

fn paging() -> Value {
    json!({ "start_cursor": { "type": "string" }, "page_size": { "type": "integer" } })
}

fn with_paging(arguments: &Value) -> Value {
    merged(&[arguments, &paging()])
}

fn search() -> Value {
    with_paging(&json!({
        "query": { "type": "string" },
        "filter": {
            "type": "object",
            "description": "{\"property\": \"object\", \"value\": \"page\" or \"data_source\"}",
        },
        "sort": {
            "type": "object",
            "description": "{\"timestamp\": \"last_edited_time\", \"direction\": \"ascending\" or \"descending\"}",
        },
    }))
}

fn blocks() -> Value {
    json!({ "type": "array", "items": { "type": "object", "$ref": "block" } })
}

fn rich_text() -> Value {
    json!({ "type": "array", "items": { "type": "object", "$ref": "text" } })
}

fn append() -> Value {
    let mut children = blocks();
    children["description"] = "Blocks of any type, e.g. {\"type\": \"to_do\", \"to_do\": \
         {\"rich_text\": [{\"text\": {\"content\": \"...\"}}], \"checked\": false}}; nested at most 2 deep."
        .into();
    json!({
        "block_id": { "type": "string" },
        "children": children,
        "after": { "type": "string", "description": "Id of the block to append after." },
        "position": {
            "type": "object",
            "description": "Instead of after: {\"type\": \"start\"}, {\"type\": \"end\"} or \
                            {\"type\": \"after_block\", \"after_block\": {\"id\": ...}}",
        },
    })
}

fn update_block() -> Value {
    let mut arguments = id("block_id");
    if let Some(members) = arguments.as_object_mut() {
        members.extend(block_types());
    }
    let trash = json!({ "in_trash": { "type": "boolean" }, "archived": { "type": "boolean" } });
    merged(&[&arguments, &trash])
}

fn filter_properties() -> Value {
    json!({
        "type": "array",
        "items": { "type": "string" },
        "description": "Names or ids of the only properties to return.",
    })
}

fn page() -> Value {
    json!({ "page_id": { "type": "string" }, "filter_properties": filter_properties() })
}

fn icon() -> Value {
    json!({
        "type": ["object", "null"],
        "description": "{\"emoji\": ...}, {\"external\": {\"url\": ...}}, {\"file_upload\": {\"id\": ...}} or \
                        {\"custom_emoji\": {\"id\": ...}}",
    })
}

fn cover() -> Value {
    json!({
        "type": ["object", "null"],
        "description": "{\"external\": {\"url\": ...}} or {\"file_upload\": {\"id\": ...}}",
    })
}

fn values() -> Value {
    json!({
        "type": "object",
        "$ref": "values",
        "description": "Values by property name or id, e.g. {\"Name\": {\"title\": [{\"text\": {\"content\": \
                        \"...\"}}]}, \"Done\": {\"checkbox\": true}}",
    })
}

fn template() -> Value {
    json!({
        "type": "object",
        "description": "{\"type\": \"default\"} or {\"type\": \"template_id\", \"template_id\": ...}",
    })
}

fn update_page() -> Value {
    json!({
        "page_id": { "type": "string" },
        "properties": values(),
        "icon": icon(),
        "cover": cover(),
        "in_trash": { "type": "boolean" },
        "archived": { "type": "boolean" },
        "is_archived": { "type": "boolean" },
        "is_locked": { "type": "boolean" },
        "template": template(),
        "erase_content": { "type": "boolean" },
    })
}

fn create_page() -> Value {
    json!({
        "parent": {
            "type": "object",
            "description": "{\"page_id\": ...}, {\"data_source_id\": ...}, {\"database_id\": ...} or {\"workspace\": true}",
        },
        "properties": values(),
        "children": blocks(),
        "markdown": { "type": "string" },
        "icon": icon(),
        "cover": cover(),
        "template": template(),
        "position": {
            "type": "object",
            "description": "{\"type\": \"page_start\"}, {\"type\": \"page_end\"} or \
                            {\"type\": \"after_block\", \"after_block\": {\"id\": ...}}",
        },
    })
}

fn page_property() -> Value {
    with_paging(&json!({
        "page_id": { "type": "string" },
        "property_id": { "type": "string", "description": "As the page shows it." },
    }))
}

fn comment() -> Value {
    json!({
        "parent": { "type": "object", "description": "{\"page_id\": ...} or {\"block_id\": ...}" },
        "discussion_id": { "type": "string" },
        "rich_text": rich_text(),
        "markdown": { "type": "string" },
        "attachments": {
            "type": "array",
            "items": { "type": "object" },
            "description": "[{\"file_upload_id\": ...}]",
        },
        "display_name": { "type": "object" },
    })
}

fn query() -> Value {
    with_paging(&json!({
        "data_source_id": { "type": "string" },
        "filter": {
            "type": "object",
            "$ref": "filter",
            "description": "E.g. {\"and\": [{\"property\": \"Done\", \"checkbox\": {\"equals\": false}}, \
                            {\"timestamp\": \"created_time\", \"created_time\": {\"past_week\": {}}}]}",
        },
        "sorts": {
            "type": "array",
            "items": { "type": "object" },
            "description": "[{\"property\": ... or \"timestamp\": ..., \"direction\": \"ascending\"}]",
        },
        "filter_properties": filter_properties(),
        "in_trash": { "type": "boolean" },
        "archived": { "type": "boolean" },
        "is_archived": { "type": "boolean" },
        "result_type": { "type": "string", "enum": ["page", "data_source"] },
    }))
}

fn columns(description: &str) -> Value {
    json!({ "type": "object", "$ref": "columns", "description": description })
}

fn update_data_source() -> Value {
    json!({
        "data_source_id": { "type": "string" },
        "title": rich_text(),
        "description": rich_text(),
        "properties": columns(
            "Columns by name or id: {\"type\": {...}} adds or changes, {\"name\": ...} renames, null removes. \
             Options that are left out vanish.",
        ),
        "icon": icon(),
        "parent": { "type": "object", "description": "{\"database_id\": ...}" },
        "in_trash": { "type": "boolean" },
        "archived": { "type": "boolean" },
    })
}

fn create_data_source() -> Value {
    json!({
        "parent": { "type": "object", "description": "{\"database_id\": ...}" },
        "properties": columns(
            "Columns by name, one of them the title, e.g. {\"Name\": {\"title\": {}}, \"Tags\": \
             {\"multi_select\": {\"options\": [{\"name\": \"a\"}]}}}",
        ),
        "title": rich_text(),
        "description": rich_text(),
        "icon": icon(),
    })
}

fn templates() -> Value {
    with_paging(&json!({
        "data_source_id": { "type": "string" },
        "name": { "type": "string", "description": "Part of the name." },
    }))
}

fn move_page() -> Value {
    json!({
        "page_id": { "type": "string" },
        "parent": {
            "type": "object",
            "description": "{\"page_id\": ...} or {\"data_source_id\": ...}",
        },
    })
}

fn markdown() -> Value {
    json!({
        "page_id": { "type": "string" },
        "include_transcript": {
            "type": "boolean",
            "description": "With the transcripts of meeting notes.",
        },
    })
}

fn update_markdown() -> Value {
    let text = json!({ "type": "string" });
    let deletes = json!({
        "type": "boolean",
        "description": "Whether child pages and databases may go.",
    });
    json!({
        "page_id": text,
        "type": {
            "type": "string",
            "enum": ["replace_content", "update_content", "insert_content", "replace_content_range"],
            "description": "Prefer the first two; the others are deprecated.",
        },
        "replace_content": {
            "type": "object",
            "properties": { "new_str": text, "allow_deleting_content": deletes },
        },
        "update_content": {
            "type": "object",
            "properties": {
                "content_updates": {
                    "type": "array",
                    "maxItems": 100,
                    "items": {
                        "type": "object",
                        "properties": {
                            "old_str": text,
                            "new_str": text,
                            "replace_all_matches": { "type": "boolean" },
                        },
                        "required": ["old_str", "new_str"],
                    },
                },
                "allow_deleting_content": { "type": "boolean" },
            },
        },
        "insert_content": {
            "type": "object",
            "properties": {
                "content": text,
                "after": { "type": "string", "description": "\"start...end\" of the text before." },
                "position": { "type": "object", "description": "{\"type\": \"start\" or \"end\"}" },
            },
        },
        "replace_content_range": {
            "type": "object",
            "properties": {
                "content": text,
                "content_range": { "type": "string", "description": "\"start...end\" of the old text." },
                "allow_deleting_content": { "type": "boolean" },
            },
        },
    })
}
