//! Every operation once, in each version that has it, so that L0 has an answer of each to judge.

use anyhow::bail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bench::Bench;
use super::conditions::Conditions;

const VERSIONS: [&str; 3] = ["2022-06-28", "2025-09-03", "2026-03-11"];

/// One version's walk.
struct Tour<'a> {
    bench: &'a Bench<'a>,
    token: &'a str,
    version: &'static str,
    refused: Vec<String>,
}

/// Walks through all operations; what should succeed must.
pub(super) fn run(conditions: &Conditions) -> anyhow::Result<()> {
    let mut refused = Vec::new();
    for version in VERSIONS {
        let (bench, demo) = Bench::demo(conditions)?;
        let token = &demo.tokens.full;
        let mut tour = Tour { bench: &bench, token, version, refused: Vec::new() };
        let page = demo.team_page_id.to_string();
        let (source, database) = (demo.data_source_id.to_string(), demo.database_id.to_string());
        tour.pages(&page);
        tour.markdown(&page);
        tour.comments(&page);
        tour.files(&page);
        tour.databases(&page, &database);
        if version != VERSIONS[0] {
            tour.data_sources(&page, &source);
            tour.views(&source, &database);
        }
        tour.oauth(&page)?;
        refused.append(&mut tour.refused);
    }
    if !refused.is_empty() {
        bail!("the sandbox refused what it should do:\n{}", refused.join("\n"));
    }
    Ok(())
}

impl Tour<'_> {
    fn call(&mut self, method: &str, path: &str, body: Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &format!("Bearer {}", self.token), "application/json", &text)
    }

    fn send(&mut self, method: &str, path: &str, who: &str, kind: &str, body: &str) -> Value {
        let headers =
            [("authorization", who), ("notion-version", self.version), ("content-type", kind)];
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (status, answer) = self.bench.block_on(self.bench.send(method, path, &headers, body));
        if status >= 300 {
            self.refused.push(format!("{} {method} {path}: {status} {answer}", self.version));
        }
        answer
    }

    fn pages(&mut self, parent: &str) {
        let title = |text: &str| json!({"title": {"title": [{"text": {"content": text}}]}});
        let paragraph = json!({"paragraph": {"rich_text": [{"text": {"content": "a"}}]}});
        let body = json!({"parent": {"page_id": parent}, "properties": title("A"), "children": [paragraph]});
        let page = id(&self.call("POST", "/v1/pages", body));
        let path = format!("/v1/pages/{page}");
        self.call("GET", &path, Value::Null);
        self.call("PATCH", &path, json!({"properties": title("B")}));
        self.call("GET", &format!("{path}/properties/title"), Value::Null);
        if self.version != VERSIONS[0] {
            let other = json!({"parent": {"page_id": parent}, "properties": title("C")});
            let other = id(&self.call("POST", "/v1/pages", other));
            self.call("POST", &format!("{path}/move"), json!({"parent": {"page_id": other}}));
        }
        let children = format!("/v1/blocks/{page}/children");
        let added = self.call("PATCH", &children, json!({"children": [paragraph]}));
        self.call("GET", &children, Value::Null);
        let block = format!("/v1/blocks/{}", id(&added["results"][0]));
        self.call("GET", &block, Value::Null);
        self.call("PATCH", &block, json!({"paragraph": {"rich_text": []}}));
        self.call("DELETE", &block, Value::Null);
        self.call("POST", "/v1/search", json!({"page_size": 5}));
        let users = self.call("GET", "/v1/users", Value::Null);
        self.call("GET", &format!("/v1/users/{}", id(&users["results"][0])), Value::Null);
        self.call("GET", "/v1/users/me", Value::Null);
        self.call("GET", "/v1/custom_emojis", Value::Null);
    }

    fn markdown(&mut self, parent: &str) {
        let body = json!({"parent": {"page_id": parent}, "markdown": "# Title\ntext\n"});
        let page = id(&self.call("POST", "/v1/pages", body));
        let path = format!("/v1/pages/{page}/markdown");
        self.call("GET", &path, Value::Null);
        let replace = json!({"type": "replace_content", "replace_content": {"new_str": "new"}});
        self.call("PATCH", &path, replace.clone());
        let mut later = replace;
        later["allow_async"] = json!(true);
        let task = id(&self.call("PATCH", &path, later));
        let task = format!("/v1/async_tasks/{task}");
        self.call("GET", &task, Value::Null);
        let _ = self.bench.control("clock", &json!({"advance_ms": 60_000}));
        self.call("GET", &task, Value::Null);
    }

    fn comments(&mut self, page: &str) {
        let text = json!([{"text": {"content": "a"}}]);
        let body = json!({"parent": {"page_id": page}, "rich_text": text});
        let comment = format!("/v1/comments/{}", id(&self.call("POST", "/v1/comments", body)));
        self.call("GET", &format!("/v1/comments?block_id={page}"), Value::Null);
        self.call("GET", &comment, Value::Null);
        self.call("PATCH", &comment, json!({"rich_text": text}));
        self.call("DELETE", &comment, Value::Null);
    }

    fn files(&mut self, page: &str) {
        let body = json!({"filename": "a.mp3", "content_type": "audio/mpeg"});
        let upload = id(&self.call("POST", "/v1/file_uploads", body));
        self.part(&upload, None);
        self.call("GET", &format!("/v1/file_uploads/{upload}"), Value::Null);
        self.call("GET", "/v1/file_uploads", Value::Null);
        let body = json!({"mode": "multi_part", "filename": "a.mp3", "number_of_parts": 1});
        let several = id(&self.call("POST", "/v1/file_uploads", body));
        self.part(&several, Some("1"));
        self.call("POST", &format!("/v1/file_uploads/{several}/complete"), Value::Null);
        let body = json!({
            "source": {"type": "file_upload", "file_upload_id": upload},
            "parent": {"type": "page_id", "page_id": page},
        });
        self.call("POST", "/v1/blocks/meeting_notes", body);
        self.call("POST", "/v1/blocks/meeting_notes/query", json!({}));
    }

    fn part(&mut self, upload: &str, number: Option<&str>) {
        let mut body =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\
             Content-Type: audio/mpeg\r\n\r\nsound\r\n"
                .to_owned();
        if let Some(number) = number {
            body.push_str("--b\r\nContent-Disposition: form-data; name=\"part_number\"\r\n\r\n");
            body.push_str(number);
            body.push_str("\r\n");
        }
        body.push_str("--b--\r\n");
        let path = format!("/v1/file_uploads/{upload}/send");
        let who = format!("Bearer {}", self.token);
        self.send("POST", &path, &who, "multipart/form-data; boundary=b", &body);
    }

    fn databases(&mut self, page: &str, demo: &str) {
        let schema = json!({"Name": {"title": {}}});
        let mut body = json!({"parent": {"type": "page_id", "page_id": page}});
        if self.version == VERSIONS[0] {
            body["properties"] = schema;
            self.call("POST", &format!("/v1/databases/{demo}/query"), json!({"page_size": 3}));
        } else {
            body["initial_data_source"] = json!({"properties": schema});
        }
        let database = id(&self.call("POST", "/v1/databases", body));
        let path = format!("/v1/databases/{database}");
        self.call("GET", &path, Value::Null);
        let title = json!([{"text": {"content": "T"}}]);
        self.call("PATCH", &path, json!({"title": title}));
    }

    fn data_sources(&mut self, page: &str, demo: &str) {
        let body = json!({"parent": {"type": "page_id", "page_id": page}});
        let database = id(&self.call("POST", "/v1/databases", body));
        let schema = json!({"Name": {"title": {}}});
        let body = json!({"parent": {"database_id": database}, "properties": schema});
        let source = id(&self.call("POST", "/v1/data_sources", body));
        let path = format!("/v1/data_sources/{source}");
        self.call("GET", &path, Value::Null);
        self.call("PATCH", &path, json!({"properties": {"N": {"number": {}}}}));
        self.call("POST", &format!("/v1/data_sources/{demo}/query"), json!({"page_size": 3}));
        self.call("GET", &format!("/v1/data_sources/{demo}/templates"), Value::Null);
    }

    fn views(&mut self, source: &str, database: &str) {
        let body = json!({
            "data_source_id": source,
            "database_id": database,
            "name": "V",
            "type": "table",
            "filter": {"property": "Estimate", "number": {"greater_than": 0}},
        });
        let view = id(&self.call("POST", "/v1/views", body));
        let path = format!("/v1/views/{view}");
        self.call("GET", &format!("/v1/views?database_id={database}"), Value::Null);
        self.call("GET", &path, Value::Null);
        self.call("PATCH", &path, json!({"name": "W"}));
        let query = self.call("POST", &format!("{path}/queries"), json!({"page_size": 2}));
        let query = format!("{path}/queries/{}", id(&query));
        self.call("GET", &query, Value::Null);
        self.call("DELETE", &query, Value::Null);
        self.call("DELETE", &path, Value::Null);
    }

    fn oauth(&mut self, page: &str) -> anyhow::Result<()> {
        let redirect = "http://127.0.0.1:1/callback";
        let app =
            json!({"name": "App", "redirect_uris": [redirect], "capabilities": ["read_content"]});
        let app = self.bench.control("oauth/clients", &app)?;
        let text = |name: &str| app[name].as_str().unwrap_or_default().to_owned();
        let (client, secret) = (text("client_id"), text("client_secret"));
        let query = format!(
            "client_id={client}&redirect_uri={redirect}&response_type=code&owner=user\
             &_sandbox_approve=1&_sandbox_pages={page}"
        );
        let location = self.bench.location(&format!("/v1/oauth/authorize?{query}"));
        let Some((_, code)) = location.split_once("code=") else {
            bail!("approval led to `{location}`");
        };
        let code = code.split('&').next().unwrap_or_default();
        let who = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        let body =
            json!({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect});
        let kind = "application/json";
        let pair = self.send("POST", "/v1/oauth/token", &who, kind, &body.to_string());
        let body = json!({"token": pair["access_token"]}).to_string();
        self.send("POST", "/v1/oauth/introspect", &who, kind, &body);
        self.send("POST", "/v1/oauth/revoke", &who, kind, &body);
        Ok(())
    }
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_default().to_owned()
}
