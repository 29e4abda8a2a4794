//! Bodies of calls: random, of every operation, naming the inside, the outside and nowhere.

use notion::Operation;
use serde_json::{Value, json};

use super::caller::Caller;
use super::scene::url;

impl Caller<'_> {
    fn text(&mut self) -> Value {
        let mut runs = vec![json!({ "text": { "content": "typed" } })];
        match self.random.u8(..8) {
            0 => runs.push(json!({ "mention": { "page": { "id": self.id("page") } } })),
            1 => runs.push(json!({ "mention": { "database": { "id": self.id("database") } } })),
            2 => {
                let link = url(&self.id("page"));
                runs.push(json!({ "text": { "content": "link", "link": { "url": link } } }));
            }
            3 => runs.push(json!({ "mention": { "user": { "id": self.id("user") } } })),
            _ => {}
        }
        runs.into()
    }

    fn children(&mut self) -> Value {
        let text = self.text();
        let one = match self.random.u8(..9) {
            0 => json!({ "synced_block": { "synced_from": { "block_id": self.id("block") } } }),
            1 => json!({ "link_to_page": { "type": "page_id", "page_id": self.id("page") } }),
            2 => {
                json!({ "link_to_page": { "type": "database_id", "database_id": self.id("database") } })
            }
            3 => json!({ "bookmark": { "url": url(&self.id("page")), "caption": text } }),
            4 => json!({ "toggle": { "rich_text": text, "children": [{ "divider": {} }] } }),
            5 => {
                json!({ "synced_block": { "synced_from": null, "children": [{ "paragraph": { "rich_text": text } }] } })
            }
            6 => {
                json!({ "image": { "type": "external", "external": { "url": url(&self.id("page")) } } })
            }
            _ => json!({ "paragraph": { "rich_text": text } }),
        };
        json!([one])
    }

    fn parent(&mut self, version: &str) -> Value {
        match self.random.u8(..6) {
            0 | 1 => json!({ "page_id": self.id("page") }),
            2 | 3 if version != "2022-06-28" => json!({ "data_source_id": self.id("data_source") }),
            4 => json!({ "block_id": self.id("block") }),
            5 => json!({ "workspace": true }),
            _ => json!({ "database_id": self.id("database") }),
        }
    }

    /// A condition on some column, of the type that the column has, or of another.
    pub(crate) fn filter(&mut self) -> Value {
        let (column, kind) = self.column();
        let page = self.id("page");
        let condition = match kind {
            "title" | "rich_text" => {
                json!({ "contains": *self.random.choice(&["an", "quartz", "some"]).unwrap() })
            }
            "number" => json!({ "greater_than": 3 }),
            "select" => json!({ "equals": "opt-a" }),
            "checkbox" => json!({ "equals": true }),
            "relation" if self.random.bool() => json!({ "contains": page }),
            "relation" => json!({ "is_not_empty": true }),
            "people" | "created_by" => json!({ "contains": self.id("user") }),
            "rollup" if self.random.bool() => json!({ "number": { "greater_than": 2 } }),
            "rollup" => json!({ "any": { "rich_text": { "contains": "quartz" } } }),
            "formula" => json!({ "number": { "greater_than": 4 } }),
            _ => json!({ "is_empty": true }),
        };
        let kind = if self.random.u8(..10) == 0 { "number" } else { kind };
        let one = json!({ "property": column, kind: condition });
        match self.random.u8(..5) {
            0 => json!({ "and": [one, { "property": "N", "number": { "less_than": 8 } }] }),
            1 => {
                json!({ "or": [one, { "timestamp": "created_time", "created_time": { "is_not_empty": true } }] })
            }
            _ => one,
        }
    }

    fn sorts(&mut self) -> Value {
        let (column, _) = self.column();
        json!([{ "property": column, "direction": "descending" }])
    }

    fn properties(&mut self) -> Value {
        let mut all = json!({});
        for _ in 0..self.random.usize(0..3) {
            let (column, kind) = self.column();
            let value = match kind {
                "title" => json!({ "title": self.text() }),
                "rich_text" => json!({ "rich_text": self.text() }),
                "number" => json!({ "number": 5 }),
                "select" => json!({ "select": { "name": "opt-b" } }),
                "people" => json!({ "people": [{ "id": self.id("user") }] }),
                "checkbox" => json!({ "checkbox": true }),
                "relation" => json!({ "relation": [{ "id": self.id("page") }] }),
                _ => json!({ "number": 1 }),
            };
            all[column] = value;
        }
        all
    }

    fn schema(&mut self) -> Value {
        let (column, _) = self.column();
        let change = match self.random.u8(..8) {
            0 => Value::Null,
            1 => json!({ "name": "Renamed" }),
            2 => {
                json!({ "relation": { "data_source_id": self.id("data_source"), "single_property": {} } })
            }
            3 => {
                json!({ "relation": { "data_source_id": self.id("data_source"), "dual_property": {} } })
            }
            4 => {
                json!({ "rollup": { "relation_property_name": self.column().0, "rollup_property_name": self.column().0, "function": "show_original" } })
            }
            5 => json!({ "formula": { "expression": format!("prop(\"{}\")", self.column().0) } }),
            _ => json!({ "number": { "format": "number" } }),
        };
        let column = if self.random.bool() { column } else { "Fresh" };
        json!({ column: change })
    }

    fn view(&mut self) -> Value {
        let mut view = json!({
            "name": "Made", "type": "table", "data_source_id": self.id("data_source"),
            "database_id": self.id("database"),
        });
        match self.random.u8(..5) {
            0 => view["filter"] = self.filter(),
            1 => view["sorts"] = self.sorts(),
            2 => {
                let (column, _) = self.column();
                view["quick_filters"] = json!({ column: { "relation": { "is_not_empty": true } } });
            }
            3 => {
                let (column, _) = self.column();
                view["configuration"] = json!({ "type": "table", "properties": [{ "property_id": column, "visible": true }] });
            }
            _ => {}
        }
        view
    }

    pub(crate) fn markdown(&mut self) -> String {
        let id = url(&self.id("page"));
        match self.random.u8(..7) {
            6 => format!("by <mention-user url=\"user://{}\"/>", self.id("user")),
            0 => format!("<page url=\"{id}\">x</page>"),
            1 => format!("see <mention-page url=\"{id}\"/>"),
            2 => format!("[link]({id})"),
            3 => "# Head\n- item\n".to_owned(),
            _ => "words".to_owned(),
        }
    }

    pub(crate) fn body(&mut self, operation: &Operation, version: &'static str) -> Value {
        let flag = if version == "2026-03-11" { "in_trash" } else { "archived" };
        match operation.name {
            "post-page" => {
                let mut body =
                    json!({ "parent": self.parent(version), "properties": self.properties() });
                match self.random.u8(..5) {
                    0 => body["children"] = self.children(),
                    1 => body["markdown"] = self.markdown().into(),
                    2 if version != "2022-06-28" => {
                        let template = self.random.choice(&self.plan.templates).cloned();
                        let template = template.filter(|_| self.random.bool());
                        let id = template.unwrap_or_else(|| self.id("page"));
                        body["template"] = json!({ "type": "template_id", "template_id": id });
                    }
                    _ => {}
                }
                body
            }
            "patch-page" => match self.random.u8(..6) {
                0 => json!({ flag: true }),
                1 => json!({ flag: false }),
                2 => json!({ "icon": { "emoji": "🧪" } }),
                3 if self.random.bool() => {
                    json!({ "cover": { "type": "external", "external": { "url": url(&self.id("page")) } } })
                }
                3 => {
                    json!({ "template": { "type": "template_id", "template_id": self.id("page") } })
                }
                _ => json!({ "properties": self.properties() }),
            },
            "move-page" => json!({ "parent": self.parent(version) }),
            "update-page-markdown" => match self.random.u8(..3) {
                0 => {
                    json!({ "type": "replace_content", "replace_content": { "new_str": self.markdown() } })
                }
                _ => {
                    json!({ "type": "insert_content", "insert_content": { "content": self.markdown() } })
                }
            },
            "update-a-block" => match self.random.u8(..3) {
                0 => json!({ flag: true }),
                _ => json!({ "paragraph": { "rich_text": self.text() } }),
            },
            "patch-block-children" => {
                let mut body = json!({ "children": self.children() });
                if self.random.u8(..4) == 0 {
                    body["position"] =
                        json!({ "type": "after_block", "after_block": { "id": self.id("block") } });
                }
                body
            }
            "create-meeting-notes" => json!({
                "source": { "type": "file_upload", "file_upload_id": self.id("file_upload") },
                "parent": { "type": "page_id", "page_id": self.id("page") },
            }),
            "query-meeting-notes" => json!({ "limit": self.random.u8(1..9) }),
            "create-database" => json!({
                "parent": { "type": "page_id", "page_id": self.id("page") }, "title": self.text(),
                "initial_data_source": { "properties": { "Name": { "title": {} } } },
            }),
            "update-database" => match self.random.u8(..3) {
                0 => json!({ "parent": { "type": "page_id", "page_id": self.id("page") } }),
                1 => json!({ "title": self.text() }),
                _ => json!({ "properties": self.schema() }),
            },
            "create-a-data-source" => json!({
                "parent": { "type": "database_id", "database_id": self.id("database") },
                "properties": { "Name": { "title": {} } },
            }),
            "update-a-data-source" => match self.random.u8(..4) {
                0 => json!({ "title": self.text() }),
                1 => {
                    json!({ "parent": { "type": "database_id", "database_id": self.id("database") } })
                }
                _ => json!({ "properties": self.schema() }),
            },
            "query-data-source" | "post-database-query" => {
                let mut body = json!({});
                if self.random.u8(..3) > 0 {
                    body["filter"] = self.filter();
                }
                if self.random.u8(..4) == 0 {
                    body["sorts"] = self.sorts();
                }
                if self.random.u8(..3) == 0 {
                    body["page_size"] = self.random.u8(1..4).into();
                }
                if self.random.u8(..8) == 0 {
                    body["in_trash"] = true.into();
                }
                body
            }
            "create-view" | "update-a-view" => {
                let mut view = self.view();
                if operation.name == "update-a-view" {
                    for name in ["type", "data_source_id", "database_id"] {
                        view.as_object_mut().unwrap().shift_remove(name);
                    }
                }
                view
            }
            "post-search" => {
                let mut body = json!({});
                match self.random.u8(..6) {
                    0 => body["query"] = "quartz".into(),
                    1 => body["query"] = "plan".into(),
                    2 => body["filter"] = json!({ "property": "object", "value": "page" }),
                    3 => {
                        body["sort"] =
                            json!({ "timestamp": "last_edited_time", "direction": "ascending" })
                    }
                    _ => {}
                }
                if self.random.bool() {
                    // A drill may need a page that ends between the ends of the two worlds.
                    let is_long = !self.favours.is_empty() && self.random.bool();
                    let most = if is_long { 60 } else { 5 };
                    body["page_size"] = self.random.u8(1..most).into();
                }
                body
            }
            "create-a-comment" => match self.random.u8(..4) {
                0 => json!({ "discussion_id": self.id("discussion"), "rich_text": self.text() }),
                1 => {
                    json!({ "parent": { "block_id": self.id("block") }, "markdown": self.markdown() })
                }
                _ => json!({ "parent": { "page_id": self.id("page") }, "rich_text": self.text() }),
            },
            "update-a-comment" => json!({ "rich_text": self.text() }),
            "create-file" => json!({ "filename": "a.txt", "content_type": "text/plain" }),
            "upload-file" => {
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                 Content-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"
                    .into()
            }
            _ => json!({}),
        }
    }
}
