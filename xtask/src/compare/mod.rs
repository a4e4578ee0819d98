//! `cargo xtask compare`: monban and its peers at the same work, in turn, by the kernel's own
//! accounting; docs/shows/speed.md says what is compared and what is unfair about it.

mod daemons;
mod equal;
pub mod harmless;
mod live;
pub mod log;
mod machine;
mod peers;
mod processes;
mod rows;
pub mod stamps;
pub mod table;

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use crate::fail2ban;
use crate::part::Report;
use crate::usage::{Usage, wrong};
use log::{Made, Source};
use peers::Peers;
use table::{Must, Sample};

pub use machine::notes as machine_notes;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A log to be taken as it is, in place of the one that is made.
    pub log: Option<PathBuf>,
    /// Lines of the log that is made.
    pub lines: u64,
    /// How often everybody works.
    pub runs: u32,
}

impl Options {
    /// Reads the words behind `compare`.
    pub fn read(words: &[&str]) -> Option<Self> {
        let mut options = Self { log: None, lines: 2_000_000, runs: 9 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--short" => (options.lines, options.runs) = (200_000, 2),
                "--log" => options.log = Some(words.next()?.into()),
                "--lines" => options.lines = words.next()?.parse().ok().filter(|n| *n > 0)?,
                "--runs" => options.runs = words.next()?.parse().ok().filter(|n| *n > 0)?,
                _ => return None,
            }
        }
        Some(options)
    }

    /// Whether what is measured is enough to be held to: a short run says little.
    fn is_whole(&self) -> bool {
        self.log.is_none() && self.lines >= 2_000_000 && self.runs >= 5
    }
}

/// Everything that the rows need.
pub struct Setting {
    binary: PathBuf,
    peers: Peers,
    folder: PathBuf,
    source: Source,
    /// The large log.
    log: Made,
    /// Copies of the source in it, if it was made.
    copies: Option<u64>,
    /// How much smaller than usual the work is: 1 for two million lines.
    scale: f64,
}

impl Setting {
    fn new(report: &mut Report, binary: &Path, options: &Options) -> io::Result<Self> {
        let folder = binary.ancestors().nth(2).unwrap_or(report.root()).join("compare");
        fs::create_dir_all(&folder)?;
        let source = Source::read(&fail2ban::corpus(report).join("loghub/OpenSSH_2k.log"))?;
        let (log, copies) = match &options.log {
            Some(path) => (Made::of(path)?, None),
            None => {
                let made = source.repeat(&folder.join("sshd.log"), options.lines)?;
                let copies = made.lines / source.len();
                (made, Some(copies))
            }
        };
        let peers = Peers::get(report, &folder);
        let scale = (options.lines as f64 / 2e6).min(1.0);
        Ok(Self { binary: binary.to_owned(), peers, folder, source, log, copies, scale })
    }

    /// A number of lines, made smaller where all is.
    fn scaled(&self, lines: u64) -> u64 {
        (lines as f64 * self.scale) as u64
    }

    /// The first lines of the large log, in a file of their own.
    fn beginning(&self, lines: u64) -> io::Result<Made> {
        let path = self.folder.join(format!("sshd-{lines}.log"));
        let mut input = io::BufReader::new(fs::File::open(&self.log.path)?);
        let mut output = io::BufWriter::new(fs::File::create(&path)?);
        let (mut line, mut count) = (Vec::new(), 0);
        while count < lines && io::BufRead::read_until(&mut input, b'\n', &mut line)? > 0 {
            io::Write::write_all(&mut output, &line)?;
            line.clear();
            count += 1;
        }
        io::Write::flush(&mut output)?;
        drop(output);
        Made::of(&path)
    }
}

/// Somebody who does the work of a row.
pub struct Contender<'a> {
    who: &'static str,
    lines: u64,
    bytes: u64,
    run: Box<dyn FnMut() -> io::Result<Usage> + 'a>,
}

/// One kind of work.
pub struct Row<'a> {
    /// Its name in the data.
    id: &'static str,
    title: String,
    contenders: Vec<Contender<'a>>,
    musts: Vec<Must>,
    /// What to know before its figures are used, such as what is unfair.
    notes: Vec<String>,
    /// What came out while it was done.
    found: Rc<RefCell<Vec<String>>>,
}

/// Runs all rows, prints their tables and keeps the data.
pub fn run(report: &mut Report, binary: &Path, options: &Options) {
    if let Err(error) = all(report, binary, options) {
        report.leave_out("compare", &error.to_string());
        report.judge("compare", std::time::Duration::ZERO, Err(error.to_string()));
    }
}

fn all(report: &mut Report, binary: &Path, options: &Options) -> io::Result<()> {
    let root = report.root().to_owned();
    let setting = Setting::new(report, binary, options)?;
    let mut notes = machine_notes(&root);
    notes.extend(setting.peers.versions(&root, binary));
    notes.push((
        "log".to_owned(),
        format!("{} lines, {} bytes", setting.log.lines, setting.log.bytes),
    ));
    for (name, value) in &notes {
        println!("{name}: {value}");
    }
    rows::equal_work(report, &setting)?;
    let mut samples = Vec::new();
    for make in [rows::scan, live::row, rows::access, rows::syslog, rows::archive, rows::archives] {
        let row = make(report, &setting)?;
        samples.extend(measured(report, row, options));
    }
    let path = table::store(&root, "compare", &notes, &table::raw(&samples))?;
    println!("every run: {}", path.strip_prefix(&root).unwrap_or(&path).display());
    Ok(())
}

/// Everybody in turn, so that what else happens on the machine meets all of them.
fn measured(report: &mut Report, mut row: Row<'_>, options: &Options) -> Vec<Sample> {
    println!("\n== {}: {}", row.id, row.title);
    let start = Instant::now();
    let mut samples = Vec::new();
    let mut verdict = Ok(());
    for run in 1..=options.runs {
        row.contenders.retain_mut(|one| {
            let usage = match (one.run)() {
                Ok(usage) => usage,
                Err(error) if one.who == table::OURS => {
                    verdict = Err(error.to_string());
                    return false;
                }
                Err(error) => {
                    report.leave_out(&format!("{} of {}", row.id, one.who), &error.to_string());
                    return false;
                }
            };
            let (who, lines, bytes) = (one.who.to_owned(), one.lines, one.bytes);
            samples.push(Sample { row: row.id, who, run, lines, bytes, usage });
            true
        });
    }
    print!("{}", table::show(&samples, &row.musts));
    for note in row.notes.iter().chain(row.found.borrow().iter()) {
        println!("- {note}");
    }
    if samples.is_empty() && verdict.is_ok() {
        verdict = Err("nobody was measured".to_owned());
    }
    if verdict.is_ok() && options.is_whole() {
        verdict = match table::missed(&samples, &row.musts) {
            missed if missed.is_empty() => Ok(()),
            missed => Err(format!("not reached: {missed}")),
        };
    }
    report.judge(row.id, start.elapsed(), verdict);
    samples
}

/// Something that has to be there.
fn needed<'a, T>(what: Option<&'a T>, name: &str) -> io::Result<&'a T> {
    what.ok_or_else(|| wrong(format!("{name} is not here")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let options = Options::read(&["--log", "a.log", "--runs", "3"]).unwrap();
        assert_eq!(options, Options { log: Some("a.log".into()), lines: 2_000_000, runs: 3 });
        assert_eq!(Options::read(&["--short"]).unwrap().lines, 200_000);
        assert_eq!(Options::read(&["--lines"]), None);
        assert_eq!(Options::read(&["--lines", "0"]), None);
        assert_eq!(Options::read(&["more"]), None);
    }
}
