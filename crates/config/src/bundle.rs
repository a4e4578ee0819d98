//! The files of a configuration, as they are handed from the role that may read them to the one
//! that works by them.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use monban_model::Problem;
use monban_model::limits::{CONFIG_BYTES_MAX, RULE_FILE_BYTES_MAX, TEXTS_FILE_BYTES_MAX};

/// One file: its name as a person would write it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// `monban.toml`, if there is one, and the files of `rules.d/` and `texts/` beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The configuration.
    pub config: Option<SourceFile>,
    /// The operator's own rule files, in the order of their names.
    pub rules: Vec<SourceFile>,
    /// The operator's own texts of messages, a file for each language.
    pub texts: Vec<SourceFile>,
    /// A configuration of fail2ban, if its jails run here.
    pub fail2ban: Option<Fail2ban>,
}

/// The files of a configuration of fail2ban.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fail2ban {
    /// Its folder.
    pub folder: String,
    /// Whether monban's own rules run beside its jails.
    pub beside: bool,
    /// All files that it is made of.
    pub files: Vec<SourceFile>,
}

impl Bundle {
    /// Reads the files. A configuration that is missing is no problem unless it was asked for; nor
    /// is one of somebody else that is closed to us: then it was not meant for us.
    ///
    /// # Errors
    /// Files that cannot be read, are too large or not UTF-8, and, for root, files that somebody
    /// else may write: whoever may change them decides whom root shuts out.
    pub fn read(path: &Path, asked_for: bool) -> Result<Self, Vec<Problem>> {
        let mut bundle = Self::default();
        let mut problems = Vec::new();
        match read_file(path, CONFIG_BYTES_MAX, "decides whom monban shuts out") {
            Ok(file) => bundle.config = Some(file),
            Err(_) if !asked_for && is_absent(path) => {}
            Err(None) => {
                let name = path.display().to_string();
                let why = "without it the defaults would be in force unseen";
                problems.push(Problem::of_file(&name, "there is no such file", why));
            }
            Err(Some(problem)) => problems.push(problem),
        }
        let folder = path.with_file_name("rules.d");
        let power = "decides whom monban shuts out";
        bundle.rules = read_folder(&folder, RULE_FILE_BYTES_MAX, power, &mut problems);
        let folder = path.with_file_name("texts");
        let power = "decides what monban tells people";
        bundle.texts = read_folder(&folder, TEXTS_FILE_BYTES_MAX, power, &mut problems);
        if problems.is_empty() { Ok(bundle) } else { Err(problems) }
    }

    /// One run of bytes: for each file its kind, the lengths of name and text, name and text.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let files = self.config.iter().map(|file| (0, file));
        let files = files.chain(self.rules.iter().map(|file| (1, file)));
        let files = files.chain(self.texts.iter().map(|file| (4, file)));
        let folder = self.fail2ban.as_ref().map(|fail2ban| SourceFile {
            file: fail2ban.folder.clone(),
            text: if fail2ban.beside { "beside" } else { "" }.to_owned(),
        });
        let theirs = self.fail2ban.iter().flat_map(|fail2ban| &fail2ban.files);
        let files = files.chain(folder.iter().map(|file| (2, file)));
        for (kind, file) in files.chain(theirs.map(|file| (3, file))) {
            out.push(kind);
            out.extend_from_slice(&(file.file.len() as u32).to_le_bytes());
            out.extend_from_slice(&(file.text.len() as u32).to_le_bytes());
            out.extend_from_slice(file.file.as_bytes());
            out.extend_from_slice(file.text.as_bytes());
        }
        out
    }

    /// Reads what [`Bundle::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut bundle = Self::default();
        while let Some((kind, rest)) = bytes.split_first() {
            let (name_len, rest) = rest.split_first_chunk::<4>()?;
            let (text_len, rest) = rest.split_first_chunk::<4>()?;
            let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*name_len) as usize)?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*text_len) as usize)?;
            let owned = |part: &[u8]| std::str::from_utf8(part).ok().map(str::to_owned);
            let file = SourceFile { file: owned(name)?, text: owned(text)? };
            match kind {
                0 => bundle.config = Some(file),
                1 => bundle.rules.push(file),
                2 => {
                    let beside = !file.text.is_empty();
                    let files = Vec::new();
                    bundle.fail2ban = Some(Fail2ban { folder: file.file, beside, files });
                }
                3 => bundle.fail2ban.as_mut()?.files.push(file),
                4 => bundle.texts.push(file),
                _ => return None,
            }
            bytes = rest;
        }
        Some(bundle)
    }
}

/// The files of a folder that end with `.toml`, in the order of their names; none if there is no
/// such folder.
fn read_folder(
    folder: &Path,
    most: usize,
    power: &str,
    problems: &mut Vec<Problem>,
) -> Vec<SourceFile> {
    let mut names: Vec<_> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    names.retain(|name| name.extension().is_some_and(|end| end == "toml"));
    names.sort();
    let (mut files, mut total) = (Vec::new(), 0);
    for name in names {
        match read_file(&name, most, power) {
            Ok(file) => {
                total += file.text.len();
                files.push(file);
            }
            Err(Some(problem)) => problems.push(problem),
            Err(None) => {}
        }
    }
    if total > CONFIG_BYTES_MAX {
        let name = folder.display().to_string();
        let what = format!("the files there have more than {CONFIG_BYTES_MAX} bytes in all");
        problems.push(Problem::of_file(&name, what, "they are held in memory"));
    }
    files
}

/// Reads a file; `Err(None)` if there is none. `power` is what somebody else who may write it
/// could do.
fn read_file(path: &Path, most: usize, power: &str) -> Result<SourceFile, Option<Problem>> {
    let name = path.display().to_string();
    let refuse = |what: String, why: &str| Some(Problem::of_file(&name, what, why));
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(None),
        Err(error) => return Err(refuse(format!("cannot be read: {error}"), "")),
    };
    let facts = file.metadata().map_err(|error| refuse(format!("cannot be read: {error}"), ""))?;
    if !facts.is_file() {
        return Err(refuse("is no regular file".to_owned(), ""));
    }
    let foreign = is_foreign(&facts);
    if foreign || facts.mode() & 0o022 != 0 {
        let what = format!(
            "may be written by others (owner {}, mode {:o})",
            facts.uid(),
            facts.mode() & 0o7777
        );
        let why = format!("whoever may change it {power}");
        return Err(
            refuse(what, &why).map(|p| p.hint(format!("chown root {name}; chmod go-w {name}")))
        );
    }
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    if let Err(error) = file.by_ref().take(limit).read_to_end(&mut bytes) {
        return Err(refuse(format!("cannot be read: {error}"), ""));
    }
    if bytes.len() > most {
        return Err(refuse(format!("has more than {most} bytes"), "it is held in memory"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile { file: name, text }),
        Err(_) => Err(refuse("is not UTF-8 text".to_owned(), "TOML is UTF-8")),
    }
}

/// Whether there is no such file for us: none at all, or one that we may not read. One of our own
/// that we may not read is there: its owner made it so by mistake.
fn is_absent(path: &Path) -> bool {
    let is_ours = || {
        let me = fs::metadata("/proc/self").map(|me| me.uid());
        me.is_ok_and(|me| fs::metadata(path).is_ok_and(|facts| facts.uid() == me))
    };
    match fs::File::open(path).map_err(|error| error.kind()) {
        Err(std::io::ErrorKind::NotFound) => true,
        Err(std::io::ErrorKind::PermissionDenied) => !is_ours(),
        _ => false,
    }
}

/// Whether the file belongs to somebody who is neither root nor the one who runs this.
fn is_foreign(facts: &fs::Metadata) -> bool {
    let me = fs::metadata("/proc/self").map_or(0, |me| me.uid());
    facts.uid() != 0 && facts.uid() != me
}
