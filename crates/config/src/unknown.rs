//! Names that only rules and other tables can tell: services that no rule file describes, metrics
//! that are nowhere defined.

use monban_model::{Aws, MetricSpec, OriginRule, Problem, Reach};
use toml::de::{DeTable, DeValue};

use crate::words::meant;

/// A file and its text.
type Page<'a> = (&'a str, &'a str);

/// Services of tables about origins.
pub(crate) fn in_origins(rules: &[OriginRule], page: Page<'_>, services: &[&str]) -> Vec<Problem> {
    let named = rules.iter().flat_map(|rule| match &rule.reach {
        Reach::Services(names) => names.iter().map(|name| (rule.number, name)).collect(),
        _ => Vec::new(),
    });
    let unknown = named.filter(|(_, name)| !services.contains(&name.as_str()));
    let problems = unknown.map(|(number, name)| {
        let what = format!("[[origin]] {number} is for the service `{name}`");
        let why = "no rule file describes that service, so it would be about nothing";
        problem(page, (&["origin"], "services", name), what, why, services)
    });
    problems.collect()
}

/// Services among the sources of metrics. A log group stands for what is sent to it.
pub(crate) fn in_metrics(
    metrics: &[MetricSpec],
    aws: &Aws,
    page: Page<'_>,
    services: &[&str],
) -> Vec<Problem> {
    let is_known = |source: &str| {
        source.starts_with('/')
            || services.contains(&source)
            || aws.logs.iter().any(|logs| logs.group == source)
    };
    let named = metrics.iter().flat_map(|one| one.sources.iter().map(move |source| (one, source)));
    let unknown = named.filter(|(_, source)| !is_known(source));
    let problems = unknown.map(|(metric, source)| {
        let what = format!("the metric `{}` has the source `{source}`", metric.name);
        let why = "no rule file describes such a service, so no line would count";
        problem(page, (&["metric"], "sources", source), what, why, services)
    });
    problems.collect()
}

/// Services and metrics of `[aws]`.
pub(crate) fn in_aws(
    aws: &Aws,
    page: Page<'_>,
    services: &[&str],
    metrics: &[&str],
) -> Vec<Problem> {
    let of_logs = aws.logs.iter().flat_map(|logs| &logs.services);
    let of_logs = of_logs.map(|name| ("logs", "services", name, services));
    let of_metrics = aws.metrics.iter().flat_map(|one| &one.metrics);
    let of_metrics = of_metrics.map(|name| ("metrics", "metrics", name, metrics));
    let named = of_logs.chain(of_metrics);
    let unknown = named.filter(|(_, _, name, known)| !known.contains(&name.as_str()));
    let problems = unknown.map(|(table, key, name, known)| {
        let what = format!("[[aws.{table}]] names `{name}` in `{key}`");
        let why = "there is none of that name";
        let problem = problem(page, (&["aws", table], key, name), what, why, known);
        match (table, known) {
            ("metrics", []) => problem.hint(format!("write a [[metric]] with name = \"{name}\"")),
            _ => problem,
        }
    });
    problems.collect()
}

/// The problem of a name, which stands in `key` of the tables at this path.
fn problem(
    (file, text): Page<'_>,
    (path, key, name): (&[&str], &str, &str),
    what: String,
    why: &str,
    known: &[&str],
) -> Problem {
    let problem = Problem::of_file(file, what, why).hint(meant(name, known.iter().copied()));
    let (root, _) = DeTable::parse_recoverable(text);
    match place(root.get_ref(), path, key, name) {
        Some(place) => problem.at(text, place),
        None => problem,
    }
}

/// Where a list of tables has this text in `key`, by itself or in a list.
fn place(root: &DeTable<'_>, path: &[&str], key: &str, name: &str) -> Option<usize> {
    let (last, outer) = path.split_last()?;
    let mut table = root;
    for part in outer {
        table = table.get(*part)?.get_ref().as_table()?;
    }
    let tables = table.get(*last)?.get_ref().as_array()?;
    tables.iter().find_map(|table| {
        let value = table.get_ref().as_table()?.get(key)?;
        let found = match value.get_ref() {
            DeValue::Array(names) => {
                names.iter().find(|found| found.get_ref().as_str() == Some(name))?
            }
            other => Some(value).filter(|_| other.as_str() == Some(name))?,
        };
        Some(found.span().start)
    })
}
