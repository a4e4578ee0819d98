//! The lines of a family, one after the other, in constant memory.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use monban_model::Stamp;
use monban_model::limits::LINE_MAX;

use super::family::{Family, LogFile};
use super::fault::{Fault, Skipped};
use crate::unpack::Packing;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file whose first bytes hold a zero byte is no text.
const LOOK_BYTES: usize = 4096;

/// Counts the bytes that were read from disk, for a progress bar.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Metered(Box<dyn Read + Send>, Meter);

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A file of the family begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStart {
    /// When it was last written, if that is known.
    pub modified: Option<Stamp>,
}

/// A line of a family.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLine<'a> {
    /// The line without its line end.
    pub bytes: &'a [u8],
    /// The file that begins with it, if it is the first of one.
    pub start: Option<FileStart>,
}

/// Lines that were passed over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed<'a> {
    /// How many.
    pub count: u64,
    /// They themselves, with their line ends.
    pub bytes: &'a [u8],
}

impl<'a> Passed<'a> {
    /// The last of them, without its line end.
    pub fn last(&self) -> Option<&'a [u8]> {
        let text = self.bytes.strip_suffix(b"\n")?;
        let start = memchr::memrchr(b'\n', text).map_or(0, |end| end + 1);
        Some(&text[start..])
    }
}

/// The lines of a family.
#[derive(Default)]
pub struct LogLines {
    files: std::vec::IntoIter<LogFile>,
    meter: Meter,
    reader: Option<Box<dyn Read + Send>>,
    path: std::path::PathBuf,
    started: Option<FileStart>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    skipped: Vec<Skipped>,
    read_files: u64,
    cut: u64,
    /// The end of the present file, if it came too early.
    broken: Option<io::Error>,
    /// Lines and bytes of the present file so far.
    lines: u64,
    bytes: u64,
}

impl LogLines {
    /// The lines of a family; `meter` counts what is read from disk.
    pub fn of(family: Family, meter: Meter) -> Self {
        Self {
            files: family.files.into_iter(),
            meter,
            reader: None,
            path: family.name,
            started: None,
            buffer: vec![0; BUFFER_BYTES],
            from: 0,
            to: 0,
            skipped: Vec::new(),
            read_files: 0,
            cut: 0,
            broken: None,
            lines: 0,
            bytes: 0,
        }
    }

    /// The next line without its line end, cut at [`LINE_MAX`]; `None` after the last of the last
    /// file. Files that cannot be read are left out, broken archives are read as far as they go;
    /// both are told by [`LogLines::skipped`].
    pub fn next_line(&mut self) -> Option<ArchiveLine<'_>> {
        let range = self.next_range()?;
        let start = self.started.take();
        Some(ArchiveLine { bytes: &self.buffer[range], start })
    }

    /// Passes over the lines of the present file that are at hand, up to the one in which `find`
    /// finds a place; it is given whole lines. How many they are, and how many bytes.
    ///
    /// Nothing is passed over where the next line begins a file, for that line is to be seen.
    pub fn pass_over(&mut self, find: impl FnOnce(&[u8]) -> Option<usize>) -> Passed<'_> {
        let at_hand = &self.buffer[self.from..self.to];
        let whole = memchr::memrchr(b'\n', at_hand).map_or(0, |end| end + 1);
        if whole == 0 || self.started.is_some() {
            return Passed::default();
        }
        let lines = &at_hand[..whole];
        let end = match find(lines) {
            Some(place) => memchr::memrchr(b'\n', &lines[..place]).map_or(0, |end| end + 1),
            None => whole,
        };
        let passed = &self.buffer[self.from..self.from + end];
        let count = memchr::memchr_iter(b'\n', passed).count() as u64;
        self.from += end;
        self.lines += count;
        self.bytes += end as u64;
        Passed { count, bytes: passed }
    }

    fn next_range(&mut self) -> Option<Range<usize>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.from..self.to]) {
                let line = self.from..self.from + end;
                self.from = line.end + 1;
                return Some(self.cut_line(line));
            }
            if self.to - self.from > LINE_MAX {
                return Some(self.long_line());
            }
            if self.reader.is_none() {
                if self.from < self.to {
                    let line = self.from..self.to;
                    self.from = self.to;
                    return Some(self.cut_line(line));
                }
                if !self.open_next() {
                    return None;
                }
                continue;
            }
            self.fill();
        }
    }

    /// What was left out, and why.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Files that were read.
    pub fn read_files(&self) -> u64 {
        self.read_files
    }

    /// Lines that were cut.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    fn cut_line(&mut self, line: Range<usize>) -> Range<usize> {
        self.lines += 1;
        self.bytes += line.len() as u64 + 1;
        let ends_in_cr = self.buffer[line.clone()].ends_with(b"\r");
        let end = line.end - usize::from(ends_in_cr);
        self.cut += u64::from(end - line.start > LINE_MAX);
        line.start..end.min(line.start + LINE_MAX)
    }

    /// The head of a line that is too long; the rest of it is passed over.
    fn long_line(&mut self) -> Range<usize> {
        let head = self.buffer[self.from..self.from + LINE_MAX].to_vec();
        self.cut += 1;
        self.lines += 1;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.from..self.to]) {
                self.from += end + 1;
                break;
            }
            self.from = self.to;
            if self.reader.is_none() {
                break;
            }
            self.fill();
        }
        // The head lies where nothing is read from any more: before the rest of the buffer.
        if self.from >= LINE_MAX {
            self.buffer[..LINE_MAX].copy_from_slice(&head);
            return 0..LINE_MAX;
        }
        self.buffer.copy_within(self.from..self.to, LINE_MAX);
        self.to = LINE_MAX + (self.to - self.from);
        self.from = LINE_MAX;
        self.buffer[..LINE_MAX].copy_from_slice(&head);
        0..LINE_MAX
    }

    fn fill(&mut self) {
        if self.from > 0 {
            self.buffer.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        let Some(reader) = &mut self.reader else { return };
        let read = match self.broken.take() {
            Some(error) => Err(error),
            None => reader.read(&mut self.buffer[self.to..]),
        };
        match read {
            Ok(0) => self.reader = None,
            Ok(count) => self.to += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.reader = None;
                let (error, lines, bytes) = (error.to_string(), self.lines, self.bytes);
                let why = Fault::Damaged { error, lines, bytes };
                self.skipped.push(Skipped { path: self.path.clone(), why });
            }
        }
    }

    /// Opens the next file that can be read; false if there is none.
    fn open_next(&mut self) -> bool {
        while let Some(file) = self.files.next() {
            self.path.clone_from(&file.path);
            (self.from, self.to) = (0, 0);
            (self.lines, self.bytes, self.broken) = (0, 0, None);
            match self.open(&file) {
                Ok(()) => return true,
                Err(why) => self.skipped.push(Skipped { path: file.path, why }),
            }
        }
        false
    }

    /// Opens a file and looks at its beginning.
    fn open(&mut self, file: &LogFile) -> Result<(), Fault> {
        let closed = |error: io::Error| Fault::Closed(error.to_string());
        let (packing, mut reader) = open(&file.path, &self.meter).map_err(closed)?;
        let (count, broken) = read_up_to(&mut reader, &mut self.buffer[..LOOK_BYTES]);
        let first = &self.buffer[..count];
        let packed_name = packed_ending(&file.path).filter(|_| packing == Packing::Plain);
        match (broken, packed_name) {
            (Some(error), _) if count == 0 => {
                return Err(Fault::Damaged { error: error.to_string(), lines: 0, bytes: 0 });
            }
            (_, Some(ending)) if !is_plain_text(first) => return Err(Fault::Misnamed(ending)),
            _ if first.contains(&0) => return Err(Fault::NotText),
            (broken, _) => self.broken = broken,
        }
        self.to = count;
        self.reader = Some(reader);
        self.started = Some(FileStart { modified: file.modified });
        self.read_files += 1;
        Ok(())
    }
}

/// The ending of a name that says how the file is packed.
fn packed_ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    ["gz", "xz", "zst", "bz2"].contains(&ending).then(|| ending.to_owned())
}

/// Whether the beginning of a file can be a text: not empty, no zero byte, UTF-8 but for a last
/// character that was cut.
fn is_plain_text(first: &[u8]) -> bool {
    let valid =
        std::str::from_utf8(first).map_or_else(|error| error.error_len().is_none(), |_| true);
    !first.is_empty() && valid && !first.contains(&0)
}

fn open(path: &Path, meter: &Meter) -> io::Result<(Packing, Box<dyn Read + Send>)> {
    let raw: Box<dyn Read + Send> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let mut metered = Metered(raw, meter.clone());
    let mut first = [0; 6];
    let (count, broken) = read_up_to(&mut metered, &mut first);
    if let Some(error) = broken {
        return Err(error);
    }
    let packing = Packing::of(&first[..count]);
    let whole = io::Cursor::new(first[..count].to_vec()).chain(metered);
    Ok((packing, packing.reader(Box::new(whole))))
}

/// Fills the buffer as far as the reader goes, with the error that ended it. The error is kept: a
/// decoder may not tell it a second time.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::expand;
    use std::io::Write;

    fn lines_of(path: &Path) -> (Vec<Vec<u8>>, LogLines) {
        let (families, _) = expand(&[path.to_owned()]);
        let family = families.into_iter().next().unwrap();
        let mut lines = LogLines::of(family, Meter::default());
        let mut all = Vec::new();
        while let Some(ArchiveLine { bytes: line, .. }) = lines.next_line() {
            all.push(line.to_vec());
        }
        (all, lines)
    }

    #[test]
    fn packed_and_plain_files_are_one_stream_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let pack = |name: &str, text: &[u8]| {
            let file = File::create(folder.path().join(name)).unwrap();
            let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            gz.write_all(text).unwrap();
            gz.finish().unwrap();
        };
        pack("log.2.gz", b"one\ntwo");
        std::fs::write(folder.path().join("log.1"), "three\r\n\nfour\n").unwrap();
        std::fs::write(folder.path().join("log"), "five").unwrap();
        let (all, lines) = lines_of(folder.path());
        assert_eq!(
            all,
            [
                b"one".to_vec(),
                b"two".to_vec(),
                b"three".to_vec(),
                vec![],
                b"four".to_vec(),
                b"five".to_vec()
            ]
        );
        assert_eq!(lines.read_files(), 3);
    }

    #[test]
    fn lines_are_passed_over_up_to_the_one_that_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&path, text + "open end").unwrap();
        let (families, _) = expand(std::slice::from_ref(&path));
        let mut lines = LogLines::of(families.into_iter().next().unwrap(), Meter::default());
        let find = |text: &[u8]| memchr::memmem::find(text, b"7777\n").map(|at| at + 3);
        assert_eq!(lines.pass_over(find).count, 0, "nothing is read yet");
        let (mut passed, mut given) = (0, Vec::new());
        while let Some(line) = lines.next_line() {
            given.push(String::from_utf8_lossy(line.bytes).into_owned());
            let over = lines.pass_over(find);
            passed += over.count;
            let last = over.last().map(String::from_utf8_lossy);
            assert!(last.is_none_or(|last| last.starts_with("line ") && !last.ends_with("7777")));
        }
        assert_eq!(passed + given.len() as u64, 100_001);
        let found: Vec<_> = given.iter().filter(|line| line.ends_with("7777")).collect();
        assert_eq!(found.len(), 10, "{found:?}");
        assert!(given.len() < 40, "{}", given.len());
    }

    #[test]
    fn overlong_lines_are_cut_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for (before, length) in
            [(0, LINE_MAX + 1), (10, BUFFER_BYTES * 2), (BUFFER_BYTES - 5, LINE_MAX * 3)]
        {
            let mut text = vec![b'a'; before];
            text.push(b'\n');
            text.extend(vec![b'x'; length]);
            text.extend_from_slice(b"\nafter\nlast");
            std::fs::write(&path, &text).unwrap();
            let (all, lines) = lines_of(&path);
            let lengths: Vec<usize> = all.iter().map(Vec::len).collect();
            assert_eq!(lengths, [before.min(LINE_MAX), LINE_MAX, 5, 4], "{before} {length}");
            assert!(all[1].iter().all(|b| *b == b'x') && all[2] == b"after" && all[3] == b"last");
            assert!(lines.cut() >= 1);
        }
    }

    #[test]
    fn what_is_no_text_is_left_out_and_a_broken_archive_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wtmp"), [7, 0, 0, 0, 1]).unwrap();
        let (all, lines) = lines_of(&folder.path().join("wtmp"));
        assert_eq!((all.len(), lines.skipped().len()), (0, 1));
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for n in 0..20_000 {
            writeln!(gz, "line {n}").unwrap();
        }
        let mut bytes = gz.finish().unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(folder.path().join("log.gz"), bytes).unwrap();
        let (all, lines) = lines_of(&folder.path().join("log.gz"));
        assert!(all.len() > 1000, "{}", all.len());
        let told = &lines.skipped()[0].why;
        let Fault::Damaged { lines: read, .. } = told else { panic!("{told:?}") };
        assert!(read.abs_diff(all.len() as u64) <= 1, "{told:?}: {}", all.len());
    }

    #[test]
    fn a_packed_file_with_a_damaged_beginning_is_told_and_never_read_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.gz");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(b"one line\n").unwrap();
        let whole = gz.finish().unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            std::fs::write(&path, &bytes).unwrap();
            let (all, lines) = lines_of(&path);
            let said = lines.skipped();
            // Time, flags and system of the head (bytes 4 to 9) are not protected by a checksum.
            let harmless = (4..10).contains(&at) && all == [b"one line"];
            assert!(harmless || (said.len() == 1 && said[0].why.is_failure()), "{at}: {said:?}");
            assert!(all.iter().all(|line| line.len() < 40), "{at}: {all:?}");
        }
        std::fs::write(&path, "").unwrap();
        assert_eq!(lines_of(&path).1.skipped()[0].why, Fault::Misnamed("gz".to_owned()));
        std::fs::write(&path, "not packed at all\n").unwrap();
        let (all, lines) = lines_of(&path);
        assert_eq!((all.len(), lines.skipped().len()), (1, 0));
    }
}
