//! `notegate mcp`: on standard input and output, and its flags.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{
    Gate, NOTHING, Place, ROOT_PAGE, Sandbox, Start, TEAM_PAGE, dead_address, wait_for,
};
use crate::http;

/// `notegate mcp`, as a client starts it.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    pub(crate) fn start(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = place.command(&[&["mcp"], arguments].concat());
        command.envs(environment.iter().copied());
        // What is made for the process alone is made here.
        command.env("TMPDIR", place.path());
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

    /// The text of a tool's answer, and whether it is an error.
    pub(crate) fn call(&mut self, id: u64, tool: &str, arguments: Value) -> (String, bool) {
        let answer = self.ask(id, "tools/call", json!({ "name": tool, "arguments": arguments }));
        let text = answer["result"]["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("no text: {answer}"));
        (text.to_owned(), answer["result"]["isError"] == true)
    }

    /// Closes our end, and waits until it has gone.
    pub(crate) fn end(mut self) {
        drop(self.input.take());
        self.gone();
    }

    /// Sends the signal that asks it to end, our end of the pipe still open, and waits until it has gone.
    pub(crate) fn terminate(mut self) {
        let asked =
            Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(asked.unwrap().success());
        self.gone();
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn gone(&mut self) {
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
    assert_eq!(client.read()["id"], Value::Null);
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
        (&[], &[("NOTION_TOKEN", "something else")], "ntn_"),
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

/// What processes made for themselves alone and left behind.
fn left_behind(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("notegate-mcp")).collect()
}

/// The next call of `get-self` is answered so much later.
fn slow_down(sandbox: &Sandbox, latency_ms: u64) {
    let slow =
        json!({ "match": { "operation": "get-self" }, "latency_ms": latency_ms, "times": 1 });
    sandbox.control("POST", "faults", slow);
}

/// Waits until that call is there.
fn slowed_down(sandbox: &Sandbox) {
    wait_for("the call", || {
        let left = sandbox.control("GET", "faults", Value::Null);
        left.as_array().unwrap().iter().all(|fault| fault["times"] == 0).then_some(())
    });
}

#[test]
fn a_start_with_a_token_asks_notion_nothing() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let environment = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let mut client = Client::start(&place, &[], &environment);
    let opening = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    assert!(client.ask(1, "initialize", opening)["result"].is_object());
    assert!(client.ask(2, "tools/list", json!({}))["result"]["tools"].is_array());
    assert_eq!(sandbox.calls(), Vec::<Value>::new());
    let (text, is_error) = client.call(3, "self", json!({}));
    assert!(!is_error && text.contains("workspace:"), "{text}");
    assert_eq!(sandbox.calls().len(), 1);
    client.end();
    // Without any Notion, too; then a call is an error that says so.
    let nowhere = format!("http://{}", dead_address());
    let environment = [("NOTION_TOKEN", "ntn_sandbox_abcdefgh"), ("BASE_URL", nowhere.as_str())];
    let mut client = Client::start(&place, &["--tools", "official"], &environment);
    client.ask(1, "tools/list", json!({}));
    let (text, is_error) = client.call(2, "API-get-self", json!({}));
    assert!(is_error && text.contains("Notion"), "{text}");
    client.end();
    // A token that Notion does not take is an error of the tool, for the model to tell.
    let wrong = [("NOTION_TOKEN", "ntn_sandbox_abcdefgh"), ("BASE_URL", &sandbox.url)];
    for (tools, tool) in [("official", "API-get-self"), ("agent", "list_users")] {
        let mut client = Client::start(&place, &["--tools", tools], &wrong);
        let (text, is_error) = client.call(1, tool, json!({}));
        assert!(is_error && text.contains("token"), "{text}");
        assert!(!text.contains("ntn_sandbox_abcdefgh"), "{text}");
        client.end();
    }
    assert_eq!(left_behind(&place), Vec::<String>::new());
    sandbox.stop();
}

#[test]
fn mt_02_mt_09_lines_that_are_no_messages_are_told_so_and_the_next_is_answered() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate: Gate = Start::before(&place, &sandbox).run();
    let key = gate.key("viewer", &[]);
    let alone = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let bridged = [("NOTEGATE_URL", gate.url.as_str()), ("NOTEGATE_KEY", &key)];
    for environment in [&alone, &bridged] {
        let mut client = Client::start(&place, &[], environment);
        let deep = "[".repeat(100_000);
        let long =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}\"}}", "x".repeat(3_000_000));
        for (line, code) in [
            ("no JSON", -32700),
            ("{\"jsonrpc\":\"2.0\",\"id\":1", -32700),
            (&deep, -32700),
            (&long, -32600),
            ("[]", -32600),
            ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}]", -32600),
            ("7", -32600),
        ] {
            let shown: String = line.chars().take(60).collect();
            writeln!(client.input.as_mut().unwrap(), "{line}").unwrap();
            let told = client.read();
            assert_eq!(told["id"], Value::Null, "{shown}: {told}");
            assert_eq!(told["error"]["code"], code, "{shown}: {told}");
        }
        // Bytes that are no text; what needs no answer; lines without anything.
        client.input.as_mut().unwrap().write_all(b"\"\xff\"\n\n  \r\n").unwrap();
        assert_eq!(client.read()["error"]["code"], -32700);
        client.send(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let told = client.ask(2, "no/such", json!({}));
        assert_eq!(told["error"]["code"], -32601, "{told}");
        assert!(client.ask(3, "tools/list", json!({}))["result"]["tools"].is_array());
        client.end();
    }
    sandbox.stop();
}

#[test]
fn the_log_goes_to_standard_error_and_a_signal_ends_it() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let environment = [
        ("NOTION_TOKEN", sandbox.full.as_str()),
        ("BASE_URL", &sandbox.url),
        ("NOTEGATE_LOG", "trace"),
    ];
    let mut client = Client::start(&place, &["--tools", "official"], &environment);
    converse(&mut client);
    // With a call under way that nobody will wait for.
    slow_down(&sandbox, 60_000);
    client.send(&json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call",
        "params": { "name": "API-get-self", "arguments": {} } }));
    slowed_down(&sandbox);
    client.terminate();
    assert_eq!(left_behind(&place), Vec::<String>::new());
    sandbox.stop();
}

#[test]
fn mt_03_a_cancelled_call_is_not_answered_and_others_go_on() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate: Gate = Start::before(&place, &sandbox).run();
    let key = gate.key("viewer", &[]);
    let alone = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let bridged = [("NOTEGATE_URL", gate.url.as_str()), ("NOTEGATE_KEY", &key)];
    for environment in [&alone, &bridged] {
        let mut client = Client::start(&place, &["--tools", "official"], environment);
        slow_down(&sandbox, 3_000);
        client.send(&json!({ "jsonrpc": "2.0", "id": "slow", "method": "tools/call",
            "params": { "name": "API-get-self", "arguments": {} } }));
        slowed_down(&sandbox);
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": { "requestId": "slow" } }));
        let (text, is_error) =
            client.call(2, "API-retrieve-a-page", json!({ "page_id": TEAM_PAGE }));
        assert!(!is_error, "{text}");
        // It would wait for the answer, had the call not been ended.
        client.end();
    }
    sandbox.stop();
}

#[test]
fn news_of_a_long_call_come_before_its_answer() {
    let place = Place::new();
    let sandbox = Sandbox::start(&place);
    let gate: Gate = Start::before(&place, &sandbox).run();
    let key = gate.key("viewer", &[]);
    let alone = [("NOTION_TOKEN", sandbox.full.as_str()), ("BASE_URL", &sandbox.url)];
    let bridged = [("NOTEGATE_URL", gate.url.as_str()), ("NOTEGATE_KEY", &key)];
    for environment in [&alone, &bridged] {
        let mut client = Client::start(&place, &[], environment);
        let arguments = json!({ "ids": [TEAM_PAGE, ROOT_PAGE, NOTHING] });
        client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "fetch", "arguments": arguments, "_meta": { "progressToken": "how far" },
        } }));
        let mut news = Vec::new();
        let answer = loop {
            let message = client.read();
            if message["id"] == 1 {
                break message;
            }
            assert_eq!(message["method"], "notifications/progress", "{message}");
            assert_eq!(message["params"]["progressToken"], "how far", "{message}");
            news.push(message["params"]["progress"].as_f64().unwrap());
        };
        assert!(answer["result"]["content"].is_array(), "{answer}");
        assert!(news.len() >= 2 && news.is_sorted(), "{news:?}");
        client.end();
    }
    sandbox.stop();
}
