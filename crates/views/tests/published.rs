//! Which records topics see, and how urgent they are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use monban_model::*;
use monban_views::{Say, Tongue, publication};

fn record(event: Event) -> Record {
    Record { seq: Seq(7), time: Stamp::from_s(1_800_000_000), event }
}

#[test]
fn trouble_of_monban_itself_is_published_and_has_words() {
    for (key, severity) in [
        ("firewall-broken", Severity::Critical),
        ("source-lost", Severity::Warning),
        ("hook-lost", Severity::Warning),
        ("hook-spool-failed", Severity::Warning),
        ("hook-socket-failed", Severity::Warning),
        ("courier-failed", Severity::Warning),
        ("runner-failed", Severity::Warning),
        ("geo-failed", Severity::Warning),
        ("disk-back", Severity::Notice),
    ] {
        let values = vec![("path".to_owned(), "/var/log/\u{1b}auth.log".to_owned())];
        let notice = Notice { key: key.to_owned(), values };
        for tongue in [Tongue::English, Tongue::Japanese] {
            assert_ne!(Say::new(tongue).notice(&notice), key);
        }
        let told = publication(&record(Event::Noticed(notice)), None).unwrap();
        assert_eq!((told.theme, told.severity), (Theme::Notice, severity), "{key}");
        assert_eq!(told.key, format!("notice:{key}:/var/log/\u{1b}auth.log"));
    }
    let quiet = Notice { key: "reloaded".to_owned(), values: Vec::new() };
    assert_eq!(publication(&record(Event::Noticed(quiet)), None), None);
}

#[test]
fn expired_blocks_and_orders_are_not_published() {
    let subject: Subject = "192.0.2.1".parse().unwrap();
    let decided = |verdict, because| {
        record(Event::Decided(Decision {
            subject,
            verdict,
            scope: Scope::All,
            because,
            finding: None,
            policy: "default".to_owned(),
            earlier: 0,
        }))
    };
    let block =
        publication(&decided(Verdict::Block { until: None }, Because::Policy), None).unwrap();
    assert_eq!((block.theme, &*block.key), (Theme::Block, "block:192.0.2.1"));
    assert_eq!(publication(&decided(Verdict::Free, Because::Expired), None), None);
    assert!(publication(&decided(Verdict::Nothing, Because::TooManyBlocks), None).is_some());
}
