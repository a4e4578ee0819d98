//! What would become of a configuration here, and what is dangerous in it.
//!
//! Nothing is run. Each claim about an expression was tried: the line that proves it is in the
//! complaint.

mod actions;
mod cost;
mod filters;
mod forge;
mod jails;
mod owner;
mod ports;
mod reader;
mod sample;

use crate::config::{ActionSpec, Complaint, Configuration, Jail, Place};

pub use monban_pyre::Hint;

pub use forge::{TRUE_ADDRESS, TYPED_ADDRESS};
pub use owner::GoodLine;
pub use ports::Services;

/// How something runs, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// By monban itself.
    Native,
    /// By commands of a shell, as with fail2ban.
    Shell,
    /// Not quite as fail2ban would.
    Differs,
    /// Not at all.
    Cannot,
}

impl Verdict {
    /// Its name for machines and message tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Shell => "shell",
            Self::Differs => "differs",
            Self::Cannot => "cannot",
        }
    }
}

/// Why a verdict is not the best, without a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which one: the name of its text.
    pub kind: &'static str,
    /// What its text names.
    pub values: Vec<(&'static str, String)>,
}

impl Reason {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, values: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, value.into()));
        self
    }
}

/// A jail, filter or action, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name; of a filter with what the jail gives it.
    pub name: String,
    /// The jails that use it; the jail itself.
    pub jails: Vec<String>,
    /// How it runs.
    pub verdict: Verdict,
    /// Why not better.
    pub reasons: Vec<Reason>,
    /// Where it is written.
    pub place: Place,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The jails, in their order.
    pub jails: Vec<Part>,
    /// The filters that they use, each once.
    pub filters: Vec<Part>,
    /// The actions that they use, each once.
    pub actions: Vec<Part>,
    /// What is dangerous, odd or wrong beside the complaints of the configuration itself.
    pub complaints: Vec<Complaint>,
}

impl Report {
    /// The worst verdict.
    pub fn verdict(&self) -> Verdict {
        let all = self.jails.iter().chain(&self.filters).chain(&self.actions);
        all.map(|part| part.verdict).max().unwrap_or(Verdict::Native)
    }
}

/// Checks the jails of a configuration. `good` are lines that no filter may take for a failure,
/// `services` what names of ports may be.
pub fn check(found: &Configuration, good: &[GoodLine], services: &Services) -> Report {
    let mut report = Report::default();
    let mut known = filters::Filters::default();
    let mut names = Vec::new();
    for jail in &found.jails {
        let filter = known.of(jail, good, &mut report);
        names.push((jail, known.takes_names(filter)));
        let actions: Vec<usize> =
            jail.actions.iter().map(|one| action(one, jail, &mut report)).collect();
        jails::complain(jail, &mut report.complaints);
        let unknown = ports::complain(jail, services, &mut report.complaints);
        let mut part = of_jail(jail, filter, &actions, &report);
        if unknown {
            part.verdict = part.verdict.max(Verdict::Differs);
            part.reasons.push(Reason::new("unknown-port"));
        }
        report.jails.push(part);
    }
    jails::complain_of_names(names.into_iter(), &mut report.complaints);
    for (name, complaint) in &found.broken {
        report.jails.push(Part {
            name: name.clone(),
            jails: vec![name.clone()],
            verdict: Verdict::Cannot,
            reasons: vec![Reason::new("broken")],
            place: complaint.place.clone(),
        });
    }
    report
}

/// The place of an action in the report, where it is put if it is new.
fn action(action: &ActionSpec, jail: &Jail, report: &mut Report) -> usize {
    let (verdict, reasons) = actions::verdict(action);
    let place = action.ban.as_ref().map_or(&action.from, |ban| &ban.from);
    let is_same = |part: &Part| part.name == action.name && part.verdict == verdict;
    if let Some(at) = report.actions.iter().position(is_same) {
        if let Some(part) =
            report.actions.get_mut(at).filter(|part| !part.jails.contains(&jail.name))
        {
            part.jails.push(jail.name.clone());
        }
        return at;
    }
    actions::complain(action, &mut report.complaints);
    let jails = vec![jail.name.clone()];
    let place = place.clone();
    report.actions.push(Part { name: action.name.clone(), jails, verdict, reasons, place });
    report.actions.len() - 1
}

/// A jail is as good as its filter and its actions.
fn of_jail(jail: &Jail, filter: usize, actions: &[usize], report: &Report) -> Part {
    let (mut verdict, mut reasons) = jails::differences(jail);
    let filter = report.filters.get(filter).filter(|part| part.verdict > Verdict::Shell);
    if let Some(part) = filter {
        verdict = verdict.max(part.verdict);
        reasons.push(Reason::new("by-filter").with("filter", &part.name));
    }
    let parts: Vec<&Part> = actions.iter().filter_map(|at| report.actions.get(*at)).collect();
    let named = |wanted: Verdict| {
        let names = parts.iter().filter(|part| part.verdict == wanted);
        names.map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let lost = named(Verdict::Cannot);
    if !lost.is_empty() {
        verdict = verdict.max(Verdict::Differs);
        reasons.push(Reason::new("by-action").with("actions", lost));
    }
    let different = named(Verdict::Differs);
    if !different.is_empty() {
        verdict = verdict.max(Verdict::Differs);
        reasons.push(Reason::new("by-different-action").with("actions", different));
    }
    if !jail.actions.iter().any(ActionSpec::acts) {
        verdict = verdict.max(Verdict::Differs);
        reasons.push(Reason::new("blocks-nobody"));
    }
    let by_shell = named(Verdict::Shell);
    if !by_shell.is_empty() && verdict <= Verdict::Shell {
        verdict = Verdict::Shell;
        reasons.push(Reason::new("by-shell").with("actions", by_shell));
    }
    let place = jail.place.clone();
    Part { name: jail.name.clone(), jails: vec![jail.name.clone()], verdict, reasons, place }
}
