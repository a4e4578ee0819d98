//! The bytes of one file, packed or not.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};

use monban_model::limits::UNPACK_SEARCH_MAX;

use crate::unpack::Packing;

/// Size in bytes and time of the last change in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) size: u64,
    pub(crate) mtime_ns: i128,
}

/// Bytes that are unpacked at once to know a size.
const SIZE_PIECE_BYTES: usize = 64 * 1024;

/// Where bytes come from.
pub(crate) enum Body {
    /// A file that may still grow.
    Plain(File),
    /// A rotated file that was packed. It does not grow.
    Packed(Packed),
}

/// A packed file as a stream that can step back within its last bytes.
pub(crate) struct Packed {
    file: File,
    stream: Box<dyn Read + Send>,
    /// The last bytes that were asked for, and the offset of the first of them.
    window: Vec<u8>,
    window_at: u64,
}

/// A file from its start, with a place of its own.
struct FromStart {
    file: File,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buf, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Body {
    /// Takes a file; its first bytes tell whether it is packed.
    ///
    /// # Errors
    /// What reading says.
    pub(crate) fn open(file: File) -> io::Result<Self> {
        let mut first = [0; 6];
        let got = read_full(&mut first, |buf, at| file.read_at(buf, at))?;
        if Packing::of(&first[..got]) == Packing::Plain {
            return Ok(Self::Plain(file));
        }
        Ok(Self::Packed(Packed::open(file)?))
    }

    /// Device and inode.
    ///
    /// # Errors
    /// What fstat says.
    pub(crate) fn id(&self) -> io::Result<(u64, u64)> {
        let data = self.file().metadata()?;
        Ok((data.dev(), data.ino()))
    }

    /// Size and time of change as they are now, also of a packed file.
    ///
    /// # Errors
    /// What fstat says.
    pub(crate) fn stat(&self) -> io::Result<Stat> {
        let data = self.file().metadata()?;
        let mtime_ns = i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec());
        Ok(Stat { size: data.size(), mtime_ns })
    }

    /// When the file was made, in nanoseconds, where the file system knows.
    pub(crate) fn born_ns(&self) -> Option<i128> {
        let born = self.file().metadata().ok()?.created().ok()?;
        let since = born.duration_since(std::time::UNIX_EPOCH).ok()?;
        i128::try_from(since.as_nanos()).ok()
    }

    /// Whether no name leads to the file any more.
    pub(crate) fn is_deleted(&self) -> bool {
        self.file().metadata().is_ok_and(|data| data.nlink() == 0)
    }

    /// Whether it is packed.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_))
    }

    /// Fills `buf` from the offset `at` as far as there is something.
    ///
    /// # Errors
    /// What reading says; for a packed file also that it is broken, or that one has to unpack
    /// more than [`UNPACK_SEARCH_MAX`] to come to `at`.
    pub(crate) fn read_at(&mut self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Plain(file) => read_full(buf, |part, done| file.read_at(part, at + done)),
            Self::Packed(packed) => packed.read_at(buf, at),
        }
    }

    /// The size of what is in it, unpacked; none if that is more than `max`.
    ///
    /// # Errors
    /// What reading says; for a packed file also that it is broken, or larger than
    /// [`UNPACK_SEARCH_MAX`].
    pub(crate) fn size_within(&mut self, max: u64) -> io::Result<Option<u64>> {
        let size = match self {
            Self::Plain(file) => file.metadata()?.size(),
            Self::Packed(packed) => packed.size_within(max)?,
        };
        Ok(Some(size).filter(|size| *size <= max))
    }

    fn file(&self) -> &File {
        match self {
            Self::Plain(file) => file,
            Self::Packed(packed) => &packed.file,
        }
    }
}

impl Packed {
    fn open(file: File) -> io::Result<Self> {
        // Of a descriptor that others have as well, they may move the place.
        let inner = FromStart { file: file.try_clone()?, at: 0 };
        let mut first = [0; 6];
        let got = file.read_at(&mut first, 0)?;
        let stream = Packing::of(&first[..got]).reader(Box::new(inner));
        Ok(Self { file, stream, window: Vec::new(), window_at: 0 })
    }

    /// The unpacked size if it is not larger than `max`, or else something that is.
    fn size_within(&mut self, max: u64) -> io::Result<u64> {
        let mut piece = vec![0; SIZE_PIECE_BYTES];
        let mut size = self.window_at;
        while size <= max {
            if size > UNPACK_SEARCH_MAX {
                return Err(io::Error::other("too much to unpack"));
            }
            let got = self.read_at(&mut piece, size)?;
            size += got as u64;
            if got < piece.len() {
                // What is broken fails here.
                self.read_at(&mut piece, size)?;
                break;
            }
        }
        Ok(size)
    }

    fn read_at(&mut self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        if at < self.window_at {
            let file = self.file.try_clone()?;
            *self = Self::open(file)?;
        }
        let window_end = self.window_at + self.window.len() as u64;
        if at >= window_end {
            let skip = at - window_end;
            if skip > UNPACK_SEARCH_MAX {
                return Err(io::Error::other("too much to unpack"));
            }
            let skipped = io::copy(&mut (&mut self.stream).take(skip), &mut io::sink())?;
            self.window.clear();
            self.window_at = window_end + skipped;
            if skipped < skip {
                return Ok(0);
            }
        } else {
            self.window.drain(..(at - self.window_at) as usize);
            self.window_at = at;
        }
        let have = self.window.len();
        if have < buf.len() {
            self.window.resize(buf.len(), 0);
            let stream = &mut self.stream;
            let got = read_full(&mut self.window[have..], |part, _| stream.read(part));
            self.window.truncate(have + *got.as_ref().unwrap_or(&0));
            got?;
        }
        let n = self.window.len().min(buf.len());
        buf[..n].copy_from_slice(&self.window[..n]);
        Ok(n)
    }
}

/// Repeats a read until `buf` is full or nothing comes. What was read before an error is given;
/// the error comes again at the next read.
fn read_full(
    buf: &mut [u8],
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match read(&mut buf[done..], done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
