//! What a configuration means.

use monban_model::limits::{ALLOW_MAX, FILES_MAX, PATH_MAX};
use monban_model::{
    AlarmSpec, Aws, Country, MetricSpec, Net, Notify, OriginRule, Policy, Problem, Reach, Reports,
};
use toml::de::DeTable;

use crate::DEFAULTS;
use crate::alarms;
use crate::aws;
use crate::notify;
use crate::origins;
use crate::policies::{self, Layer};
use crate::reports;
use crate::unknown;
use crate::words::meant;
use crate::written::{Page, Table};

/// Whether the systemd journal is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalUse {
    /// Where no log file tells of logins.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
    /// Always, from the journal files in this folder: a namespace, a mounted image.
    Folder(String),
}

/// What a configuration means, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Find and say, but block nobody.
    pub observe: bool,
    /// Most bytes of the ledger.
    pub ledger_bytes_max: u64,
    /// Records older than this are dropped, in seconds.
    pub ledger_keep_s: u64,
    /// Look for the usual logs.
    pub discover: bool,
    /// Further log files, with wildcards.
    pub logs: Vec<String>,
    /// The systemd journal.
    pub journal: JournalUse,
    /// Never blocked.
    pub allow: Vec<Net>,
    /// A folder such as `/etc/fail2ban` whose jails run, too.
    pub fail2ban: Option<String>,
    /// Whether monban's own rules run beside those jails.
    pub own_rules: bool,
    /// The country that its people live in.
    pub home: Option<Country>,
    /// A database of places; without it, the one that was installed.
    pub geo: Option<String>,
    /// Ask registries and name servers from where somebody logs in, for the message about it.
    pub ask_who: bool,
    /// The policies, most specific first.
    pub policies: Vec<Policy>,
    /// What becomes of somebody because of where he is, in the order of the file.
    pub origins: Vec<OriginRule>,
    /// Who is told what.
    pub notify: Notify,
    /// Which reports are sent by themselves.
    pub reports: Reports,
    /// What goes to AWS.
    pub aws: Aws,
    /// Metrics that are made of lines.
    pub metrics: Vec<MetricSpec>,
    /// Alarms; those that look at others do so without a circle.
    pub alarms: Vec<AlarmSpec>,
}

impl Config {
    /// The shipped defaults.
    pub fn shipped() -> Self {
        // The defaults are tested to be without a problem.
        Self::read(&[("default.toml", DEFAULTS)]).0
    }

    /// The defaults with what `text` changes.
    ///
    /// # Errors
    /// All problems of the text at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (config, problems) = Self::read(&[("default.toml", DEFAULTS), (file, text)]);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// What several files say, the later over the earlier.
    fn read(files: &[(&str, &str)]) -> (Self, Vec<Problem>) {
        let mut config = Self {
            observe: false,
            ledger_bytes_max: monban_model::limits::LEDGER_BYTES_MAX,
            ledger_keep_s: monban_model::limits::LEDGER_KEEP_S,
            discover: true,
            logs: Vec::new(),
            journal: JournalUse::Auto,
            allow: Vec::new(),
            fail2ban: None,
            own_rules: false,
            home: None,
            geo: None,
            ask_who: true,
            policies: Vec::new(),
            origins: Vec::new(),
            notify: Notify::default(),
            reports: Reports { topic: "default".to_owned(), ..Reports::default() },
            aws: Aws::default(),
            metrics: Vec::new(),
            alarms: Vec::new(),
        };
        let mut layers: Vec<Layer<'_, '_>> =
            files.iter().map(|(file, text)| config.overlay(file, text)).collect();
        config.policies = policies::read(&mut layers);
        let mut problems: Vec<Problem> =
            layers.into_iter().flat_map(|layer| layer.page.problems).collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        (config, problems)
    }

    /// Takes over all but the policies, which are given back.
    fn overlay<'t>(&mut self, file: &'t str, text: &'t str) -> Layer<'t, 't> {
        let mut page = Page { file, text, problems: Vec::new() };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = error.span().map_or(0, |span| span.start);
            let why = "the file is no valid TOML here";
            page.problem(place, error.message().to_owned(), why, "");
        }
        let mut root = Table::new("the file", root.into_inner());
        self.observe = root.bool("observe", &mut page).unwrap_or(self.observe);
        if let Some(mib) = root.number("ledger_mib", (8, 1 << 20), &mut page) {
            self.ledger_bytes_max = mib << 20;
        }
        let keep_s = root.text("ledger_keep", &mut page, monban_model::parse_duration_s);
        self.ledger_keep_s = keep_s.unwrap_or(self.ledger_keep_s);
        if let Some(table) = root.table("sources", &mut page) {
            self.read_sources(table, &mut page);
        }
        if let Some(table) = root.table("allow", &mut page) {
            self.read_allow(table, &mut page);
        }
        if let Some(mut table) = root.table("fail2ban", &mut page) {
            let folder = table.text("folder", &mut page, |text| match text {
                "" => Ok(None),
                _ => read_path(text).map(Some),
            });
            self.fail2ban = folder.unwrap_or_else(|| self.fail2ban.take());
            self.own_rules = table.bool("own_rules", &mut page).unwrap_or(self.own_rules);
            table.finish(&mut page);
        }
        let mut has_reader = false;
        if let Some(told) = notify::read(&mut root, &mut page) {
            (self.notify, has_reader) = told;
        }
        reports::read(&mut root, &mut self.reports, (&self.notify, has_reader), &mut page);
        self.read_origin(&mut root, &mut page);
        if let Some(table) = root.table("aws", &mut page) {
            aws::read(table, &mut self.aws, &mut page);
        }
        let (metrics, alarms) = alarms::read(&mut root, &mut page);
        self.metrics.extend(metrics);
        self.alarms.extend(alarms);
        self.origins.extend(origins::read(&mut root, &mut page));
        let tables = root.table("policy", &mut page).map_or_else(Vec::new, Table::rest);
        root.finish(&mut page);
        Layer { tables, page }
    }

    /// `home` and `[geo]`: what an address is compared with, and by what.
    fn read_origin(&mut self, root: &mut Table<'_>, page: &mut Page<'_>) {
        let home = root.text("home", page, |text| match text {
            "" => Ok(None),
            _ => text.parse::<Country>().map(Some),
        });
        self.home = home.unwrap_or(self.home);
        if let Some(mut table) = root.table("geo", page) {
            let path = table.text("database", page, |text| match text {
                "" => Ok(None),
                _ => read_path(text).map(Some),
            });
            self.geo = path.unwrap_or_else(|| self.geo.take());
            self.ask_who = table.bool("ask", page).unwrap_or(self.ask_who);
            table.finish(page);
        }
    }

    fn read_sources(&mut self, mut table: Table<'_>, page: &mut Page<'_>) {
        self.discover = table.bool("discover", page).unwrap_or(self.discover);
        if let Some(logs) = table.texts("logs", page, read_pattern) {
            if logs.len() > FILES_MAX {
                let what = format!("`logs` has more than {FILES_MAX} entries");
                page.problem(0, what, "so many files cannot be followed at once", "use a wildcard");
            }
            self.logs = logs;
        }
        let journal = table.text("journal", page, |text| match text {
            "auto" => Ok(JournalUse::Auto),
            "on" => Ok(JournalUse::On),
            "off" => Ok(JournalUse::Off),
            _ if text.starts_with('/') => read_path(text).map(JournalUse::Folder),
            _ => Err(format!("`{text}` is none of \"auto\", \"on\", \"off\", and no folder")),
        });
        if let Some(journal) = journal {
            self.journal = journal;
        }
        table.finish(page);
    }

    fn read_allow(&mut self, mut table: Table<'_>, page: &mut Page<'_>) {
        let nets = table.texts("addresses", page, |text| {
            text.parse::<Net>().map_err(|error| error.to_string())
        });
        if let Some(nets) = nets {
            if nets.len() > ALLOW_MAX {
                let what = format!("`addresses` has more than {ALLOW_MAX} entries");
                page.problem(0, what, "every block is compared with them", "use wider networks");
            }
            self.allow = nets;
        }
        table.finish(page);
    }

    /// The files, patterns of files and services whose lines a metric counts; none if it counts all
    /// lines. A log group stands for what is sent to it.
    pub fn sources_of<'c>(&'c self, metric: &'c MetricSpec) -> impl Iterator<Item = &'c str> {
        metric.sources.iter().flat_map(|source| {
            let of_group = self.aws.logs.iter().filter(move |logs| logs.group == *source);
            let sent = of_group.flat_map(|logs| logs.files.iter().chain(&logs.services));
            sent.chain([source]).map(String::as_str)
        })
    }

    /// The problems of names in `[aws]` that only rules and metrics can tell.
    pub fn unknown_in_aws(
        &self,
        file: &str,
        text: &str,
        services: &[&str],
        metrics: &[&str],
    ) -> Vec<Problem> {
        unknown::in_aws(&self.aws, (file, text), services, metrics)
    }

    /// The problems of names that only the rules can tell: policies, origins and metrics with
    /// services that no rule file describes. A rule for logins takes any: PAM tells of logins too,
    /// and its services are called as their files are.
    pub fn unknown_services(&self, file: &str, text: &str, services: &[&str]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let (root, _) = DeTable::parse_recoverable(text);
        for policy in &self.policies {
            let Reach::Services(names) = &policy.reach else { continue };
            for name in names.iter().filter(|name| !services.contains(&name.as_str())) {
                let hint = meant(name, services.iter().copied());
                let what = format!("[policy.{}] is for the service `{name}`", policy.name);
                let why = "no rule file describes that service, so it would count nothing";
                let problem = Problem::of_file(file, what, why).hint(hint);
                problems.push(match place_of_service(root.get_ref(), &policy.name, name) {
                    Some(place) => problem.at(text, place),
                    None => problem,
                });
            }
        }
        let page = (file, text);
        problems.extend(unknown::in_origins(&self.origins, page, services));
        problems.extend(unknown::in_metrics(&self.metrics, &self.aws, page, services));
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }
}

/// Where a policy names a service: in `services`, else by its own name.
fn place_of_service(root: &DeTable<'_>, policy: &str, service: &str) -> Option<usize> {
    let policies = root.get("policy")?.get_ref().as_table()?;
    let (key, fields) = policies.iter().find(|(key, _)| key.get_ref() == policy)?;
    let named = fields.get_ref().as_table()?.get("services").and_then(|list| {
        let mut names = list.get_ref().as_array()?.iter();
        names.find(|name| name.get_ref().as_str() == Some(service)).map(|name| name.span().start)
    });
    Some(named.unwrap_or(key.span().start))
}

/// A path, perhaps with `*`, `?` and `[...]`, as those are that are looked for every second.
pub(crate) fn read_pattern(text: &str) -> Result<String, String> {
    let path = read_path(text)?;
    if path.contains("**") {
        return Err(format!("`{text}`: `**` would search whole trees every second"));
    }
    match glob::Pattern::new(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("`{text}` is no pattern for paths: {}", error.msg)),
    }
}

/// An absolute path.
pub(crate) fn read_path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err(format!("`{text}` is not an absolute path"));
    }
    if text.len() > PATH_MAX {
        return Err("the path is too long".to_owned());
    }
    Ok(text.to_owned())
}
