//! `monban pam check`.

use std::path::Path;
use std::process::ExitCode;

use monban_views::{Say, printable, table};
use serde_json::{Value, json};

use super::args::{CheckArgs, SshdArgs, Where};
use super::finding::Finding;
use super::record::Record;
use super::sshd::Sshd;
use super::stack::PamDir;
use super::survey::{self, Expected, Service};
use super::{program, usual};
use crate::cli::Common;
use crate::out;
use crate::place::Place;

/// Everything that is found about the hook.
pub struct Report {
    pub services: Vec<Service>,
    /// What is of no single service: programs, sshd.
    pub others: Vec<Finding>,
}

impl Report {
    /// All findings, in their order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.services.iter().flat_map(|service| &service.findings).chain(&self.others)
    }
}

/// Checks and says what is wrong. Exits 0 if nothing is, else 2.
pub fn main(common: &Common, args: &CheckArgs, say: &Say) -> ExitCode {
    let report = look(&Place::of(common).state, &args.place, &args.sshd);
    let is_wrong = report.findings().any(Finding::is_wrong);
    if common.json {
        out::json(&json!({
            "ok": !is_wrong,
            "services": report.services.iter().map(service_json).collect::<Vec<_>>(),
            "findings": report.findings().map(|one| one.in_json(say)).collect::<Vec<_>>(),
        }));
    } else {
        out::write(&services(&report.services, say));
        report.findings().for_each(|one| out::write(&format!("\n{}", one.in_words(say))));
        out::line("");
        let wrong = report.findings().filter(|one| one.is_wrong()).count().to_string();
        out::line(say.text("pam-check-count", &[("count", &wrong)]));
    }
    if is_wrong { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Looks at what was put in, else at the services that are named or usual.
pub fn look(state: &Path, place: &Where, sshd: &SshdArgs) -> Report {
    let dir = PamDir::of(&place.pam_dir);
    let expected = expected(&dir, &Record::read(state), &place.services);
    let services: Vec<Service> =
        expected.iter().map(|expected| survey::service(&dir, expected)).collect();
    let mut others = survey::programs(&dir);
    if services.iter().any(|service| service.name == "sshd") {
        others.extend(sshd_of(sshd).map(|sshd| sshd.findings()).unwrap_or_default());
    }
    Report { services, others }
}

/// What is to stand in which service.
fn expected(dir: &PamDir, record: &Record, named: &[String]) -> Vec<Expected> {
    let recorded = record.expected(dir);
    if named.is_empty() && !recorded.is_empty() {
        return recorded;
    }
    let names = if named.is_empty() { usual(dir) } else { named.to_vec() };
    let of = |name: String| {
        let known = recorded.iter().find(|one| one.service == name).cloned();
        known.unwrap_or_else(|| survey::unrecorded(&name, &program()))
    };
    names.into_iter().map(of).collect()
}

/// The sshd to ask, if there is one.
pub fn sshd_of(args: &SshdArgs) -> Option<Sshd> {
    let config = args.sshd_config.clone().unwrap_or_else(|| "/etc/ssh/sshd_config".into());
    let is_config_named = args.sshd_config.is_some();
    let is_there = args.sshd.exists() || config.exists();
    is_there.then(|| Sshd { program: args.sshd.clone(), config, is_config_named })
}

/// A table of services.
pub fn services(services: &[Service], say: &Say) -> String {
    let mut rows = vec![say.text("pam-check-head", &[])];
    for service in services {
        let state = say.text(&format!("pam-state-{}", service.state.word()), &[]);
        let place = match &service.place {
            Some((file, line)) => printable(format!("{}:{line}", file.display()).as_bytes()),
            None => "-".to_owned(),
        };
        rows.push(format!("{}\t{state}\t{place}", printable(service.name.as_bytes())));
    }
    table(&rows)
}

/// A service for machines.
pub fn service_json(service: &Service) -> Value {
    json!({
        "service": service.name,
        "state": service.state.word(),
        "file": service.place.as_ref().map(|(file, _)| file.display().to_string()),
        "line": service.place.as_ref().map(|(_, line)| line),
    })
}
