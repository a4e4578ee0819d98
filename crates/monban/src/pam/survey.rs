//! What stands in a folder of PAM's: our line in each service, whether it is reached, and what
//! else is run there.

use std::fs;
use std::path::{Path, PathBuf};

use monban_model::Severity;
use monban_model::limits::PAM_FILES_MAX;

use super::edit::{is_ours, our_line};
use super::finding::Finding;
use super::foreign::{self, Script};
use super::stack::{Kind, PamDir, Placed, Rule, Rules, Stack, actions, may_jump_over, read_text};
use super::trust::{self, Flaw};
use super::user_env;

/// How the hook stands in a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Our line is there, as it was put in.
    Hooked,
    /// Our line is there, and is another or is passed over.
    Changed,
    /// It is not there, and another script sends a message.
    Foreign,
    /// It is not there.
    Absent,
    /// PAM has no such service.
    NoFile,
}

impl State {
    /// For machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hooked => "hooked",
            Self::Changed => "changed",
            Self::Foreign => "foreign",
            Self::Absent => "absent",
            Self::NoFile => "no-file",
        }
    }
}

/// A service that is to have the hook.
#[derive(Clone, Debug)]
pub struct Expected {
    pub service: String,
    /// The line that is to be there.
    pub line: String,
    /// Whether it was put in once: its absence is worse then.
    pub is_recorded: bool,
}

/// How one service stands.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub state: State,
    /// Where our line stands, or the foreign one.
    pub place: Option<(PathBuf, u32)>,
    pub findings: Vec<Finding>,
}

/// Looks at one service.
pub fn service(dir: &PamDir, expected: &Expected) -> Service {
    let name = expected.service.clone();
    let file = dir.file(&name);
    let mut findings = Vec::new();
    if let Err(error) = dir.text(&name) {
        let severity = if expected.is_recorded { Severity::Critical } else { Severity::Warning };
        let found = match elsewhere(dir, &name) {
            Some(path) => {
                Finding::of("elsewhere", severity, &file).with("path", path.display().to_string())
            }
            None => Finding::of("no-file", severity, &file).with("error", error.to_string()),
        };
        return Service { name, state: State::NoFile, place: None, findings: vec![found] };
    }
    let session = dir.session(&name);
    findings.extend(unfit(dir, &name, &session));
    for (file, line, named) in &session.missing {
        let found = Finding::of("include-missing", Severity::Critical, file).at(*line);
        findings.push(found.with("name", named));
    }
    for one in session.rules.iter().filter(|one| has_return(&one.rule)).take(1) {
        findings.push(Finding::of("crlf", Severity::Critical, &one.file).at(one.rule.line));
    }
    let ours: Vec<usize> =
        (0..session.rules.len()).filter(|at| is_ours(&session.rules[*at].rule)).collect();
    findings.extend(user_env::of_others(dir, &name));
    let at = |one: &Placed| Some((one.file.clone(), one.rule.line));
    let Some(first) = ours.first() else {
        let telling = telling(&session);
        let (state, place) = match telling.first() {
            Some(one) => (State::Foreign, at(one)),
            None => (State::Absent, None),
        };
        findings.push(absent(&file, expected, state));
        return Service { name, state, place, findings };
    };
    for again in &ours[1..] {
        let one = &session.rules[*again];
        let found = Finding::of("twice", Severity::Warning, &one.file).at(one.rule.line);
        findings.push(found.with("service", &name));
    }
    let mut wrong = user_env::of_hook(dir, &name);
    for index in &ours {
        wrong.extend(differences(&session.rules[*index], &expected.line));
        wrong.extend(passed_over(&session, *index));
    }
    let state = if wrong.is_empty() { State::Hooked } else { State::Changed };
    findings.extend(wrong);
    for one in telling(&session) {
        let found = Finding::of("two-messages", Severity::Warning, &one.file).at(one.rule.line);
        findings.push(found.with("service", &name).with("program", program(&one.rule)));
    }
    Service { place: at(&session.rules[*first]), name, state, findings }
}

/// Why no line of ours may be put into a service's file: a rule goes on at its end, or it has no
/// session of its own. Then PAM takes that of `other`, and would not any more.
pub fn unfit(dir: &PamDir, name: &str, session: &Rules) -> Option<Finding> {
    let text = dir.text(name).ok()?;
    let file = dir.file(name);
    if let Some(line) = Stack::read(&text).unended {
        return Some(Finding::of("unended", Severity::Critical, &file).at(line));
    }
    let is_bare = session.missing.is_empty() && session.rules.iter().all(|one| is_ours(&one.rule));
    is_bare.then(|| Finding::of("no-rules", Severity::Warning, &file).with("service", name))
}

/// The file of a service that a distribution keeps below `/usr`; one of its name in `/etc/pam.d`
/// takes its place (pam.conf(5)).
pub fn elsewhere(dir: &PamDir, name: &str) -> Option<PathBuf> {
    let theirs = ["/usr/etc/pam.d", "/usr/lib/pam.d"].map(|folder| Path::new(folder).join(name));
    let is_system = dir.path == Path::new("/etc/pam.d");
    theirs.into_iter().find(|path| is_system && path.exists())
}

fn absent(file: &Path, expected: &Expected, state: State) -> Finding {
    let (code, severity) = match (state, expected.is_recorded) {
        (State::Foreign, false) => ("foreign-instead", Severity::Info),
        (_, true) => ("gone", Severity::Critical),
        _ => ("absent", Severity::Warning),
    };
    let found = Finding::of(code, severity, file);
    found.with("service", &expected.service).with("line", &expected.line)
}

/// Whether a carriage return stands where PAM takes it for a part of a name.
fn has_return(rule: &Rule) -> bool {
    rule.module.ends_with('\r') || rule.args.last().is_some_and(|arg| arg.ends_with('\r'))
}

/// How our line differs from what it should be.
fn differences(placed: &Placed, line: &str) -> Vec<Finding> {
    let rule = &placed.rule;
    let found = |code, severity| Finding::of(code, severity, &placed.file).at(rule.line);
    let expected = Stack::read(line).rules;
    let Some(expected) = expected.first() else { return Vec::new() };
    let mut findings = Vec::new();
    if rule.control != "optional" {
        findings.push(found("not-optional", Severity::Critical).with("control", &rule.control));
    }
    if rule.kind != Kind::Session {
        findings.push(found("no-session", Severity::Critical));
    }
    if program(rule) != program(expected) {
        let found = found("other-program", Severity::Critical);
        findings.push(found.with("program", program(rule)).with("expected", program(expected)));
    } else if rule.args != expected.args || rule.module != expected.module {
        findings.push(found("other-arguments", Severity::Warning).with("line", line));
    }
    findings
}

fn program(rule: &Rule) -> String {
    rule.runs().map_or_else(String::new, |(program, _)| program.to_owned())
}

/// Rules before ours after which PAM may not come to it.
fn passed_over(session: &Rules, ours: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let within = session.rules[ours].substacks;
    let before = session.rules[..ours].iter().enumerate();
    // What stands deeper in substacks ends or jumps only there.
    for (at, one) in before.filter(|(_, one)| one.substacks <= within) {
        let distance = ours - at;
        if may_pass_over(&one.rule.control, distance) {
            let found = Finding::of("passed-over", Severity::Warning, &one.file).at(one.rule.line);
            findings.push(found.with("control", &one.rule.control));
        }
    }
    findings
}

/// Whether a control may end the stack with success, or jump over the rule that comes so many
/// rules later.
fn may_pass_over(control: &str, distance: usize) -> bool {
    let ends = control == "sufficient" || actions(control).any(|action| action == "done");
    ends || may_jump_over(control, distance)
}

/// Rules of a session that run another script than ours which sends a message as it opens.
pub fn telling(session: &Rules) -> Vec<&Placed> {
    let opens = |rule: &Rule| rule.only_type().is_none_or(|only| only == "open_session");
    let tells = |one: &&Placed| {
        let rule = &one.rule;
        !is_ours(rule) && opens(rule) && script(rule).is_some_and(|script| script.tells.is_some())
    };
    session.rules.iter().filter(tells).collect()
}

fn script(rule: &Rule) -> Option<Script> {
    let (program, args) = rule.runs()?;
    // `pam_exec.so /bin/sh /path/script` runs the script as well.
    let is_shell = ["sh", "bash", "dash", "python3", "perl"]
        .contains(&Path::new(program).file_name()?.to_str()?);
    let path = if is_shell { args.iter().find(|arg| arg.starts_with('/'))? } else { program };
    read_text(Path::new(path)).ok().map(|text| foreign::read(&text))
}

/// What is wrong with programs that any file of the folder has `pam_exec.so` run, ours included.
pub fn programs(dir: &PamDir) -> Vec<Finding> {
    let mut findings = Vec::new();
    let entries = fs::read_dir(&dir.path).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    for name in names.iter().take(PAM_FILES_MAX) {
        let Ok(text) = dir.text(name) else { continue };
        let file = dir.file(name);
        for rule in Stack::read(&text).rules {
            let Some((program, _)) = rule.runs() else { continue };
            findings.extend(unsafe_program(Path::new(program.trim()), &file, rule.line));
            if !is_ours(&rule) {
                findings.extend(defects(&rule, &file));
            }
        }
    }
    findings
}

/// Whoever can change the program is root at the next login.
pub fn unsafe_program(program: &Path, file: &Path, line: u32) -> Vec<Finding> {
    let name = program.display().to_string();
    let told = |flaw: Flaw| {
        let found = |code| {
            Finding::of(code, Severity::Critical, file).at(line).with("program", name.clone())
        };
        match flaw {
            Flaw::Missing => found("program-missing"),
            Flaw::NotExecutable => found("program-not-executable"),
            Flaw::Owner { path, uid } => found("program-owner")
                .with("path", path.display().to_string())
                .with("uid", uid.to_string()),
            Flaw::Writable { path, mode } => found("program-writable")
                .with("path", path.display().to_string())
                .with("mode", format!("{mode:04o}")),
        }
    };
    trust::flaws(program).into_iter().map(told).collect()
}

/// What is wrong with how a foreign script is called, and with what stands in it.
fn defects(rule: &Rule, file: &Path) -> Vec<Finding> {
    let program = program(rule);
    let found = |code, severity| {
        Finding::of(code, severity, file).at(rule.line).with("program", program.clone())
    };
    let mut findings = Vec::new();
    if rule.has_option("expose_authtok") {
        findings.push(found("exposes-password", Severity::Critical));
    }
    if !["optional", "sufficient"].contains(&rule.control.as_str()) {
        findings.push(found("can-lock-out", Severity::Warning).with("control", &rule.control));
    }
    let script = script(rule).unwrap_or_default();
    if rule.kind == Kind::Session && rule.only_type().is_none() {
        let code = if script.knows_type { "no-type" } else { "no-type-at-all" };
        let severity = if script.knows_type { Severity::Notice } else { Severity::Warning };
        findings.push(found(code, severity));
    }
    let number = |line: u32| line.to_string();
    if let Some(line) = script.fails_at_logout.filter(|_| rule.only_type().is_none()) {
        let found = found("fails-at-logout", Severity::Notice);
        findings.push(found.with("at", number(line)));
    }
    if let Some((line, with)) = script.tells {
        let found = found("waits-for-message", Severity::Notice);
        findings.push(found.with("at", number(line)).with("with", with));
    }
    if let Some(line) = script.interprets {
        findings.push(found("interprets-values", Severity::Warning).with("at", number(line)));
    }
    findings
}

/// What is expected of a service if nothing was recorded.
pub fn unrecorded(service: &str, program: &Path) -> Expected {
    Expected { service: service.to_owned(), line: our_line(program), is_recorded: false }
}

#[cfg(test)]
mod tests;
