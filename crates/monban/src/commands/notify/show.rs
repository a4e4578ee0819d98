//! The watcher's answers about messages as text.

use monban_model::{Notice, Stamp};
use monban_views::{LocalClock, Say, printable, printable_lines, table};
use serde_json::Value;

/// What became of a request.
pub fn done(say: &Say, answer: &Value) -> String {
    let lines = notices(answer).map(|told| printable_lines(&say.notice(&told)) + "\n");
    lines.collect()
}

/// Who is told, and below what is to be done about it.
pub fn subscriptions(say: &Say, answer: &Value) -> String {
    let all = list(answer, "subscriptions");
    if all.is_empty() {
        return done(say, answer) + &nobody(say, answer);
    }
    let mut rows = vec![say.text("subscriptions-head", &[])];
    rows.extend(all.iter().map(|one| subscription_row(say, one, answer)));
    let mut below: Vec<String> = all.iter().flat_map(|one| subscription_hints(say, one)).collect();
    below.extend(all.iter().filter_map(|one| not_as_usual(say, one)));
    below.extend(counted_line(say, answer, &COUNTED));
    let mut text = done(say, answer) + &table(&rows);
    if !below.is_empty() {
        text.push('\n');
        below.into_iter().for_each(|line| text.push_str(&(line + "\n")));
    }
    text
}

/// What is not told.
pub fn silences(say: &Say, answer: &Value) -> String {
    let all = list(answer, "silences");
    if all.is_empty() {
        let none = match answer["done"] == true {
            true => say.text("silences-none", &[]) + "\n",
            false => String::new(),
        };
        return done(say, answer) + &none + &kept_quiet(say, answer);
    }
    let mut rows = vec![say.text("silences-head", &[])];
    rows.extend(all.iter().map(|one| {
        let conditions: Vec<String> =
            list(one, "conditions").iter().filter_map(Value::as_str).map(safe).collect();
        let until = time(&one["until"]).unwrap_or_else(|| say.text("forever", &[]));
        let state = match one["active"] == true {
            true => say.text("silence-active", &[]),
            false => say.text("silence-over", &[]),
        };
        let comment = word(one, "comment");
        let conditions = conditions.join(" ");
        format!("{}\t{until}\t{state}\t{conditions}\t{comment}", number(one, "silence"))
    }));
    done(say, answer) + &table(&rows) + &kept_quiet(say, answer)
}

/// Whether tests were taken, and what was said on the way.
pub fn tests(say: &Say, answer: &Value) -> String {
    let all = list(answer, "tests");
    let mut text = done(say, answer);
    for test in all {
        let why = safe(&say.sentence(test["why"].as_str().unwrap_or_default()));
        let key = match (test["taken"] == true, why.is_empty()) {
            (true, true) => "notify-test-taken-silently",
            (true, false) => "notify-test-taken",
            (false, _) => "notify-test-not-taken",
        };
        let values = [("subscription", word(test, "subscription")), ("why", why)];
        text.push_str(&(said(say, key, &values) + "\n"));
        let dialogue = test["dialogue"].as_str().unwrap_or_default();
        for line in dialogue.lines() {
            text.push_str(&format!("    {}\n", safe(line.trim_end())));
        }
        if let Some(from) = bare_sender(dialogue).filter(|_| test["taken"] != true) {
            let values = [("from", safe(from))];
            text.push_str(&(said(say, "notify-test-sender", &values) + "\n"));
        }
    }
    text
}

/// The sender that a mail server was told, if its host has no domain: so it is where nobody wrote
/// `from` and the host knows only its short name.
fn bare_sender(dialogue: &str) -> Option<&str> {
    let (from, _) = dialogue.split_once("MAIL FROM:<")?.1.split_once('>')?;
    (!from.rsplit_once('@')?.1.contains('.')).then_some(from)
}

fn subscription_row(say: &Say, one: &Value, answer: &Value) -> String {
    let state = match (one["state"].as_str(), time(&one["quiet_until"])) {
        (Some("active"), Some(time)) => said(say, "subscription-quiet", &[("time", time)]),
        (Some("active"), None) => say.text("subscription-active", &[]),
        (Some("pending"), _) => say.text("subscription-pending", &[]),
        _ => say.text("subscription-left", &[]),
    };
    let given_up = number(one, "given_up");
    let mut tries = list(answer, "queue").iter().filter(|queued| {
        queued["subscription"] == one["subscription"] && number(queued, "attempts") > 0
    });
    let trouble = match (time(&one["failing_since"]), tries.find_map(|it| time(&it["next"]))) {
        (Some(time), _) => said(say, "subscription-fails", &[("time", time)]),
        (None, Some(time)) => said(say, "subscription-tries", &[("time", time)]),
        (None, None) if given_up == 0 => "-".to_owned(),
        (None, None) => said(say, "subscription-given-up", &[("count", given_up.to_string())]),
    };
    let waiting = number(one, "queued").saturating_add(number(one, "held"));
    let (name, topic, to) = (word(one, "subscription"), word(one, "topic"), word(one, "to"));
    let delivered = number(one, "delivered");
    format!("{name}\t{topic}\t{to}\t{state}\t{delivered}\t{waiting}\t{trouble}")
}

/// What is wrong with a subscription, and what helps.
fn subscription_hints(say: &Say, one: &Value) -> Vec<String> {
    let name = || ("subscription", word(one, "subscription"));
    let mut hints = Vec::new();
    match one["state"].as_str() {
        Some("pending") => hints.push(said(say, "subscription-how-confirm", &[name()])),
        Some("left") => hints.push(said(say, "subscription-how-again", &[name()])),
        _ => {}
    }
    if let Some(time) = time(&one["failing_since"]) {
        let why = safe(&say.sentence(one["why"].as_str().unwrap_or_default()));
        hints.push(said(say, "subscription-why", &[name(), ("time", time), ("why", why)]));
    }
    hints
}

/// What a subscription was not told, or not at once: JSON's names and sentences.
const NOT_AS_USUAL: [(&str, &str); 6] = [
    ("unconfirmed", "subscription-unconfirmed"),
    ("held_back", "subscription-held-back"),
    ("overflowed", "subscription-overflowed"),
    ("failed", "subscription-failed"),
    ("escalated", "subscription-escalated"),
    ("unescalated", "subscription-unescalated"),
];

/// What was kept quiet, for all subscriptions together.
const KEPT_QUIET: [(&str, &str); 2] =
    [("silenced", "silences-silenced"), ("inhibited", "silences-inhibited")];

/// What else is counted for all together and may be missed.
const COUNTED: [(&str, &str); 6] = [
    ("unrouted", "notify-unrouted"),
    ("untold", "notify-untold"),
    ("groups_evicted", "notify-groups-evicted"),
    ("firing_evicted", "notify-firing-evicted"),
    ("cut", "notify-cut"),
    ("unreadable_rows", "notify-unreadable-rows"),
];

fn not_as_usual(say: &Say, one: &Value) -> Option<String> {
    let name = ("subscription", word(one, "subscription"));
    let of = counted(say, one, &NOT_AS_USUAL)?;
    Some(said(say, "subscription-counted", &[name, ("of", of)]))
}

/// The numbers that are not 0, in one line.
fn counted(say: &Say, of: &Value, all: &[(&str, &str)]) -> Option<String> {
    let counts = all.iter().map(|(name, key)| (key, number(of, name)));
    let told: Vec<String> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(key, count)| said(say, key, &[("count", count.to_string())]))
        .collect();
    (!told.is_empty()).then(|| told.join(&say.text("letter-comma", &[])))
}

fn counted_line(say: &Say, answer: &Value, all: &[(&str, &str)]) -> Option<String> {
    let of = counted(say, answer, all)?;
    Some(said(say, "notify-counted", &[("of", of)]))
}

/// What silences and inhibition cost so far.
fn kept_quiet(say: &Say, answer: &Value) -> String {
    counted_line(say, answer, &KEPT_QUIET).map_or_else(String::new, |line| format!("\n{line}\n"))
}

/// How somebody comes to be told, where nobody is.
fn nobody(say: &Say, answer: &Value) -> String {
    match answer["done"] == true {
        true => say.text("subscriptions-none", &[]) + "\n",
        false => String::new(),
    }
}

fn said(say: &Say, key: &str, values: &[(&str, String)]) -> String {
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    say.text(key, &values)
}

fn notices(answer: &Value) -> impl Iterator<Item = Notice> {
    list(answer, "notices").iter().filter_map(|told| {
        let values = told["values"].as_object()?.iter();
        let values =
            values.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.into())));
        Some(Notice { key: told["notice"].as_str()?.to_owned(), values: values.collect() })
    })
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or(0)
}

fn word(of: &Value, name: &str) -> String {
    safe(of[name].as_str().unwrap_or("-"))
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

/// A time of JSON in local time.
fn time(value: &Value) -> Option<String> {
    let time: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(LocalClock::of_system().date_time(Stamp(time.as_millisecond())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use monban_views::Tongue;
    use serde_json::json;

    const SAYS: [Tongue; 2] = [Tongue::English, Tongue::Japanese];

    fn subscription(name: &str, state: &str) -> Value {
        json!({
            "subscription": name, "topic": "all", "to": "mail me@example.com", "state": state,
            "since": "2026-11-23T20:00:00Z", "works": true, "failing_since": null, "why": null,
            "quiet_until": null, "held": 2, "digest_due": null, "queued": 3, "delivered": 41,
            "unconfirmed": 0, "held_back": 0, "overflowed": 0, "given_up": 0, "failed": 0,
        })
    }

    fn told(of: Value) -> Value {
        json!({"done": true, "notices": [], "subscriptions": of})
    }

    #[test]
    fn a_subscription_is_a_row_and_what_is_wrong_with_it_a_sentence() {
        let say = Say::new(Tongue::English);
        let mut failing = subscription("chat", "active");
        failing["failing_since"] = json!("2026-11-23T20:00:00Z");
        failing["why"] = json!("421 too\u{1b}[2J busy");
        let mut given_up = subscription("log", "active");
        given_up["given_up"] = json!(7);
        let all = json!([
            subscription("mail", "pending"),
            failing,
            given_up,
            subscription("boss", "left"),
            subscription("me", "active")
        ]);
        let mut answer = told(all);
        answer["queue"] = json!([
            {"subscription": "boss", "attempts": 0, "next": "2026-11-23T20:00:00Z"},
            {"subscription": "me", "attempts": 1, "next": "2026-11-23T20:00:00Z"},
        ]);
        let text = subscriptions(&say, &answer);
        let lines: Vec<&str> = text.lines().collect();
        let first: Vec<&str> = lines[1].split("  ").filter(|cell| !cell.is_empty()).collect();
        let cells = ["mail", "all", "mail me@example.com", "not confirmed", "41", "5", "-"];
        assert_eq!(first.iter().map(|cell| cell.trim()).collect::<Vec<_>>(), cells, "{text}");
        assert!(lines[2].contains("fails since 2026-11-2"), "{text}");
        assert!(lines[3].ends_with("7 records given up"), "{text}");
        assert!(lines[4].trim_end().ends_with('-'), "{text}");
        assert!(lines[5].contains("tries again at 2026-11-2"), "{text}");
        assert_eq!((lines[6], lines.len()), ("", 10), "{text}");
        assert!(lines[7].contains("monban subscription confirm CODE"), "{text}");
        assert!(lines[8].contains("421 too\\x1b[2J busy"), "{text}");
        assert!(lines[9].contains("monban subscription resend boss"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn what_was_not_told_is_counted_below() {
        let mut held = subscription("mail", "active");
        for (name, count) in [("unconfirmed", 2), ("held_back", 81), ("overflowed", 1)] {
            held[name] = json!(count);
        }
        let mut answer = told(json!([held, subscription("chat", "active")]));
        (answer["untold"], answer["cut"]) = (json!(3), json!(1));
        (answer["silenced"], answer["inhibited"]) = (json!(4), json!(0));
        let say = Say::new(Tongue::English);
        let text = subscriptions(&say, &answer);
        let below: Vec<&str> = text.lines().skip(4).collect();
        let english = [
            "mail so far: 2 records not told as it was not confirmed or was left, 81 records held \
             back for a digest, 1 record of them for want of room",
            "so far: 3 logins not told because of [logins], 1 text cut for length",
        ];
        assert_eq!(below, english, "{text}");
        answer["silences"] = json!([]);
        let text = silences(&say, &answer);
        assert_eq!(text.lines().last(), Some("so far: 4 records silenced"), "{text}");
        for (name, key) in NOT_AS_USUAL.iter().chain(&KEPT_QUIET).chain(&COUNTED) {
            for tongue in SAYS {
                let text = said(&Say::new(tongue), key, &[("count", "7".to_owned())]);
                assert!(text.contains('7') && !text.contains('{'), "{name}: {text}");
            }
        }
    }

    #[test]
    fn where_nobody_is_told_it_says_how_to_begin() {
        for tongue in SAYS {
            let say = Say::new(tongue);
            let text = subscriptions(&say, &told(json!([])));
            assert!(text.contains("[mail]") && text.contains("systemctl restart monban"), "{text}");
            let none = silences(&say, &json!({"done": true, "notices": [], "silences": []}));
            assert_eq!(none.lines().count(), 1, "{none}");
        }
    }

    #[test]
    fn a_silence_names_its_conditions_and_its_end() {
        let say = Say::new(Tongue::English);
        let all = json!([
            {"silence": 3, "conditions": ["user=backup*", "theme!=alarm"], "until": null,
             "from": "2026-11-23T20:00:00Z", "comment": "night\nly", "active": true},
            {"silence": 4, "conditions": ["a=b"], "until": "2026-11-23T20:00:00Z",
             "from": "2026-11-23T20:00:00Z", "comment": "", "active": false},
        ]);
        let text = silences(&say, &json!({"done": true, "notices": [], "silences": all}));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[1].starts_with("3 ") && lines[1].contains("forever"), "{text}");
        assert!(lines[1].ends_with("user=backup* theme!=alarm  night\\x0aly"), "{text}");
        assert!(lines[2].contains("over"), "{text}");
    }

    #[test]
    fn a_test_tells_what_the_server_said_and_how_it_came_to_that() {
        let dialogue = "<- 220 mail.example.com\n-> EHLO host\n<- 250 \u{9b}OK\n";
        let tests_json = json!([
            {"subscription": "mail", "taken": true, "why": "250 OK", "dialogue": dialogue},
            {"subscription": "log", "taken": true, "why": "", "dialogue": ""},
            {"subscription": "chat", "taken": false, "why": "there is no answer yet",
             "dialogue": ""},
        ]);
        let answer = json!({"done": false, "notices": [], "tests": tests_json});
        let english = [
            "mail: taken: 250 OK",
            "    <- 220 mail.example.com",
            "    -> EHLO host",
            "    <- 250 \\u{9b}OK",
            "log: taken",
            "chat: NOT taken: there is no answer yet",
        ];
        let text = tests(&Say::new(Tongue::English), &answer);
        assert_eq!(text.lines().collect::<Vec<_>>(), english);
        let text = tests(&Say::new(Tongue::Japanese), &answer);
        assert!(!text.contains("no answer"), "{text}");
    }

    #[test]
    fn a_refused_sender_without_a_domain_is_told() {
        for (from, taken, is_told) in [
            ("monban@web1", false, true),
            ("monban@web1", true, false),
            ("monban@web1.example.com", false, false),
        ] {
            let dialogue = format!("< 220 mx\n> MAIL FROM:<{from}> SIZE=9\n< 553 no domain\n");
            let test = json!({"subscription": "mail", "taken": taken, "why": "553",
                "dialogue": dialogue});
            let answer = json!({"done": taken, "notices": [], "tests": [test]});
            for tongue in SAYS {
                let text = tests(&Say::new(tongue), &answer);
                assert_eq!(text.contains("from = \"monban@example.com\""), is_told, "{text}");
            }
        }
    }

    #[test]
    fn every_answer_has_its_sentence_in_both_languages() {
        let keys = [
            "notify-confirmed",
            "notify-would-leave",
            "notify-left",
            "notify-resent",
            "notify-silenced",
            "notify-silence-ended",
            "notify-acknowledged",
            "notify-muted",
            "notify-wrong-code",
            "notify-too-many-codes",
            "notify-unknown",
            "notify-not-pending",
            "notify-just-sent",
            "notify-silences-full",
            "notify-silence-wrong",
            "notify-condition",
            "notify-label",
            "notify-value",
        ];
        for (tongue, key) in SAYS.into_iter().flat_map(|tongue| keys.map(|key| (tongue, key))) {
            let values = json!({"subscription": "mail\u{1b}", "number": "3", "count": "2",
                "left": "9", "until": "2026-11-23T20:00:00Z", "label": "theme", "value": "x",
                "known": "login, alarm"});
            let answer = json!({"done": true, "notices": [{"notice": key, "values": values}]});
            let text = done(&Say::new(tongue), &answer);
            assert!(text.lines().count() == 1 && !text.contains(key), "{key}: {text}");
            assert!(!text.contains(['{', '\u{1b}']), "{key}: {text}");
        }
    }
}
