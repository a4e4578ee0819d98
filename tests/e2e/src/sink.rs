//! A server of mail that keeps what it takes, and misbehaves when it is told to.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::machine::Machine;
use crate::mailbox::Mail;
use crate::trouble::Tried;

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// It takes everything at once.
    Good,
    /// It knows nobody who begins with `gone@` (550).
    Refusing,
    /// Each of its answers takes so long.
    Slow(Duration),
    /// So many connections end in the middle of a message, before anything was taken.
    HangingUp(usize),
}

/// The server. It goes with this value.
pub struct Sink {
    shared: Arc<Shared>,
}

struct Shared {
    manner: Manner,
    taken: Mutex<Vec<Mail>>,
    connections: AtomicUsize,
    is_over: AtomicBool,
}

impl Sink {
    /// Listens at a port of the machine's loopback.
    pub fn start(machine: &Machine, port: u16, manner: Manner) -> Tried<Self> {
        let listener = machine.inside(|| Ok(TcpListener::bind(("127.0.0.1", port))?))?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            manner,
            taken: Mutex::default(),
            connections: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            while !serving.is_over.load(Ordering::Acquire) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let serving = Arc::clone(&serving);
                        thread::spawn(move || serving.serve(&stream));
                    }
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Ok(Self { shared })
    }

    /// What it took, in that order.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
    }
}

impl Shared {
    /// Whoever hangs up ends it, which is no trouble of ours.
    fn serve(&self, stream: &TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let is_cut = matches!(self.manner, Manner::HangingUp(count) if number < count);
        let _ = stream.set_nonblocking(false).and_then(|()| self.talk(stream, is_cut));
    }

    fn talk(&self, stream: &TcpStream, is_cut: bool) -> io::Result<()> {
        let mut lines = BufReader::new(stream);
        self.say(stream, "220 sink.example.com ESMTP")?;
        let mut line = String::new();
        while {
            line.clear();
            lines.read_line(&mut line)?
        } > 0
        {
            let verb = line.trim_end().to_ascii_uppercase();
            let is_gone = verb.starts_with("RCPT TO:<GONE@");
            match verb.get(..4).unwrap_or_default() {
                "EHLO" => self.say(stream, "250 sink.example.com")?,
                "RCPT" if is_gone && matches!(self.manner, Manner::Refusing) => {
                    self.say(stream, "550 5.1.1 nobody of this name is here")?;
                }
                "DATA" => {
                    self.say(stream, "354 go on")?;
                    if is_cut {
                        lines.read_line(&mut line)?;
                        return Ok(());
                    }
                    self.take(&mut lines)?;
                    self.say(stream, "250 2.0.0 taken")?;
                }
                "QUIT" => return self.say(stream, "221 bye"),
                _ => self.say(stream, "250 2.0.0 fine")?,
            }
        }
        Ok(())
    }

    /// A whole message, up to the line with only a dot.
    fn take(&self, lines: &mut impl BufRead) -> io::Result<()> {
        let mut text = Vec::new();
        loop {
            let start = text.len();
            if lines.read_until(b'\n', &mut text)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match &text[start..] {
                b".\r\n" => {
                    text.truncate(start);
                    break;
                }
                [b'.', ..] => drop(text.remove(start)),
                _ => {}
            }
        }
        let mail = Mail { arrived: SystemTime::now(), text };
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        Ok(())
    }

    fn say(&self, mut stream: &TcpStream, reply: &str) -> io::Result<()> {
        if let Manner::Slow(wait) = self.manner {
            thread::sleep(wait);
        }
        stream.write_all(format!("{reply}\r\n").as_bytes())
    }
}
