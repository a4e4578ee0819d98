//! `status` and `stats`.

use super::dispatch::settings;
use super::error::ClientError;
use super::server::Server;
use super::shown::banned_ids;
use super::value::Value;

/// `status`, `status JAIL [FLAVOR]`, `status --all [FLAVOR]`.
pub(super) fn status(words: &[String], server: &dyn Server) -> Result<Value, ClientError> {
    match words {
        [] => Ok(Value::List(of_server(server))),
        [all] if all == "--all" => all_jails("basic", server),
        [all, flavor] if all == "--all" => all_jails(flavor, server),
        [jail] => of_jail(jail, "basic", server),
        [jail, flavor] => of_jail(jail, flavor, server),
        _ => Err(ClientError::new("Invalid command (no status)")),
    }
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![Value::from(name), value])
}

fn sorted(server: &dyn Server) -> Vec<String> {
    let mut jails = server.jails();
    jails.sort();
    jails
}

fn of_server(server: &dyn Server) -> Vec<Value> {
    let jails = sorted(server);
    let count = i64::try_from(jails.len()).unwrap_or(i64::MAX);
    vec![
        pair("Number of jail", Value::Int(count)),
        pair("Jail list", Value::from(jails.join(", "))),
    ]
}

/// As fail2ban 1.1 answers it; 1.0.2 knows no `--all`.
fn all_jails(flavor: &str, server: &dyn Server) -> Result<Value, ClientError> {
    let of = |jail: String| {
        let value = match flavor {
            "stats" => numbers(&jail, server),
            _ => of_jail(&jail, flavor, server),
        };
        Ok((jail, value?))
    };
    let jails = sorted(server).into_iter().map(of).collect::<Result<_, ClientError>>()?;
    if flavor == "stats" {
        return Ok(Value::Dict(jails));
    }
    let mut whole = of_server(server);
    whole.push(Value::Dict(jails));
    Ok(Value::List(whole))
}

/// The backend and four counters.
fn numbers(jail: &str, server: &dyn Server) -> Result<Value, ClientError> {
    let backend = settings(jail, server)?.backend;
    let counts = server.counts(jail);
    let two = |now, total| Value::Tuple(vec![Value::count(now), Value::count(total)]);
    Ok(Value::List(vec![
        Value::Str(backend),
        two(counts.failed, counts.failed_total),
        two(counts.banned, counts.banned_total),
    ]))
}

/// An unknown flavor is taken for `basic`.
fn of_jail(jail: &str, flavor: &str, server: &dyn Server) -> Result<Value, ClientError> {
    let settings = settings(jail, server)?;
    let counts = server.counts(jail);
    let mut filter = vec![
        pair("Currently failed", Value::count(counts.failed)),
        pair("Total failed", Value::count(counts.failed_total)),
    ];
    filter.push(if settings.is_journal() {
        let matches: Vec<String> =
            settings.journalmatch.iter().map(|words| words.join(" ")).collect();
        pair("Journal matches", Value::texts([matches.join(" + ")]))
    } else {
        pair("File list", Value::texts(settings.logpath))
    });
    let mut actions = vec![
        pair("Currently banned", Value::count(counts.banned)),
        pair("Total banned", Value::count(counts.banned_total)),
    ];
    if flavor != "short" {
        actions.push(pair("Banned IP list", banned_ids(jail, server)));
    }
    if flavor == "cymru" {
        // What fail2ban answers where it has no means to ask: monban asks nobody.
        for list in ["Banned ASN list", "Banned Country list", "Banned RIR list"] {
            actions.push(pair(list, Value::texts(["error"])));
        }
    }
    Ok(Value::List(vec![
        pair("Filter", Value::List(filter)),
        pair("Actions", Value::List(actions)),
    ]))
}
