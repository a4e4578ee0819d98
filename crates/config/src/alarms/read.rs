//! One `[[alarm]]`.

use monban_model::limits::{
    ALARM_DESCRIPTION_MAX, ALARM_SAMPLES_MAX, ALARM_SLICES_MAX, ALARM_SPAN_MAX_S, DIMENSIONS_MAX,
};
use monban_model::{
    AlarmRule, AlarmSpec, Amount, BLOCKS_METRIC, Comparison, MetricSpec, Missing, Per, Semantics,
    Severity, Statistic, Watch, Watched, is_built_in, parse_duration_s,
};

use super::{metric_names, metrics, name, take_number, take_pairs};
use crate::words::{meant, repeat, word_of};
use crate::written::{Page, Table};

/// While an alarm is firing it is said again so often, if nothing else is written: as
/// Alertmanager does.
const REPEAT_S: u64 = 4 * 3600;

/// Lines that are kept with an alarm, if nothing else is written.
const SAMPLES: u64 = 10;

/// The keys that belong to a metric and say nothing beside a rule.
const OF_METRIC: [&str; 11] = [
    "dimensions",
    "statistic",
    "comparison",
    "threshold",
    "period",
    "evaluation_periods",
    "datapoints_to_alarm",
    "missing",
    "low_samples",
    "per",
    "repeat",
];

/// What is known of the metrics: `None` where any will do.
type Metrics<'m> = Option<&'m [MetricSpec]>;

pub(super) fn alarm(
    place: usize,
    mut table: Table<'_>,
    metrics: Metrics<'_>,
    page: &mut Page<'_>,
) -> Option<AlarmSpec> {
    let had_name = table.has("name");
    let found = table.text("name", page, name);
    if found.is_none() && !had_name {
        page.problem(place, "an alarm without a `name`".to_owned(), "its state is kept by it", "");
    }
    let description = table.text("description", page, |text| match text.len() {
        0..=ALARM_DESCRIPTION_MAX => Ok(text.to_owned()),
        _ => Err(format!("the description has more than {ALARM_DESCRIPTION_MAX} bytes")),
    });
    let severity = table
        .text("severity", page, |text| word_of("severity", text, Severity::ALL, Severity::word));
    let semantics = table.text("semantics", page, |text| {
        word_of("semantics", text, Semantics::ALL, Semantics::word)
    });
    let semantics = semantics.unwrap_or_default();
    let samples = table.number("samples", (0, u64::from(ALARM_SAMPLES_MAX)), page);
    let (has_rule, has_metric) = (table.has("rule"), table.has("metric"));
    // What is about other alarms is told again by topics.
    let repeat_s = has_metric.then(|| table.text("repeat", page, repeat)).flatten();
    let (watch, per) = match (has_rule, has_metric) {
        (true, true) | (false, false) => {
            let what = "an alarm has either `metric` or `rule`".to_owned();
            let why = "it looks at a metric, or at other alarms";
            page.problem(place, what, why, "write metric = \"login-failed\", for example");
            for key in OF_METRIC.into_iter().chain(["metric", "rule", "unit"]) {
                table.any(key);
            }
            (None, None)
        }
        (true, false) => (rule(&mut table, page), Some(Per::Nothing)),
        (false, true) => {
            let watched = watched(place, &mut table, (metrics, semantics), page);
            let per = per(&mut table, (metrics, semantics), watched.as_ref(), page);
            (watched.map(Watch::Metric), per)
        }
    };
    table.finish(page);
    let repeat_default = (semantics == Semantics::Monban).then_some(REPEAT_S);
    Some(AlarmSpec {
        name: found?,
        description: description.unwrap_or_default(),
        severity: severity.unwrap_or(Severity::Warning),
        semantics,
        watch: watch?,
        per: per?,
        repeat_s: repeat_s.unwrap_or(repeat_default),
        samples: samples.unwrap_or(SAMPLES) as u32,
    })
}

fn rule(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Watch> {
    for key in OF_METRIC {
        if let Some(value) = table.any(key) {
            let what = format!("`{key}` says nothing beside `rule`");
            page.problem(value.span().start, what, "a rule looks at other alarms", "leave it out");
        }
    }
    table.text("rule", page, |text| {
        AlarmRule::parse(text).map(Watch::Rule).map_err(|error| error.to_string())
    })
}

fn watched(
    place: usize,
    table: &mut Table<'_>,
    (metrics, semantics): (Metrics<'_>, Semantics),
    page: &mut Page<'_>,
) -> Option<Watched> {
    let metric = table.text("metric", page, |text| known_metric(text, metrics));
    let statistic = table.text("statistic", page, Statistic::parse);
    let comparison = table.text("comparison", page, comparison);
    let had_threshold = table.has("threshold");
    let threshold = take_number(table, "threshold", page);
    if !had_threshold {
        let what = "an alarm without a `threshold`".to_owned();
        page.problem(place, what, "the metric is held against it", "write threshold = 1");
    }
    let period_s = table.text("period", page, |text| period(text, semantics));
    let most = ALARM_SPAN_MAX_S;
    let periods = table.number("evaluation_periods", (1, most), page).unwrap_or(1);
    let to_alarm = table.number("datapoints_to_alarm", (1, most), page).unwrap_or(periods);
    if to_alarm > periods {
        let what = format!("`datapoints_to_alarm` is {to_alarm} of {periods} periods");
        let why = "so many could never breach, and the alarm would never go off";
        page.problem(place, what, why, "write a larger `evaluation_periods`");
    }
    let missing = table.text("missing", page, |text| {
        word_of("treatment of missing data", text, Missing::ALL, Missing::word)
    });
    let low = table.text("low_samples", page, |text| match text {
        "evaluate" => Ok(false),
        "ignore" => Ok(true),
        _ => Err(format!("`{text}` is neither \"evaluate\" nor \"ignore\"")),
    });
    let unit = metrics::read_unit(table, page);
    let period_s = period_s.unwrap_or(60);
    check_span(place, (period_s, periods, semantics), page);
    let statistic = statistic.unwrap_or_default();
    if low == Some(true) && statistic.samples_needed() == 0 {
        let what = format!("`low_samples` says nothing for {statistic}");
        let why = "only a percentile needs a number of samples";
        page.problem(place, what, why, "leave it out, or write statistic = \"p99\"");
    }
    let dimensions = dimensions(table, metric.as_deref(), (metrics, semantics), page);
    let by_default = match semantics {
        Semantics::Aws => Missing::Missing,
        Semantics::Monban => Missing::NotBreaching,
    };
    Some(Watched {
        metric: metric?,
        dimensions,
        statistic,
        comparison: comparison.unwrap_or_default(),
        threshold: Amount(threshold?),
        period_s: u32::try_from(period_s).ok()?,
        evaluation_periods: u32::try_from(periods).ok()?,
        datapoints_to_alarm: u32::try_from(to_alarm.min(periods)).ok()?,
        missing: missing.unwrap_or(by_default),
        ignore_low_samples: low.unwrap_or(false),
        unit,
    })
}

fn known_metric(text: &str, metrics: Metrics<'_>) -> Result<String, String> {
    let name = name(text)?;
    match metrics {
        Some(metrics) if metric_names(metrics).all(|known| known != name) => {
            let hint = meant(&name, metric_names(metrics));
            Err(format!("there is no metric `{name}`; {hint}"))
        }
        _ => Ok(name),
    }
}

fn comparison(text: &str) -> Result<Comparison, String> {
    Comparison::from_text(text).ok_or_else(|| {
        let words = Comparison::ALL.map(Comparison::word).into_iter();
        let known = words.chain([">=", ">", "<=", "<"]);
        format!("`{text}` is no comparison; {}", meant(text, known))
    })
}

fn period(text: &str, semantics: Semantics) -> Result<u64, String> {
    let seconds = parse_duration_s(text)?;
    let is_cloudwatchs = matches!(seconds, 10 | 20 | 30) || seconds % 60 == 0;
    match (seconds, semantics) {
        (0, _) => Err("a period of no length counts nothing".to_owned()),
        (_, Semantics::Aws) if !is_cloudwatchs => Err(format!(
            "with semantics = \"aws\" a period has 10, 20, 30 seconds or whole minutes, not {text}"
        )),
        (..=ALARM_SPAN_MAX_S, _) => Ok(seconds),
        _ => Err("a period has a day at most".to_owned()),
    }
}

/// All periods together are a day at most, and few enough to be held.
fn check_span(
    place: usize,
    (period_s, periods, semantics): (u64, u64, Semantics),
    page: &mut Page<'_>,
) {
    if period_s.saturating_mul(periods) > ALARM_SPAN_MAX_S {
        let what = format!("{periods} periods of {period_s} seconds are more than a day");
        let why = "so far back nothing is kept, as in CloudWatch";
        page.problem(place, what, why, "write fewer or shorter periods");
        return;
    }
    let slice_s = match semantics {
        Semantics::Aws if period_s < 60 => 10,
        Semantics::Aws => 60,
        Semantics::Monban => period_s,
    };
    if period_s * periods / slice_s.max(1) + 6 > ALARM_SLICES_MAX as u64 {
        let what = format!("{periods} periods of {period_s} seconds are too many");
        page.problem(place, what, "each is kept for itself", "write fewer and longer periods");
    }
}

/// The dimensions that a metric has; `None` if that is not known.
fn dimensions_of<'m>(metric: &str, metrics: Metrics<'m>) -> Option<Vec<&'m str>> {
    let metrics = metrics?;
    if is_built_in(metric) {
        return Some(vec![if metric == BLOCKS_METRIC { "policy" } else { "service" }]);
    }
    let found = metrics.iter().find(|one| one.name == metric)?;
    Some(found.dimensions.iter().map(|(name, _)| name.as_str()).collect())
}

fn dimensions(
    table: &mut Table<'_>,
    metric: Option<&str>,
    (metrics, semantics): (Metrics<'_>, Semantics),
    page: &mut Page<'_>,
) -> Vec<(String, String)> {
    let pairs = take_pairs(table, "dimensions", page);
    let known = metric.and_then(|metric| dimensions_of(metric, metrics));
    for (key, _, place) in &pairs {
        let Some(known) = known.as_ref().filter(|known| !known.contains(&key.as_str())) else {
            continue;
        };
        let what = format!("the metric has no dimension `{key}`");
        let hint = match known.is_empty() {
            true => "it has none".to_owned(),
            false => meant(key, known.iter().copied()),
        };
        page.problem(*place, what, "the alarm would see no datapoint", &hint);
    }
    let is_own = metric.is_some_and(is_built_in);
    if semantics == Semantics::Aws
        && !is_own
        && let Some(left) =
            known.iter().flatten().find(|known| pairs.iter().all(|(key, ..)| key != *known))
    {
        let what = format!("the dimension `{left}` of the metric is left out");
        let why = "with semantics = \"aws\" an alarm sees only datapoints with exactly its own";
        let place = pairs.first().map_or(0, |(_, _, place)| *place);
        page.problem(place, what, why, "name all of them, or leave out semantics");
    }
    if let Some((_, _, place)) = pairs.get(DIMENSIONS_MAX) {
        let what = format!("more than {DIMENSIONS_MAX} dimensions");
        page.problem(*place, what, "CloudWatch has no more either", "");
    }
    pairs.into_iter().take(DIMENSIONS_MAX).map(|(key, value, _)| (key, value)).collect()
}

fn per(
    table: &mut Table<'_>,
    (metrics, semantics): (Metrics<'_>, Semantics),
    watched: Option<&Watched>,
    page: &mut Page<'_>,
) -> Option<Per> {
    if !table.has("per") {
        return Some(Per::Nothing);
    }
    let known = watched.and_then(|watched| dimensions_of(&watched.metric, metrics));
    table.text("per", page, |text| {
        if semantics == Semantics::Aws {
            let why =
                "with semantics = \"aws\" an alarm has one state; leave out `per` or semantics";
            return Err(why.to_owned());
        }
        match (text, &known) {
            ("address", _) => Ok(Per::Address),
            ("user", _) => Ok(Per::User),
            (_, Some(known)) if !known.contains(&text) => {
                let known = ["address", "user"].into_iter().chain(known.iter().copied());
                Err(format!("`{text}` is nothing that the metric tells; {}", meant(text, known)))
            }
            _ => name(text).map(Per::Dimension),
        }
    })
}
