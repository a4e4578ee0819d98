//! `[[origin]]`: what becomes of somebody because of the country or network he comes from.

use monban_model::limits::{ORIGIN_LIST_MAX, ORIGINS_MAX};
use monban_model::{
    Asn, Country, Kind, KindSet, ORIGIN_KINDS, OneOf, OriginAct, OriginLogin, OriginRule, Reach,
    Severity,
};

use crate::policies::{duration_or_forever, read_kind, read_ports};
use crate::words::word_of;
use crate::written::{Page, Table};

/// The tables of a file.
pub(crate) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> Vec<OriginRule> {
    let tables = root.tables("origin", "[[origin]]", page);
    if let Some((place, _)) = tables.get(ORIGINS_MAX) {
        let what = format!("more than {ORIGINS_MAX} tables [[origin]]");
        page.problem(*place, what, "each attacker is compared with them", "use lists");
    }
    let mut rules: Vec<(usize, OriginRule)> = Vec::new();
    for (number, (place, table)) in (1..).zip(tables) {
        if let Some(rule) = read_one(number, place, table, page) {
            contradiction(&rules, &rule, place, page);
            rules.push((place, rule));
        }
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn read_one(
    number: u32,
    place: usize,
    mut table: Table<'_>,
    page: &mut Page<'_>,
) -> Option<OriginRule> {
    let countries = one_of(&mut table, "countries", country, page);
    let systems = one_of(&mut table, "as", |text| text.parse::<Asn>(), page);
    let asks = table_asks(&countries) || table_asks(&systems);
    let (countries, systems) = (countries.unwrap_or_default(), systems.unwrap_or_default());
    if !asks {
        let what = "an [[origin]] names neither `countries` nor `as`".to_owned();
        let hint = "write for example countries = [\"CN\", \"RU\"], or countries = [\"!JP\"] for \
                    all but Japan";
        page.problem(place, what, "it would be about nobody", hint);
    }
    let services = table.texts("services", page, |name| Ok(name.to_owned()));
    let kinds = table.texts("kinds", page, read_kind);
    let is_said = table.has("then");
    let then =
        table.text("then", page, |text| word_of("answer", text, OriginAct::ALL, OriginAct::word));
    if !is_said {
        let what = "an [[origin]] has no `then`".to_owned();
        page.problem(place, what, "", "write then = \"block\", \"alarm\" or \"allow\"");
    }
    let places = ["logins", "block", "ports", "severity"].map(|key| (key, table.place(key)));
    let logins = table
        .text("logins", page, |text| word_of("answer", text, OriginLogin::ALL, OriginLogin::word));
    let first_s = table.text("block", page, duration_or_forever);
    let scope = read_ports(&mut table, page);
    let severity = table
        .text("severity", page, |text| word_of("severity", text, Severity::ALL, Severity::word));
    table.finish(page);
    let then = then?;
    useless(then, &places, page);
    if let (OriginAct::Alarm, Some(OriginLogin::Block), Some(at)) = (then, logins, places[0].1) {
        let what = "`logins` = \"block\" in an [[origin]] with then = \"alarm\"".to_owned();
        page.problem(at, what, "who may fail there may also come in", "write then = \"block\"");
    }
    let usual = match then {
        OriginAct::Allow => OriginLogin::Ignore,
        OriginAct::Alarm | OriginAct::Block => OriginLogin::Alarm,
    };
    let kinds = kinds.map(|kinds| KindSet::of(&kinds)).unwrap_or(match then {
        OriginAct::Allow => KindSet::of(Kind::ALL),
        OriginAct::Alarm | OriginAct::Block => ORIGIN_KINDS,
    });
    asks.then(|| OriginRule {
        number,
        place: page.place_of(place),
        countries,
        systems,
        reach: match services {
            Some(names) if !names.is_empty() => Reach::Services(names),
            _ => Reach::EveryService,
        },
        kinds,
        then,
        logins: logins.filter(|_| then != OriginAct::Allow).unwrap_or(usual),
        first_s,
        scope,
        severity: severity.unwrap_or(Severity::Warning),
    })
}

/// What a table says and has no effect there.
fn useless(then: OriginAct, places: &[(&str, Option<usize>)], page: &mut Page<'_>) {
    let is_of_use = |key: &str| match then {
        OriginAct::Allow => false,
        OriginAct::Alarm => matches!(key, "severity" | "logins"),
        OriginAct::Block => true,
    };
    for (key, place) in places.iter().filter(|(key, _)| !is_of_use(key)) {
        if let Some(place) = place {
            let what = format!("`{key}` in an [[origin]] with then = \"{}\"", then.word());
            page.problem(*place, what, "it would have no effect", "leave it out");
        }
    }
}

fn table_asks<T: Ord>(list: &Option<OneOf<T>>) -> bool {
    list.as_ref().is_some_and(OneOf::asks)
}

/// A list of what is meant, or, each behind `!`, of what is not.
fn one_of<T: Ord>(
    table: &mut Table<'_>,
    key: &'static str,
    read: impl Fn(&str) -> Result<T, String>,
    page: &mut Page<'_>,
) -> Option<OneOf<T>> {
    let (place, before) = (table.place(key)?, page.problems.len());
    let entries = table.text_or_texts(key, page, |text| match text.strip_prefix('!') {
        Some(rest) => Ok((false, read(rest.trim_start())?)),
        None => Ok((true, read(text)?)),
    })?;
    if entries.is_empty() {
        if page.problems.len() == before {
            let what = format!("`{key}` names nothing");
            page.problem(place, what, "", "leave it out, or name some");
        }
        // Not as if nothing had been asked, which would be about everybody.
        return Some(OneOf::These(Vec::new()));
    }
    if entries.len() > ORIGIN_LIST_MAX {
        let what = format!("`{key}` has more than {ORIGIN_LIST_MAX} entries");
        page.problem(place, what, "each attacker is compared with them", "use `!`");
    }
    let is_meant = entries[0].0;
    if entries.iter().any(|(meant, _)| *meant != is_meant) {
        let what = format!("`{key}` names some with `!` and some without");
        let why = "it is either a list of those that are meant, or of those that are not";
        page.problem(place, what, why, "use two tables [[origin]]; the first that fits is the one");
    }
    let mut list: Vec<T> = entries.into_iter().map(|(_, entry)| entry).collect();
    list.sort_unstable();
    list.dedup();
    Some(if is_meant { OneOf::These(list) } else { OneOf::AllBut(list) })
}

fn country(text: &str) -> Result<Country, String> {
    let country: Country = text.parse()?;
    if country.is_country() {
        return Ok(country);
    }
    Err(match country.meant() {
        Some(meant) => format!("`{text}` is no country; did you mean `{meant}`?"),
        None => format!("`{text}` is no country (ISO 3166)"),
    })
}

/// Two tables that say the contrary of the same people: the second would be without effect there,
/// and one of them is not meant so.
fn contradiction(
    earlier: &[(usize, OriginRule)],
    rule: &OriginRule,
    place: usize,
    page: &mut Page<'_>,
) {
    let opposes = |other: &OriginRule| {
        let both = [other.then, rule.then];
        both.contains(&OriginAct::Allow) && both.contains(&OriginAct::Block)
    };
    for (at, other) in earlier.iter().filter(|(_, other)| opposes(other) && meet(other, rule)) {
        let countries = common(&other.countries, &rule.countries);
        let systems = common(&other.systems, &rule.systems);
        // A table that asks for more than the other is an exception from it.
        let (Some(countries), Some(systems)) = (countries, systems) else { continue };
        let names: Vec<String> = countries.into_iter().chain(systems).collect();
        let what = format!(
            "[[origin]] {} says {} of {}, and [[origin]] {} in line {} says {}",
            rule.number,
            rule.then.word(),
            names.join(", "),
            other.number,
            page.line_of(*at),
            other.then.word(),
        );
        let hint = "take them out of one of both; for an exception (a network in a country, a \
                    service) name that in the first";
        page.problem(place, what, "the first that fits is the one", hint);
    }
}

/// Whether both are about the same services, and one about kinds of the other.
fn meet(one: &OriginRule, other: &OriginRule) -> bool {
    one.reach == other.reach
        && Kind::ALL.iter().any(|kind| one.kinds.contains(*kind) && other.kinds.contains(*kind))
}

/// What both lists name; nothing if one of them asks and the other does not, or they share nothing.
fn common<T: Ord + Copy + ToString>(one: &OneOf<T>, other: &OneOf<T>) -> Option<Vec<String>> {
    match (one, other) {
        (OneOf::Any, OneOf::Any) => Some(Vec::new()),
        (OneOf::These(one), OneOf::These(other)) => {
            let both: Vec<String> =
                one.iter().filter(|it| other.contains(it)).map(ToString::to_string).collect();
            (!both.is_empty()).then_some(both)
        }
        (OneOf::AllBut(one), OneOf::AllBut(other)) if one == other => {
            Some(one.iter().map(|it| format!("!{}", it.to_string())).collect())
        }
        _ => None,
    }
}
