//! A server of a few lines.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What it answers.
#[derive(Clone, Debug)]
pub struct Answer {
    head: Vec<u8>,
    body: Vec<u8>,
    /// Sends nothing for a while.
    slow: bool,
    /// Repeats its body until nobody takes it.
    endless: bool,
}

impl Answer {
    pub fn new(status: u16, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n",
            body.len()
        );
        Self { head: head.into(), body: body.into(), slow: false, endless: false }
    }

    pub fn header(mut self, line: &str) -> Self {
        self.head.extend(format!("{line}\r\n").bytes());
        self
    }

    pub fn raw(bytes: &[u8]) -> Self {
        Self { head: bytes.to_vec(), body: Vec::new(), slow: false, endless: false }
    }

    pub fn slow() -> Self {
        Self { slow: true, ..Self::new(200, "{}") }
    }

    pub fn endless() -> Self {
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n".to_vec();
        Self { head, body: vec![b' '; 65_536], slow: false, endless: true }
    }

    fn send(&self, mut stream: TcpStream, end: &AtomicBool) {
        if self.slow {
            for _ in 0..50 {
                std::thread::sleep(Duration::from_millis(100));
                if end.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
        // Whoever asked may have gone.
        let _ = stream.write_all(&self.head);
        let _ = stream.write_all(b"\r\n");
        while stream.write_all(&self.body).is_ok() && self.endless {}
    }
}

/// Listens until it is dropped.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, end) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (told, over) = (Arc::clone(&asked), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let request = read(&mut stream);
                let answer = answer(&request);
                told.lock().unwrap().push(request);
                answer.send(stream, &over);
            }
        });
        Self { url, asked, end, thread: Some(thread) }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Head and body of a request.
fn read(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count) = stream.read(&mut buffer) {
        bytes.extend(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if count == 0 { break } else { continue }
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if count == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
