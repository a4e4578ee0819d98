//! The webhook of Prometheus' Alertmanager, version 4: what every receiver that was written for it
//! reads.

use std::borrow::Cow;

use monban_model::{Letter, Standing};
use serde_json::{Map, Value, json};

use super::{shown, shown_lines};

/// The time that stands for none: Go's zero.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The letter as a notification with one alert. Alertmanager gives no limits, and a letter has at
/// most 256 KiB. What lasts is `firing` and then `resolved`, under the same labels and so the same
/// fingerprint; what happens once is `firing`, without an end.
pub fn json(letter: &Letter) -> Value {
    let labels = labels(letter);
    let annotations = annotations(letter);
    let resolved = letter.standing == Standing::Resolved;
    let status = if resolved { "resolved" } else { "firing" };
    let ends = if resolved { letter.time.to_string() } else { NEVER.to_owned() };
    let name = labels.iter().find(|(name, _)| name == "alertname");
    let group: Map<String, Value> =
        name.map(|(name, v)| (name.clone(), json!(v))).into_iter().collect();
    let all: Map<String, Value> =
        labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "version": "4",
        "groupKey": group_key(letter),
        "truncatedAlerts": 0,
        "status": status,
        "receiver": letter.topic,
        "groupLabels": group,
        "commonLabels": all,
        "commonAnnotations": annotations,
        "externalURL": "",
        "notification_reason": status,
        "alerts": [{
            "status": status,
            "labels": all,
            "annotations": annotations,
            "startsAt": letter.since.to_string(),
            "endsAt": ends,
            "generatorURL": "",
            "fingerprint": format!("{:016x}", fingerprint(&labels)),
        }],
    })
}

/// Labels that say what the alert is, sorted by name.
fn labels(letter: &Letter) -> Vec<(String, String)> {
    let own = |name: &str| letter.labels.iter().find(|(known, _)| known == name);
    let name = own("alarm").map_or_else(|| letter.theme.word().to_owned(), |(_, v)| v.clone());
    let mut labels = vec![
        ("alertname".to_owned(), name),
        ("instance".to_owned(), letter.host.clone()),
        ("severity".to_owned(), letter.severity.word().to_owned()),
        ("theme".to_owned(), letter.theme.word().to_owned()),
    ];
    for (name, value) in &letter.labels {
        if is_label(name) && !labels.iter().any(|(known, _)| known == name) {
            labels.push((name.clone(), value.clone()));
        }
    }
    labels.sort();
    labels
}

/// Prometheus' rule for names of labels.
fn is_label(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(fits)
}

/// What people read, and so with everything hidden made visible; labels are compared by machines
/// and stay as they are.
fn annotations(letter: &Letter) -> Map<String, Value> {
    let lead = shown_lines(&letter.lead).map(Cow::into_owned);
    let facts = letter.facts.iter().map(|f| format!("{}: {}", shown(&f.label), shown(&f.value)));
    let description: Vec<String> = lead.chain(facts).collect();
    let mut all = Map::new();
    all.insert("summary".to_owned(), json!(shown(&letter.subject)));
    all.insert("description".to_owned(), json!(description.join("\n")));
    for (number, passage) in (1..).zip(&letter.passages) {
        let texts = std::iter::once(&passage.title).chain(&passage.lines);
        let texts: Vec<Cow<'_, str>> = texts.map(|text| shown(text)).collect();
        all.insert(format!("passage_{number}"), json!(texts.join("\n")));
    }
    all
}

/// What Alertmanager groups by and tells repeats of: here the matter itself.
fn group_key(letter: &Letter) -> String {
    format!("{{}}:{{host={:?}, thread={:?}}}", letter.host, letter.thread)
}

/// FNV-1a over the names and values, sorted by name, each followed by a byte that UTF-8 has not:
/// Prometheus' own fingerprint of labels. The urgency of the moment is not in it, so that what
/// fired and grew worse is resolved under the fingerprint it had.
fn fingerprint(sorted: &[(String, String)]) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let lasting = sorted.iter().filter(|(name, _)| name != "severity");
    let texts = lasting.flat_map(|(name, value)| [name, value]);
    texts.fold(0xcbf2_9ce4_8422_2325, |hash, text| mix(text.bytes().fold(hash, mix), 0xff))
}

#[cfg(test)]
mod tests {
    use monban_model::Stamp;

    use super::super::samples;
    use super::*;

    #[test]
    fn the_fingerprint_is_the_one_of_prometheus() {
        let labels = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        // Values of the tests of Prometheus' own library.
        assert_eq!(fingerprint(&[]), 14_695_981_039_346_656_037);
        let two = labels(&[("fear", "love is not enough"), ("name", "garland, briggs")]);
        assert_eq!(fingerprint(&two), 5_799_056_148_416_392_346);
    }

    #[test]
    fn what_fires_is_resolved_under_the_same_name() {
        let firing = samples::alarm("en");
        let mut resolved = firing.clone();
        resolved.id = "other".to_owned();
        resolved.standing = Standing::Resolved;
        resolved.severity = monban_model::Severity::Info;
        resolved.time = Stamp::from_s(1_795_326_000);
        let (first, last) = (json(&firing), json(&resolved));
        assert_eq!(first["status"], "firing");
        assert_eq!(first["alerts"][0]["endsAt"], NEVER);
        assert_eq!(first["alerts"][0]["startsAt"], "2026-11-22T05:33:00Z");
        assert_eq!(last["status"], "resolved");
        assert_eq!(last["alerts"][0]["endsAt"], "2026-11-22T05:40:00Z");
        assert_eq!(first["alerts"][0]["fingerprint"], last["alerts"][0]["fingerprint"]);
        assert_eq!(first["groupKey"], last["groupKey"]);
        assert_eq!(first["commonLabels"]["alertname"], "変なSSHアクセスがありましたよ。");
    }

    #[test]
    fn every_member_of_version_4_is_there_and_hostile_texts_are_data() {
        let value = json(&samples::hostile());
        for member in [
            "version",
            "groupKey",
            "truncatedAlerts",
            "status",
            "receiver",
            "groupLabels",
            "commonLabels",
            "commonAnnotations",
            "externalURL",
            "notification_reason",
            "alerts",
        ] {
            assert!(value.get(member).is_some(), "{member}");
        }
        let text = value.to_string();
        assert!(!text.bytes().any(|byte| byte < b' '));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(value["groupKey"].as_str().is_some_and(|key| !key.contains('\n')));
    }
}
