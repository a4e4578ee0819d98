//! Where the files of a configuration are read: from the disk, or out of what was read before and
//! handed to a role that may not open them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use monban_model::limits::{
    FAIL2BAN_BYTES_MAX, FAIL2BAN_FILE_BYTES_MAX, FAIL2BAN_FILES_MAX, FAIL2BAN_LISTS_BYTES_MAX,
};

/// The folders of a configuration that files are in, below its own.
const FOLDERS: &[&str] = &["action.d", "fail2ban.d", "filter.d", "jail.d"];

/// Files with their texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// By their [`plain`] paths, of which comparing the bytes is enough.
    texts: BTreeMap<OsString, String>,
    /// Those of them that are no part of the configuration, but lists that it names.
    lists: BTreeSet<OsString>,
    foreign: Vec<Foreign>,
    held: bool,
    /// Those of the held ones that a configuration was made of.
    used: BTreeSet<OsString>,
    /// What was read of the disk before anybody asked for it.
    ahead: HashMap<PathBuf, (String, Option<Foreign>)>,
}

/// A file that others than root and the caller may write: they decide what is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The file.
    pub path: PathBuf,
    /// Its owner.
    pub uid: u32,
    /// Its mode: the permission bits.
    pub mode: u32,
}

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The system says so.
    Io(String),
    /// It has more than [`FAIL2BAN_FILE_BYTES_MAX`] bytes.
    TooLarge,
    /// It is not UTF-8.
    NotUtf8(std::string::FromUtf8Error),
    /// All lists together have more than [`FAIL2BAN_LISTS_BYTES_MAX`] bytes.
    NoRoom,
}

impl Files {
    /// Those of the disk. What is read is kept.
    pub fn of_disk() -> Self {
        Self::default()
    }

    /// These and no others.
    pub fn held(texts: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let by_path = |(path, text): (PathBuf, String)| (plain(&path).into_owned(), text);
        Self { texts: texts.into_iter().map(by_path).collect(), held: true, ..Self::default() }
    }

    /// Reads what a configuration in this folder is likely to be made of, before it is asked for:
    /// all `.conf` and `.local` files. What cannot be read, or is too much, is told where it is
    /// asked for.
    pub fn read_ahead(&mut self, folder: &Path) {
        let below = FOLDERS.iter().map(|name| folder.join(name));
        let mut bytes = 0;
        for path in std::iter::once(folder.to_path_buf()).chain(below) {
            for file in self.in_folder(&path) {
                let is_one = file.extension().is_some_and(|end| end == "conf" || end == "local");
                if !is_one || self.ahead.len() >= FAIL2BAN_FILES_MAX || bytes > FAIL2BAN_BYTES_MAX {
                    continue;
                }
                if let Ok((text, foreign)) = text_of(&file) {
                    bytes += text.len();
                    self.ahead.insert(file, (text, foreign));
                }
            }
        }
    }

    /// What [`Files::read_ahead`] has read, in no order.
    pub fn texts_ahead(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.ahead.iter().map(|(path, (text, _))| (path.as_path(), text.as_str()))
    }

    /// Those of the held ones that a configuration was made of: with them alone it is the same.
    pub fn used(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.texts().filter(|(path, _)| self.used.contains(path.as_os_str()))
    }

    /// All that was read so far.
    pub fn texts(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.texts.iter().map(|(path, text)| (Path::new(path), text.as_str()))
    }

    /// The text of a file that was read.
    pub fn text(&self, path: &Path) -> Option<&str> {
        self.texts.get(&*plain(path)).map(String::as_str)
    }

    /// Bytes of what is part of the configuration: without lists that `ignoreip` names.
    pub fn configured_bytes(&self) -> usize {
        let own = self.texts.iter().filter(|(path, _)| !self.lists.contains(*path));
        own.map(|(_, text)| text.len()).sum()
    }

    /// Reads a list that `ignoreip` names. Whoever may write it can spare himself, which is what he
    /// was given it for: others than root may.
    pub(crate) fn read_list(&mut self, path: &Path) -> Result<(), Unread> {
        let plain = plain(path);
        if self.texts.contains_key(&*plain) {
            return Ok(());
        }
        if self.held {
            return self.read(path).map(drop);
        }
        let (text, _) = text_of(path)?;
        let lists = self.lists.iter().filter_map(|list| self.texts.get(list));
        if lists.map(String::len).sum::<usize>() + text.len() > FAIL2BAN_LISTS_BYTES_MAX {
            return Err(Unread::NoRoom);
        }
        self.lists.insert(plain.clone().into_owned());
        self.texts.insert(plain.into_owned(), text);
        Ok(())
    }

    /// Those of them that others may write.
    pub fn foreign(&self) -> &[Foreign] {
        &self.foreign
    }

    pub(crate) fn is_folder(&self, path: &Path) -> bool {
        match self.held {
            true => self.held_below(path).next().is_some(),
            false => path.is_dir(),
        }
    }

    pub(crate) fn is_file(&self, path: &Path) -> bool {
        match self.held {
            true => self.text(path).is_some(),
            false => path.is_file(),
        }
    }

    /// Whether something stands there, if only a folder.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        match self.held {
            true => self.text(path).is_some(),
            false => path.exists(),
        }
    }

    /// The paths of what a folder holds, at most [`FAIL2BAN_FILES_MAX`], in no order.
    pub(crate) fn in_folder(&self, folder: &Path) -> Vec<PathBuf> {
        if self.held {
            let inside = self.held_below(folder).filter(|(_, rest)| !rest.contains(&b'/'));
            return inside.map(|(held, _)| PathBuf::from(held)).collect();
        }
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        entries.take(FAIL2BAN_FILES_MAX).flatten().map(|entry| entry.path()).collect()
    }

    /// Whether they are those that somebody else read.
    pub(crate) fn are_held(&self) -> bool {
        self.held
    }

    /// The held ones below a path, which follow each other, and what their paths have behind it.
    fn held_below(&self, path: &Path) -> impl Iterator<Item = (&OsStr, &[u8])> {
        let mut folder = plain(path).into_owned().into_vec();
        if !folder.ends_with(b"/") {
            folder.push(b'/');
        }
        let from = self.texts.range(OsString::from_vec(folder.clone())..);
        from.map_while(move |(held, _)| Some((&**held, held.as_bytes().strip_prefix(&*folder)?)))
    }

    pub(crate) fn read(&mut self, path: &Path) -> Result<String, Unread> {
        if self.held {
            let found = self.text(path).map(str::to_owned);
            self.used.extend(found.is_some().then(|| plain(path).into_owned()));
            return found.ok_or_else(|| Unread::Io("it was not handed over".to_owned()));
        }
        let (text, foreign) = self.ahead.remove(path).map_or_else(|| text_of(path), Ok)?;
        self.foreign.extend(foreign);
        self.texts.insert(plain(path).into_owned(), text.clone());
        Ok(text)
    }
}

/// A path without `//`, `/./` and a slash at its end, as most are written.
fn plain(path: &Path) -> Cow<'_, OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let is_plain = !bytes.ends_with(b"/")
        && !bytes.ends_with(b"/.")
        && memchr::memmem::find(bytes, b"//").is_none()
        && memchr::memmem::find(bytes, b"/./").is_none();
    match is_plain {
        true => Cow::Borrowed(path.as_os_str()),
        false => Cow::Owned(path.components().collect::<PathBuf>().into_os_string()),
    }
}

fn text_of(path: &Path) -> Result<(String, Option<Foreign>), Unread> {
    let failed = |error: std::io::Error| Unread::Io(error.to_string());
    // A pipe would make us wait for somebody to write into it, already when it is opened.
    let mut file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if !facts.is_file() {
        return Err(Unread::Io("not a regular file".to_owned()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).map_or(0, room_for));
    let most = FAIL2BAN_FILE_BYTES_MAX as u64 + 1;
    file.by_ref().take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > FAIL2BAN_FILE_BYTES_MAX {
        return Err(Unread::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(Unread::NotUtf8)?;
    let (uid, mode) = (facts.uid(), facts.mode() & 0o7777);
    let is_ours = uid == 0 || uid == rustix::process::geteuid().as_raw();
    let foreign = Foreign { path: path.to_path_buf(), uid, mode };
    // The group root is root.
    let others = if facts.gid() == 0 { 0o002 } else { 0o022 };
    Ok((text, (!is_ours || mode & others != 0).then_some(foreign)))
}

/// Room for a file of such a length, and for a byte more that shows that it has ended.
fn room_for(length: usize) -> usize {
    length.min(FAIL2BAN_FILE_BYTES_MAX) + 1
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::{Configuration, Reading};
    use super::*;

    #[test]
    fn what_was_read_says_the_same_without_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        // A path may be written in several ways.
        write("jail.conf", "[INCLUDES]\nbefore = paths.conf\n  ./paths.conf\n  .//none.conf\n");
        write("paths.conf", "[DEFAULT]\nlog = /nowhere/a.log\n");
        write("jail.d/mine.local", "[a]\nenabled = yes\nfilter = a\nlogpath = %(log)s\n");
        write("filter.d/a.conf", "[Definition]\nfailregex = ^no <HOST>$\n");
        write("filter.d/a.local", "[Definition]\nignoreregex = ^no 192\\.\n");
        let reading = Reading::default();
        let (disk, files) = Configuration::read_within(folder.path(), Files::of_disk(), &reading);
        assert_eq!(disk.jails.len(), 1, "{:?}", disk.complaints);
        assert_eq!(files.foreign(), []);
        let texts = files.texts().map(|(path, text)| (path.to_path_buf(), text.to_owned()));
        let held = Files::held(texts.collect::<Vec<_>>());
        let path = folder.path().to_path_buf();
        folder.close().unwrap();
        let (again, _) = Configuration::read_within(&path, held, &reading);
        assert_eq!(again.jails, disk.jails);
        assert_eq!(again.names, disk.names);
    }

    #[test]
    fn held_files_are_found_in_every_spelling_and_below_their_folder_only() {
        let names =
            ["/f/jail.d/b", "/f/jail.d/a", "/f/jail.d-old/c", "/f/jail.d.conf", "/f/jail.d/sub/d"];
        let held = Files::held(names.map(|name| (PathBuf::from(name), name.to_owned())));
        let inside = |folder: &str| {
            let inside = held.in_folder(Path::new(folder)).into_iter();
            inside.map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        for folder in ["/f/jail.d", "/f/jail.d/", "/f//jail.d", "/f/./jail.d/."] {
            assert_eq!(inside(folder), ["/f/jail.d/a", "/f/jail.d/b"], "{folder}");
            assert!(held.is_folder(Path::new(folder)));
        }
        assert_eq!(inside("/f"), ["/f/jail.d.conf"]);
        assert!(inside("/").is_empty() && inside("/f/jail").is_empty());
        assert!(held.is_folder(Path::new("/")) && !held.is_folder(Path::new("/f/jail")));
        for path in ["/f/jail.d/a", "//f/jail.d/a", "/f/./jail.d//a"] {
            assert_eq!(held.text(Path::new(path)), Some("/f/jail.d/a"), "{path}");
        }
        assert!(!held.is_file(Path::new("/f/jail.d")) && !held.exists(Path::new("/f/x")));
    }

    #[test]
    fn what_is_read_ahead_makes_the_same_out_of_what_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        write("jail.conf", "[a]\nenabled = yes\nfilter = a\nlogpath = /nowhere/a.log\n");
        write("filter.d/a.conf", "[Definition]\nfailregex = ^no <HOST>$\n");
        write("filter.d/a.local", "[Definition]\nignoreregex = ^no 192\\.\n");
        write("filter.d/b.conf", "[Definition]\nfailregex = ^of nobody <HOST>$\n");
        let others = write("filter.d/c.conf", "");
        fs::set_permissions(&others, fs::Permissions::from_mode(0o666)).unwrap();
        let read =
            |files: Files| Configuration::read_within(folder.path(), files, &Reading::default());
        let (disk, files) = read(Files::of_disk());
        let mut ahead = Files::of_disk();
        ahead.read_ahead(folder.path());
        let texts = ahead.texts_ahead().map(|(path, text)| (path.to_path_buf(), text.to_owned()));
        let texts: Vec<(PathBuf, String)> = texts.collect();
        assert_eq!(texts.len(), 5);
        let (of_ahead, read_of_it) = read(ahead);
        assert_eq!((&of_ahead.jails, &of_ahead.names), (&disk.jails, &disk.names));
        // What no jail needs is handed to nobody, and nobody minds whose it is.
        assert!(read_of_it.texts().eq(files.texts()));
        assert_eq!(read_of_it.foreign(), []);
        let (held, used) = read(Files::held(texts));
        assert_eq!((&held.jails, &held.names), (&disk.jails, &disk.names));
        assert!(used.used().eq(files.texts()));
    }

    #[test]
    fn files_that_others_may_write_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jail.local");
        fs::write(&path, "[DEFAULT]\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let reading = Reading::default();
        let (_, files) = Configuration::read_within(folder.path(), Files::of_disk(), &reading);
        let [foreign] = files.foreign() else { panic!("one file") };
        assert_eq!((&foreign.path, foreign.mode), (&path, 0o666));
    }
}
