//! What was put in: a file of the state folder, so that the hook's absence is noticed.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::stack::{PamDir, read_text};
use super::survey::Expected;

/// Its name in the state folder.
pub const FILE: &str = "pam-hook";

/// Lines `FILE OF THE SERVICE<TAB>LINE`, each file once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(Vec<(PathBuf, String)>);

impl Record {
    /// That of a state folder; empty if nothing was put in.
    pub fn read(state: &Path) -> Self {
        let text = read_text(&state.join(FILE)).unwrap_or_default();
        let entries = text.lines().filter_map(|line| line.split_once('\t'));
        Self(entries.map(|(file, line)| (PathBuf::from(file), line.to_owned())).collect())
    }

    /// What is to stand in the services of a folder.
    pub fn expected(&self, dir: &PamDir) -> Vec<Expected> {
        let of_dir = |(file, line): &(PathBuf, String)| {
            let service = file.file_name()?.to_str()?.to_owned();
            let line = line.clone();
            let is_recorded = true;
            (file.parent()? == dir.path).then_some(Expected { service, line, is_recorded })
        };
        self.0.iter().filter_map(of_dir).collect()
    }

    /// Notes a service.
    pub fn put(&mut self, dir: &PamDir, service: &str, line: &str) {
        self.forget(dir, service);
        self.0.push((dir.file(service), line.to_owned()));
    }

    /// Strikes a service out.
    pub fn forget(&mut self, dir: &PamDir, service: &str) {
        let file = dir.file(service);
        self.0.retain(|(noted, _)| *noted != file);
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// If the state folder cannot be written to.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(state)?;
        let lines = self.0.iter().map(|(file, line)| format!("{}\t{line}\n", file.display()));
        let beside = state.join(format!("{FILE}.new"));
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = fs::File::create_new(&beside)?;
        io::Write::write_all(&mut out, lines.collect::<String>().as_bytes())?;
        out.sync_all()?;
        fs::rename(&beside, state.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_known_by_its_folder() {
        let state = tempfile::tempdir().unwrap();
        let (dir, other) = (PamDir::of(Path::new("/etc/pam.d")), PamDir::of(Path::new("/other")));
        let mut record = Record::read(state.path());
        assert_eq!(record, Record::default());
        record.put(&dir, "sshd", "old line");
        record.put(&dir, "sshd", "line");
        record.put(&dir, "su", "line");
        record.put(&other, "su", "line");
        record.forget(&dir, "su");
        record.write(state.path()).unwrap();
        let read = Record::read(state.path());
        assert_eq!(read, record);
        let expected: Vec<_> =
            read.expected(&dir).into_iter().map(|one| (one.service, one.line)).collect();
        assert_eq!(expected, [("sshd".to_owned(), "line".to_owned())]);
    }
}
