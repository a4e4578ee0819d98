//! The installed fail2ban as a child of the system's Python, which answers line by line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Python {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// A command that runs a script of these tests; says so if there is no Python. The package is found
/// by the system's own.
pub fn script(name: &str) -> Option<Command> {
    let python = ["/usr/bin/python3", "python3"];
    let python = python.iter().find(|path| Command::new(path).arg("-V").output().is_ok());
    let Some(python) = python else {
        println!("left out: no python3 to run the installed fail2ban with");
        return None;
    };
    let mut command = Command::new(python);
    command.arg(format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR")));
    Some(command)
}

impl Python {
    /// Starts it; its first line says whether fail2ban is there as it is wanted.
    pub fn start(mut command: Command, is_wanted: impl Fn(&str) -> bool) -> Option<Self> {
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            println!("left out: {:?} does not start", command.get_program());
            return None;
        };
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut own = Self { child, input, output };
        let first = own.hear().expect("a first line");
        if !is_wanted(&first) {
            println!("left out: the fail2ban that is wanted is not installed: {first}");
            return None;
        }
        Some(own)
    }

    /// Its answer to a line.
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.input.as_ref().expect("open"), "{line}").expect("it reads");
        self.hear().expect("an answer")
    }

    /// Its answers to many lines, which it reads while it answers.
    #[allow(dead_code, reason = "each test program uses a part of it")]
    pub fn ask_all(mut self, lines: impl Iterator<Item = String> + Send) -> Vec<String> {
        let mut input = self.input.take().expect("open");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for line in lines {
                    writeln!(input, "{line}").expect("the child reads");
                }
            });
            std::iter::from_fn(|| self.hear()).collect()
        })
    }

    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let bytes = self.output.read_line(&mut line).expect("text");
        (bytes > 0).then_some(line)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // At the end of its input it ends, and what it started with it.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
