//! The set of all loaded rules.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use monban_model::limits::{RULES_MAX, USER_MAX};
use monban_model::{Catalog, Problem, RuleId, RuleInfo, ServiceId, ServiceInfo};

use crate::check;
use crate::file;
use crate::found::Found;
use crate::pattern::{self, Variant};
use crate::programs::Programs;
use crate::service::{Service, ShapeName};
use crate::table::Table;

/// One rule file.
#[derive(Clone, Debug)]
pub struct RuleText {
    /// Its name for messages.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// The compiled rules of all services. It is immutable and may be shared by threads.
#[derive(Debug)]
pub struct RuleSet {
    /// No other set of this run has it.
    pub(crate) number: u64,
    pub(crate) catalog: Catalog,
    pub(crate) services: Vec<Service>,
    /// Those of proven rules are compiled when a line first needs them.
    tables: Vec<OnceLock<Table>>,
    /// The first rule's id of each service.
    pub(crate) first_rule: Vec<u16>,
    /// A hash of each service's name, the base of its connection keys.
    pub(crate) seeds: Vec<u64>,
    pub(crate) programs: Programs,
    /// The services of each shape, in the order of [`ShapeName::NAMED`].
    pub(crate) shapes: [Vec<ServiceId>; 3],
}

/// 0 is none.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

const _: () = assert!(USER_MAX < u32::MAX as usize && RULES_MAX <= u16::MAX as usize);

impl RuleSet {
    /// Compiles rule files and runs all their checks, see [`RuleSet::check`].
    ///
    /// # Errors
    /// All problems of all files.
    pub fn compile(texts: &[RuleText]) -> Result<Self, Vec<Problem>> {
        let set = Self::compile_unchecked(texts)?;
        let problems = set.check();
        if problems.is_empty() { Ok(set) } else { Err(problems) }
    }

    /// Compiles rule files without running their examples and without comparing the rules of a
    /// service with each other. A pattern that would let an attacker choose the address is
    /// refused here too.
    ///
    /// # Errors
    /// All problems of all files.
    pub fn compile_unchecked(texts: &[RuleText]) -> Result<Self, Vec<Problem>> {
        Self::compile_where_needed(texts, |_| false)
    }

    /// The same, but the patterns of files that are `proven` to compile, as those are that a test
    /// compiles, are left until a line of their service comes: most servers run few services. Such
    /// files may lack their examples.
    ///
    /// # Errors
    /// All problems of all files, but for the patterns of those that are proven.
    pub fn compile_where_needed(
        texts: &[RuleText],
        is_proven: impl Fn(&RuleText) -> bool,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut proven = Vec::new();
        let mut services: Vec<Service> = Vec::new();
        for text in texts {
            let is_proven = is_proven(text);
            let (service, mut found) = file::read(&text.file, &text.text, is_proven);
            problems.append(&mut found);
            let Some(service) = service else {
                continue;
            };
            if let Some(other) = services.iter().find(|other| other.name == service.name) {
                let what = format!("service `{}` is also in {}", service.name, other.file);
                let why = "one file describes a service";
                problems.push(Problem::of_file(&text.file, what, why));
            }
            proven.push(is_proven);
            services.push(service);
        }
        let count: usize = services.iter().map(|service| service.rules.len()).sum();
        if count > RULES_MAX {
            let what = format!("there are {count} rules");
            let why = format!("at most {RULES_MAX} can be loaded");
            problems.push(Problem::of_file("rules", what, why));
            return Err(problems);
        }
        let compile = |(service, proven): (&Service, bool)| match proven {
            true => OnceLock::new(),
            false => OnceLock::from(Table::compile(service, &mut problems)),
        };
        let tables = services.iter().zip(proven).map(compile).collect();
        if problems.is_empty() {
            Ok(Self::assemble(services, tables))
        } else {
            problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            // A line of the whole file may be wrong for many rules.
            problems.dedup();
            Err(problems)
        }
    }

    /// The same without the examples, which only [`RuleSet::check`] needs: they are most of the
    /// text, and a guard keeps its rules for months.
    pub fn without_examples(mut self) -> Self {
        for rule in self.services.iter_mut().flat_map(|service| &mut service.rules) {
            (rule.sees, rule.not) = (Vec::new(), Vec::new());
        }
        self
    }

    fn assemble(services: Vec<Service>, tables: Vec<OnceLock<Table>>) -> Self {
        let mut catalog = Catalog::default();
        let mut first_rule = Vec::new();
        let mut shapes: [Vec<ServiceId>; 3] = Default::default();
        for (number, service) in services.iter().enumerate() {
            let id = ServiceId(number as u16);
            first_rule.push(catalog.rules.len() as u16);
            catalog.services.push(ServiceInfo {
                name: service.name.clone(),
                ports: service.ports.clone(),
                shell: service.shell,
            });
            for rule in &service.rules {
                let name = format!("{}/{}", service.name, rule.id);
                catalog.rules.push(RuleInfo { name, service: id, kind: rule.kind });
            }
            if let Some(shape) = service.shape {
                shapes[shape as usize].push(id);
            }
        }
        let seed = |service: &Service| crate::key::hash(0, service.name.as_bytes());
        Self {
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            seeds: services.iter().map(seed).collect(),
            programs: Programs::build(&services),
            catalog,
            services,
            tables,
            first_rule,
            shapes,
        }
    }

    /// The names behind the ids.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// All services, in the order of the files; the place of one is its [`ServiceId`].
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<ServiceId> {
        let place = self.services.iter().position(|s| s.name == name)?;
        Some(ServiceId(place as u16))
    }

    /// What the rules of `service` read out of a message without its head (for services with a
    /// shape: out of the whole line).
    #[inline]
    pub fn read_message<'m>(&self, service: ServiceId, message: &'m [u8]) -> Option<Found<'m>> {
        let mut found = Found::none(message);
        self.read_into(service, &mut found).then_some(found)
    }

    /// The same, into a place that holds [`Found::none`] and still does if there is nothing: what
    /// is large is written once.
    #[inline]
    pub(crate) fn read_into(&self, service: ServiceId, found: &mut Found<'_>) -> bool {
        let number = usize::from(service.0);
        let (Some(known), Some(table)) = (self.services.get(number), self.table(number)) else {
            return false;
        };
        let Found { message, captures, any_number, .. } = found;
        let Some(index) = table.read(&known.rules, message, captures, any_number) else {
            return false;
        };
        found.rule = RuleId(self.first_rule[number] + index);
        found.index = usize::from(index);
        true
    }

    /// The compiled rules of the service of this number.
    #[inline]
    pub(crate) fn table(&self, number: usize) -> Option<&Table> {
        let (table, service) = (self.tables.get(number)?, self.services.get(number)?);
        Some(table.get_or_init(|| {
            let mut problems = Vec::new();
            let table = Table::compile(service, &mut problems);
            debug_assert!(problems.is_empty(), "they are proven: {problems:?}");
            table
        }))
    }

    /// Runs the examples of all rules and looks for lines in which an attacker could choose the
    /// address although each pattern alone is safe. Takes much longer than compiling.
    pub fn check(&self) -> Vec<Problem> {
        check::run(self)
    }

    /// All variants of a service's patterns with the first rule that has them, in the order of
    /// trial. They are made anew: only checks need them.
    pub(crate) fn variants(&self, service: ServiceId) -> Vec<(u16, Variant)> {
        let number = usize::from(service.0);
        let (Some(table), Some(known)) = (self.table(number), self.services.get(number)) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for rule in table.groups().filter_map(|rules| rules.first().copied()) {
            for wording in &known.rules[usize::from(rule)].wordings {
                let variants = pattern::variants(&wording.text).unwrap_or_default();
                all.extend(variants.into_iter().map(|variant| (rule, variant)));
            }
        }
        all
    }

    /// The services whose lines look so.
    pub(crate) fn shaped(&self, shape: ShapeName) -> &[ServiceId] {
        &self.shapes[shape as usize]
    }
}
