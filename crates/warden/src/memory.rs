//! What is too long for a frame goes beside it, as a file in memory.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::MemfdFlags;

/// A file in memory with these bytes.
///
/// # Errors
/// If the kernel has no descriptor or memory left.
pub fn memory_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let fd = rustix::fs::memfd_create("monban", MemfdFlags::CLOEXEC)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    // Whoever gets it may read it from where it stands.
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}

/// The bytes of a file that came with a frame, from its start.
///
/// # Errors
/// If it is no file, so that reading might wait, or longer than `most`.
pub fn read_memory_file(fd: OwnedFd, most: usize) -> io::Result<Vec<u8>> {
    let file = File::from(fd);
    let facts = file.metadata()?;
    let wrong = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
    if !facts.is_file() {
        return Err(wrong("what came with a frame is no file"));
    }
    let length = usize::try_from(facts.len()).ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| wrong("what came with a frame is too long"))?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_nothing_else_is_read() {
        let bytes = b"words".to_vec();
        assert_eq!(read_memory_file(memory_file(&bytes).unwrap(), 5).unwrap(), bytes);
        assert!(read_memory_file(memory_file(&bytes).unwrap(), 4).is_err());
        let (pipe, _writer) = rustix::pipe::pipe().unwrap();
        assert!(read_memory_file(pipe, 5).is_err(), "it would wait for ever");
        let folder = tempfile::tempdir().unwrap();
        assert!(read_memory_file(File::open(folder.path()).unwrap().into(), 5000).is_err());
    }
}
