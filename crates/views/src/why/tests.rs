use super::*;
use crate::{Tongue, why_json};
use monban_model::{OrderId, Outcome, Scope};
use serde_json::json;

fn decided(seq: u64, subject: Subject, verdict: Verdict, because: Because) -> Record {
    let (scope, policy) = (Scope::All, String::new());
    let decision = Decision { subject, verdict, scope, because, finding: None, policy, earlier: 0 };
    let time = Stamp::from_s(1_790_000_000 + seq as i64);
    Record { seq: Seq(seq), time, event: Event::Decided(decision) }
}

/// Nothing is known of it.
fn why_of(address: Address) -> Why {
    Why::nothing(address, Stamp::from_s(1_790_000_100))
}

#[test]
fn the_address_is_named_with_its_network_and_the_end_of_a_block_with_its_reason() {
    let address: Address = "2001:db8:7::9".parse().unwrap();
    let subject = Subject::of(address);
    let forever = Verdict::Block { until: None };
    let hostile = Because::Operator("noise\nLOGIN root".to_owned());
    let why = Why {
        mode: Some(Mode::Guard),
        records: vec![
            decided(4, subject, Verdict::Free, Because::Operator(String::new())),
            decided(3, subject, forever, hostile),
            decided(2, subject, Verdict::Free, Because::Expired),
        ],
        ..why_of(address)
    };
    let text = why_text(&why, &Say::new(Tongue::English), &LocalClock::of_system());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "2001:db8:7::9 (in 2001:db8:7::/64) is not blocked");
    assert!(lines[1].ends_with("  FREED 2001:db8:7::/64 by an operator"), "{text}");
    assert!(lines[2].ends_with("  blocked forever, by an operator: noise\\x0aLOGIN root"));
    assert!(lines[3].ends_with("  block of 2001:db8:7::/64 is over"), "{text}");
    let json = why_json(&why);
    let ended: Vec<_> =
        json["ended"].as_array().unwrap().iter().map(|end| &end["because"]).collect();
    assert_eq!(ended, ["operator", "expired"]);
    assert_eq!(json["decisions"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_only_observed_is_not_called_a_block() {
    let address: Address = "192.0.2.1".parse().unwrap();
    let subject = Subject::of(address);
    let block = Verdict::Block { until: None };
    let happened = |seq, result| {
        let outcome = Outcome { order: OrderId(1), subject, result };
        let time = Stamp::from_s(1_790_000_000 + seq as i64);
        Record { seq: Seq(seq), time, event: Event::Happened(outcome) }
    };
    let row = BlockRow {
        subject,
        scope: Scope::All,
        since: Stamp::from_s(1_790_000_000),
        until: None,
        policy: "default".to_owned(),
        why: String::new(),
    };
    let mut why = Why {
        mode: Some(Mode::Observe),
        blocks: vec![row],
        records: vec![
            happened(4, OutcomeResult::Observed),
            decided(3, subject, block, Because::Policy),
            happened(2, OutcomeResult::Applied),
            decided(1, subject, block, Because::Policy),
        ],
        ..why_of(address)
    };
    let clock = LocalClock::of_system();
    for mode in [Some(Mode::Observe), None] {
        why.mode = mode;
        let text = why_text(&why, &Say::new(Tongue::English), &clock);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "192.0.2.1 would be blocked forever, but monban only observes");
        assert!(lines[2].ends_with("  would be blocked forever (only observed)"), "{text}");
        assert!(lines[3].ends_with("  blocked forever"), "{text}");
        let json = why_json(&why);
        assert_eq!((&json["blocked"], &json["would_be_blocked"]), (&json!(false), &json!(true)));
        assert_eq!(json["mode"], json!(mode.map(Mode::name)));
        let observed: Vec<_> = json["decisions"].as_array().unwrap().iter().collect();
        assert_eq!(
            (&observed[0]["observed"], &observed[1]["observed"]),
            (&json!(true), &json!(false))
        );
    }
    why.mode = Some(Mode::Guard);
    assert_eq!(why_json(&why)["blocked"], json!(true));
}

#[test]
fn lines_that_the_ledger_no_longer_has_are_counted() {
    let address: Address = "192.0.2.1".parse().unwrap();
    let subject = Subject::of(address);
    let (scope, policy, finding) = (Scope::All, String::new(), Some(Seq(7)));
    let (verdict, because) = (Verdict::Nothing, Because::Policy);
    let decision = Decision { subject, verdict, scope, because, finding, policy, earlier: 0 };
    let why = Why { lines_dropped: vec![(Seq(6), 2), (Seq(7), 5)], ..why_of(address) };
    assert_eq!(why.dropped(&decision), 5);
    assert_eq!(why.dropped(&Decision { finding: None, ..decision }), 0);
}
