//! A file, packed or not, in blocks of whole lines and in constant memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use monban_model::limits::LINE_MAX;

use super::block::Block;
use super::family::LogFile;
use super::fault::Fault;
use crate::unpack::Packing;

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

/// A file on its way.
pub struct Blocks {
    reader: Box<dyn Read + Send>,
    packing: Packing,
    /// What follows the last whole line of the block before.
    rest: Vec<u8>,
    /// What is read next belongs to a line that was cut.
    in_cut_line: bool,
    ended: bool,
    /// The end of the file, if it came too early.
    broken: Option<io::Error>,
}

impl Blocks {
    /// Opens a file and looks at its beginning; `meter` counts what is read from disk.
    ///
    /// # Errors
    /// If it cannot be opened, is no text, or is packed and damaged at its beginning.
    pub fn open(file: &LogFile, meter: &Meter) -> Result<Self, Fault> {
        let closed = |error: io::Error| Fault::Closed(error.to_string());
        let (packing, mut reader) = open(&file.path, meter).map_err(closed)?;
        let mut first = vec![0; LOOK_BYTES];
        let (count, broken) = read_up_to(&mut reader, &mut first);
        first.truncate(count);
        let packed_name = packed_ending(&file.path).filter(|_| packing == Packing::Plain);
        match (&broken, packed_name) {
            (Some(error), _) if count == 0 => {
                return Err(Fault::Damaged { error: error.to_string(), lines: 0, bytes: 0 });
            }
            (_, Some(ending)) if !is_plain_text(&first) => return Err(Fault::Misnamed(ending)),
            _ if first.contains(&0) => return Err(Fault::NotText),
            _ => {}
        }
        let ended = count < LOOK_BYTES;
        Ok(Self { reader, packing, rest: first, in_cut_line: false, ended, broken })
    }

    /// How many files may be read beside it: as many as one likes where unpacking takes long and
    /// little memory, few where it takes much, none where nothing is unpacked.
    pub fn beside(&self) -> usize {
        match self.packing {
            Packing::Plain => 0,
            Packing::Gzip => usize::MAX,
            // `bzip2 -9` takes 4 MiB.
            Packing::Bzip2 => 8,
            // Up to 100 MiB each.
            Packing::Xz | Packing::Zstd => 2,
        }
    }

    /// Fills a block with the next lines; false at the end.
    ///
    /// # Errors
    /// If reading broke off, a damaged archive or a failing disk; all that came before was given.
    pub fn read(&mut self, block: &mut Block) -> io::Result<bool> {
        loop {
            let mut filled = self.fill(&mut block.buffer);
            if filled == 0 {
                return self.broken.take().map_or(Ok(false), Err);
            }
            let buffer = &mut block.buffer;
            if self.in_cut_line {
                let end = memchr::memchr(b'\n', &buffer[..filled]).map(|end| end + 1);
                buffer.copy_within(end.unwrap_or(filled)..filled, 0);
                filled -= end.unwrap_or(filled);
                self.in_cut_line = end.is_none();
            }
            block.length = match memchr::memrchr(b'\n', &buffer[..filled]) {
                Some(end) => {
                    self.rest.extend_from_slice(&buffer[end + 1..filled]);
                    end + 1
                }
                None if filled == buffer.len() => {
                    self.in_cut_line = true;
                    LINE_MAX
                }
                None if self.ended => filled,
                None => {
                    self.rest.extend_from_slice(&buffer[..filled]);
                    0
                }
            };
            if block.length > 0 {
                return Ok(true);
            }
        }
    }

    /// What was left, and as much of the file as there is room for.
    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let left = self.rest.len();
        buffer[..left].copy_from_slice(&self.rest);
        self.rest.clear();
        if self.ended {
            return left;
        }
        let (count, broken) = read_up_to(&mut self.reader, &mut buffer[left..]);
        self.ended = left + count < buffer.len();
        self.broken = broken;
        left + count
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
    use crate::archive::{BLOCK_BYTES, Family, expand};
    use std::io::Write;

    fn family(path: &Path) -> Family {
        expand(&[path.to_owned()]).0.into_iter().next().unwrap()
    }

    /// The lines of a family in blocks of so many bytes, and why a file was not read to its end.
    fn lines_of(path: &Path, bytes: usize) -> (Vec<Vec<u8>>, Option<Fault>) {
        let (mut all, mut block): (Vec<Vec<u8>>, _) = (Vec::new(), Block::new(bytes));
        for file in family(path).files {
            let mut blocks = match Blocks::open(&file, &Meter::default()) {
                Ok(blocks) => blocks,
                Err(fault) => return (all, Some(fault)),
            };
            loop {
                match blocks.read(&mut block) {
                    Ok(true) => all.extend(block.lines().map(<[u8]>::to_vec)),
                    Ok(false) => break,
                    Err(error) => return (all, Some(Fault::Closed(error.to_string()))),
                }
            }
        }
        (all, None)
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
        let (all, fault) = lines_of(folder.path(), BLOCK_BYTES);
        assert_eq!(all, ["one", "two", "three", "", "four", "five"].map(str::as_bytes));
        assert_eq!(fault, None);
    }

    #[test]
    fn lines_are_passed_over_up_to_the_one_that_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&path, text + "open end").unwrap();
        let find = |text: &[u8]| memchr::memmem::find(text, b"7777\n").map(|at| at + 3);
        let mut blocks = Blocks::open(&family(&path).files[0], &Meter::default()).unwrap();
        let (mut block, mut passed, mut given) = (Block::new(BLOCK_BYTES), 0, Vec::new());
        while blocks.read(&mut block).unwrap() {
            let mut lines = block.lines();
            loop {
                let over = lines.pass_over(find);
                passed += over.count;
                let last = over.last().map(String::from_utf8_lossy);
                assert!(last.is_none_or(|last| last.starts_with("line ") && !last.ends_with("77")));
                let Some(line) = lines.next() else { break };
                given.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        assert_eq!(passed + given.len() as u64, 100_001);
        let found: Vec<_> = given.iter().filter(|line| line.ends_with("7777")).collect();
        assert_eq!((found.len(), given.len()), (10, 11), "{given:?}");
    }

    #[test]
    fn overlong_lines_are_cut_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for bytes in [0, BLOCK_BYTES] {
            for (before, length) in [
                (0, LINE_MAX + 1),
                (10, BLOCK_BYTES * 2),
                (BLOCK_BYTES - 5, LINE_MAX * 3),
                (2 * LINE_MAX - 1, 2 * LINE_MAX),
                (7, 4 * LINE_MAX - 8),
            ] {
                let mut text = vec![b'a'; before];
                text.push(b'\n');
                text.extend(vec![b'x'; length]);
                text.extend_from_slice(b"\nafter\nlast");
                std::fs::write(&path, &text).unwrap();
                let (all, _) = lines_of(&path, bytes);
                let lengths: Vec<usize> = all.iter().map(Vec::len).collect();
                assert_eq!(lengths, [before.min(LINE_MAX), LINE_MAX, 5, 4], "{before} {length}");
                assert!(all[1].iter().all(|b| *b == b'x') && all[2] == b"after");
            }
        }
        std::fs::write(&path, vec![b'x'; 5 * LINE_MAX]).unwrap();
        assert_eq!(lines_of(&path, 0).0.len(), 1, "a line that never ends");
    }

    #[test]
    fn what_is_no_text_is_left_out_and_a_broken_archive_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wtmp"), [7, 0, 0, 0, 1]).unwrap();
        let (all, fault) = lines_of(&folder.path().join("wtmp"), BLOCK_BYTES);
        assert_eq!((all.len(), fault), (0, Some(Fault::NotText)));
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for n in 0..20_000 {
            writeln!(gz, "line {n}").unwrap();
        }
        let mut bytes = gz.finish().unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(folder.path().join("log.gz"), bytes).unwrap();
        let (all, fault) = lines_of(&folder.path().join("log.gz"), BLOCK_BYTES);
        assert!(all.len() > 1000 && fault.is_some(), "{}", all.len());
        assert_eq!(all[1000], b"line 1000");
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
            let (all, fault) = lines_of(&path, BLOCK_BYTES);
            // Time, flags and system of the head (bytes 4 to 9) are not protected by a checksum.
            let harmless = (4..10).contains(&at) && all == [b"one line"];
            assert!(harmless || fault.is_some_and(|fault| fault.is_failure()), "{at}");
            assert!(all.iter().all(|line| line.len() < 40), "{at}: {all:?}");
        }
        std::fs::write(&path, "").unwrap();
        assert_eq!(lines_of(&path, 0).1, Some(Fault::Misnamed("gz".to_owned())));
        std::fs::write(&path, "not packed at all\n").unwrap();
        assert_eq!(lines_of(&path, 0), (vec![b"not packed at all".to_vec()], None));
    }
}
