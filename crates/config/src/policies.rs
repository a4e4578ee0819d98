//! `[policy.*]`: who is blocked when, and for how long.

use monban_model::limits::{POLICIES_MAX, POLICY_FAILURES_MAX, PORTS_MAX};
use monban_model::{Backoff, Kind, KindSet, Policy, Reach, Scope, Window, parse_duration_s};
use toml::Spanned;
use toml::de::DeValue;

use crate::words::word_of;
use crate::written::{Page, Table, Value};

/// The policies of several files, the later over the earlier.
///
/// `[policy.default]` is the example of all others, so it is complete before the first of them is
/// made after it: what a file changes there holds for every policy that does not say otherwise. A
/// table named like a policy that is there changes it; another makes a new policy, which counts
/// the service of its name unless it names `services`.
pub(crate) fn read(layers: &mut [Layer<'_, '_>]) -> Vec<Policy> {
    let mut policies = Vec::new();
    for example_first in [true, false] {
        for layer in &mut *layers {
            let is_next =
                |(key, _): &mut (Spanned<String>, _)| (key.get_ref() == "default") == example_first;
            let tables: Vec<_> = layer.tables.extract_if(.., is_next).collect();
            for (key, value) in tables {
                read_table(key, value, &mut policies, &mut layer.page);
            }
        }
    }
    // The most specific first: a policy for named services before one for all.
    policies.sort_by_key(|policy| matches!(policy.reach, Reach::EveryService));
    policies
}

/// `[policy.*]` of one file.
pub(crate) struct Layer<'a, 'p> {
    /// The tables.
    pub(crate) tables: Vec<(Spanned<String>, Value<'a>)>,
    /// Where problems go.
    pub(crate) page: Page<'p>,
}

fn read_table(
    key: Spanned<String>,
    value: Value<'_>,
    policies: &mut Vec<Policy>,
    page: &mut Page<'_>,
) {
    let place = key.span().start;
    let name = key.into_inner();
    let DeValue::Table(fields) = value.into_inner() else {
        let what = format!("`policy.{name}` is a table");
        return page.problem(
            place,
            what,
            "",
            &format!("write [policy.{name}] on a line of its own"),
        );
    };
    let known = policies.iter().position(|policy| policy.name == name);
    let mut policy = match known {
        Some(at) => policies[at].clone(),
        None => example(policies, &name),
    };
    read_one(Table::new(&format!("[policy.{name}]"), fields), &mut policy, page);
    match known {
        Some(at) => policies[at] = policy,
        None if policies.len() >= POLICIES_MAX => {
            let what = format!("more than {POLICIES_MAX} policies");
            page.problem(place, what, "every sighting is compared with them", "");
        }
        None => policies.push(policy),
    }
}

fn example(policies: &[Policy], name: &str) -> Policy {
    let default = policies.iter().find(|policy| policy.name == "default").cloned();
    let mut policy = default.unwrap_or_else(|| Policy {
        name: String::new(),
        reach: Reach::EveryService,
        kinds: KindSet::default(),
        window: Window { failures: 5, length_s: 600 },
        slow: None,
        backoff: Backoff { first_s: Some(600), factor: 2, longest_s: 604_800, forget_s: 2_592_000 },
        scope: Scope::All,
        blocks: true,
    });
    name.clone_into(&mut policy.name);
    if name != "default" {
        policy.reach = Reach::Services(vec![name.to_owned()]);
    }
    policy
}

fn read_one(mut table: Table<'_>, policy: &mut Policy, page: &mut Page<'_>) {
    if let Some(names) = table.texts("services", page, |name| Ok(name.to_owned())) {
        policy.reach = if names.is_empty() { Reach::EveryService } else { Reach::Services(names) };
    }
    let given_kinds = table.texts("kinds", page, read_kind);
    if let Some(kinds) = given_kinds {
        policy.kinds = KindSet::of(&kinds);
        // A shipped policy is told by its kinds, not by a service of its name.
        if policy.reach == Reach::Services(vec![policy.name.clone()]) {
            policy.reach = Reach::EveryService;
        }
    }
    read_windows(&mut table, policy, page);
    let backoff = &mut policy.backoff;
    if let Some(first_s) = table.text("block", page, duration_or_forever) {
        backoff.first_s = first_s;
    }
    if let Some(factor) = table.number("block_factor", (1, 100), page) {
        backoff.factor = factor as u32;
    }
    if let Some(longest_s) = table.text("block_max", page, parse_duration_s) {
        backoff.longest_s = longest_s;
    }
    if let Some(forget_s) = table.text("forget_after", page, parse_duration_s) {
        backoff.forget_s = forget_s;
    }
    if let Some(scope) = read_ports(&mut table, page) {
        policy.scope = scope;
    }
    let action = table.text("action", page, |text| match text {
        "block" => Ok(true),
        "observe" => Ok(false),
        _ => Err(format!("`{text}` is neither \"block\" nor \"observe\"")),
    });
    policy.blocks = action.unwrap_or(policy.blocks);
    table.finish(page);
}

fn read_windows(table: &mut Table<'_>, policy: &mut Policy, page: &mut Page<'_>) {
    let most = u64::from(POLICY_FAILURES_MAX);
    if let Some(failures) = table.number("failures", (1, most), page) {
        policy.window.failures = failures as u32;
    }
    if let Some(length_s) = table.text("within", page, window_length) {
        policy.window.length_s = length_s;
    }
    let failures = table.number("slow_failures", (0, most), page);
    let length_s = table.text("slow_within", page, window_length);
    let old = policy.slow.unwrap_or(Window { failures: 0, length_s: 86_400 });
    let slow = Window {
        failures: failures.map_or(old.failures, |n| n as u32),
        length_s: length_s.unwrap_or(old.length_s),
    };
    policy.slow = (slow.failures > 0).then_some(slow);
}

pub(crate) fn read_ports(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<Scope> {
    let value = table.any("ports")?;
    let place = value.span().start;
    let wrong = |page: &mut Page<'_>, at| {
        page.problem(
            at,
            "`ports` is neither \"all\" nor a list of port numbers".to_owned(),
            "",
            &format!("write \"all\", or 1 to {PORTS_MAX} ports such as [22, 2222]"),
        );
    };
    match value.as_ref() {
        DeValue::String(text) if text == "all" => Some(Scope::All),
        DeValue::Array(items) if !items.is_empty() && items.len() <= PORTS_MAX => {
            let mut ports = Vec::new();
            for item in items.iter() {
                let port = match item.as_ref() {
                    DeValue::Integer(n) => u16::from_str_radix(n.as_str(), n.radix()).ok(),
                    _ => None,
                };
                match port {
                    Some(port) if port > 0 => ports.push(port),
                    _ => wrong(page, item.span().start),
                }
            }
            ports.sort_unstable();
            ports.dedup();
            Some(Scope::Ports(ports))
        }
        _ => {
            wrong(page, place);
            None
        }
    }
}

pub(crate) fn read_kind(name: &str) -> Result<Kind, String> {
    word_of("kind", name, Kind::ALL, Kind::name)
}

fn window_length(text: &str) -> Result<u64, String> {
    match parse_duration_s(text)? {
        0 => Err("a window of no length counts nothing".to_owned()),
        seconds => Ok(seconds),
    }
}

pub(crate) fn duration_or_forever(text: &str) -> Result<Option<u64>, String> {
    match text {
        "forever" => Ok(None),
        _ => match parse_duration_s(text)? {
            0 => Err("a block of no length; write action = \"observe\" for none".to_owned()),
            seconds => Ok(Some(seconds)),
        },
    }
}
