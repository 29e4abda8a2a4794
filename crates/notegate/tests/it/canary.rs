//! Canaries: secrets that are planted everywhere a secret can come in, and then looked for everywhere
//! something can come out.
//!
//! Looked through, byte by byte: every file of the data directory (the database's write-ahead log
//! included, while the gate runs and after it stopped), standard output and standard error of the
//! gate, every answer that it gave (head and body), `/metrics`, `/health`, `/api/openapi.json`,
//! `/api/v1/keys`, the ledger by HTTP and by command line as list, JSON Lines and CSV, and
//! `config print` as table and JSON.
//!
//! Not looked through: the answer to a request for what the request itself carried in path, query or
//! body, where Notion repeats that to the caller, too (but for what its headers carried it is); the
//! ready file and the banner for the admin key, whose purpose that is; the master key's own file.

use std::fs;

use serde_json::{Value, json};

use crate::harness::*;
use crate::http;

/// Canaries, each with where it was planted.
struct Canaries(Vec<(String, String)>);

impl Canaries {
    /// A canary that begins like a secret of Notion or of notegate.
    fn plant(&mut self, prefix: &str, place: &str) -> String {
        let tail: String = format!("CaNaRy{:02}", self.0.len()).chars().cycle().take(40).collect();
        self.add(&format!("{prefix}{tail}"), place)
    }

    fn add(&mut self, secret: &str, place: &str) -> String {
        self.0.push((secret.to_owned(), place.to_owned()));
        secret.to_owned()
    }

    /// Fails if a canary is in `bytes`.
    #[track_caller]
    fn look(&self, what: &str, bytes: &[u8]) {
        self.look_but(what, bytes, &[]);
    }

    /// The same, but for those that whoever gets this sent in the very request.
    #[track_caller]
    fn look_but(&self, what: &str, bytes: &[u8], own: &[&str]) {
        for (secret, place) in &self.0 {
            if own.iter().any(|own| own.contains(secret.as_str())) {
                continue;
            }
            let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(200)..(at + 80).min(bytes.len())];
                let around = String::from_utf8_lossy(around);
                panic!("the canary of {place} is in {what}: …{around}…");
            }
        }
    }
}

/// The halves of a pair, which must be tokens that the sandbox knows.
const PAIR: [&str; 2] = ["NOTION_READ_TOKEN", "NOTION_WRITE_TOKEN"];

const SECRET_SETTINGS: &[&str] = &[
    "NOTION_OAUTH_CLIENT_SECRET",
    "SESSION_SECRET",
    "AUTH_TOKEN",
    "OPENAPI_MCP_HEADERS",
    "JWT_SECRET",
    "OPENSPEC_API_TOKEN",
    "DATABASE_URL",
    "REDIS_URL",
];

const MASTER_KEY: &str = "Q2FOYVJ5IG9mIHRoZSBtYXN0ZXIga2V5LCAzMiBieXQ=";

struct Scene<'a> {
    gate: &'a Gate,
    canaries: &'a Canaries,
}

impl Scene<'_> {
    /// Sends, and looks at the answer: what path and body carried may come back, headers may not.
    #[track_caller]
    fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> u16 {
        let bytes = http::request(method, target, headers, body.map(str::as_bytes));
        let answer = http::send(self.gate.address(), &bytes);
        let own = [target, body.unwrap_or_default()];
        self.canaries.look_but(&format!("the answer to {method} {target}"), &answer.raw, &own);
        answer.status
    }
}

fn environment<'a>(mut start: Start<'a>, canaries: &Canaries) -> Start<'a> {
    for (secret, place) in &canaries.0 {
        let place = place.as_str();
        if SECRET_SETTINGS.contains(&place)
            || PAIR.contains(&place)
            || place == "NOTEGATE_MASTER_KEY"
        {
            let value = match place {
                "OPENAPI_MCP_HEADERS" => format!("{{\"X-Secret\": \"{secret}\"}}"),
                _ => secret.clone(),
            };
            start = start.set(place, &value);
        }
    }
    start.set("NOTION_OAUTH_CLIENT_ID", "x").set("NOTION_OAUTH_REDIRECT_URI", "https://x.example")
}

#[test]
fn no_canary_is_found_anywhere() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let mut canaries = Canaries(Vec::new());
    canaries.add(&sandbox.full, "NOTION_TOKEN");
    canaries.add(MASTER_KEY, "NOTEGATE_MASTER_KEY");
    canaries.add("CaNaRy of the master key, 32 byt", "the master key's bytes");
    let root = sandbox.control("GET", "state", Value::Null)["roots"][0].clone();
    for name in PAIR {
        let (token, _) = sandbox.token(EVERYTHING, &[root.as_str().unwrap()]);
        canaries.add(&token, name);
    }
    for name in SECRET_SETTINGS {
        let prefix = if name.ends_with("_TOKEN") { "ntn_" } else { "s3cr3t-" };
        canaries.plant(prefix, name);
    }
    let sent: Vec<String> = [
        ("ntn_", "Authorization: Bearer"),
        ("zzz", "Authorization: Basic"),
        ("secret_", "Notion-Token"),
        ("zzz", "Cookie"),
        ("ntn_", "x-request-id"),
        ("ngk_", "a key of nobody"),
        ("zzz", "Notion-Version"),
        ("ntn_", "the path of /v1"),
        ("secret_", "the path of /api"),
        ("ngk_", "a path of nothing"),
        ("ntn_", "the query"),
        ("ntn_", "a property"),
        ("secret_", "a malformed body"),
        ("ntn_", "the name of a property that is not there"),
        ("ntn_", "an id in a body"),
        ("ntn_", "a search"),
        ("ntn_", "a call that Notion drops"),
        ("ntn_", "a call that Notion fails"),
        ("zzz", "X-Api-Key"),
    ]
    .map(|(prefix, place)| canaries.plant(prefix, place))
    .into();
    let [
        bearer,
        basic,
        notion_token,
        cookie,
        request_id,
        nobody,
        version,
        in_v1,
        in_api,
        in_nothing,
        in_query,
        in_property,
        in_malformed,
        in_name,
        in_id,
        in_search,
        in_drop,
        in_fault,
        api_key,
    ] = &sent[..]
    else {
        panic!("as many names as canaries");
    };

    // The banner of a first start shows the admin key: that is what it is for.
    let start = environment(Start::before(&place, &sandbox), &canaries);
    let gate = start.set("NOTEGATE_LOG", "debug").named("first").run();
    let made = gate.key("editor", &[]);
    for (key, name) in [(&made, "a key that was made"), (&gate.admin, "the admin key")] {
        // Without checksum: whoever has the rest can compute it.
        canaries.add(&key[17..60], name);
    }
    let admin = format!("Bearer {}", gate.admin);
    let authorization = ("Authorization", admin.as_str());
    let (current, json_type) = (("Notion-Version", VERSION), ("Content-Type", "application/json"));
    let good = [authorization, current, json_type];
    let scene = Scene { gate: &gate, canaries: &canaries };

    // In headers.
    let with_bearer = format!("Bearer {bearer}");
    let with_nobody = format!("Bearer {nobody}");
    let with_basic = format!("Basic {basic}");
    let with_cookie = format!("session={cookie}");
    for path in ["/v1/users/me", "/api/v1/keys", "/v1/nothing", "/nothing", "/metrics"] {
        for value in [&with_bearer, &with_nobody, &with_basic] {
            scene.send("GET", path, &[("Authorization", value), current], None);
        }
        scene.send("GET", path, &[authorization, ("Authorization", &with_bearer), current], None);
        scene.send(
            "GET",
            path,
            &[
                authorization,
                current,
                ("Notion-Token", notion_token),
                ("Cookie", &with_cookie),
                ("x-request-id", request_id),
                ("X-Api-Key", api_key),
            ],
            None,
        );
    }
    // Notion repeats a version that it does not know: to the caller only.
    let bytes =
        http::request("GET", "/v1/users/me", &[authorization, ("Notion-Version", version)], None);
    assert_eq!(http::send(gate.address(), &bytes).status, 400);

    // In paths and queries.
    for path in [
        format!("/v1/{in_v1}"),
        format!("/v1/pages/{in_v1}"),
        format!("/v1/pages/{TEAM_PAGE}/properties/{}", &in_v1[..30]),
        format!("/v1/blocks/{in_v1}/children"),
        format!("/api/v1/pages/{in_api}"),
        format!("/api/v1/keys/{in_api}"),
        format!("/{in_nothing}"),
        format!("/v1/users?start_cursor={in_query}"),
        format!("/v1/comments?block_id={in_query}"),
        format!("/api/v1/audit?object={in_query}&cursor={in_query}"),
        format!("/api/v1/audit?object={in_query}"),
        format!("/api/v1/keys?cursor={in_query}"),
        format!("/metrics?token={in_query}"),
        // A whole key, where only its id belongs.
        format!("/api/v1/keys/{made}"),
    ] {
        for method in ["GET", "DELETE", "POST"] {
            scene.send(method, &path, &good, None);
        }
    }

    // In bodies.
    let team = format!("/v1/pages/{TEAM_PAGE}");
    let title = |text: &str| json!({ "title": { "title": [{ "text": { "content": text } }] } });
    let body = json!({ "properties": title(in_property) }).to_string();
    assert_eq!(scene.send("PATCH", &team, &good, Some(&body)), 200);
    let viewer = format!("Bearer {}", gate.key("viewer", &[TEAM_PAGE]));
    let as_viewer = [("Authorization", viewer.as_str()), current, json_type];
    assert_eq!(scene.send("PATCH", &team, &as_viewer, Some(&body)), 403);
    let body = json!({ "properties": { in_name: { "number": 1 } } }).to_string();
    scene.send("PATCH", &team, &good, Some(&body));
    for path in ["/v1/pages", "/api/v1/pages", "/api/v1/keys"] {
        let body = format!("{{\"name\": \"{in_malformed}\", \"parent\": ");
        assert_eq!(scene.send("POST", path, &good, Some(&body)), 400);
        let body = json!({ "parent": { "page_id": in_id }, "properties": {} }).to_string();
        assert_eq!(scene.send("POST", path, &good, Some(&body)), 400);
        scene.send("POST", path, &as_viewer, Some(&body));
    }
    let body = json!({ "query": in_search, "start_cursor": in_search }).to_string();
    scene.send("POST", "/v1/search", &good, Some(&body));
    scene.send("POST", "/v1/search", &as_viewer, Some(&body));

    // In forms.
    let form =
        [("Origin", "http://localhost"), ("Content-Type", "application/x-www-form-urlencoded")];
    for (key, status) in [(gate.admin.as_str(), 303), (made.as_str(), 403), (api_key, 403)] {
        let body = format!("key={key}&next={in_query}");
        assert_eq!(scene.send("POST", "/dashboard/sign-in", &form, Some(&body)), status);
    }

    // Notion fails, in every way, with a canary under way.
    for fault in [
        json!({ "drop": true }),
        json!({ "answer": { "status": 500 } }),
        json!({ "answer": { "status": 503, "committed": true } }),
        json!({ "answer": { "status": 429, "retry_after": 0 } }),
    ] {
        sandbox.control("POST", "faults", fault.clone());
        let canary = if fault["drop"] == true { in_drop } else { in_fault };
        let body = json!({ "properties": title(canary) }).to_string();
        scene.send("PATCH", &team, &good, Some(&body));
        let path = format!("/v1/users?start_cursor={canary}");
        scene.send("GET", &path, &good, None);
        sandbox.control("DELETE", "faults", Value::Null);
    }
    // What was written is in Notion now; it comes back to those who ask, but is kept nowhere else.
    let answer = gate.v1("GET", &team, &gate.admin, None);
    assert!(
        answer.text().contains(in_fault.as_str()) || answer.text().contains(in_property.as_str())
    );

    let everything = |gate: &Gate, canaries: &Canaries| {
        for (path, key) in [
            ("/metrics", ""),
            ("/health", ""),
            ("/health/ready", ""),
            ("/api/openapi.json", ""),
            ("/api/v1/keys?limit=1000", gate.admin.as_str()),
            ("/api/v1/audit?limit=1000", &gate.admin),
            ("/api/v1/audit/verify", &gate.admin),
            ("/api/v1/audit/export", &gate.admin),
            ("/api/v1/audit/export?format=csv", &gate.admin),
            ("/v1/users/me", &gate.admin),
        ] {
            let answer = gate.v1("GET", path, key, None);
            assert_eq!(answer.status, 200, "{path}");
            assert!(!answer.body.is_empty(), "{path}");
            canaries.look(path, &answer.raw);
        }
        let data = snapshot(&place.data());
        assert!(data.iter().any(|(path, _)| path.to_string_lossy().ends_with(".sqlite-wal")));
        for (path, bytes) in data {
            canaries.look(&path.display().to_string(), &bytes);
        }
    };
    let command_line = |canaries: &Canaries| {
        let mut environment = vec![("NOTION_TOKEN", sandbox.full.as_str())];
        let settings = canaries.0.iter().filter(|(_, it)| SECRET_SETTINGS.contains(&it.as_str()));
        environment.extend(settings.map(|(secret, name)| (name.as_str(), secret.as_str())));
        environment.push(("NOTEGATE_MASTER_KEY", MASTER_KEY));
        for arguments in [
            &["config", "print"][..],
            &["config", "print", "--json"],
            &["keys", "list", "--json", "--data-dir", "data"],
            &["audit", "list", "--json", "--limit", "1000", "--data-dir", "data"],
            &["audit", "verify", "--data-dir", "data"],
            &["audit", "export", "--data-dir", "data"],
            &["audit", "export", "--format", "csv", "--data-dir", "data"],
            &["serve", "--check", "--data-dir", "data"],
        ] {
            let ran = place.run(arguments, &environment);
            canaries.look(&arguments.join(" "), ran.out.as_bytes());
            canaries.look(&arguments.join(" "), ran.err.as_bytes());
        }
    };
    let output = |name: &str, canaries: &Canaries, banner: bool| {
        let errors = fs::read(place.join(&format!("{name}.err"))).unwrap();
        assert!(!errors.is_empty());
        canaries.look(&format!("{name}: standard error"), &errors);
        let shown = fs::read(place.join(&format!("{name}.out"))).unwrap();
        let admin = if banner { admin.as_str() } else { "" };
        canaries.look_but(&format!("{name}: standard output"), &shown, &[admin]);
    };

    everything(&gate, &canaries);
    command_line(&canaries);
    assert_eq!(gate.process.stop().code(), Some(0));
    output("first", &canaries, true);
    for (path, bytes) in snapshot(&place.data()) {
        canaries.look(&path.display().to_string(), &bytes);
    }
    command_line(&canaries);

    // Once more after a restart, when everything was read from the disk.
    let start = environment(Start::before(&place, &sandbox), &canaries);
    let gate = start.set("NOTEGATE_LOG", "trace").named("second").run();
    canaries.add(&gate.admin[17..60], "the second admin key");
    let scene = Scene { gate: &gate, canaries: &canaries };
    let admin_again = format!("Bearer {}", gate.admin);
    let good = [("Authorization", admin_again.as_str()), current, json_type];
    let body = json!({ "properties": title(in_property) }).to_string();
    assert_eq!(scene.send("PATCH", &team, &good, Some(&body)), 200);
    assert_eq!(scene.send("GET", "/v1/users/me", &good, None), 200);
    // The old admin key is refused, and not repeated.
    assert_eq!(scene.send("GET", "/v1/users/me", &[authorization, current], None), 401);
    everything(&gate, &canaries);
    let admin_again = gate.admin.clone();
    gate.process.kill();
    for (path, bytes) in snapshot(&place.data()) {
        canaries.look(&path.display().to_string(), &bytes);
    }
    let errors = fs::read(place.join("second.err")).unwrap();
    canaries.look("second: standard error", &errors);
    let shown = fs::read(place.join("second.out")).unwrap();
    canaries.look_but("second: standard output", &shown, &[&admin_again]);
}

/// Tokens of Notion that callers of the MCP door bring: good ones, unknown ones, and what is none. Logged at
/// the most talkative level.
#[test]
fn f124_a_token_that_a_caller_brings_is_found_nowhere() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let mut canaries = Canaries(Vec::new());
    let root = sandbox.control("GET", "state", Value::Null)["roots"][0].clone();
    let (good, _) = sandbox.token(EVERYTHING, &[root.as_str().unwrap()]);
    canaries.add(&good, "a good token");
    let unknown = canaries.plant("ntn_sandbox", "an unknown token");
    let old = canaries.plant("secret_", "an unknown token of the old form");
    let spaced = canaries.plant("ntn_", "what is no token");
    let bearer = canaries.plant("ntn_", "a token as bearer");
    let start = Start::before(&place, &sandbox).set("ENABLE_TOKEN_PASSTHROUGH", "true");
    let gate = start.set("NOTEGATE_LOG", "trace").named("passing").run();
    let admin = format!("Bearer {}", gate.admin);
    let call = |tool: &str, arguments: Value| {
        json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments },
        })
        .to_string()
    };
    let send = |shown: &str, tokens: &[&str], body: &str| {
        let mut headers = vec![("Authorization", shown), ("Content-Type", "application/json")];
        headers.extend(tokens.iter().map(|token| ("Notion-Token", *token)));
        let bytes = http::request("POST", "/mcp/official", &headers, Some(body.as_bytes()));
        let answer = http::send(gate.address(), &bytes);
        canaries.look("an answer", &answer.raw);
        answer.status
    };
    let page = json!({ "parent": { "page_id": TEAM_PAGE }, "properties": {} });
    for body in [
        call("API-get-self", json!({})),
        call("API-retrieve-a-page", json!({ "page_id": TEAM_PAGE })),
        call("API-post-page", page),
        call("nothing", json!({})),
        "{".to_owned(),
    ] {
        for token in [&good, &unknown, &old] {
            let status = send(&admin, &[token.as_str()], &body);
            assert!([200, 400].contains(&status), "{status}");
        }
        assert_eq!(send(&admin, &[&format!("{spaced} x")], &body), 401);
        assert_eq!(send(&admin, &[&good, &unknown], &body), 401);
        assert_eq!(send(&format!("Bearer {bearer}"), &[&good], &body), 401);
    }
    for path in ["/metrics", "/api/v1/audit?limit=1000", "/api/v1/audit/export", "/workspaces"] {
        let answer = gate.v1("GET", path, &gate.admin, None);
        assert_eq!(answer.status, 200, "{path}");
        canaries.look(path, &answer.raw);
    }
    let listed = gate.v1("GET", "/api/v1/audit?limit=1000", &gate.admin, None).text();
    assert!(listed.contains(&format!("ntn_…({} chars)", good.len())), "the ledger shows its form");
    for (path, bytes) in snapshot(&place.data()) {
        canaries.look(&path.display().to_string(), &bytes);
    }
    assert_eq!(gate.process.stop().code(), Some(0));
    for name in ["passing.err", "passing.out"] {
        let bytes = fs::read(place.join(name)).unwrap();
        canaries.look(name, &bytes);
    }
}
