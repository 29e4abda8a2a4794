//! Input that is wrong, and input that is nonsense: Notion's own error, nothing sent on, and a gate
//! that is still there.

use std::io::Write;
use std::net::TcpStream;

use notion::catalogue::OPERATIONS;
use serde_json::json;

use crate::harness::*;
use crate::http::{self, Answer};

/// Checks that an answer is an error, and that Notion was not asked.
struct Watch<'a> {
    gate: &'a Gate,
    calls: usize,
}

impl<'a> Watch<'a> {
    fn new(gate: &'a Gate) -> Self {
        Self { gate, calls: calls(gate.sandbox_url()).len() }
    }

    #[track_caller]
    fn nothing_arrived(&self, what: &str) {
        let calls = calls(self.gate.sandbox_url());
        assert_eq!(calls.len(), self.calls, "{what}: sent on: {:?}", calls.last());
    }

    #[track_caller]
    fn expect(&self, what: &str, bytes: &[u8], status: u16, code: &str) -> Answer {
        let answer = http::send(self.gate.address(), bytes);
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        answer.expect_notion_error(status, code);
        self.nothing_arrived(what);
        answer
    }
}

fn authorization(value: &str) -> (&str, &str) {
    ("Authorization", value)
}

fn deep(levels: usize) -> String {
    format!("{}1{}", "{\"a\":[".repeat(levels / 2), "]}".repeat(levels / 2))
}

#[test]
fn bodies() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let watch = Watch::new(&gate);
    let page = format!("/v1/pages/{TEAM_PAGE}");
    let large = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length)).into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("600 KB", large(600 * 1024), "validation_error"),
        ("20 MB", large(20 * 1024 * 1024), "validation_error"),
        ("200 levels", deep(200).into_bytes(), "invalid_json"),
        ("100,000 levels", deep(100_000).into_bytes(), "invalid_json"),
        ("open brackets", "[".repeat(100_000).into_bytes(), "invalid_json"),
        ("truncated", b"{\"icon\":{\"emoji\":".to_vec(), "invalid_json"),
        ("no JSON", b"icon=fire".to_vec(), "invalid_json"),
        ("XML", b"<page/>".to_vec(), "invalid_json"),
        ("two values", b"{} {}".to_vec(), "invalid_json"),
        ("a comma too much", b"{\"a\":1,}".to_vec(), "invalid_json"),
        ("NaN", b"{\"a\":NaN}".to_vec(), "invalid_json"),
        ("no UTF-8", b"{\"a\":\"\xff\xfe\"}".to_vec(), "invalid_json"),
        ("half a surrogate pair", b"{\"a\":\"\\ud800\"}".to_vec(), "invalid_json"),
        ("a zero byte", b"\0".to_vec(), "invalid_json"),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec(), "invalid_json"),
    ];
    let bearers = [&gate.admin, &gate.editor()].map(|key| format!("Bearer {key}"));
    for (what, body, code) in &cases {
        for bearer in &bearers {
            let headers = [
                ("Authorization", bearer.as_str()),
                ("Notion-Version", VERSION),
                ("Content-Type", "application/json"),
            ];
            for (method, path) in
                [("PATCH", page.as_str()), ("POST", "/v1/pages"), ("POST", "/v1/search")]
            {
                let bytes = http::request(method, path, &headers, Some(body));
                watch.expect(&format!("{what}, {method} {path}"), &bytes, 400, code);
            }
        }
    }
    // Longer than the length that it announces cannot be; shorter is cut off by us.
    let bearer = &bearers[0];
    let head = format!(
        "PATCH {page} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nNotion-Version: {VERSION}\r\n\
         Content-Length: 1000\r\n\r\n{{\"icon\":"
    );
    let mut stream = TcpStream::connect(gate.address()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    if let Some(answer) = http::read_answer(&mut stream) {
        answer.expect_notion_error(400, "invalid_json");
    }
    watch.nothing_arrived("a body that is cut off");

    // A body without an end: as soon as it is too large, it is over.
    for bearer in &bearers {
        let head = format!(
            "POST /v1/search HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\n\
             Notion-Version: {VERSION}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let mut stream = TcpStream::connect(gate.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
        let mut chunks = 0;
        while chunks < 1000 && stream.write_all(chunk.as_bytes()).is_ok() {
            chunks += 1;
            if chunks == 16 {
                break;
            }
        }
        let answer = http::read_answer(&mut stream).expect("an answer");
        answer.expect_notion_error(400, "validation_error");
        watch.nothing_arrived("a body without an end");
    }
    gate.expect_intact();
}

#[test]
fn a_body_on_reads_does_no_harm() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let page = format!("/v1/pages/{TEAM_PAGE}");
    // Some clients send an empty object with everything.
    for key in [&gate.admin, &gate.viewer()] {
        gate.v1("GET", &page, key, Some(json!({}))).expect(200);
        let answer = gate.v1("GET", &page, key, Some(json!({ "in_trash": true })));
        assert!([200, 400].contains(&answer.status), "{}", answer.text());
        let page = gate.v1("GET", &page, key, None).expect(200);
        assert_eq!(page["in_trash"], false, "{page}");
    }
}

#[test]
fn headers() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let watch = Watch::new(&gate);
    let admin = format!("Bearer {}", gate.admin);
    let viewer = format!("Bearer {}", gate.viewer());
    let token = gate.ready["sandbox"]["tokens"]["full"].as_str().unwrap();
    let of_notion = format!("Bearer {token}");
    let almost = format!("Bearer {}x", &gate.admin[..gate.admin.len() - 1]);
    let bare = gate.admin.clone();
    let basic = format!("Basic {}", gate.admin);
    let twice = format!("{admin}, {admin}");
    let comma = format!("Bearer {},", gate.admin);
    let version = ("Notion-Version", VERSION);
    let refused: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("no key", vec![version]),
        ("two keys", vec![authorization(&admin), authorization(&viewer), version]),
        ("the same key twice", vec![authorization(&admin), authorization(&admin), version]),
        ("two in one", vec![authorization(&twice), version]),
        ("an empty bearer", vec![authorization("Bearer "), version]),
        ("only a scheme", vec![authorization("Bearer"), version]),
        ("nothing", vec![authorization(""), version]),
        ("another scheme", vec![authorization(&basic), version]),
        ("no scheme", vec![authorization(&bare), version]),
        ("a token of Notion", vec![authorization(&of_notion), version]),
        ("a key with a wrong end", vec![authorization(&almost), version]),
        ("a comma", vec![authorization(&comma), version]),
        ("no ASCII", vec![authorization("Bearer ñgk_ü"), version]),
    ];
    for (what, headers) in &refused {
        for path in ["/v1/users/me", "/v1/search"] {
            let method = if path == "/v1/search" { "POST" } else { "GET" };
            let bytes = http::request(method, path, headers, None);
            let answer = watch.expect(what, &bytes, 401, "unauthorized");
            assert!(answer.header("x-notegate-reason").is_some(), "{what}");
        }
        let answer =
            http::send(gate.address(), &http::request("GET", "/api/v1/keys", headers, None));
        assert_eq!(answer.status, 401, "{what}");
        answer.expect_problem();
    }

    let long = "2".repeat(2000);
    for (what, headers) in [
        ("no version", vec![]),
        ("an unknown version", vec![("Notion-Version", "1999-01-01")]),
        ("two versions", vec![version, ("Notion-Version", "2022-06-28")]),
        ("the same version twice", vec![version, version]),
        ("an empty version", vec![("Notion-Version", "")]),
        ("a long version", vec![("Notion-Version", long.as_str())]),
        ("a version with a tail", vec![("Notion-Version", "2025-09-03; drop")]),
    ] {
        let headers = [vec![authorization(&admin)], headers].concat();
        let bytes = http::request("GET", "/v1/users/me", &headers, None);
        let answer = watch.expect(what, &bytes, 400, "missing_version");
        assert!(answer.body.len() < 2000, "{what}");
    }

    // A head that is too large never becomes a request: HTTP's own error, without a body.
    let huge = "x".repeat(1024 * 1024);
    let headers = [authorization(&admin), version, ("X-Huge", huge.as_str())];
    let answer = http::send(gate.address(), &http::request("GET", "/v1/users/me", &headers, None));
    assert_eq!(answer.status, 431);
    let names: Vec<String> = (0..300).map(|number| format!("X-{number}")).collect();
    let mut many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    many.extend([authorization(&admin), version]);
    let answer = http::send(gate.address(), &http::request("GET", "/v1/users/me", &many, None));
    assert_eq!(answer.status, 431);
    watch.nothing_arrived("a huge head");

    // Two lengths, or a length and chunks: no request that two readers could read in two ways.
    for framing in [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: +2",
        "Transfer-Encoding: xchunked",
    ] {
        let bytes = format!(
            "POST /v1/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {admin}\r\n\
             Notion-Version: {VERSION}\r\n{framing}\r\n\r\n{{}}x"
        );
        if let Some(answer) = http::try_send(gate.address(), bytes.as_bytes()) {
            assert_eq!(answer.status, 400, "{framing}: {}", answer.text());
        }
        watch.nothing_arrived(framing);
    }
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
}

#[test]
fn paths_and_methods() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let watch = Watch::new(&gate);
    let keys = [gate.admin.clone(), gate.viewer()];
    let plain = TEAM_PAGE.replace('-', "");
    let long = "a".repeat(4000);
    let unknown: Vec<(&str, String)> = vec![
        ("GET", "/v1".into()),
        ("GET", "/v1/".into()),
        ("GET", "/v1/nothing".into()),
        ("GET", "/v1/pages".into()),
        ("GET", "/v1/pages/".into()),
        ("GET", "/v1//pages".into()),
        ("GET", format!("/v1/pages/{plain}/")),
        ("GET", format!("/v1/pages//{plain}")),
        ("GET", format!("/v1/pages/{plain}/nothing")),
        ("GET", format!("/v1/./pages/{plain}")),
        ("GET", format!("/v1/pages/../pages/{plain}")),
        ("GET", "/v1/pages/..".into()),
        ("GET", "/v1/pages/.".into()),
        ("GET", "/v1/pages/...".into()),
        ("GET", "/v1/pages/%2e%2e".into()),
        ("GET", "/v1/pages/%2E%2e/users/me".into()),
        ("GET", "/v1/pages/.%2e/users".into()),
        ("GET", "/v1/pages/%2e%2e%2fusers%2fme".into()),
        ("GET", "/v1/pages/..%2fusers".into()),
        ("GET", format!("/v1/pages/{plain}%2fproperties%2ftitle")),
        ("GET", format!("/v1/pages/{plain}%2Fmarkdown")),
        ("GET", format!("/v1/pages/{plain}%5c..%5cusers")),
        ("GET", format!("/v1/pages/{plain}%00")),
        ("GET", format!("/v1/pages/{plain}%0d%0aX-Evil:%201")),
        ("GET", format!("/v1/pages/{long}")),
        ("GET", format!("/v1/{long}/{long}")),
        ("GET", "/v1/pages/%ff%fe".into()),
        ("GET", "/v1/pages/%".into()),
        ("GET", "/v1/pages/%zz".into()),
        ("GET", format!("/v1/pages/{}", "/".repeat(1000))),
        ("GET", "/v1/_sandbox/state".into()),
        ("GET", "/v1/../_sandbox/state".into()),
        ("POST", "/v1/%2e%2e/_sandbox/reset".into()),
        ("PUT", format!("/v1/pages/{plain}")),
        ("POST", format!("/v1/pages/{plain}")),
        ("DELETE", format!("/v1/pages/{plain}")),
        ("OPTIONS", format!("/v1/pages/{plain}")),
        ("TRACE", "/v1/users/me".into()),
        ("BREW", "/v1/users/me".into()),
        ("get", "/v1/users/me".into()),
        ("GET", "/v1/search".into()),
    ];
    for (method, path) in &unknown {
        for key in &keys {
            let answer = http::send(gate.address(), &v1(method, path, key, None));
            let what = format!("{method} {path}");
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            let body = answer.expect_notion_shape();
            let code = body["code"].as_str().unwrap();
            assert!(["invalid_request_url", "validation_error"].contains(&code), "{what}: {body}");
            watch.nothing_arrived(&what);
        }
    }
    // Ids that are none.
    for id in
        ["x", "123", &plain[..31], "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "%20", &format!("{plain}0")]
    {
        for path in [
            format!("/v1/pages/{id}"),
            format!("/v1/blocks/{id}/children"),
            format!("/v1/databases/{id}"),
            format!("/v1/data_sources/{id}"),
            format!("/v1/comments?block_id={id}"),
        ] {
            for key in &keys {
                let answer =
                    watch.expect(&path, &v1("GET", &path, key, None), 400, "validation_error");
                assert!(answer.text().contains("should be a valid uuid"), "{}", answer.text());
            }
        }
    }
    // Ids of another kind of object: Notion's to judge for who may see it, and never a way around.
    let outside = OTHER_PAGE;
    for path in [
        format!("/v1/databases/{outside}"),
        format!("/v1/data_sources/{outside}"),
        format!("/v1/blocks/{outside}"),
        format!("/v1/pages/{NOTHING}"),
        format!("/v1/comments?block_id={outside}"),
        format!("/v1/comments?block_id={TEAM_PAGE}&block_id={outside}"),
        format!("/v1/blocks/{outside}/children"),
    ] {
        let answer = gate.v1("GET", &path, &keys[1], None);
        answer.expect_notion_error(404, "object_not_found");
        assert!(answer.header("x-notegate-reason").is_none(), "a scope never tells: {path}");
    }

    // An absolute address in the request line leads to nobody else.
    let elsewhere = dead_address();
    let target = format!("http://{elsewhere}/v1/users/me");
    gate.v1("GET", &target, &gate.admin, None).expect(200);

    // Outside of /v1: problem details.
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/v1x", 404),
        ("GET", "/V1/users/me", 404),
        ("GET", "//v1/users/me", 404),
        ("GET", "/api", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/keys/", 404),
        ("GET", "/api/v1/keys/nothing", 404),
        ("GET", "/api/v1/keys/%2e%2e", 404),
        ("GET", "/api/v1/keys/%ff", 400),
        ("DELETE", "/api/v1/keys/%ff", 400),
        ("GET", "/api/v1/pages/%ff", 400),
        ("GET", "/api/v1/pages/x", 400),
        ("GET", "/api/v1/pages/%2e%2e%2fusers", 400),
        ("PUT", "/api/v1/keys", 405),
        ("PATCH", "/api/v1/pages", 405),
        ("POST", "/api/v1/audit", 405),
        ("POST", "/metrics", 405),
        ("DELETE", "/health", 405),
        ("OPTIONS", "/api/v1/keys", 405),
    ] {
        let answer = gate.api(method, path, &gate.admin, None);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.expect_problem();
    }
    for (path, body) in [
        ("/api/v1/keys", "{"),
        ("/api/v1/keys", ""),
        ("/api/v1/keys", "[]"),
        ("/api/v1/pages", "{"),
        ("/api/v1/pages", "{}"),
        ("/api/v1/pages", "{\"parent\":\"nowhere\"}"),
        ("/api/v1/pages", "{\"parent\":7}"),
    ] {
        let bearer = format!("Bearer {}", gate.admin);
        for kind in ["application/json", "text/plain"] {
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
            let bytes = http::request("POST", path, &headers, Some(body.as_bytes()));
            let answer = http::send(gate.address(), &bytes);
            assert!((400..500).contains(&answer.status), "{path} {body}: {}", answer.text());
            answer.expect_problem();
        }
    }
}

/// xorshift64*: the same nonsense every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn segment(&mut self) -> String {
        const SEGMENTS: &[&str] = &[
            "pages",
            "blocks",
            "databases",
            "data_sources",
            "users",
            "me",
            "comments",
            "search",
            "file_uploads",
            "views",
            "children",
            "properties",
            "query",
            "markdown",
            "move",
            "templates",
            "send",
            "complete",
            "keys",
            "audit",
            "verify",
            "export",
            "title",
            "openapi.json",
            TEAM_PAGE,
            OTHER_PAGE,
            ROOT_PAGE,
            DATABASE,
            DATA_SOURCE,
            NOTHING,
            "..",
            ".",
            "%2e%2e",
            "%2f",
            "%00",
            "%ff",
            "a%20b",
            "%F0%9F%94%A5",
            "~",
            "*",
            "a;b=c",
            "@",
        ];
        match self.below(20) {
            0 => "x".repeat(self.below(500)),
            1 => (0..self.below(12)).map(|_| format!("%{:02x}", self.below(256))).collect(),
            _ => self.one(SEGMENTS).to_owned(),
        }
    }

    /// A path of the template, its parameters filled in.
    fn path_of(&mut self, template: &str) -> String {
        const IDS: &[&str] = &[TEAM_PAGE, OTHER_PAGE, ROOT_PAGE, DATABASE, DATA_SOURCE, NOTHING];
        let part = |part: &str| match part.starts_with('{') {
            true if self.below(8) == 0 => self.segment(),
            true => self.one(IDS).to_owned(),
            false => part.to_owned(),
        };
        template.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    fn query(&mut self) -> String {
        const NAMES: &[&str] = &[
            "page_size",
            "start_cursor",
            "block_id",
            "limit",
            "cursor",
            "object",
            "result",
            "format",
            "filter_properties",
            "filter_properties[]",
            "principal",
            "x",
            "%ff",
            "",
        ];
        let mut query = String::new();
        for _ in 0..self.below(4) {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(self.one(NAMES));
            if self.below(5) > 0 {
                query.push('=');
                let value = match self.below(6) {
                    0 => "1".to_owned(),
                    1 => "-1".to_owned(),
                    2 => "99999999999999999999".to_owned(),
                    3 => "csv".to_owned(),
                    _ => self.segment(),
                };
                query.push_str(&value);
            }
        }
        query
    }

    fn json(&mut self, depth: usize) -> String {
        const NAMES: &[&str] = &[
            "parent",
            "page_id",
            "database_id",
            "data_source_id",
            "block_id",
            "properties",
            "title",
            "children",
            "type",
            "paragraph",
            "rich_text",
            "text",
            "content",
            "icon",
            "emoji",
            "in_trash",
            "archived",
            "filter",
            "property",
            "sorts",
            "page_size",
            "start_cursor",
            "query",
            "after",
            "position",
            "name",
            "role",
            "within",
            "expires_in",
            "capabilities",
            "budget",
            "object",
            "value",
            "discussion_id",
            "markdown",
            "workspace",
            "relation",
            "id",
        ];
        const VALUES: &[&str] = &[
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1e308",
            "1e-400",
            "18446744073709551616",
            "\"\"",
            "\"viewer\"",
            "\"page_id\"",
            "\"\\u0000\"",
            "\"🔥\"",
            "\"30d\"",
            "{}",
            "[]",
        ];
        match self.below(if depth == 0 { 4 } else { 10 }) {
            0 => format!("\"{}\"", self.one(&[TEAM_PAGE, OTHER_PAGE, DATABASE, NOTHING, "x"])),
            1..=3 => self.one(VALUES).to_owned(),
            4 => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let mut members = Vec::new();
                for _ in 0..self.below(6) {
                    let name = self.one(NAMES);
                    members.push(format!("\"{name}\":{}", self.json(depth - 1)));
                }
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn body(&mut self) -> Option<Vec<u8>> {
        match self.below(10) {
            0..=2 => None,
            3 => Some((0..self.below(200)).map(|_| self.below(256) as u8).collect()),
            4 => {
                let mut body = self.json(6).into_bytes();
                body.truncate(body.len() / 2);
                Some(body)
            }
            _ => Some(self.json(6).into_bytes()),
        }
    }
}

#[test]
fn two_thousand_random_requests() {
    let place = Place::new();
    let gate = Start::demo(&place).run();
    let expiring = gate.key("admin", &[TEAM_PAGE]);
    let bearers: Vec<String> = [&gate.admin, &gate.editor(), &gate.viewer(), &expiring]
        .map(|key| format!("Bearer {key}"))
        .into();
    let mut random = Random(0x006e_6f74_6567_6174);
    for number in 0..2000 {
        let base = random.one(&["/v1", "/v1", "/v1", "/api/v1", "/api"]);
        let mut method = random.one(&[
            "GET", "GET", "GET", "POST", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS",
            "BREW",
        ]);
        let mut target = base.to_owned();
        if base == "/v1" && random.below(2) == 0 {
            // A route that exists, with things in its place that may, too.
            let operation = &OPERATIONS[random.below(OPERATIONS.len())];
            method = operation.verb.as_str();
            target = random.path_of(operation.path);
        } else {
            for _ in 0..random.below(5) {
                target.push('/');
                target.push_str(&random.segment());
            }
        }
        target.push_str(&random.query());
        let mut headers = Vec::new();
        if random.below(12) > 0 {
            headers.push(("Authorization", bearers[random.below(bearers.len())].as_str()));
        }
        if random.below(12) > 0 {
            let versions = ["2025-09-03", "2025-09-03", "2022-06-28", "2026-03-11", "x"];
            headers.push(("Notion-Version", versions[random.below(versions.len())]));
        }
        if random.below(12) > 0 {
            let kinds = [
                "application/json",
                "application/json; charset=utf-8",
                "text/plain",
                "multipart/form-data; boundary=x",
            ];
            headers.push(("Content-Type", kinds[random.below(kinds.len())]));
        }
        let body = random.body();
        let bytes = http::request(method, &target, &headers, body.as_deref());
        let answer = http::send(gate.address(), &bytes);
        let what = format!(
            "request {number}: {method} {target} {} → {} {}",
            String::from_utf8_lossy(body.as_deref().unwrap_or_default()),
            answer.status,
            answer.text()
        );
        assert!(answer.status < 500, "{what}");
        assert!(answer.header("x-request-id").is_some(), "{what}");
        if answer.status < 400 || method == "HEAD" {
            continue;
        }
        println!("{what}");
        if base == "/v1" {
            answer.expect_notion_shape();
        } else {
            answer.expect_problem();
        }
    }
    gate.v1("GET", "/v1/users/me", &gate.admin, None).expect(200);
    gate.expect_intact();
    let log = gate.process.errors();
    assert!(!log.contains("panicked"), "{log}");
}
