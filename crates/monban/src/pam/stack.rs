//! The files of `/etc/pam.d` as Linux-PAM reads them (pam.conf(5)).
//!
//! A rule is `TYPE CONTROL MODULE ARGUMENTS`. What follows `#` is a comment, a `\` at the end of a
//! line joins it with the next one, `[..]` holds a control or argument with spaces together, and a
//! `-` before the type keeps a missing module out of the log. Debian's `@include FILE` takes in all
//! of a file, `include` and `substack` as control its rules of one type.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use monban_model::limits::{PAM_FILE_BYTES_MAX, PAM_FILES_MAX, PAM_INCLUDES_MAX, PAM_RULES_MAX};

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Auth,
    Account,
    Password,
    Session,
    /// Debian's `@include`: of all four.
    All,
}

/// One rule, as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its first line, from 1.
    pub line: u32,
    /// Its lines together.
    pub lines: u32,
    pub kind: Kind,
    /// The control, in lower case as PAM compares it.
    pub control: String,
    /// The module, or the file that is included.
    pub module: String,
    pub args: Vec<String>,
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    pub rules: Vec<Rule>,
    /// Lines that PAM does not understand.
    pub odd: Vec<u32>,
    /// The first line of a rule that the file's end cuts off, since its last one ends in `\`:
    /// PAM refuses such a file as a whole.
    pub unended: Option<u32>,
}

/// A rule of one type that a service comes to, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub file: PathBuf,
    pub rule: Rule,
    /// The line of the service's own file that leads to it.
    pub own_line: u32,
    /// How many `substack` lie around it: what ends a substack ends nothing else.
    pub substacks: usize,
}

/// All rules of one type that PAM goes through for a service, such as when its session opens.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub rules: Vec<Placed>,
    /// Files that are named and not there, or include themselves, with who names them.
    pub missing: Vec<(PathBuf, u32, String)>,
    /// Files that were read for it, each as often as it is included.
    read: usize,
    /// The line of the service's own file that is being followed.
    own_line: u32,
}

/// A folder of PAM's, with changes that are not written yet.
#[derive(Clone, Debug)]
pub struct PamDir {
    pub path: PathBuf,
    pub changed: BTreeMap<String, String>,
}

impl Rule {
    /// Whether it includes a file instead of calling a module.
    pub fn includes(&self) -> bool {
        self.kind == Kind::All || self.control == "include" || self.control == "substack"
    }

    /// The program that it runs, if its module is `pam_exec.so`: the first argument with a `/` in
    /// front, and what stands behind it (pam_exec(8)).
    pub fn runs(&self) -> Option<(&str, &[String])> {
        if self.includes() || self.module.rsplit('/').next() != Some("pam_exec.so") {
            return None;
        }
        let at = self.args.iter().position(|arg| arg.starts_with('/'))?;
        Some((&self.args[at], &self.args[at + 1..]))
    }

    /// Whether it has an option of `pam_exec.so`, which stands before the program.
    pub fn has_option(&self, option: &str) -> bool {
        self.args.iter().take_while(|arg| !arg.starts_with('/')).any(|arg| arg == option)
    }

    /// The value of `type=`.
    pub fn only_type(&self) -> Option<&str> {
        let options = self.args.iter().take_while(|arg| !arg.starts_with('/'));
        options.filter_map(|arg| arg.strip_prefix("type=")).last()
    }
}

impl Stack {
    /// Reads the text of a file. Every text is one.
    pub fn read(text: &str) -> Self {
        let mut stack = Self::default();
        let mut joined = String::new();
        let (mut first, mut count) = (0, 0);
        for (number, line) in (1..).zip(text.split('\n')) {
            let part = line.split('#').next().unwrap_or_default().trim_matches([' ', '\t']);
            if joined.is_empty() {
                (first, count) = (number, 0);
            }
            count += 1;
            // Neither an empty line nor a comment ends a rule that goes on (seen with Linux-PAM
            // 1.5.2).
            if part.is_empty() && !joined.is_empty() {
                continue;
            }
            match part.strip_suffix('\\') {
                Some(part) => {
                    joined.push_str(part);
                    joined.push(' ');
                    continue;
                }
                None => joined.push_str(part),
            }
            stack.add(&joined, first, count);
            joined.clear();
        }
        stack.unended = (!joined.is_empty()).then_some(first);
        stack
    }

    fn add(&mut self, text: &str, line: u32, lines: u32) {
        let words = words(text);
        let Some((first, rest)) = words.split_first() else { return };
        if first == "@include" {
            let module = rest.first().cloned().unwrap_or_default();
            let control = "include".to_owned();
            let rule = Rule { line, lines, kind: Kind::All, control, module, args: Vec::new() };
            return self.rules.push(rule);
        }
        let kind = match first.strip_prefix('-').unwrap_or(first).to_ascii_lowercase().as_str() {
            "auth" => Kind::Auth,
            "account" => Kind::Account,
            "password" => Kind::Password,
            "session" => Kind::Session,
            _ => return self.odd.push(line),
        };
        let [control, module, args @ ..] = rest else { return self.odd.push(line) };
        let (control, args) = (control.to_ascii_lowercase(), args.to_vec());
        self.rules.push(Rule { line, lines, kind, control, module: module.clone(), args });
    }
}

/// What a control in brackets has PAM do, for whichever return of the module.
pub fn actions(control: &str) -> impl Iterator<Item = &str> {
    let pairs = control.split([' ', '\t']).filter_map(|part| part.split_once('='));
    pairs.map(|(_, action)| action)
}

/// Whether a control may jump over the rule that comes so many rules later: `N` jumps over the
/// next N (pam.conf(5)).
pub fn may_jump_over(control: &str, distance: usize) -> bool {
    actions(control).any(|action| action.parse::<usize>().is_ok_and(|jump| jump >= distance))
}

/// The words of a rule. `[..]` is one word without its brackets, in which `\]` is a bracket.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        let end = match rest.strip_prefix('[') {
            Some(inner) => {
                let (word, length) = bracketed(inner);
                words.push(word);
                1 + length
            }
            None => {
                let end = rest.find([' ', '\t']).unwrap_or(rest.len());
                words.push(rest[..end].to_owned());
                end
            }
        };
        rest = rest[end..].trim_start_matches([' ', '\t']);
    }
    words
}

/// The text up to the closing bracket, and how long that is with it.
fn bracketed(inner: &str) -> (String, usize) {
    let mut word = String::new();
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ']' => return (word, at + 1),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == ']') => {
                word.push(']');
                chars.next();
            }
            c => word.push(c),
        }
    }
    (word, inner.len())
}

impl PamDir {
    /// That of a path, as it is.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), changed: BTreeMap::new() }
    }

    /// The path of a service's file.
    pub fn file(&self, service: &str) -> PathBuf {
        self.path.join(service)
    }

    /// The name under which [`PamDir::file`] has a file: that of a service, or, of a file outside
    /// of the folder, its whole path. A file of the same name elsewhere is another one.
    pub fn name_of(&self, file: &Path) -> Option<String> {
        let name = file.strip_prefix(&self.path).unwrap_or(file);
        name.to_str().map(str::to_owned)
    }

    /// The text of a service's file, as it would be with all changes.
    ///
    /// # Errors
    /// If it cannot be read, or is too large or no text.
    pub fn text(&self, service: &str) -> io::Result<String> {
        let file = self.file(service);
        match self.name_of(&file).and_then(|name| self.changed.get(&name)) {
            Some(text) => Ok(text.clone()),
            None => read_text(&file),
        }
    }

    /// What PAM goes through as a session of this service opens. Names are looked for in this
    /// folder; one with a `/` in front is a path.
    pub fn session(&self, service: &str) -> Rules {
        self.rules(Kind::Session, service)
    }

    /// The same for another type of rules.
    pub fn rules(&self, kind: Kind, service: &str) -> Rules {
        let mut rules = Rules::default();
        self.collect(kind, service, (Path::new(""), 0), &mut Vec::new(), 0, &mut rules);
        rules
    }

    fn collect(
        &self,
        kind: Kind,
        name: &str,
        from: (&Path, u32),
        open: &mut Vec<String>,
        substacks: usize,
        into: &mut Rules,
    ) {
        into.read += 1;
        let is_bounded = open.len() < PAM_INCLUDES_MAX && into.read <= PAM_FILES_MAX;
        let text = match is_bounded && !open.iter().any(|one| one == name) {
            true => self.text(name),
            false => Err(io::ErrorKind::Other.into()),
        };
        let Ok(text) = text else {
            return into.missing.push((from.0.to_owned(), from.1, name.to_owned()));
        };
        open.push(name.to_owned());
        let file = self.file(name);
        let wanted = |rule: &Rule| rule.kind == kind || rule.kind == Kind::All;
        for rule in Stack::read(&text).rules.into_iter().filter(wanted) {
            if into.rules.len() >= PAM_RULES_MAX || into.read > PAM_FILES_MAX {
                break;
            }
            if open.len() == 1 {
                into.own_line = rule.line;
            }
            if rule.includes() {
                let deeper = substacks + usize::from(rule.control == "substack");
                self.collect(kind, &rule.module, (&file, rule.line), open, deeper, into);
            } else {
                let own_line = into.own_line;
                into.rules.push(Placed { file: file.clone(), rule, own_line, substacks });
            }
        }
        open.pop();
    }
}

/// A file's text. Bytes that are no UTF-8 are an error: it would be written back changed.
///
/// # Errors
/// If it cannot be read, is larger than [`PAM_FILE_BYTES_MAX`], or is no regular file of text.
pub fn read_text(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() > PAM_FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no file of at most 256 KiB"));
    }
    let mut text = String::new();
    file.take(PAM_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
