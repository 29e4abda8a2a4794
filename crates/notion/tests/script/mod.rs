//! A server that answers from a script.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one script line per request: a whole HTTP answer, or `hang`, or `drop`.
pub(crate) struct Script {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) async fn start(lines: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        tokio::spawn(async move {
            let mut lines = lines.iter();
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 8192];
                let length = socket.read(&mut request).await.unwrap();
                log.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
                match *lines.next().expect("the script has an answer for each request") {
                    "hang" => tokio::time::sleep(Duration::from_secs(30)).await,
                    "drop" => {}
                    answer => socket.write_all(answer.as_bytes()).await.unwrap(),
                }
            }
        });
        Self { url, seen }
    }

    /// One that nobody is expected to reach.
    pub(crate) fn at(url: String) -> Self {
        Self { url, seen: Arc::default() }
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// One of them, as it came.
    pub(crate) fn request(&self, index: usize) -> String {
        self.seen.lock().unwrap()[index].clone()
    }
}
