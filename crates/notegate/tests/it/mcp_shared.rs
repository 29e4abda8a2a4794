//! `notegate mcp` for several clients: over HTTP, and several processes on one data directory.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use serde_json::{Value, json};

use crate::harness::{Place, Sandbox, Start, mode, wait_for};
use crate::http;
use crate::mcp::Client;

/// `notegate mcp --transport http`.
struct Server {
    child: Child,
    errors: BufReader<ChildStderr>,
    address: String,
    /// The file that has the token, if one was made.
    token_file: Option<String>,
}

impl Server {
    fn start(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let fixed = ["mcp", "--transport", "http", "--port", "0", "--tools", "official"];
        let mut command = place.command(&[&fixed, arguments].concat());
        command.envs(environment.iter().copied()).env("TMPDIR", place.path());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        let errors = BufReader::new(child.stderr.take().expect("its errors"));
        let mut server = Self { child, errors, address: String::new(), token_file: None };
        let line = server.line("serving MCP at");
        let url = line
            .strip_prefix("notegate: serving MCP at http://")
            .unwrap_or_else(|| panic!("{line}"));
        server.address = url.strip_suffix("/mcp").expect("the door's path").to_owned();
        server
    }

    /// The next line on standard error that says this; the log stands between.
    fn line(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.errors.read_line(&mut line).expect("a line") > 0,
                "it ended without `{part}`"
            );
            if line.contains(part) {
                return line.trim_end().to_owned();
            }
        }
    }

    fn ask(&self, headers: &[(&str, &str)], method: &str, params: Value) -> http::Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(headers);
        let body = body.to_string().into_bytes();
        http::send(&self.address, &http::request("POST", "/mcp", &all, Some(&body)))
    }

    /// The status, and the bot as which calls go out.
    fn who(&self, headers: &[(&str, &str)]) -> (u16, Value) {
        let params = json!({ "name": "API-get-self", "arguments": {} });
        let answer = self.ask(headers, "tools/call", params);
        let text = answer.json()["result"]["content"][0]["text"].clone();
        let told: Value = serde_json::from_str(text.as_str().unwrap_or("null")).expect("JSON");
        (answer.status, told["id"].clone())
    }

    fn stop(mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let asked = std::process::Command::new("sh").arg("-c").arg(kill).status();
        assert!(asked.expect("a shell").success());
        let status = wait_for("the server ends", || self.child.try_wait().expect("its state"));
        assert!(status.success(), "{status}");
        if let Some(file) = &self.token_file {
            assert!(!std::path::Path::new(file).exists(), "{file} is left behind");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn over_http_a_token_is_made_kept_from_others_and_named_on_standard_error() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let environment = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let mut server = Server::start(&place, &[], &environment);
    let line = server.line("bearer token");
    let file = line.split(' ').next_back().unwrap().to_owned();
    let secret = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{line}"));
    assert_eq!(mode(std::path::Path::new(&file)), 0o600);
    assert!(secret.len() >= 32 && !line.contains(&secret), "{line}");
    server.token_file = Some(file);

    let client = json!({ "name": "test", "version": "1" });
    let initialize =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    assert_eq!(server.ask(&[], "initialize", initialize.clone()).status, 401);
    let wrong = [("Authorization", "Bearer something-else")];
    assert_eq!(server.ask(&wrong, "initialize", initialize.clone()).status, 403);
    let notion = format!("Bearer {}", sandbox.full);
    let notion = [("Authorization", notion.as_str())];
    assert_eq!(server.ask(&notion, "initialize", initialize.clone()).status, 403);
    let bearer = format!("Bearer {secret}");
    let right = ("Authorization", bearer.as_str());
    let told = server.ask(&[right], "initialize", initialize).expect(200);
    assert_eq!(told["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(sandbox.calls(), Vec::<Value>::new(), "nobody called yet");
    assert_eq!(server.who(&[right]).0, 200);
    // Another site's page in somebody's browser.
    let listed = |headers: &[(&str, &str)]| server.ask(headers, "tools/list", json!({})).status;
    assert_eq!(listed(&[right, ("Origin", "http://evil.example.com")]), 403);
    // What it takes only if it is told to.
    assert_eq!(listed(&[right, ("Notion-Token", &sandbox.full)]), 400);
    server.stop();
    sandbox.stop();
}

#[test]
fn over_http_the_flags_of_the_official_server_mean_the_same() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let (other, other_bot) = sandbox.token(crate::harness::EVERYTHING, &[]);
    let token = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let bearer = ("Authorization", "Bearer a-secret-of-ours");

    // The flag goes before the environment.
    let environment = [token[0], token[1], ("AUTH_TOKEN", "another")];
    let server = Server::start(&place, &["--auth-token", "a-secret-of-ours"], &environment);
    assert_eq!(server.who(&[bearer]).0, 200);
    assert_eq!(server.who(&[("Authorization", "Bearer another")]).0, 403);
    server.stop();
    let environment = [token[0], token[1], ("AUTH_TOKEN", "a-secret-of-ours")];
    let server = Server::start(&place, &["--host", "localhost"], &environment);
    assert_eq!(server.who(&[bearer]).0, 200);
    assert_eq!(server.who(&[]).0, 401);
    server.stop();

    // Passthrough: the header, else the token of the start; nothing else passes for one.
    for environment in [&token[..], &token[1..]] {
        let flags = ["--auth-token", "a-secret-of-ours", "--enable-token-passthrough"];
        let server = Server::start(&place, &flags, environment);
        let (status, bot) = server.who(&[bearer, ("Notion-Token", &other)]);
        assert_eq!((status, bot.as_str()), (200, Some(other_bot.as_str())));
        let (status, bot) = server.who(&[bearer]);
        let expected = if environment.len() == 2 { 200 } else { 401 };
        assert_eq!(status, expected, "f118");
        assert_ne!(bot, other_bot.as_str());
        assert_eq!(server.who(&[bearer, ("Notion-Token", "nonsense")]).0, 401);
        assert_eq!(server.who(&[("Notion-Token", &other)]).0, 401);
        server.stop();
    }

    // Nobody is asked: then Host is what protects, and a bearer may be a Notion token.
    for flag in ["--unsafe-disable-auth", "--disable-auth"] {
        let server = Server::start(&place, &[flag, "--enable-token-passthrough"], &token);
        assert_eq!(server.who(&[]).0, 200);
        let passed = format!("Bearer {other}");
        let (status, bot) = server.who(&[("Authorization", &passed)]);
        assert_eq!((status, bot.as_str()), (200, Some(other_bot.as_str())));
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
        let rebound = format!(
            "POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.to_string().len()
        );
        assert_eq!(http::send(&server.address, rebound.as_bytes()).status, 403);
        server.stop();
    }
    sandbox.stop();
}

#[test]
fn several_processes_share_one_data_directory_and_whoever_is_left_goes_on() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    Start::before(&place, &sandbox).run().process.stop();
    let data = place.data();
    let arguments = ["--tools", "official", "--data-dir", data.to_str().unwrap()];
    let environment = [("BASE_URL", sandbox.url.as_str())];
    let start = || Client::start(&place, &arguments, &environment);
    let good = |client: &mut Client, id: u64| {
        let (text, is_error) = client.call(id, "API-get-self", json!({}));
        assert!(!is_error && text.contains("\"bot\""), "{text}");
    };
    let (mut first, mut second) = (start(), start());
    good(&mut first, 1);
    good(&mut second, 1);
    // Commands reach the gate meanwhile.
    let listed = ["keys", "list", "--json", "--data-dir", data.to_str().unwrap()];
    place.run(&listed, &environment).expect(0);
    // What only a gate of its own could promise.
    let read_only = ["mcp", "--read-only", "--data-dir", data.to_str().unwrap()];
    let told = place.run(&read_only, &environment);
    assert!(told.expect(2).err.contains("key of a viewer"), "{told:?}");
    // The one that has the gate ends, in order or not; the next message finds another.
    first.end();
    good(&mut second, 2);
    let mut third = start();
    good(&mut third, 1);
    second.kill();
    good(&mut third, 2);
    let mut fourth = start();
    good(&mut fourth, 1);
    third.terminate();
    fourth.end();
    // A gate that serves finds nobody in its way, and everything in its ledger.
    let gate = Start::before(&place, &sandbox).run();
    gate.expect_intact();
    assert!(gate.ledger().iter().filter(|entry| entry["operation"] == "get-self").count() >= 4);
    gate.process.stop();
    sandbox.stop();
}
