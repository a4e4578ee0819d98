//! How each jail stands, as the ledger keeps it for `monban status`.

use monban_jails::{Jails, State};
use monban_ledger::{LedgerError, Reader};
use monban_model::Notice;
use monban_views::notice_json;
use serde_json::{Value, json};

use super::notice;

/// Where the ledger keeps it.
pub const META: &str = "jails.states";

/// How a jail stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailState {
    /// Its name.
    pub jail: String,
    /// `runs`, `unread` (none of its logs is there), `idle`, `stopped`, `broken`, or `kept`: it
    /// goes on as it was, since it cannot run as it is written now.
    pub state: String,
    /// What is to be said of it, unless it just runs.
    pub notice: Option<Notice>,
}

impl JailState {
    /// For machines: `jail`, `state`, and what is said of it.
    pub fn json(&self) -> Value {
        let notice = self.notice.as_ref().map(notice_json);
        json!({"jail": self.jail, "state": self.state, "notice": notice})
    }
}

/// No jail at all.
pub fn none() -> String {
    "[]".to_owned()
}

/// All jails and what of them does not run, as text for the ledger.
pub fn text(jails: &Jails, lacks: &[Notice]) -> String {
    let value_of = |notice: &Notice, wanted: &str| {
        let found = notice.values.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let lacking = lacks.iter().map(|notice| JailState {
        jail: value_of(notice, "jail"),
        state: notice.key.trim_start_matches("jail-").to_owned(),
        notice: Some(notice.clone()),
    });
    let lacking: Vec<JailState> = lacking.collect();
    // One that goes on as it was is told of as that.
    let all = jails.states().into_iter().map(|(jail, state)| of(jail, state));
    let others = all.filter(|one| lacking.iter().all(|lack| lack.jail != one.jail));
    let mut states: Vec<JailState> = others.collect();
    states.extend(lacking);
    as_text(&states)
}

fn as_text(states: &[JailState]) -> String {
    let state = |one: &JailState| {
        let notice = one.notice.as_ref();
        let notice = notice.map(|told| json!({"key": told.key, "values": told.values}));
        json!({"jail": one.jail, "state": one.state, "notice": notice})
    };
    Value::Array(states.iter().map(state).collect()).to_string()
}

fn of(jail: String, state: State) -> JailState {
    let told = |key: &str, more: &[(&str, String)]| {
        Some(notice(key, &[&[("jail", jail.clone())], more].concat()))
    };
    let (state, notice) = match state {
        State::Runs => ("runs", None),
        State::Unread(paths) if paths.is_empty() => ("unread", told("jail-unread-none", &[])),
        State::Unread(paths) => ("unread", told("jail-unread", &[("path", paths.join(" "))])),
        State::Idle { lines, lost } => {
            let key = if lost > 0 { "jail-is-idle-lost" } else { "jail-is-idle" };
            ("idle", told(key, &[("lines", lines.to_string()), ("lost", lost.to_string())]))
        }
        State::Stopped => ("stopped", told("jail-is-stopped", &[])),
    };
    JailState { state: state.to_owned(), notice, jail }
}

/// What the ledger says of the jails.
///
/// # Errors
/// The ledger cannot be read.
pub fn read(reader: &Reader) -> Result<Vec<JailState>, LedgerError> {
    let text = reader.meta(META)?.unwrap_or_default();
    let states: Value = serde_json::from_str(&text).unwrap_or_default();
    let states = states.as_array().into_iter().flatten();
    Ok(states.filter_map(state_of).collect())
}

fn state_of(value: &Value) -> Option<JailState> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let notice = value.get("notice").filter(|notice| notice.is_object()).and_then(|notice| {
        let values = serde_json::from_value(notice.get("values")?.clone()).ok()?;
        Some(Notice { key: notice.get("key")?.as_str()?.to_owned(), values })
    });
    Some(JailState { jail: text("jail")?, state: text("state")?, notice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ledger_says_of_jails_is_read_back_and_nonsense_is_none() {
        let jail = "a\n\u{1b}[2J".to_owned();
        let told = [
            of(jail.clone(), State::Runs),
            of(jail.clone(), State::Idle { lines: 7, lost: 1 }),
            of(jail.clone(), State::Unread(vec!["/x*.log".to_owned()])),
            of(jail, State::Stopped),
        ];
        let text = as_text(&told);
        let states: Value = serde_json::from_str(&text).expect("JSON");
        let read: Vec<JailState> =
            states.as_array().expect("a list").iter().filter_map(state_of).collect();
        assert_eq!(read, told);
        assert_eq!(read[1].json()["notice"]["notice"], "jail-is-idle-lost");
        let say = monban_views::Say::new(monban_views::Tongue::English);
        for state in read.iter().filter_map(|state| state.notice.as_ref()) {
            assert!(!say.notice(state).chars().any(char::is_control));
        }
        for odd in [json!({}), json!({"jail": 7, "state": "runs"}), json!("x"), json!(null)] {
            assert_eq!(state_of(&odd), None);
        }
    }
}
