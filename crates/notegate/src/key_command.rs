//! A command whose output is a secret: how any secret manager fits.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use model::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::settings::SETTINGS;
use crate::term::printable;

/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much it may print.
const OUTPUT_MAX: u64 = 16 * 1024;
const LENGTH_MAX: usize = 8 * 1024;
/// How much of what it says on standard error is shown.
const SAID_MAX: usize = 500;

/// A program and its arguments. No shell is in between, unless the program is one.
#[derive(Clone)]
pub(crate) struct KeyCommand {
    words: Vec<String>,
    timeout: Duration,
}

impl KeyCommand {
    /// Takes a text apart into words, as a shell would without its variables and patterns: white space
    /// separates; between `'` everything is itself; between `"`, and outside, `\` takes the next
    /// character as it is (between `"` only `\"` and `\\`).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH_MAX {
            return Err(format!("the command is longer than {LENGTH_MAX} characters"));
        }
        let words = split(text)?;
        if words.first().is_none_or(String::is_empty) {
            return Err("there is no command".to_owned());
        }
        Ok(Self { words, timeout: TIMEOUT })
    }

    /// The program.
    pub(crate) fn program(&self) -> &str {
        &self.words[0]
    }

    /// What the command prints. The error says why it is nothing, and shows no secret.
    pub(crate) async fn run(&self) -> Result<SecretString, String> {
        let program = printable(self.program());
        let mut command = Command::new(self.program());
        command.args(&self.words[1..]).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What it needs to sign in is its own; our secrets are none of its business.
        for name in SETTINGS.iter().filter(|it| it.is_secret()).flat_map(|it| it.names()) {
            command.env_remove(name);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("the command `{program}` was not found: install it, or give its whole path")
            }
            _ => format!("the command `{program}` could not be started: {error}"),
        })?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let whole = async {
            let (out, err) = tokio::join!(read(out), read(err));
            (child.wait().await, out, err)
        };
        let whole = tokio::time::timeout(self.timeout, whole).await;
        let (status, out, said) = whole.map_err(|_| {
            format!(
                "the command `{program}` did not end within {} seconds and was stopped",
                self.timeout.as_secs()
            )
        })?;
        let status =
            status.map_err(|error| format!("the command `{program}` broke off: {error}"))?;
        if !status.success() {
            let said = harmless(&said);
            let said = if said.is_empty() { "nothing".to_owned() } else { format!("`{said}`") };
            return Err(format!("the command `{program}` failed ({status}) and said {said}"));
        }
        if out.len() as u64 > OUTPUT_MAX {
            return Err(format!("the command `{program}` printed more than a master key"));
        }
        let text: SecretString = String::from_utf8(out)
            .map_err(|_| format!("the command `{program}` printed no text"))?
            .into();
        if text.expose_secret().trim().is_empty() {
            return Err(format!("the command `{program}` ended well, but printed no key"));
        }
        Ok(text)
    }
}

impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyCommand").field(&self.program()).finish()
    }
}

/// Reads to the end, or to a little more than what is allowed.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error is what there is.
        let mut pipe = pipe.take(OUTPUT_MAX + 1);
        let _ = pipe.read_to_end(&mut bytes).await;
    }
    bytes
}

/// The end of what a command said, in one line, without what could be a secret: long words without
/// any punctuation that secrets do not have.
fn harmless(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let secret = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let mut text = String::new();
    let mut run = String::new();
    for c in said.chars().chain(['\n']) {
        if secret(c) {
            run.push(c);
            continue;
        }
        let looks_secret =
            run.len() >= 24 && run.contains(|c: char| c.is_ascii_digit() || c == '=');
        text.push_str(if looks_secret { "(hidden)" } else { &run });
        run.clear();
        text.push(if c.is_whitespace() { ' ' } else { c });
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let begin = text.char_indices().rev().nth(SAID_MAX).map_or(0, |(at, _)| at);
    printable(&text[begin..])
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("a `'` is never closed".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("a `\"` is never closed".to_owned()),
                        },
                        Some(c) => word.push(c),
                        None => return Err("a `\"` is never closed".to_owned()),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err("it ends with a `\\`".to_owned()),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let words = |text| KeyCommand::parse(text).map(|command| command.words);
        for (text, expected) in [
            ("aws  ssm\tget", &["aws", "ssm", "get"][..]),
            ("sh -c 'a \"b\" $c | d'", &["sh", "-c", "a \"b\" $c | d"]),
            (r#"a "b \"c\" \\ \d" e\ f"#, &["a", r#"b "c" \ \d"#, "e f"]),
            ("a '' \"\" b''c", &["a", "", "", "bc"]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
        for wrong in ["", "  ", "'' a", "a 'b", "a \"b", "a \"b\\", "a\\"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
        assert!(words(&"a".repeat(LENGTH_MAX + 1)).is_err());
    }

    #[test]
    fn what_looks_like_a_secret_is_not_repeated() {
        let key = "q8Zk3yq0r1x2c3v4b5n6m7a8s9d0f1g2h3j4k5l6z7A=";
        let text = harmless(format!("AccessDenied: {key} is not\n\x1b[31m allowed").as_bytes());
        assert_eq!(text, "AccessDenied: (hidden) is not \u{fffd}[31m allowed");
        let long = harmless("word ".repeat(1000).as_bytes());
        assert!(long.len() <= SAID_MAX + 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn commands_are_run_and_bounded() {
        let run = async |text: &str, timeout| {
            let command = KeyCommand { timeout, ..KeyCommand::parse(text).unwrap() };
            command.run().await.map(|text| text.expose_secret().to_owned())
        };
        let second = Duration::from_secs(20);
        assert_eq!(run("echo 'the key'", second).await.unwrap(), "the key\n");
        let failed = run("sh -c 'echo no access >&2; exit 7'", second).await.unwrap_err();
        assert!(failed.contains("no access") && failed.contains('7'), "{failed}");
        assert!(run("true", second).await.unwrap_err().contains("printed no key"));
        assert!(run("/no/such/command", second).await.unwrap_err().contains("not found"));
        let flood = run("yes", second).await.unwrap_err();
        assert!(flood.contains("failed") || flood.contains("more than"), "{flood}");
        let endless = run("sleep 60", Duration::from_millis(50)).await.unwrap_err();
        assert!(endless.contains("did not end"), "{endless}");
        assert!(run("printf '\\377'", second).await.unwrap_err().contains("no text"));
    }
}
