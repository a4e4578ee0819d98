//! How each jail stands, as the ledger keeps it for `monban status`.

use std::collections::BTreeMap;

use monban_fail2ban::action::{Ports, Reach, reach};
use monban_fail2ban::config::{ActionSpec, Configuration};
use monban_jails::{Jails, Lame, State};
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
    /// `runs`, `unread` (none of its logs is there, or all were taken off it), `idle`, `stopped`,
    /// `broken`, `defaults`: it runs with other values than are written, `kept`: it goes on as it
    /// was, since it cannot run as it is written now, `no-action`: it shuts nobody out, or
    /// `action-fails`: it may not.
    pub state: String,
    /// What is to be said of it; nothing if it just runs.
    pub notices: Vec<Notice>,
    /// Its actions with the ports that their bans shut, for machines.
    pub actions: Value,
}

/// The actions of the jails of a configuration, for machines.
pub struct Actions {
    /// Those whose ports were not worked out yet: jails run before somebody wants to know them.
    waiting: Vec<(String, Vec<ActionSpec>)>,
    known: BTreeMap<String, Value>,
}

impl Actions {
    /// Those that the ledger has.
    pub fn kept(states: &str) -> Self {
        let states: Value = serde_json::from_str(states).unwrap_or_default();
        let states = states.as_array().into_iter().flatten().filter_map(state_of);
        let known = states.map(|state| (state.jail, state.actions)).collect();
        Self { waiting: Vec::new(), known }
    }

    /// Goes over to others. A jail has those that it had until the new ones are worked out.
    pub fn change(&mut self, to: Self) {
        self.waiting = to.waiting;
    }

    /// Those of a configuration, not worked out.
    pub fn of(configuration: Configuration) -> Self {
        let jails = configuration.jails.into_iter().map(|jail| (jail.name, jail.actions));
        Self { waiting: jails.collect(), known: BTreeMap::new() }
    }

    /// Works out what waits; whether something did.
    pub fn work_out(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        let worked = !waiting.is_empty();
        let all = |specs: Vec<ActionSpec>| specs.iter().map(reach_json).collect();
        if worked {
            self.known = waiting.into_iter().map(|(jail, specs)| (jail, all(specs))).collect();
        }
        worked
    }

    fn of_jail(&self, jail: &str) -> Value {
        self.known.get(jail).cloned().unwrap_or_default()
    }
}

/// An action: its name, and the `protocol` and `ports` that its bans shut, both null where that is
/// not known; `ports` is `all`, or what stands in the configuration.
fn reach_json(spec: &ActionSpec) -> Value {
    let Reach { action, protocol, ports } = reach(spec);
    let ports = match ports {
        Ports::All => Some("all".to_owned()),
        Ports::These(ports) => Some(ports),
        Ports::Unknown => None,
    };
    json!({"action": action, "protocol": protocol, "ports": ports})
}

impl JailState {
    /// What is said of its actions, if it may shut nobody out.
    pub fn lame(&self) -> Option<&Notice> {
        let is_so = |told: &&Notice| ["jail-no-action", "jail-action-fails"].contains(&&*told.key);
        self.notices.iter().find(is_so)
    }

    /// For machines: `jail`, `state`, and what is said of it, the first of it also by itself.
    pub fn json(&self) -> Value {
        let notices: Vec<Value> = self.notices.iter().map(notice_json).collect();
        let first = notices.first();
        json!({
            "jail": self.jail,
            "state": self.state,
            "notice": first,
            "notices": notices,
            "actions": self.actions,
        })
    }
}

/// No jail at all.
pub fn none() -> String {
    "[]".to_owned()
}

/// All jails and what of them does not run, as text for the ledger.
pub fn text(jails: &Jails, lacks: &[Notice], actions: &Actions) -> String {
    let value_of = |notice: &Notice, wanted: &str| {
        let found = notice.values.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let all = jails.states().into_iter().map(|(jail, state)| of(jail, state));
    let mut states: Vec<JailState> = all.collect();
    for notice in lacks {
        let jail = value_of(notice, "jail");
        let state = notice.key.trim_start_matches("jail-");
        match states.iter_mut().find(|known| known.jail == jail) {
            Some(known) => {
                if known.state == "runs" {
                    state.clone_into(&mut known.state);
                }
                known.notices.push(notice.clone());
            }
            None => {
                let (state, notices) = (state.to_owned(), vec![notice.clone()]);
                states.push(JailState { jail, state, notices, actions: Value::Null });
            }
        }
    }
    for (jail, lame) in jails.lame() {
        let Some(known) = states.iter_mut().find(|known| known.jail == jail) else { continue };
        let (word, told) = told_lame(&jail, &lame);
        if known.state == "runs" {
            word.clone_into(&mut known.state);
        }
        known.notices.push(told);
    }
    for state in &mut states {
        state.actions = actions.of_jail(&state.jail);
    }
    as_text(&states)
}

/// Jails that have no action, for people.
pub fn without_action(jails: &Jails) -> Vec<Notice> {
    let lame = jails.lame().into_iter().filter(|(_, lame)| *lame == Lame::NoAction);
    lame.map(|(jail, lame)| told_lame(&jail, &lame).1).collect()
}

/// The state of a jail that may shut nobody out, and what is said of it.
fn told_lame(jail: &str, lame: &Lame) -> (&'static str, Notice) {
    let who = ("jail", jail.to_owned());
    match lame {
        Lame::NoAction => ("no-action", notice("jail-no-action", &[who])),
        Lame::Failing(why) => {
            ("action-fails", notice("jail-action-fails", &[who, ("why", why.clone())]))
        }
    }
}

fn as_text(states: &[JailState]) -> String {
    let state = |one: &JailState| {
        let notices = one.notices.iter();
        let notices = notices.map(|told| json!({"key": told.key, "values": told.values}));
        let notices: Vec<Value> = notices.collect();
        let actions = &one.actions;
        json!({"jail": one.jail, "state": one.state, "notices": notices, "actions": actions})
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
        State::TakenOff(paths) => {
            ("unread", told("jail-log-taken-off", &[("path", paths.join(" "))]))
        }
        State::Idle { lines, lost } => {
            let key = if lost > 0 { "jail-is-idle-lost" } else { "jail-is-idle" };
            ("idle", told(key, &[("lines", lines.to_string()), ("lost", lost.to_string())]))
        }
        State::Stopped => ("stopped", told("jail-is-stopped", &[])),
    };
    let (state, notices) = (state.to_owned(), notice.into_iter().collect());
    JailState { jail, state, notices, actions: Value::Null }
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
    let notices = value.get("notices").and_then(Value::as_array).into_iter().flatten();
    let notices = notices.filter_map(|notice| {
        let values = serde_json::from_value(notice.get("values")?.clone()).ok()?;
        Some(Notice { key: notice.get("key")?.as_str()?.to_owned(), values })
    });
    let (jail, state) = (text("jail")?, text("state")?);
    // What an earlier version wrote has none.
    let actions = value.get("actions").cloned().unwrap_or_default();
    Some(JailState { jail, state, notices: notices.collect(), actions })
}

#[cfg(test)]
mod tests {
    use monban_fail2ban::config::{Files, Reading};

    use super::*;

    #[test]
    fn what_the_ledger_says_of_jails_is_read_back_and_nonsense_is_none() {
        let jail = "a\n\u{1b}[2J".to_owned();
        let told = [
            of(jail.clone(), State::Runs),
            of(jail.clone(), State::Idle { lines: 7, lost: 1 }),
            of(jail.clone(), State::Unread(vec!["/x*.log".to_owned()])),
            of(jail.clone(), State::TakenOff(vec!["/x.log".to_owned()])),
            of(jail, State::Stopped),
        ];
        let text = as_text(&told);
        let states: Value = serde_json::from_str(&text).expect("JSON");
        let read: Vec<JailState> =
            states.as_array().expect("a list").iter().filter_map(state_of).collect();
        assert_eq!(read, told);
        assert_eq!(read[1].json()["notice"]["notice"], "jail-is-idle-lost");
        let say = monban_views::Say::new(monban_views::Tongue::English);
        for state in read.iter().flat_map(|state| &state.notices) {
            assert!(!say.notice(state).chars().any(char::is_control));
        }
        for odd in [json!({}), json!({"jail": 7, "state": "runs"}), json!("x"), json!(null)] {
            assert_eq!(state_of(&odd), None);
        }
    }

    #[test]
    fn a_jail_has_the_actions_that_it_had_until_the_new_ones_are_worked_out() {
        let states = r#"[{"jail":"a","state":"runs","notices":[],"actions":[{"action":"old"}]}]"#;
        let mut actions = Actions::kept(states);
        assert_eq!(actions.of_jail("a"), json!([{"action": "old"}]));
        assert!(!actions.work_out());
        let file = |name: &str, text: &str| (format!("/f/{name}").into(), text.to_owned());
        let jail =
            |name: &str| format!("[{name}]\nenabled = yes\nfilter = x\nlogpath = /x\naction = y\n");
        let files = Files::held([
            file("jail.local", &(jail("a") + &jail("b"))),
            file("filter.d/x.conf", "[Definition]\nfailregex = ^x <HOST>$\n"),
            file("action.d/y.conf", "[Definition]\nactionban = true\n"),
        ]);
        let reading = Reading::default();
        let (found, _) = Configuration::read_within("/f".as_ref(), files, &reading);
        assert_eq!(found.jails.len(), 2, "{:?}", found.complaints);
        actions.change(Actions::of(found));
        assert_eq!(actions.of_jail("a"), json!([{"action": "old"}]));
        assert_eq!(actions.of_jail("b"), Value::Null);
        assert!(actions.work_out() && !actions.work_out());
        let new = json!([{"action": "y", "protocol": null, "ports": null}]);
        assert_eq!((actions.of_jail("a"), actions.of_jail("b")), (new.clone(), new));
    }
}
