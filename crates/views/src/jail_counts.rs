//! What jails of fail2ban count of an address, and what they do not, in `monban why`.

use monban_model::{Net, Stamp};

use serde_json::{Value, json};

use crate::{LocalClock, Say, Why, time_json};

/// What a jail of fail2ban counts of an address towards a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailCount {
    /// The jail's name.
    pub jail: String,
    /// Failures.
    pub failures: u32,
    /// When the last was.
    pub last: Stamp,
}

/// Failures of an address that a jail of fail2ban did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailSpared {
    /// The jail's name.
    pub jail: String,
    /// Failures.
    pub failures: u64,
    /// When the last was.
    pub last: Stamp,
    /// By what: `own`, `allowed`, `ignoreip` or `ignorecommand`.
    pub by: &'static str,
    /// The network of monban's own allow list, if it was that.
    pub net: Option<Net>,
}

/// A line for each.
pub(crate) fn lines(why: &Why, say: &Say, clock: &LocalClock) -> String {
    let line = |key: &str, jail: &str, failures: u64, last: Stamp, net: Option<Net>| {
        let (failures, last) = (failures.to_string(), clock.date_time(last));
        let net = net.map(|net| net.to_string()).unwrap_or_default();
        let values = [("jail", jail), ("failures", &failures), ("last", &last), ("net", &net)];
        say.text(key, &values) + "\n"
    };
    let counted = why.jails.iter().map(|count| {
        line("why-open-jail", &count.jail, u64::from(count.failures), count.last, None)
    });
    let spared = why.spared.iter().map(|spared| {
        let key = format!("why-spared-{}", spared.by);
        line(&key, &spared.jail, spared.failures, spared.last, spared.net)
    });
    counted.chain(spared).collect()
}

/// What jails count.
pub(crate) fn counted_json(why: &Why) -> Value {
    let count = |one: &JailCount| json!({"jail": one.jail, "failures": one.failures, "last": time_json(one.last)});
    why.jails.iter().map(count).collect()
}

/// What they do not, and by which list.
pub(crate) fn spared_json(why: &Why) -> Value {
    let spared = |one: &JailSpared| {
        json!({
            "jail": one.jail,
            "failures": one.failures,
            "last": time_json(one.last),
            "by": one.by,
            "net": one.net.map(|net| net.to_string()),
        })
    };
    why.spared.iter().map(spared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tongue, why_json, why_text};

    #[test]
    fn failures_that_were_spared_are_told_with_their_jail_and_list() {
        let spared = |by, net: Option<&str>, failures| JailSpared {
            jail: "sshd".to_owned(),
            failures,
            last: Stamp::from_s(1_790_000_000),
            by,
            net: net.map(|net| net.parse().unwrap()),
        };
        let mut why = Why::nothing("192.0.2.1".parse().unwrap(), Stamp::from_s(1_790_000_100));
        let clock = LocalClock::of_system();
        let text = |why: &Why| why_text(why, &Say::new(Tongue::English), &clock);
        assert!(text(&why).contains("has never seen"));
        why.spared = vec![
            spared("ignoreip", None, 2),
            spared("allowed", Some("192.0.2.0/24"), 1),
            spared("own", None, 1),
            spared("ignorecommand", None, 7),
        ];
        let told = text(&why);
        assert!(!told.contains("has never seen"), "{told}");
        let lines: Vec<&str> = told.lines().skip(1).collect();
        assert!(lines[0].starts_with("the jail sshd spared 2 failures, the last at "), "{told}");
        assert!(lines[0].ends_with(": ignoreip of the jail"), "{told}");
        assert!(lines[1].contains("1 failure,") && lines[1].contains(": 192.0.2.0/24 is on"));
        assert!(lines[2].ends_with("this machine or its gateway"), "{told}");
        assert!(lines[3].ends_with("ignorecommand of the jail"), "{told}");
        let json = why_json(&why);
        assert_eq!(json["spared"][1]["net"], "192.0.2.0/24");
        assert_eq!(
            (&json["spared"][3]["by"], json["spared"].as_array().unwrap().len()),
            (&"ignorecommand".into(), 4)
        );
    }
}
