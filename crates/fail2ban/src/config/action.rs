//! From the texts of an action to its parts.

use std::sync::Arc;

use super::complaint::{Complaint, Complaints};
use super::definition::Definition;
use super::keys;
use super::layers::Layers;
use super::options::Options;
use super::place::{Place, Sourced, Text};
use super::reference::Reference;
use super::resolved::{ActionKind, ActionSpec};
use super::seconds::Span;
use super::version::Version;

/// Tags that are known at run time only, although a parameter may have their name.
const AT_RUN_TIME: &[&str] = &["matches", "ipmatches", "ipjailmatches", "timeout", "bantime"];

/// The one action of Python whose work is done here: it sends mails.
pub(crate) const MAIL_FILE: &str = "smtp.py";

/// Longest time of a command, unless the action says another.
const TIMEOUT_S: u32 = 60;

/// Adds the names that fail2ban gives an action which has none.
pub(crate) fn set_names(params: &mut Options, action: &str, jail: &str) {
    let name = match params.get("name") {
        Some(name) => name.as_str().to_owned(),
        None => {
            params.set("name", Text::built_in(jail));
            jail.to_owned()
        }
    };
    if params.contains("actname") {
        return;
    }
    // It must be unique in its jail.
    let actname = match name.strip_prefix(jail) {
        Some(rest) => format!("{action}{rest}"),
        None => format!("{action}-{name}"),
    };
    params.set("actname", Text::built_in(actname));
}

/// Puts an action of commands together.
pub(crate) fn shell(
    reference: &Reference,
    from: &Place,
    layers: Arc<Layers>,
    of_jail: &Options,
    version: Version,
    complaints: &mut Complaints,
) -> Result<ActionSpec, Complaint> {
    let mut definition = Definition::new(layers, &reference.params, version);
    definition.read(of_jail, keys::ACTION, false)?;
    let combined = definition.combined(AT_RUN_TIME)?;
    let mut options = Options::default();
    for (key, value) in combined.iter() {
        if keys::ACTION.iter().any(|(known, _)| *known == key) {
            options.set(key, value.clone());
        }
    }
    let (mut params, mut shown) = (Options::default(), Options::default());
    for (key, value) in definition.init.iter().filter(|(key, _)| !key.starts_with("known/")) {
        if !options.contains(key) {
            params.set(key, value.clone());
            shown.set(key, combined.get(key).unwrap_or(value).clone());
        }
    }
    let spec = spec(reference, from, ActionKind::Shell, params, options, complaints);
    Ok(ActionSpec { shown, ..spec })
}

/// An action of Python: it is shown, and not run.
pub(crate) fn python(
    reference: &Reference,
    from: &Place,
    complaints: &mut Complaints,
) -> ActionSpec {
    if reference.name != MAIL_FILE {
        let complaint = Complaint::warning("python-action", from.clone());
        complaints.add(complaint.with("action", &reference.name));
    }
    let mut params = Options::default();
    for (key, value) in reference.params.iter().filter(|(key, _)| *key != "actname") {
        params.set(key, value.clone());
    }
    let kind = ActionKind::Python;
    let mut spec = spec(reference, from, kind, params, Options::default(), complaints);
    if !reference.params.contains("actname") {
        spec.actname = reference.name.trim_end_matches(".py").to_owned();
    }
    spec
}

fn spec(
    reference: &Reference,
    from: &Place,
    kind: ActionKind,
    params: Options,
    options: Options,
    complaints: &mut Complaints,
) -> ActionSpec {
    let command = |key: &str| {
        let text = options.get(key)?;
        Some(Sourced::new(text.as_str().to_owned(), text.place()))
    };
    let yes = |key: &str| options.get(key).map(|text| keys::is_yes(text.as_str()));
    let actname = reference.params.get("actname").map_or("", Text::as_str).to_owned();
    ActionSpec {
        name: reference.name.clone(),
        actname,
        kind,
        from: from.clone(),
        start: command("actionstart"),
        start_on_demand: yes("actionstart_on_demand"),
        stop: command("actionstop"),
        check: command("actioncheck"),
        ban: command("actionban"),
        unban: command("actionunban"),
        flush: command("actionflush"),
        prolong: command("actionprolong"),
        reban: command("actionreban"),
        repair: command("actionrepair"),
        repair_on_unban: yes("actionrepair_on_unban"),
        reload: command("actionreload"),
        norestored: yes("norestored").unwrap_or(false),
        timeout: timeout(params.get("timeout"), complaints),
        shown: params.clone(),
        params,
        options,
    }
}

fn timeout(text: Option<&Text>, complaints: &mut Complaints) -> Sourced<Span> {
    let default = Sourced::new(Span::of_seconds(TIMEOUT_S), Place::default());
    let Some(text) = text else { return default };
    match Span::parse(text.as_str()) {
        Ok(span) if span.seconds > 0.0 => Sourced::new(span, text.place()),
        _ => {
            let complaint = super::jail::bad_value("bad-time", "timeout", text);
            complaints.add(complaint.with("default", format!("{TIMEOUT_S} s")));
            default
        }
    }
}
