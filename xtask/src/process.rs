//! Child processes: found, started, waited for, and never left behind.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// How long a process may take to end by itself after being asked to.
const GRACE: Duration = Duration::from_secs(10);

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.display(), value.display()))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| {
        let word = word.to_string_lossy();
        if word.contains([' ', '"', '$']) { format!("'{word}'") } else { word.into_owned() }
    });
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// A cargo that runs in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace::root());
    command
}

/// The full path of a program, also of one that only root has in its search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Whether a command ends well. Its output is not shown.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .current_dir(workspace::root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a command prints, both streams, trimmed.
pub(crate) fn output(program: impl AsRef<OsStr>, arguments: &[&str]) -> Result<String> {
    let program = program.as_ref();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(text.trim().to_owned())
}

/// A port of 127.0.0.1 that nobody uses at the moment.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot open a local port")?;
    Ok(listener.local_addr()?.port())
}

/// Looks again and again until `ready` gives something, the process ends, or time is up.
pub(crate) fn wait_for<T>(
    process: &mut Background,
    limit: Duration,
    mut ready: impl FnMut() -> Option<T>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return Ok(value);
        }
        process.check()?;
        if Instant::now() >= deadline {
            bail!("{} was not ready after {limit:?}:\n{}", process.name, process.log());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process in the background. It ends with this value: asked first, then killed.
pub(crate) struct Background {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Background {
    /// Starts a command; what it prints goes to a file.
    pub(crate) fn start(name: &'static str, command: &Command, log: PathBuf) -> Result<Self> {
        let output =
            File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let errors = output.try_clone()?;
        let child = bound_to_this(command)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start `{}`", line(command)))?;
        Ok(Self { name, child, log })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.log()),
        }
    }

    /// How it ended, if it has.
    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The end of what it printed.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = File::open(&self.log) {
            let _cut_short_is_fine = file.read_to_string(&mut text);
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Asked by signal, so that an nginx takes its workers along; by the shell's own `kill`, as a
        // small Debian has no other.
        let asked = succeeds("sh", &["-c", &format!("kill -TERM {}", self.child.id())]);
        let deadline = Instant::now() + GRACE;
        while asked && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _already_gone = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}

/// The same command, in a wrapper that ends it if this tool is killed. Linux only; elsewhere the
/// command itself.
fn bound_to_this(command: &Command) -> Command {
    let Some(setpriv) = find("setpriv") else { return copy(command, command.get_program(), &[]) };
    copy(command, setpriv.as_os_str(), &["--pdeathsig", "TERM", "--"])
}

fn copy(command: &Command, program: &OsStr, before: &[&str]) -> Command {
    let mut copy = Command::new(program);
    if !before.is_empty() {
        copy.args(before).arg(command.get_program());
    }
    copy.args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        copy.current_dir(directory);
    }
    clean_environment(&mut copy);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}

/// Leaves only what any program needs: a developer's own `NOTION_TOKEN` or `DATABASE_URL` must not
/// find its way into a test.
pub(crate) fn clean_environment(command: &mut Command) {
    command.env_clear();
    for name in ["PATH", "HOME", "LANG", "TMPDIR", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// The processes whose parent this is, by `/proc`.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Builds the product in a profile and says where its program is.
pub(crate) fn build_notegate(profile: &str) -> Result<PathBuf> {
    build("notegate", &["--package", "notegate", "--bin", "notegate", "--profile", profile])
}

/// Builds a program that cargo knows by `name`; the path of the program.
pub(crate) fn build(name: &str, arguments: &[&str]) -> Result<PathBuf> {
    let mut command = cargo();
    command.arg("build").args(arguments);
    command.args(["--message-format", "json-render-diagnostics"]);
    println!("    $ {}", line(&command));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("{name} does not build: see above");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built {name} and did not say where"))
}
