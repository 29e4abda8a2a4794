//! Starts and ends the processes that the tests are about.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{self, Answer};

/// For anything that has to happen; nothing takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const VERSION: &str = "2025-09-03";

/// Ids of the demo workspace: the same ones every time.
pub(crate) const ROOT_PAGE: &str = "d67e68a0-0b83-81e3-ac5e-b262f7c8cc51";
pub(crate) const TEAM_PAGE: &str = "d67e68a0-0b83-81d3-bb12-fa6b7a07f3b5";
pub(crate) const OTHER_PAGE: &str = "d67e68a0-0b83-8118-a13c-881fd82f300d";
pub(crate) const DATA_SOURCE: &str = "d67e68a0-0b83-8195-b39a-4f8af06b5621";
pub(crate) const DATABASE: &str = "a7fe9408-bfb4-4c18-9168-834024b38744";
/// A well-formed id of nothing.
pub(crate) const NOTHING: &str = "00000000-0000-4000-8000-00000000dead";

/// Waits until `found` finds something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A directory for one test, gone at its end.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.join("data")
    }

    /// The binary, with nothing in its environment and this directory as its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notegate"));
        command.args(arguments).env_clear().current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        let [out, err] =
            ["out", "err"].map(|name| tempfile::NamedTempFile::with_suffix(name).unwrap());
        command.stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + PATIENCE / 2;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                let err = fs::read_to_string(err.path()).unwrap_or_default();
                panic!("`notegate {}` does not end: {err}", arguments.join(" "));
            }
            thread::sleep(Duration::from_millis(2));
        };
        Ran {
            code: status.code(),
            out: String::from_utf8_lossy(&fs::read(out.path()).unwrap()).into_owned(),
            err: String::from_utf8_lossy(&fs::read(err.path()).unwrap()).into_owned(),
        }
    }
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A process that serves; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) out: PathBuf,
    pub(crate) err: PathBuf,
}

impl Process {
    fn spawn(mut command: Command, place: &Place, name: &str) -> Self {
        let (out, err) = (place.join(&format!("{name}.out")), place.join(&format!("{name}.err")));
        let child = command
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Self { child, out, err }
    }

    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.out).unwrap()).into_owned()
    }

    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap()).into_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    #[track_caller]
    fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("it ended with {status}: {}", self.errors());
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(mut self) -> ExitStatus {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.pid())).status();
        assert!(asked.unwrap().success());
        wait_for("the end after SIGTERM", || self.child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `notegate sandbox serve`, in a process of its own.
pub(crate) struct Sandbox {
    process: Process,
    pub(crate) url: String,
    pub(crate) full: String,
}

impl Sandbox {
    pub(crate) fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// With further arguments.
    pub(crate) fn start_with(place: &Place, arguments: &[&str]) -> Self {
        let serve = ["sandbox", "serve", "--listen", "127.0.0.1:0"];
        let command = place.command(&[&serve, arguments].concat());
        let mut process = Process::spawn(command, place, "sandbox");
        let (url, tokens) = wait_for("the sandbox", || {
            process.assert_alive();
            let output = process.output();
            let url = output.lines().find_map(|line| line.strip_prefix("sandbox "))?.to_owned();
            let tokens: Vec<String> = output
                .lines()
                .filter_map(|line| line.split_whitespace().nth(1))
                .filter(|word| word.starts_with("ntn_sandbox"))
                .map(str::to_owned)
                .collect();
            // The line about Ctrl-C is the last one.
            (output.contains("Ctrl-C") && !tokens.is_empty()).then_some((url, tokens))
        });
        let full = tokens[0].clone();
        Self { process, url, full }
    }

    /// Asks it to stop, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(self) -> ExitStatus {
        self.process.stop()
    }

    pub(crate) fn control(&self, method: &str, route: &str, body: Value) -> Value {
        control(&self.url, method, route, body)
    }

    /// Everything that it was asked.
    pub(crate) fn calls(&self) -> Vec<Value> {
        calls(&self.url)
    }

    /// A connection of its own: token and bot id.
    pub(crate) fn token(&self, capabilities: &[&str], shared: &[&str]) -> (String, String) {
        let body = json!({ "name": "Test", "capabilities": capabilities, "shared": shared });
        let made = self.control("POST", "tokens", body);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("token"), text("bot_id"))
    }
}

pub(crate) const EVERYTHING: &[&str] = &[
    "read_content",
    "update_content",
    "insert_content",
    "read_comments",
    "insert_comments",
    "read_users_with_email",
];

#[track_caller]
pub(crate) fn control(url: &str, method: &str, route: &str, body: Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let bytes = http::request(method, &format!("/_sandbox/{route}"), &[], Some(body.as_bytes()));
    http::send(address(url), &bytes).expect(200)
}

pub(crate) fn calls(url: &str) -> Vec<Value> {
    control(url, "GET", "calls", Value::Null).as_array().unwrap().clone()
}

/// Host and port of a URL.
pub(crate) fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

/// How to start a gate.
pub(crate) struct Start<'a> {
    place: &'a Place,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    name: String,
}

impl<'a> Start<'a> {
    /// In front of a sandbox of its own.
    pub(crate) fn demo(place: &'a Place) -> Self {
        Self::new(place).argument("--sandbox")
    }

    /// In front of `sandbox`.
    pub(crate) fn before(place: &'a Place, sandbox: &Sandbox) -> Self {
        Self::new(place).set("NOTION_BASE_URL", &sandbox.url).set("NOTION_TOKEN", &sandbox.full)
    }

    fn new(place: &'a Place) -> Self {
        let name = "gate".to_owned();
        let start = Self { place, arguments: Vec::new(), environment: Vec::new(), name };
        start.argument("serve")
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// A variable of the environment; a later one takes the place of an earlier one.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Under which name its output is kept.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Starts it and waits until it serves.
    #[track_caller]
    pub(crate) fn run(self) -> Gate {
        let ready_file = self.place.join(&format!("{}.ready.json", self.name));
        let _ = fs::remove_file(&ready_file);
        let data = self.place.data();
        let mut arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let given = |wanted: &str| self.arguments.iter().any(|argument| argument == wanted);
        if !given("--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        if !given("--data-dir") {
            arguments.extend(["--data-dir", data.to_str().unwrap()]);
        }
        arguments.extend(["--ready-file", ready_file.to_str().unwrap()]);
        let mut command = self.place.command(&arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = Process::spawn(command, self.place, &self.name);
        let ready: Value = wait_for("the ready file", || {
            process.assert_alive();
            fs::read(&ready_file).ok().and_then(|text| serde_json::from_slice(&text).ok())
        });
        let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        Gate { process, url: text("url"), admin: text("admin_key"), ready, ready_file }
    }
}

/// A gate that serves.
pub(crate) struct Gate {
    pub(crate) process: Process,
    pub(crate) url: String,
    pub(crate) admin: String,
    pub(crate) ready: Value,
    pub(crate) ready_file: PathBuf,
}

impl Gate {
    pub(crate) fn address(&self) -> &str {
        address(&self.url)
    }

    pub(crate) fn viewer(&self) -> String {
        self.ready["keys"]["viewer"].as_str().unwrap().to_owned()
    }

    pub(crate) fn editor(&self) -> String {
        self.ready["keys"]["editor"].as_str().unwrap().to_owned()
    }

    pub(crate) fn sandbox_url(&self) -> &str {
        self.ready["sandbox"]["url"].as_str().unwrap()
    }

    /// A call as a client of Notion makes it.
    #[track_caller]
    pub(crate) fn v1(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> Answer {
        http::send(self.address(), &v1(method, path, key, body))
    }

    /// A call to notegate's own API.
    #[track_caller]
    pub(crate) fn api(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = body.map(|body| body.to_string().into_bytes());
        http::send(self.address(), &http::request(method, path, &headers, body.as_deref()))
    }

    /// A new key, by an admin.
    #[track_caller]
    pub(crate) fn key(&self, role: &str, within: &[&str]) -> String {
        let body = json!({ "name": format!("test {role}"), "role": role, "within": within });
        let made = self.api("POST", "/api/v1/keys", &self.admin, Some(body)).expect(201);
        made["key"].as_str().unwrap().to_owned()
    }

    /// The whole ledger, oldest first, by export: everything that happened before this.
    ///
    /// Reads are written in groups, a moment late; so the first export leaves a mark, and the one in
    /// which the mark stands has all that came before.
    #[track_caller]
    pub(crate) fn ledger(&self) -> Vec<Value> {
        let bearer = format!("Bearer {}", self.admin);
        let headers = [("Authorization", bearer.as_str()), ("x-request-id", "the-mark")];
        let bytes = http::request("GET", "/api/v1/audit/verify", &headers, None);
        http::send(self.address(), &bytes).expect(200);
        wait_for("the mark in the ledger", || {
            let answer = self.api("GET", "/api/v1/audit/export", &self.admin, None);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let mut lines = json_lines(&answer.text());
            let last = lines.pop().unwrap();
            assert!(last["checkpoint"].is_object(), "{last}");
            lines.iter().any(|entry| entry["request_id"] == "the-mark").then_some(lines)
        })
    }

    #[track_caller]
    pub(crate) fn expect_intact(&self) {
        let verdict = self.api("GET", "/api/v1/audit/verify", &self.admin, None).expect(200);
        assert_eq!(verdict["intact"], true, "{verdict}");
    }
}

/// A call as a client of Notion makes it, as bytes.
pub(crate) fn v1(method: &str, path: &str, key: &str, body: Option<Value>) -> Vec<u8> {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Notion-Version", VERSION),
        ("Content-Type", "application/json"),
    ];
    let body = body.map(|body| body.to_string().into_bytes());
    http::request(method, path, &headers, body.as_deref())
}

/// The lines of a text that are JSON.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A port on which somebody listens already.
pub(crate) fn taken_port() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// An address where nobody listens.
pub(crate) fn dead_address() -> String {
    let (listener, address) = taken_port();
    drop(listener);
    address
}

/// The bytes of every file below `dir`, by name.
pub(crate) fn snapshot(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(snapshot(&entry.path()));
        } else if kind.is_file() {
            files.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    files.sort();
    files
}

/// Sets who may read a file.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Who may read a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
