//! Jails for machines: everything put in, each value with the line it came from.

use monban_fail2ban::config::{
    ActionKind, ActionSpec, Configuration, Increment, Jail, Options, Place, Sourced, Span,
};
use serde_json::{Map, Value, json};

use super::complaints::Rendered;

/// A whole configuration.
pub fn configuration(found: &Configuration, problems: &[Rendered]) -> Value {
    let broken: Vec<&str> = found.broken.iter().map(|(name, _)| name.as_str()).collect();
    json!({
        "server": options(&found.server.options),
        "jails": found.jails.iter().map(jail).collect::<Vec<_>>(),
        "broken": broken,
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// A complaint with its texts.
pub fn problem(one: &Rendered) -> Value {
    let problem = &one.problem;
    json!({
        "severity": one.severity.name(),
        "kind": one.kind,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "what": problem.what,
        "why": problem.why,
        "hint": problem.hint,
        "jails": one.jails,
    })
}

fn jail(jail: &Jail) -> Value {
    let filter = &jail.filter;
    let mut all = Map::new();
    let mut from = Map::new();
    let mut put = |key: &str, value: Value, places: Value| {
        all.insert(key.to_owned(), value);
        from.insert(key.to_owned(), places);
    };
    put("name", json!(jail.name), place(&jail.place));
    put("enabled", json!(jail.enabled), Value::Null);
    let named = json!({
        "name": filter.name,
        "params": options(&filter.params),
        "logtype": filter.logtype,
        "files": filter.files.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
    });
    put("filter", named, place(&filter.from));
    put("failregex", values(&filter.failregex), places(&filter.failregex));
    put("ignoreregex", values(&filter.ignoreregex), places(&filter.ignoreregex));
    put("prefregex", maybe(filter.prefregex.as_ref()), place_of(filter.prefregex.as_ref()));
    put("datepattern", maybe(filter.datepattern.as_ref()), place_of(filter.datepattern.as_ref()));
    put("journalmatch", values(&filter.journalmatch), places(&filter.journalmatch));
    put("maxlines", json!(filter.maxlines.value), place(&filter.maxlines.from));
    put("usedns", json!(filter.usedns.value.name()), place(&filter.usedns.from));
    let paths = jail
        .logpath
        .iter()
        .map(|path| json!({"pattern": path.pattern, "tail": path.tail, "files": path.files}));
    let from_paths = jail.logpath.iter().map(|path| place(&path.from));
    put("logpath", paths.collect(), from_paths.collect());
    let backend = json!({
        "name": jail.backend.value.name,
        "params": options(&jail.backend.value.params),
    });
    put("backend", backend, place(&jail.backend.from));
    put("logencoding", json!(jail.logencoding.value), place(&jail.logencoding.from));
    put("logtimezone", maybe(jail.logtimezone.as_ref()), place_of(jail.logtimezone.as_ref()));
    put("maxretry", json!(jail.maxretry.value), place(&jail.maxretry.from));
    put("findtime", span(&jail.findtime.value), place(&jail.findtime.from));
    put("bantime", span(&jail.bantime.value), place(&jail.bantime.from));
    grown(&jail.increment, &mut put);
    put("ignoreself", json!(jail.ignoreself.value), place(&jail.ignoreself.from));
    put("ignoreip", values(&jail.ignoreip), places(&jail.ignoreip));
    put("ignorecommand", json!(jail.ignorecommand.value), place(&jail.ignorecommand.from));
    put("ignorecache", maybe(jail.ignorecache.as_ref()), place_of(jail.ignorecache.as_ref()));
    put("maxmatches", json!(jail.maxmatches.value), place(&jail.maxmatches.from));
    put("actions", jail.actions.iter().map(action).collect(), Value::Null);
    all.insert("from".to_owned(), Value::Object(from));
    Value::Object(all)
}

fn grown(increment: &Increment, put: &mut impl FnMut(&str, Value, Value)) {
    let length = |one: Option<&Sourced<Span>>| one.map_or(Value::Null, |one| span(&one.value));
    let formula = increment.formula.as_ref();
    put("bantime.increment", json!(increment.enabled.value), place(&increment.enabled.from));
    put("bantime.factor", json!(increment.factor.value), place(&increment.factor.from));
    put("bantime.formula", json!(formula.map(|one| &one.value.text)), place_of(formula));
    put("bantime.multipliers", json!(increment.multipliers), Value::Null);
    let maxtime = increment.maxtime.as_ref();
    put("bantime.maxtime", length(maxtime), place_of(maxtime));
    let rndtime = increment.rndtime.as_ref();
    put("bantime.rndtime", length(rndtime), place_of(rndtime));
    let all = &increment.overalljails;
    put("bantime.overalljails", json!(all.value), place(&all.from));
}

fn action(action: &ActionSpec) -> Value {
    let commands = [
        ("start", &action.start),
        ("stop", &action.stop),
        ("check", &action.check),
        ("ban", &action.ban),
        ("unban", &action.unban),
        ("flush", &action.flush),
        ("prolong", &action.prolong),
        ("reban", &action.reban),
        ("repair", &action.repair),
        ("reload", &action.reload),
    ];
    let mut all = Map::new();
    let mut from = Map::new();
    all.insert("name".to_owned(), json!(action.name));
    all.insert("actname".to_owned(), json!(action.actname));
    from.insert("name".to_owned(), place(&action.from));
    let kind = match action.kind {
        ActionKind::Shell => "shell",
        ActionKind::Python => "python",
    };
    all.insert("kind".to_owned(), json!(kind));
    all.insert("params".to_owned(), options(&action.params));
    for (name, command) in commands {
        all.insert(name.to_owned(), maybe(command.as_ref()));
        if let Some(command) = command {
            from.insert(name.to_owned(), place(&command.from));
        }
    }
    all.insert("start_on_demand".to_owned(), json!(action.start_on_demand));
    all.insert("repair_on_unban".to_owned(), json!(action.repair_on_unban));
    all.insert("norestored".to_owned(), json!(action.norestored));
    all.insert("timeout".to_owned(), span(&action.timeout.value));
    all.insert("from".to_owned(), Value::Object(from));
    Value::Object(all)
}

fn options(options: &Options) -> Value {
    options.iter().map(|(key, text)| (key.to_owned(), json!(text.as_str()))).collect()
}

fn span(span: &Span) -> Value {
    let is_whole = span.seconds.fract() == 0.0;
    let seconds = if is_whole { json!(span.seconds as i64) } else { json!(span.seconds) };
    json!({"text": span.text, "seconds": seconds})
}

fn values<T: serde::Serialize>(list: &[Sourced<T>]) -> Value {
    list.iter().map(|one| json!(one.value)).collect()
}

fn places<T>(list: &[Sourced<T>]) -> Value {
    list.iter().map(|one| place(&one.from)).collect()
}

fn maybe(one: Option<&Sourced<String>>) -> Value {
    one.map_or(Value::Null, |one| json!(one.value))
}

fn place_of<T>(one: Option<&Sourced<T>>) -> Value {
    one.map_or(Value::Null, |one| place(&one.from))
}

/// `file:line`; null for what is built in.
fn place(place: &Place) -> Value {
    if place.is_built_in() { Value::Null } else { json!(place.to_string()) }
}
