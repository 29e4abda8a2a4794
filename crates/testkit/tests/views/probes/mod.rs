//! The probe list: whatever way somebody asks for what is outside a key's scope, the answer is the one for
//! a thing that does not exist, byte for byte, the ids that were asked for aside.

mod named;
mod read;
mod tools;
mod written;

use model::Role;
use notion::Id;
use serde_json::{Value, json};
use testkit::{Kit, Reply, VERSION};

/// The id that nobody has.
const NOWHERE: &str = "00e0e0e0-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
/// What no answer may hold.
const SECRET: &str = "Larkspur";

/// A key of the team, with every right there, and one of everything outside.
struct Probe {
    kit: Kit,
    key: String,
    /// A page of the team's.
    inside: Id,
    page: Id,
    block: Id,
    database: Id,
    source: Id,
    row: Id,
    template: Id,
    view: Id,
    comment: Id,
    thread: Id,
    original: Id,
    upload: Id,
}

/// The object's id.
fn id(object: &Value) -> Id {
    object["id"].as_str().and_then(Id::parse).unwrap_or_else(|| panic!("no id: {object}"))
}

fn text(content: &str) -> Value {
    json!([{ "type": "text", "text": { "content": content } }])
}

fn titled(parent: &Value, title: &str) -> Value {
    json!({ "parent": parent, "properties": { "title": { "title": text(title) } } })
}

impl Probe {
    async fn start() -> Self {
        let kit = Kit::start().await;
        let demo = kit.demo.clone();
        let key = kit.key(Role::Admin, &[demo.team_page_id]).await;
        let below = json!({ "page_id": demo.other_page_id });
        let made = async |path: &str, body: Value| kit.as_human("POST", path, body).await;
        let page = id(&made("/v1/pages", titled(&below, &format!("{SECRET} page"))).await);
        let inside = json!({ "page_id": demo.team_page_id });
        let inside = id(&made("/v1/pages", titled(&inside, "A page of the team")).await);
        let path = format!("/v1/blocks/{page}/children");
        let body = json!({ "children": [
            { "paragraph": { "rich_text": text(&format!("{SECRET} words")) } },
            { "synced_block": { "synced_from": null, "children": [
                { "paragraph": { "rich_text": text(&format!("{SECRET} original")) } },
            ] } },
        ] });
        let blocks = kit.as_human("PATCH", &path, body).await;
        let [block, original] = [0, 1].map(|at| id(&blocks["results"][at]));
        let body = json!({
            "parent": below, "title": text(&format!("{SECRET} database")),
            "initial_data_source": { "properties": { "Name": { "title": {} }, "Sum": { "number": {} } } },
        });
        let database = made("/v1/databases", body).await;
        let source = id(&database["data_sources"][0]);
        let parent = json!({ "data_source_id": source });
        let row = id(&made("/v1/pages", titled(&parent, &format!("{SECRET} row"))).await);
        let body = json!({ "data_source_id": source, "name": format!("{SECRET} template") });
        let template = id(&kit.control("POST", "templates", Some(&body)).await);
        let views = kit.direct("GET", &format!("/v1/views?data_source_id={source}"), None).await;
        let view = id(&views.json()["results"][0]);
        let body =
            json!({ "parent": { "page_id": page }, "rich_text": text(&format!("{SECRET}!")) });
        let comment = made("/v1/comments", body).await;
        let thread = comment["discussion_id"].as_str().and_then(Id::parse).unwrap();
        let body = json!({ "filename": format!("{SECRET}.txt"), "content_type": "text/plain" });
        let upload = id(&kit.post(&kit.admin, "/v1/file_uploads", &body).await.json());
        let (database, comment) = (id(&database), id(&comment));
        Self {
            kit,
            key,
            inside,
            page,
            block,
            database,
            source,
            row,
            template,
            view,
            comment,
            thread,
            original,
            upload,
        }
    }

    /// Asks for `there` and for what is nowhere: the answers are the same, and have this status.
    async fn same(
        &self,
        status: u16,
        method: &str,
        there: Id,
        ask: impl Fn(&str) -> (String, Value),
    ) {
        self.same_in(VERSION, status, method, there, ask).await;
    }

    /// The same in a version.
    async fn same_in(
        &self,
        version: &str,
        status: u16,
        method: &str,
        there: Id,
        ask: impl Fn(&str) -> (String, Value),
    ) {
        for plain in [false, true] {
            let [there, nowhere] = [there.to_string(), NOWHERE.to_owned()].map(|id| match plain {
                true => id.replace('-', ""),
                false => id,
            });
            let ours = self.ask(version, method, ask(&there)).await;
            let theirs = self.ask(version, method, ask(&nowhere)).await;
            let shown = format!("{method} {:?}: {}", ask(&there), ours.text());
            assert_eq!(bare(&ours, &there), bare(&theirs, &nowhere), "{shown}");
            assert_eq!(ours.status, status, "{shown}");
            assert!(!ours.text().contains(SECRET), "{shown}");
        }
    }

    /// Asks for `there` and for what is nowhere: the same 404.
    async fn gone(&self, method: &str, there: Id, ask: impl Fn(&str) -> (String, Value)) {
        self.same(404, method, there, ask).await;
    }

    async fn ask(&self, version: &str, method: &str, (path, body): (String, Value)) -> Reply {
        let bearer = format!("Bearer {}", self.key);
        let headers = [("authorization", bearer.as_str()), ("notion-version", version)];
        let body = (!body.is_null()).then(|| body.to_string());
        self.kit.raw(method, &path, &headers, body).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.kit.get(&self.key, path).await
    }

    async fn finish(self) {
        self.kit.finish().await;
    }
}

/// Everything of an answer but the id that was asked for and what is new in each.
fn bare(reply: &Reply, id: &str) -> (u16, String, Vec<(String, String)>) {
    let mut body = reply.json();
    body["request_id"] = Value::Null;
    let dashed = Id::parse(id).map_or_else(|| id.to_owned(), |id| id.to_string());
    let text = body.to_string().replace(&dashed, "<id>").replace(id, "<id>");
    const NEW: [&str; 4] = ["date", "content-length", "x-request-id", "x-notion-request-id"];
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .filter(|(name, _)| !NEW.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (reply.status, text, headers)
}
