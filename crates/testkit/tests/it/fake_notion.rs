//! A Notion that answers whatever a test wants, strange things above all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const BOT: &str = "00000000-0000-4000-8000-0000000000b0";

/// What a test answers to a request: its number, method, path and body. `None` breaks the connection.
type Answers = dyn Fn(usize, &str, &str, &Value) -> Option<(u16, Value)> + Send + Sync;

/// A Notion of a test's own; it ends with this value.
pub(crate) struct FakeNotion {
    pub(crate) url: String,
    /// The paths that it was asked.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl FakeNotion {
    /// `answers` is asked about everything but whose token it is, and pages that are not there.
    pub(crate) async fn start(
        answers: impl Fn(usize, &str, &str, &Value) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (log, count) = (asked.clone(), Arc::new(AtomicUsize::new(0)));
        let answers: Arc<Answers> = Arc::new(answers);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, log, count) = (answers.clone(), log.clone(), count.clone());
                tokio::spawn(async move { drop(serve(stream, &*answers, &log, &count).await) });
            }
        });
        Self { url, asked, task }
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(path)).count()
    }
}

impl Drop for FakeNotion {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: &Answers,
    log: &Mutex<Vec<String>>,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let body = serde_json::from_slice(&bytes[end..]).unwrap_or(Value::Null);
    let answer = if path == "/v1/users/me" {
        Some((200, json!({"object": "user", "id": BOT, "type": "bot", "name": "Fake", "bot": {}})))
    } else if path.starts_with("/v1/pages/") {
        Some((
            404,
            json!({"object": "error", "status": 404, "code": "object_not_found", "message": "no"}),
        ))
    } else {
        log.lock().unwrap().push(path.to_owned());
        answers(count.fetch_add(1, Ordering::SeqCst), method, path, &body)
    };
    let Some((status, body)) = answer else { return Ok(()) };
    let body = body.to_string();
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await
}
