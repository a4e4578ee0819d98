//! `monban pam install` and `monban pam remove`: what changes is shown, asked about, and written.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use monban_model::Stamp;
use monban_model::limits::PAM_FILES_MAX;
use monban_views::{Say, printable, printable_lines};
use serde_json::json;

use super::args::{InstallArgs, RemoveArgs};
use super::check::{self, service_json};
use super::edit::{self, is_ours, our_line};
use super::finding::Finding;
use super::record::Record;
use super::stack::PamDir;
use super::survey::{self, Expected, Service, State};
use super::{program, user_env, usual, write};
use crate::cli::Common;
use crate::out;
use crate::place::Place;

/// What is to be done, before it is.
struct Plan {
    dir: PamDir,
    services: Vec<Service>,
    findings: Vec<Finding>,
    record: Record,
}

/// Puts the hook in.
pub fn install(common: &Common, args: &InstallArgs, say: &Say) -> ExitCode {
    let state = Place::of(common).state;
    let mut plan = planned(&state, args);
    let mut findings = survey::unsafe_program(&program(), &program(), 0);
    let is_unsafe = !findings.is_empty();
    if plan.services.iter().any(|service| service.name == "sshd") {
        findings.extend(check::sshd_of(&args.sshd).map(|it| it.findings()).unwrap_or_default());
    }
    findings.extend(survey::programs(&plan.dir).into_iter().filter(|one| {
        // Of our own program it was said.
        !one.values.iter().any(|(_, value)| Path::new(value) == program())
    }));
    plan.findings.extend(findings);
    let of_user = plan.findings.iter().any(|found| found.code == user_env::OF_HOOK);
    let has_files = plan.services.iter().all(|it| it.state != State::NoFile);
    let is_possible = !is_unsafe && !of_user && has_files;
    let doing = Doing { common, say, state, dry_run: args.dry_run, yes: args.yes };
    let ended = doing.carry_out(&plan, is_possible);
    if !common.json && ended == ExitCode::SUCCESS {
        out::line(format!("\n{}", say.text("pam-blind", &[])));
    }
    ended
}

/// Takes the hook out.
pub fn remove(common: &Common, args: &RemoveArgs, say: &Say) -> ExitCode {
    let state = Place::of(common).state;
    let mut dir = PamDir::of(&args.place.pam_dir);
    let mut record = Record::read(&state);
    let recorded = record.expected(&dir).into_iter().map(|one| one.service);
    let mut names: Vec<String> = match args.place.services.is_empty() {
        true => recorded.chain(files(&dir)).collect(),
        false => args.place.services.clone(),
    };
    if args.place.services.is_empty() {
        // A service may include a file outside of the folder.
        let outside: Vec<String> = names.iter().flat_map(|name| outside(&dir, name)).collect();
        names.extend(outside);
    }
    names.sort_unstable();
    names.dedup();
    for name in &names {
        record.forget(&dir, name);
        let Ok(text) = dir.text(name) else { continue };
        let without = edit::restore(&edit::take_out(&text));
        if without != text {
            dir.changed.insert(name.clone(), without);
        }
    }
    let plan = Plan { dir, services: Vec::new(), findings: Vec::new(), record };
    let doing = Doing { common, say, state, dry_run: args.dry_run, yes: args.yes };
    doing.carry_out(&plan, true)
}

fn files(dir: &PamDir) -> Vec<String> {
    let entries = std::fs::read_dir(&dir.path).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.take(PAM_FILES_MAX).collect()
}

/// Files outside of the folder that have our line for this service.
fn outside(dir: &PamDir, service: &str) -> Vec<String> {
    let rules = dir.session(service).rules.into_iter().filter(|one| is_ours(&one.rule));
    let files = rules.filter(|one| !one.file.starts_with(&dir.path));
    files.filter_map(|one| dir.name_of(&one.file)).collect()
}

fn planned(state: &Path, args: &InstallArgs) -> Plan {
    let mut dir = PamDir::of(&args.place.pam_dir);
    let mut record = Record::read(state);
    let names: Vec<String> = match args.place.services.is_empty() {
        true => usual(&dir),
        false => args.place.services.clone(),
    };
    let line = our_line(&program());
    let mut services = Vec::new();
    for name in included_first(&dir, names) {
        let expected = survey::unrecorded(&name, &program());
        put(&mut dir, &expected, args.replace);
        let service = survey::service(&dir, &expected);
        match service.state {
            State::Hooked | State::Changed => record.put(&dir, &name, &line),
            _ => record.forget(&dir, &name),
        }
        services.push(service);
    }
    let findings = services.iter().flat_map(|service| service.findings.clone()).collect();
    Plan { dir, services, findings, record }
}

/// Services that others include come before these: a line in the one is there for both.
fn included_first(dir: &PamDir, names: Vec<String>) -> Vec<String> {
    let sizes: BTreeMap<String, usize> =
        names.iter().map(|name| (name.clone(), files_of(dir, name))).collect();
    let mut names = names;
    // Whoever includes another goes through all files of it and one more.
    names.sort_by_key(|name| sizes[name]);
    names.dedup();
    names
}

fn files_of(dir: &PamDir, name: &str) -> usize {
    let mut files: Vec<PathBuf> = dir.session(name).rules.into_iter().map(|one| one.file).collect();
    files.sort_unstable();
    files.dedup();
    files.len()
}

/// Puts our line into the service, unless it is there already or a script tells already.
fn put(dir: &mut PamDir, expected: &Expected, replaces: bool) {
    let (name, line) = (&expected.service, &expected.line);
    let session = dir.session(name);
    if survey::unfit(dir, name, &session).is_some() {
        return;
    }
    let telling: Vec<_> = survey::telling(&session).into_iter().cloned().collect();
    if replaces {
        for one in telling {
            let Some(name) = dir.name_of(&one.file) else { continue };
            let Ok(text) = dir.text(&name) else { continue };
            // Lines keep their numbers, for comments stand in their place.
            dir.changed.insert(name, edit::replace(&text, &[one.rule]));
        }
    } else if !telling.is_empty() {
        return;
    }
    let mut ours = session.rules.iter().filter(|one| is_ours(&one.rule));
    let (ours, others) = (ours.next(), ours);
    // A second one, in another file of the same session, would tell each login twice.
    for other in others.filter(|other| ours.is_some_and(|ours| ours.file != other.file)) {
        let Some(name) = dir.name_of(&other.file) else { continue };
        if let Ok(text) = dir.text(&name) {
            dir.changed.insert(name, edit::take_out(&text));
        }
    }
    let file = ours.and_then(|one| dir.name_of(&one.file)).unwrap_or_else(|| name.clone());
    let is_fine = survey::service(dir, expected).findings.iter().all(|found| !is_of_line(found));
    if let (Ok(text), false) = (dir.text(&file), ours.is_some() && is_fine) {
        dir.changed.insert(file.clone(), edit::take_out(&text));
        let before = user_env::own_line_before(&dir.session(&file));
        let text = dir.text(&file).unwrap_or_default();
        dir.changed.insert(file, edit::put(&text, line, before));
    }
}

/// Whether a new line instead of ours would mend it.
fn is_of_line(found: &Finding) -> bool {
    const OF_LINE: &[&str] = &[
        "not-optional",
        "no-session",
        "other-program",
        "other-arguments",
        "twice",
        user_env::OF_HOOK,
    ];
    OF_LINE.contains(&found.code)
}

/// How a plan is carried out.
struct Doing<'a> {
    common: &'a Common,
    say: &'a Say,
    state: PathBuf,
    dry_run: bool,
    yes: bool,
}

impl Doing<'_> {
    fn carry_out(&self, plan: &Plan, is_possible: bool) -> ExitCode {
        let changes = changes(&plan.dir);
        if !self.common.json {
            self.show(plan, &changes);
        }
        let is_new = !changes.is_empty() || plan.record != Record::read(&self.state);
        let result = match () {
            () if !is_possible && !self.dry_run => Err(self.say.text("pam-refused", &[])),
            () if self.dry_run || !is_new => Ok(Vec::new()),
            () => self.ask(&changes).and_then(|()| self.write(plan, &changes)),
        };
        if self.common.json {
            let diffs = changes.iter().map(
                |change| json!({"file": change.path.display().to_string(), "diff": change.diff}),
            );
            out::json(&json!({
                "services": plan.services.iter().map(service_json).collect::<Vec<_>>(),
                "changes": diffs.collect::<Vec<_>>(),
                "findings": plan.findings.iter().map(|it| it.in_json(self.say)).collect::<Vec<_>>(),
                "written": !self.dry_run && result.is_ok() && !changes.is_empty(),
                "kept": result.as_ref().map(|kept| json!(kept)).unwrap_or_default(),
                "error": result.as_ref().err(),
            }));
        } else if let Err(error) = &result {
            eprintln!("{}", printable_lines(error));
        }
        if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn show(&self, plan: &Plan, changes: &[Change]) {
        if !plan.services.is_empty() {
            out::write(&check::services(&plan.services, self.say));
        }
        for finding in &plan.findings {
            out::write(&format!("\n{}", finding.in_words(self.say)));
        }
        for change in changes {
            let shown = change.diff.lines().map(|line| printable(line.as_bytes()) + "\n");
            out::write(&format!("\n{}", shown.collect::<String>()));
        }
        if changes.is_empty() {
            out::line(self.say.text("pam-unchanged", &[]));
        } else if self.dry_run {
            out::line(self.say.text("pam-dry-run", &[]));
        }
    }

    /// Asks a person, unless there is nothing to ask about.
    fn ask(&self, changes: &[Change]) -> Result<(), String> {
        if self.yes || changes.is_empty() {
            return Ok(());
        }
        if self.common.json || !stdin().is_terminal() {
            return Err(self.say.text("pam-needs-yes", &[]));
        }
        let count = changes.len().to_string();
        out::write(&self.say.text("pam-ask", &[("count", &count)]));
        let mut answer = String::new();
        let read = stdin().read_line(&mut answer);
        match read.is_ok() && ["y", "yes", "はい"].contains(&answer.trim()) {
            true => Ok(()),
            false => Err(self.say.text("pam-not-wanted", &[])),
        }
    }

    /// Writes all files and gives the paths under which the old ones are kept.
    fn write(&self, plan: &Plan, changes: &[Change]) -> Result<Vec<String>, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Stamp(i64::try_from(now.as_millis()).unwrap_or(0));
        let folder = self.state.join("pam-backup");
        let failed = |path: &Path, error: std::io::Error| {
            let path = path.display().to_string();
            self.say.text("pam-failed", &[("path", &path), ("error", &error.to_string())])
        };
        let mut kept = Vec::new();
        for change in changes {
            // One outside of the folder has its path for a name.
            let name = change.name.replace('/', "_");
            let path = write::keep(&folder, &name, &change.old, now)
                .map_err(|error| failed(&folder, error))?;
            write::replace(&change.path, &change.old, &change.new)
                .map_err(|error| failed(&change.path, error))?;
            if !self.common.json {
                let (file, path) = (change.path.display().to_string(), path.display().to_string());
                out::line(self.say.text("pam-written", &[("file", &file), ("kept", &path)]));
            }
            kept.push(path.display().to_string());
        }
        plan.record.write(&self.state).map_err(|error| failed(&self.state, error))?;
        Ok(kept)
    }
}

/// One file that changes.
struct Change {
    name: String,
    path: PathBuf,
    old: String,
    new: String,
    diff: String,
}

/// All changes, each file once, under whichever names it is known.
fn changes(dir: &PamDir) -> Vec<Change> {
    let mut seen = Vec::new();
    let mut changes = Vec::new();
    let before = PamDir::of(&dir.path);
    for (name, new) in &dir.changed {
        let (path, old) = (dir.file(name), before.text(name).unwrap_or_default());
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if old == *new || seen.contains(&real) {
            continue;
        }
        seen.push(real);
        let diff = edit::diff(&path.display().to_string(), &old, new);
        changes.push(Change { name: name.clone(), path, old, new: new.clone(), diff });
    }
    changes
}
