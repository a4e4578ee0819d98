//! `monban bans`.

use std::collections::HashMap;

use monban_ledger::{Cause, Caused, Unmade};
use monban_model::{BlockRow, Made, Subject};
use serde_json::{Value, json};

use crate::json::{by_origin_json, jail_of};
use crate::{LocalClock, Say, block_json, printable, table};

/// What led to each block, as the ledger's reader gives it.
pub type Causes = HashMap<Caused, Cause>;

/// The blocks in force as a table, the next to end first; `unmade` are those of jails whose actions
/// failed.
pub fn bans_text(
    say: &Say,
    clock: &LocalClock,
    blocks: &[BlockRow],
    causes: &Causes,
    unmade: &Unmade,
) -> String {
    if blocks.is_empty() {
        return say.text("bans-none", &[]) + "\n";
    }
    let mut sorted: Vec<&BlockRow> = blocks.iter().collect();
    sorted.sort_by_key(|row| (row.until.is_none(), row.until, row.subject));
    let mut rows = vec![say.text("bans-head", &[])];
    for row in sorted {
        let until = match row.until {
            Some(end) => clock.when(end),
            None => say.text("forever", &[]),
        };
        let cause = cause_of(row, causes);
        let times = match cause.map_or(0, |cause| cause.blocks) {
            0 => "-".to_owned(),
            blocks => blocks.to_string(),
        };
        let why = why(say, row, cause);
        let why = match made(row, unmade) {
            Made::Whole => why,
            Made::Partly => say.text("bans-partly", &[("why", &why)]),
            Made::Not => say.text("bans-unmade", &[("why", &why)]),
        };
        let who = shown(row.subject, &row.policy);
        rows.push(format!("{who}\t{}\t{until}\t{times}\t{why}", clock.when(row.since)));
    }
    table(&rows)
}

/// Who is blocked. Jails ban single addresses: there an IPv6 address is no /64, and needs no length
/// to say so.
pub(crate) fn shown(subject: Subject, policy: &str) -> String {
    match policy.starts_with("jail ") {
        true => subject.net().to_string(),
        false => subject.to_string(),
    }
}

fn cause_of<'a>(row: &BlockRow, causes: &'a Causes) -> Option<&'a Cause> {
    causes.get(&(row.subject, row.scope.clone(), row.policy.clone()))
}

/// The operator's words, or what was counted and by which policy.
fn why(say: &Say, row: &BlockRow, cause: Option<&Cause>) -> String {
    if row.policy.is_empty() {
        return match row.why.is_empty() {
            true => say.text("bans-operator", &[]),
            false => say.text("why-reason-operator", &[("why", &printable(row.why.as_bytes()))]),
        };
    }
    let made = |cause: &Cause| match (cause.by_hand, cause.taken_over) {
        (true, _) => Some("bans-by-hand"),
        (_, true) => Some("bans-taken-over"),
        _ => None,
    };
    if let Some(key) = cause.and_then(made) {
        return say.of_policy(key, &row.policy, &[("policy", &row.policy)]);
    }
    if let Some(by) = cause.and_then(|cause| cause.origin.as_deref()) {
        let values = [("why", &*say.by_origin(by)), ("policy", &row.policy)];
        return say.text("why-reason-origin", &values);
    }
    let rule = cause.and_then(|cause| cause.rule.as_ref().or(cause.service.as_ref()));
    match (rule, cause) {
        (Some(rule), Some(cause)) => {
            let failures = cause.failures.to_string();
            let values = [("failures", failures.as_str()), ("rule", rule), ("policy", &row.policy)];
            say.of_policy("bans-why", &row.policy, &values)
        }
        _ => say.of_policy("why-reason-policy", &row.policy, &[("policy", &row.policy)]),
    }
}

/// What became of a block: monban's own are made, or told otherwise.
pub fn made(row: &BlockRow, unmade: &Unmade) -> Made {
    unmade.get(&(row.subject, row.policy.clone())).copied().unwrap_or_default()
}

/// Whether a jail of fail2ban made it. Its actions take such a ban back when monban ends, and make
/// it again at the next start.
pub fn is_of_jail(row: &BlockRow) -> bool {
    row.policy.starts_with("jail ")
}

/// The blocks that the ledger has: `{"blocks": [...]}`, each with `times`, `service`, `rule` and
/// `failures` where they are known, `by_hand`, `taken_over` (from another fail2ban), `origin` (the
/// table of `[[origin]]`, if that is why), and whether it is `in_force`: while monban does not run,
/// bans of jails are not, and never those of which no action works. These have the `actions` of
/// their jail, as `actions` gives them, and how many of them have `made` it: `all`, `some` or
/// `none`.
pub fn bans_json(
    blocks: &[BlockRow],
    causes: &Causes,
    unmade: &Unmade,
    is_running: bool,
    actions: impl Fn(&str) -> Value,
) -> Value {
    let block = |row: &BlockRow| {
        let cause = cause_of(row, causes).cloned().unwrap_or_default();
        let known = |count: u32| (count > 0).then_some(count);
        let mut value = block_json(row);
        value["times"] = json!(known(cause.blocks));
        value["service"] = json!(cause.service);
        value["rule"] = json!(cause.rule);
        value["failures"] = json!(known(cause.failures));
        let made = made(row, unmade);
        value["in_force"] = json!((is_running || !is_of_jail(row)) && made != Made::Not);
        if let Some(jail) = jail_of(&row.policy) {
            value["actions"] = actions(jail);
            value["made"] = json!(made.word());
        }
        value["by_hand"] = json!(row.policy.is_empty() || cause.by_hand);
        value["taken_over"] = json!(cause.taken_over);
        value["origin"] = json!(cause.origin.as_deref().map(by_origin_json));
        value
    };
    json!({ "blocks": blocks.iter().map(block).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tongue;
    use monban_model::{Scope, Stamp};

    fn block(subject: &str, policy: &str, why: &str) -> BlockRow {
        BlockRow {
            subject: subject.parse().unwrap(),
            scope: Scope::All,
            since: Stamp::from_s(1_790_000_000),
            until: None,
            policy: policy.to_owned(),
            why: why.to_owned(),
        }
    }

    #[test]
    fn a_block_is_told_with_what_led_to_it_and_a_hostile_reason_stays_on_its_line() {
        let counted = block("192.0.2.1", "default", "");
        let by_hand = block("192.0.2.2", "", "noise\n203.0.113.1  forever\u{9b}2J");
        let unknown = block("192.0.2.3", "default", "");
        let cause = Cause {
            blocks: 3,
            service: Some("sshd".to_owned()),
            rule: Some("sshd/failed".to_owned()),
            failures: 5,
            by_hand: false,
            taken_over: false,
            origin: None,
        };
        let of_jail = block("192.0.2.4", "jail sshd", "");
        let hand = Cause { blocks: 2, by_hand: true, ..Cause::default() };
        let key = |row: &BlockRow| (row.subject, Scope::All, row.policy.clone());
        // Another jail has its own reason for the same address.
        let other = block("192.0.2.4", "jail web", "");
        let third = Cause { blocks: 1, failures: 4, rule: Some("x".to_owned()), ..hand.clone() };
        let before = block("192.0.2.5", "jail web", "");
        let taken = Cause { blocks: 2, taken_over: true, ..Cause::default() };
        let causes = Causes::from([
            (key(&counted), cause),
            (key(&of_jail), hand),
            (key(&other), Cause { by_hand: false, ..third }),
            (key(&before), taken),
        ]);
        assert_eq!(shown("2001:db8::9/128".parse().unwrap(), "jail sshd"), "2001:db8::9");
        assert_eq!(shown("2001:db8::9/128".parse().unwrap(), ""), "2001:db8::9/128");
        let blocks = [counted, by_hand, unknown, of_jail, other, before];
        let clock = LocalClock::of_system();
        let say = Say::new(Tongue::English);
        let text = bans_text(&say, &clock, &blocks, &causes, &Unmade::new());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 7, "{text}");
        assert!(lines[1].ends_with("forever  3      5 failures, sshd/failed (policy default)"));
        assert!(lines[2].ends_with("by an operator: noise\\x0a203.0.113.1  forever\\u{9b}2J"));
        assert!(lines[3].ends_with("forever  -      by the policy default"), "{text}");
        assert!(lines[4].ends_with("forever  2      by hand (jail sshd)"), "{text}");
        assert!(lines[5].ends_with("forever  1      4 failures (jail web)"), "{text}");
        assert!(
            lines[6].ends_with("forever  2      taken over from fail2ban (jail web)"),
            "{text}"
        );
        let json = bans_json(&blocks, &causes, &Unmade::new(), false, |jail| json!([jail]));
        assert_eq!(
            (&json["blocks"][0]["times"], &json["blocks"][2]["times"]),
            (&json!(3), &Value::Null)
        );
        assert_eq!(json["blocks"][0]["rule"], "sshd/failed");
        assert_eq!(json["blocks"][5]["taken_over"], true);
        // Which ports a jail shuts is a matter of its actions.
        let reach = |at: usize| {
            let block = &json["blocks"][at];
            (block["jail"].clone(), block["ports"].clone(), block["actions"].clone())
        };
        assert_eq!(reach(0), (Value::Null, json!("all"), Value::Null));
        assert_eq!(reach(3), (json!("sshd"), Value::Null, json!(["sshd"])));
        // monban does not run: its own blocks stand, those of jails wait.
        assert_eq!(
            (&json["blocks"][0]["in_force"], &json["blocks"][3]["in_force"]),
            (&json!(true), &json!(false))
        );
    }

    #[test]
    fn a_block_because_of_an_origin_is_told_with_its_table() {
        let blocks = [block("192.0.2.1", "default", ""), block("192.0.2.2", "default", "")];
        let by = "CN, AS4134 by [[origin]] 2 at monban.toml:12".parse().unwrap();
        let origin = Cause { blocks: 1, origin: Some(Box::new(by)), ..Cause::default() };
        let causes =
            Causes::from([((blocks[0].subject, Scope::All, "default".to_owned()), origin)]);
        let clock = LocalClock::of_system();
        let say = Say::new(Tongue::English);
        let text = bans_text(&say, &clock, &blocks, &causes, &Unmade::new());
        let by = "from CN, AS4134 by [[origin]] 2 at monban.toml:12 (policy default)";
        assert!(text.lines().nth(1).unwrap().ends_with(by), "{text}");
        let json = bans_json(&blocks, &causes, &Unmade::new(), false, |_| Value::Null);
        assert_eq!(json["blocks"][0]["origin"]["country"], "CN");
        assert_eq!(json["blocks"][1]["origin"], Value::Null);
    }

    #[test]
    fn a_ban_that_no_action_made_is_called_none() {
        let jails = ["", "jail sshd", "jail web"];
        let blocks = jails.map(|policy| block("192.0.2.4", policy, ""));
        let failed = |at: usize, made| ((blocks[at].subject, blocks[at].policy.clone()), made);
        let unmade = Unmade::from([failed(1, Made::Not), failed(2, Made::Partly)]);
        let (say, clock) = (Say::new(Tongue::English), LocalClock::of_system());
        let text = bans_text(&say, &clock, &blocks, &Causes::new(), &unmade);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("by an operator"), "{text}");
        let ends = "by the jail sshd; NOT BLOCKED: no action of the jail works";
        assert!(lines[2].ends_with(ends), "{text}");
        assert!(lines[3].ends_with("; perhaps not blocked: an action of the jail failed"));
        let json = bans_json(&blocks, &Causes::new(), &unmade, true, |_| Value::Null);
        let force = |at: usize| {
            let block = &json["blocks"][at];
            (block["in_force"].clone(), block["made"].clone())
        };
        assert_eq!(force(0), (json!(true), Value::Null));
        assert_eq!(force(1), (json!(false), json!("none")));
        assert_eq!(force(2), (json!(true), json!("some")));
    }
}
