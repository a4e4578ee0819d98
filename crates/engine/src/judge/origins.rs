//! Which table of `[[origin]]` is about somebody, by where his address is.

use monban_model::{
    Catalog, Kind, KindSet, Origin, OriginLogin, OriginRule, Reach, Sighting, limits,
};

/// A table that is about somebody, by its place, and where he is.
pub(crate) type Fit = (usize, Origin);

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    rules: Vec<OriginRule>,
    /// Of each service, what any table asks of it.
    asked: Vec<KindSet>,
}

impl Origins {
    pub(crate) fn new(rules: &[OriginRule], catalog: &Catalog) -> Self {
        let rules: Vec<OriginRule> = rules.iter().take(limits::ORIGINS_MAX).cloned().collect();
        let asked = |service: &str| {
            let mut kinds: Vec<Kind> = Vec::new();
            for rule in rules.iter().filter(|rule| reaches(rule, service)) {
                kinds.extend(Kind::ALL.iter().filter(|kind| rule.kinds.contains(**kind)));
                if rule.logins != OriginLogin::Ignore {
                    kinds.push(Kind::LoginAccepted);
                }
            }
            // A probe may bring the address of logins that failed before it.
            if !kinds.is_empty() {
                kinds.push(Kind::Probe);
            }
            KindSet::of(&kinds)
        };
        let asked = catalog.services.iter().map(|service| asked(&service.name)).collect();
        Self { rules, asked }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any table asks where somebody is of whom this is told.
    #[inline]
    pub(crate) fn ask(&self, seen: &Sighting<'_>) -> bool {
        match self.asked.get(usize::from(seen.service.0)) {
            Some(asked) => asked.contains(seen.kind),
            None => !self.rules.is_empty(),
        }
    }

    pub(crate) fn rule(&self, at: usize) -> &OriginRule {
        &self.rules[at]
    }

    /// The first table that is about this kind of failure of somebody from there.
    pub(crate) fn of_failure(&self, service: &str, kind: Kind, from: Origin) -> Option<Fit> {
        self.first(service, from, |rule| rule.kinds.contains(kind))
    }

    /// The first table that is about a login from there.
    pub(crate) fn of_login(&self, service: &str, from: Origin) -> Option<Fit> {
        self.first(service, from, |_| true)
    }

    fn first(
        &self,
        service: &str,
        from: Origin,
        is_meant: impl Fn(&OriginRule) -> bool,
    ) -> Option<Fit> {
        if !from.is_known() {
            return None;
        }
        let fits = |rule: &OriginRule| is_meant(rule) && reaches(rule, service) && rule.fits(from);
        self.rules.iter().position(fits).map(|at| (at, from))
    }
}

fn reaches(rule: &OriginRule, service: &str) -> bool {
    match &rule.reach {
        Reach::EveryService => true,
        Reach::Services(names) => names.iter().any(|name| name == service),
    }
}
