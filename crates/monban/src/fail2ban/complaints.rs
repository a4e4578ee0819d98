//! Complaints in the reader's language, with the lines they are about.

use std::collections::HashMap;
use std::fs;

use super::together;
use crate::problems::PROBLEM;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use monban_fail2ban::config::{Complaint, Configuration, Severity};
use monban_model::limits::FAIL2BAN_FILE_BYTES_MAX;
use monban_model::wire::Refusal;
use monban_model::{Notice, Problem};
use monban_views::{Say, Tongue, printable};

/// A complaint as a problem, with how bad it is.
pub struct Rendered {
    /// How bad it is.
    pub severity: Severity,
    /// Which one, for machines.
    pub kind: &'static str,
    /// What its texts name, as it was found.
    pub values: Vec<(&'static str, String)>,
    /// The texts.
    pub problem: Problem,
    /// The jails that suffer from it, where that is known.
    pub jails: Vec<String>,
}

/// Complaints in words; those that differ in their jail only are one.
pub fn render(list: &[Complaint], say: &Say) -> Vec<Rendered> {
    in_words(together::complaints(list, None), say)
}

/// All complaints of a configuration in words, each with the jails that suffer from it.
pub fn render_all(found: &Configuration, say: &Say) -> Vec<Rendered> {
    in_words(together::complaints(found.complaints.list(), Some(found)), say)
}

fn in_words(merged: Vec<(Complaint, Vec<String>)>, say: &Say) -> Vec<Rendered> {
    let one = |(complaint, jails)| Rendered { jails, ..render_one(&complaint, say) };
    merged.into_iter().map(one).collect()
}

fn render_one(complaint: &Complaint, say: &Say) -> Rendered {
    let clean: Vec<(&str, String)> =
        complaint.values.iter().map(|(name, value)| (*name, printable(value.as_bytes()))).collect();
    let values: Vec<(&str, &str)> = clean.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let [what, why, hint] = say.complaint(complaint.kind, &values);
    let problem = Problem {
        file: complaint.place.file.to_string(),
        line: complaint.place.line,
        column: complaint.column,
        what,
        why,
        hint,
    };
    let (severity, kind) = (complaint.severity, complaint.kind);
    Rendered { severity, kind, values: complaint.values.clone(), problem, jails: Vec::new() }
}

/// The values of a notice that rests on a complaint: what it names, in words for machines and, as
/// `why`, for whoever reads English. [`Say::notice`] puts the reader's own words there.
pub fn notice_values(complaint: &Complaint) -> Vec<(String, String)> {
    let english = render_one(complaint, &Say::new(Tongue::English)).problem;
    let own = [
        ("complaint", complaint.kind.to_owned()),
        ("at_file", complaint.place.file.to_string()),
        ("at_line", complaint.place.line.to_string()),
        ("at_column", complaint.column.to_string()),
        ("why", english.to_string()),
    ];
    let named = complaint.values.iter().filter(|(name, _)| own.iter().all(|(own, _)| own != name));
    let named = named.map(|(name, value)| (*name, value.clone()));
    own.clone().into_iter().chain(named).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether there is no folder at all: then nothing more can be said of it.
pub fn is_of_no_folder(found: &Configuration) -> bool {
    found.complaints.list().iter().any(|complaint| complaint.kind == "no-folder")
}

/// Why jails are not taken over, for whoever asked for it.
pub fn refusal(list: &[Complaint], say: &Say) -> Refusal {
    let merged = together::complaints(list, None);
    let told = |(complaint, jails): &(Complaint, Vec<String>)| {
        let file = read(&complaint.place.file);
        let at = complaint.place.line.checked_sub(1).map(|line| line as usize);
        let line = file.as_deref().zip(at).and_then(|(text, at)| text.lines().nth(at));
        let mut values = notice_values(complaint);
        values.push(("source".to_owned(), line.unwrap_or_default().to_owned()));
        if jails.len() > 1 {
            values.push(("jails".to_owned(), jails.join(", ")));
        }
        Notice { key: PROBLEM.to_owned(), values }
    };
    Refusal { text: show(&render(list, say), 0, say), problems: merged.iter().map(told).collect() }
}

/// All of them in rustc's form, with how many there are.
pub fn show(rendered: &[Rendered], more: usize, say: &Say) -> String {
    if rendered.is_empty() {
        return String::new();
    }
    let mut files = HashMap::new();
    let mut text = String::new();
    for one in rendered {
        text.push_str(&show_one(one, &mut files, say));
        text.push_str("\n\n");
    }
    let count = |wanted| rendered.iter().filter(|one| one.severity == wanted).count().to_string();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let values = [("errors", errors.as_str()), ("warnings", &warnings)];
    text.push_str(&say.text("f2b-count", &values));
    text.push('\n');
    if more > 0 {
        text.push_str(&say.text("f2b-more", &[("count", &more.to_string())]));
        text.push('\n');
    }
    text
}

fn show_one(one: &Rendered, files: &mut HashMap<String, Option<String>>, say: &Say) -> String {
    let problem = &one.problem;
    let file = files.entry(problem.file.clone()).or_insert_with(|| read(&problem.file));
    let at = problem.line.checked_sub(1).map(|line| line as usize);
    let line = file.as_deref().zip(at).and_then(|(text, at)| text.lines().nth(at));
    let level = match one.severity {
        Severity::Error => Level::ERROR.with_name(say.text("problem-error", &[])),
        Severity::Warning => Level::WARNING.with_name(say.text("problem-warning", &[])),
    };
    let help = Level::HELP.with_name(say.text("problem-hint", &[]));
    let Some(line) = line else {
        let name = match one.severity {
            Severity::Error => say.text("problem-error", &[]),
            Severity::Warning => say.text("problem-warning", &[]),
        };
        let jails = together::told(&one.jails, say).map(|told| format!(" ({told})"));
        return format!("{name}: {problem}{}", jails.unwrap_or_default());
    };
    let shown = printable(line.as_bytes());
    let near = one.values.iter().find(|(name, _)| *name == "near").map(|(_, near)| near.as_str());
    let span = near
        .and_then(|near| span_of(&shown, near))
        .unwrap_or_else(|| span(&shown, line, problem.column as usize));
    let snippet = Snippet::source(shown.as_str())
        .line_start(problem.line as usize)
        .path(problem.file.as_str())
        .annotation(AnnotationKind::Primary.span(span).label(problem.why.as_str()));
    let mut group = Group::with_title(level.primary_title(problem.what.as_str())).element(snippet);
    if let Some(told) = together::told(&one.jails, say) {
        let note = Level::NOTE.with_name(say.text("problem-note", &[]));
        group = group.element(note.message(told));
    }
    if !problem.hint.is_empty() {
        group = group.element(help.message(problem.hint.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// The text of which a complaint says that something is wrong near it, or its beginning: tags
/// further on may have been put in.
fn span_of(shown: &str, near: &str) -> Option<std::ops::Range<usize>> {
    let lengths = (4..=near.chars().count()).rev();
    lengths.into_iter().find_map(|length| {
        let part: String = near.chars().take(length).collect();
        shown.find(&part).map(|at| at..at + part.len())
    })
}

/// The character of a column, from 1; the whole line if characters were escaped or none is meant.
fn span(shown: &str, line: &str, column: usize) -> std::ops::Range<usize> {
    let found = column.checked_sub(1).and_then(|at| line.char_indices().nth(at));
    match found {
        Some((at, c)) if shown == line => at..at + c.len_utf8(),
        _ => 0..shown.len(),
    }
}

fn read(file: &str) -> Option<String> {
    let facts = fs::metadata(file).ok()?;
    if !facts.is_file() || facts.len() > FAIL2BAN_FILE_BYTES_MAX as u64 {
        return None;
    }
    Some(String::from_utf8_lossy(&fs::read(file).ok()?).into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use monban_fail2ban::config::Place;
    use monban_views::Tongue;

    use super::*;

    /// Every kind that the crate names has its texts: the kinds are read from its source.
    #[test]
    fn every_complaint_has_its_texts() {
        let folder = |name| format!("{}/../fail2ban/src/{name}", env!("CARGO_MANIFEST_DIR"));
        let folders = [folder("config"), folder("check")];
        let mut kinds = BTreeSet::new();
        for entry in folders.iter().flat_map(|f| fs::read_dir(f).expect("the crate")).flatten() {
            let text = fs::read_to_string(entry.path()).expect("source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            kinds.extend(code.split('"').filter(|w| is_kind(w)).map(str::to_owned));
        }
        let say = Say::new(Tongue::English);
        let known: BTreeSet<String> =
            say.keys().filter_map(|key| key.strip_prefix("f2b-")).map(str::to_owned).collect();
        let said = known.iter().filter(|key| known.contains(&format!("{key}-why")));
        let missing: Vec<&String> = said.clone().filter(|key| !kinds.contains(*key)).collect();
        assert!(missing.is_empty(), "texts of nothing: {missing:?}");
        assert!(said.count() > 50);
        // Actions that are known by name look like kinds, too.
        let is_action = |kind: &str| kind.starts_with("iptables-") || kind.starts_with("nftables-");
        for kind in kinds.iter().filter(|kind| kind.contains('-') && !is_action(kind)) {
            let is_reason = say.find(&format!("check-why-{kind}"), &[]).is_some();
            let is_none = is_reason || NO_COMPLAINTS.contains(&kind.as_str());
            assert!(known.contains(kind) || is_none, "{kind}");
        }
        for hint in monban_fail2ban::check::Hint::ALL {
            assert!(say.find(&format!("regex-hint-{}", hint.name()), &[]).is_some(), "{hint:?}");
        }
    }

    /// Words of the source in the form of a kind that are none.
    const NO_COMPLAINTS: &[&str] = &["multi-set"];

    fn is_kind(word: &str) -> bool {
        let is_part = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'8')
        };
        word.len() > 4 && word.split('-').all(is_part)
    }

    #[test]
    fn a_complaint_is_shown_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("jail.local");
        fs::write(&file, "[a]\nignoreip = 172.16.0.0/16\n").expect("written");
        let place = Place { file: file.display().to_string().into(), line: 2 };
        let complaint = Complaint::warning("private-network", place).with("net", "172.16.0.0/16");
        for (tongue, word) in [(Tongue::English, "literally"), (Tongue::Japanese, "書かれた")] {
            let say = Say::new(tongue);
            let text = show(&render(std::slice::from_ref(&complaint), &say), 0, &say);
            assert!(text.contains("ignoreip = 172.16.0.0/16"), "{text}");
            assert!(text.contains(word), "{text}");
        }
    }
}
