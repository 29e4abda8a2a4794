//! `notegate mcp`: on standard input and output, and its flags.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::harness::{Gate, Place, Sandbox, Start, wait_for};
use crate::http;

/// `notegate mcp`, as a client starts it.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn start(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = place.command(&[&["mcp"], arguments].concat());
        command.envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { input: child.stdin.take(), child, output }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The next line; each must be a message.
    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
        assert_eq!(message["jsonrpc"], "2.0");
        message
    }

    fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = self.read();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Closes our end, and waits until it has gone.
    fn end(mut self) {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "more than messages on standard output");
        let status = wait_for("notegate mcp ends", || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

/// What a client of either era does, one after the other on the same pipe.
fn converse(client: &mut Client) {
    let told = client.ask(1, "server/discover", modern(json!({})));
    assert!(told["result"]["capabilities"]["tools"].is_object(), "{told}");
    let opening = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let told = client.ask(2, "initialize", opening);
    assert_eq!(told["result"]["protocolVersion"], "2025-06-18", "{told}");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let listed = client.ask(3, "tools/list", json!({}));
    let names: Vec<_> = listed["result"]["tools"].as_array().unwrap().iter().collect();
    assert!(names.iter().any(|tool| tool["name"] == "API-get-self"), "{listed}");
    for (id, params) in [(4, json!({})), (5, modern(json!({})))] {
        let mut params = params;
        params["name"] = json!("API-get-self");
        params["arguments"] = json!({});
        let called = client.ask(id, "tools/call", params);
        let text = called["result"]["content"][0]["text"].as_str().unwrap_or_default();
        assert!(text.contains("\"bot\""), "{called}");
    }
}

#[test]
fn mt_09_a_token_alone_is_enough_and_the_end_of_input_is_the_end() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let environment = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let mut client = Client::start(&place, &["--tools", "official"], &environment);
    converse(&mut client);
    client.end();
    // Several at once.
    let mut one = Client::start(&place, &["--tools", "all"], &environment);
    let mut other = Client::start(&place, &["--tools", "all"], &environment);
    converse(&mut one);
    converse(&mut other);
    one.end();
    other.end();
    // A client that leaves before it says anything.
    Client::start(&place, &[], &environment).end();
    sandbox.stop();
}

#[test]
fn the_headers_of_the_official_server_are_understood() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let headers = json!({
        "Authorization": format!("Bearer {}", sandbox.full), "Notion-Version": "2022-06-28",
    });
    let headers = headers.to_string();
    let environment = [("OPENAPI_MCP_HEADERS", headers.as_str()), ("BASE_URL", &sandbox.url)];
    let mut client = Client::start(&place, &["--tools", "official"], &environment);
    converse(&mut client);
    client.end();
    let calls = sandbox.calls();
    let call = calls.iter().rfind(|call| call["operation"] == "get-self").unwrap();
    assert_eq!(call["notion_version"], "2022-06-28");
    sandbox.stop();
}

#[test]
fn a_gate_that_runs_is_reached_by_its_address_or_its_directory() {
    let place = Place::new();
    let gate: Gate = Start::demo(&place).run();
    let url = gate.url.clone();
    let key = gate.key("viewer", &[]);
    let environment = [("NOTEGATE_URL", url.as_str()), ("NOTEGATE_KEY", key.as_str())];
    let mut client = Client::start(&place, &["--tools", "official"], &environment);
    converse(&mut client);
    let listed = client.ask(9, "tools/list", json!({}));
    for tool in listed["result"]["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }
    client.end();

    let data = place.data();
    let arguments = ["--tools", "official", "--data-dir", data.to_str().unwrap()];
    let mut client = Client::start(&place, &arguments, &[]);
    converse(&mut client);
    client.end();

    let wrong = [("NOTEGATE_URL", url.as_str()), ("NOTEGATE_KEY", "ngk_wrong")];
    let mut client = Client::start(&place, &[], &wrong);
    let told = client.ask(1, "tools/list", json!({}));
    assert!(told["error"]["message"].as_str().unwrap().contains("key"), "{told}");
    client.send(&json!("no message"));
    client.end();
}

#[test]
fn what_does_not_go_together_exits_2_and_says_what_to_do() {
    let place = Place::new();
    let token = ("NOTION_TOKEN", "ntn_sandbox_abcdefgh");
    let base = ("NOTION_BASE_URL", "http://127.0.0.1:1");
    for (arguments, environment, advice) in [
        (&["--transport", "sse"][..], &[token][..], "stdio"),
        (&["--tools", "some"], &[token], "agent, official or all"),
        (&["--no-such-flag"], &[token], "--help"),
        (&["--auth-token", "x"], &[token, base], "--transport http"),
        (
            &["--transport", "http", "--unsafe-disable-auth", "--host", "0.0.0.0"],
            &[token, base],
            "--host 127.0.0.1",
        ),
        (
            &["--transport", "http", "--unsafe-disable-auth", "--auth-token", "x"],
            &[token, base],
            "choose one",
        ),
        (&["--port", "99999"], &[token], "65535"),
        (&[], &[], "NOTION_TOKEN"),
        (&[], &[("NOTEGATE_URL", "https://gate.example.com")], "NOTEGATE_KEY"),
        (&[], &[("NOTEGATE_URL", "http://gate.example.com"), ("NOTEGATE_KEY", "ngk_x")], "https"),
        (&["--data-dir", "nowhere"], &[token], "--data-dir"),
    ] {
        let ran = place.run(&[&["mcp"], arguments].concat(), environment);
        assert!(ran.expect(2).err.contains(advice), "{arguments:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
        assert!(!ran.err.contains("ntn_sandbox_abcdefgh"), "{ran:?}");
    }
}

/// The process, ended when this goes.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn h02_over_http_it_listens_on_this_machine_alone_and_asks_who_calls() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let mut command = place.command(&["mcp", "--transport", "http", "--port", "0"]);
    command.env("NOTION_TOKEN", &sandbox.full).env("BASE_URL", &sandbox.url);
    command.env("AUTH_TOKEN", "the-token-of-this-server");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let mut said = BufReader::new(server.0.stderr.take().unwrap()).lines();
    let url = said.find_map(|line| Some(line.unwrap().split_once("http://")?.1.to_owned()));
    let url = url.expect("it says where it listens");
    let address = url.split('/').next().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    for (shown, status) in [
        (None, 401),
        (Some("Bearer another"), 403),
        (Some("Basic the-token-of-this-server"), 401),
        (Some("Bearer the-token-of-this-server"), 200),
    ] {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(shown.map(|shown| ("Authorization", shown)));
        let request = http::request("POST", "/mcp", &headers, Some(list.as_bytes()));
        assert_eq!(http::send(address, &request).status, status, "{shown:?}");
    }
    drop(server);
    sandbox.stop();
}
