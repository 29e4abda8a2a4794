//! nginx twice: as a Notion that answers at once, and as the proxy to compare with.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http;
use crate::process::{self, Background};

/// The page at the root of the pretended workspace.
pub(super) const ROOT_PAGE: &str = "0b0b0b0b-0000-4000-8000-000000000001";

/// The page below it that is asked for.
pub(super) const PAGE: &str = "0b0b0b0b-0000-4000-8000-000000000002";

/// Where the upstream says how often it was asked.
const COUNT_PATH: &str = "/requests-so-far";

/// How long an nginx may take until it serves.
const START: Duration = Duration::from_secs(10);

/// A running nginx.
pub(super) struct Nginx {
    process: Background,
    url: String,
}

impl Nginx {
    /// Pages out of the configuration, nothing behind them.
    pub(super) fn upstream(program: &Path, directory: &Path) -> Result<Self> {
        let answer = |status: u16, body: &Value| format!("return {status} '{body}';");
        let server = format!(
            "location = /v1/users/me {{ {} }}\n\
             location = /v1/pages/{ROOT_PAGE} {{ {} }}\n\
             location = /v1/pages/{PAGE} {{ {} }}\n\
             location = {COUNT_PATH} {{ stub_status; }}\n\
             location / {{ {} }}\n",
            answer(200, &bot()),
            answer(200, &page(ROOT_PAGE, &json!({ "type": "workspace", "workspace": true }), 1)),
            answer(200, &page(PAGE, &json!({ "type": "page_id", "page_id": ROOT_PAGE }), 4)),
            answer(404, &not_found()),
        );
        Self::start("upstream", program, directory, "", &server)
    }

    /// `proxy_pass` as its handbook recommends: HTTP/1.1 and connections kept.
    pub(super) fn proxy(program: &Path, directory: &Path, upstream: &Self) -> Result<Self> {
        let authority = upstream.url.trim_start_matches("http://");
        let http = format!(
            "upstream notion {{ server {authority}; keepalive 512; keepalive_requests 1000000000; }}"
        );
        let server = "location / { proxy_pass http://notion; proxy_http_version 1.1; \
                      proxy_set_header connection \"\"; }";
        Self::start("nginx", program, directory, &http, server)
    }

    fn start(
        name: &'static str,
        program: &Path,
        directory: &Path,
        http: &str,
        server: &str,
    ) -> Result<Self> {
        let directory = directory.join(name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let place = directory.display();
        let port = process::free_port()?;
        // Root would hand its workers to a user who may not reach these directories.
        let user = if process::output("id", &["-u"])? == "0" { "user root;" } else { "" };
        let configuration = format!(
            "{user}\n\
             daemon off;\n\
             worker_processes auto;\n\
             pid '{place}/nginx.pid';\n\
             error_log stderr warn;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n\
             access_log off;\n\
             default_type application/json;\n\
             keepalive_requests 1000000000;\n\
             keepalive_timeout 1h;\n\
             client_body_temp_path '{place}/body';\n\
             proxy_temp_path '{place}/proxy';\n\
             fastcgi_temp_path '{place}/fastcgi';\n\
             uwsgi_temp_path '{place}/uwsgi';\n\
             scgi_temp_path '{place}/scgi';\n\
             {http}\n\
             server {{\nlisten 127.0.0.1:{port} backlog=4096;\n{server}\n}}\n\
             }}\n"
        );
        let file = directory.join("nginx.conf");
        fs::write(&file, configuration)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new(program);
        command.arg("-p").arg(&directory).arg("-e").arg("stderr").arg("-c").arg(&file);
        let mut process = Background::start(name, &command, directory.join("nginx.log"))?;
        let url = format!("http://127.0.0.1:{port}");
        let probe = format!("{url}/v1/users/me");
        process::wait_for(&mut process, START, || http::send("GET", &probe, None, None).ok())?;
        Ok(Self { process, url })
    }

    /// How many requests the upstream has answered since it started, this one included.
    pub(super) fn answered(&self) -> Result<f64> {
        let text = http::send("GET", &format!("{}{COUNT_PATH}", self.url), None, None)?;
        // The third line holds three counts: accepted and handled connections, then requests.
        let count = text.lines().nth(2).and_then(|line| line.split_whitespace().nth(2));
        let count = count.and_then(|count| count.parse().ok());
        count.with_context(|| format!("nginx's status has no count of requests:\n{text}"))
    }

    /// Its base URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The id of the process whose children do the work.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

fn bot() -> Value {
    json!({
        "object": "user",
        "id": "0b0b0b0b-0000-4000-8000-0000000000b0",
        "name": "Benchmark",
        "avatar_url": null,
        "type": "bot",
        "bot": {
            "owner": { "type": "workspace", "workspace": true },
            "workspace_name": "Benchmark",
            "workspace_id": "0b0b0b0b-0000-4000-8000-0000000000a0",
            "workspace_limits": { "max_file_upload_size_in_bytes": 5_242_880 },
        },
        "request_id": "0b0b0b0b-0000-4000-8000-0000000000f0",
    })
}

/// A page in the shape of Notion's, about 2 KB with four texts.
fn page(id: &str, parent: &Value, texts: usize) -> Value {
    let user = json!({ "object": "user", "id": "0b0b0b0b-0000-4000-8000-0000000000c0" });
    let title: Vec<Value> = (0..texts)
        .map(|index| {
            let content = format!("Part {index} of a title that is as long as titles are. ");
            json!({
                "type": "text",
                "text": { "content": content, "link": null },
                "annotations": {
                    "bold": false, "italic": false, "strikethrough": false,
                    "underline": false, "code": false, "color": "default",
                },
                "plain_text": content,
                "href": null,
            })
        })
        .collect();
    json!({
        "object": "page",
        "id": id,
        "created_time": "2026-01-02T03:04:00.000Z",
        "last_edited_time": "2026-01-02T03:04:00.000Z",
        "created_by": user,
        "last_edited_by": user,
        "cover": null,
        "icon": { "type": "emoji", "emoji": "📈" },
        "parent": parent,
        "in_trash": false,
        "is_archived": false,
        "is_locked": false,
        "properties": { "title": { "id": "title", "type": "title", "title": title } },
        "url": format!("https://www.notion.so/Benchmark-{}", id.replace('-', "")),
        "public_url": null,
        "archived": false,
        "request_id": "0b0b0b0b-0000-4000-8000-0000000000f0",
    })
}

fn not_found() -> Value {
    json!({
        "object": "error",
        "status": 404,
        "code": "object_not_found",
        "message": "Could not find page with ID: 0b0b0b0b-0000-4000-8000-00000000ffff. Make sure \
                    the relevant pages and databases are shared with your integration.",
        "request_id": "0b0b0b0b-0000-4000-8000-0000000000f0",
    })
}
