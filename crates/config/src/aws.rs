//! `[aws]`: what goes to AWS, and with whose rights.

use monban_model::limits::{
    AWS_BATCH_BYTES_MAX, AWS_BATCH_EVENTS_MAX, AWS_FLUSH_MS, AWS_KEY_MAX, AWS_NAME_MAX,
    AWS_TABLES_MAX, LOG_PATTERNS_MAX, PATH_MAX,
};
use monban_model::{
    AWS_RETENTION_DAYS, Aws, AwsBatching, AwsCredentials, AwsDates, AwsEventStart, AwsLogs,
    AwsMetrics, check_group, check_stream, unread_date_sign,
};

use crate::config::{read_path, read_pattern};
use crate::words::{meant, secret_at};
use crate::written::{Page, Table};

/// `[aws]` of one file; what it leaves out is as in `aws`.
pub(crate) fn read(mut table: Table<'_>, aws: &mut Aws, page: &mut Page<'_>) {
    if let Some(region) = table.text("region", page, read_region) {
        aws.region = region;
    }
    if let Some(endpoint) = table.text("endpoint", page, read_endpoint) {
        aws.endpoint = endpoint;
    }
    if let Some(credentials) = read_credentials(&mut table, page) {
        aws.credentials = credentials;
    }
    if let Some(logs) = tables("logs", "[[aws.logs]]", &mut table, page) {
        let place = logs.last().map_or(0, |(at, _)| *at);
        aws.logs = logs.into_iter().filter_map(|(at, logs)| read_logs(at, logs, page)).collect();
        if aws.logs.iter().map(|logs| logs.files.len()).sum::<usize>() > LOG_PATTERNS_MAX {
            let what = format!("[[aws.logs]] names more than {LOG_PATTERNS_MAX} files in all");
            page.problem(place, what, "each is looked for every second", "use a wildcard");
        }
    }
    if let Some(metrics) = tables("metrics", "[[aws.metrics]]", &mut table, page) {
        let read = |(at, table)| read_metrics(at, table, page);
        aws.metrics = metrics.into_iter().filter_map(read).collect();
    }
    table.finish(page);
}

/// The `[[aws.NAME]]` tables, each with its place; `None` if there is none.
fn tables<'a>(
    name: &'static str,
    title: &str,
    table: &mut Table<'a>,
    page: &mut Page<'_>,
) -> Option<Vec<(usize, Table<'a>)>> {
    let place = table.place(name)?;
    let mut found = table.tables(name, title, page);
    if found.len() > AWS_TABLES_MAX {
        let what = format!("more than {AWS_TABLES_MAX} {title}");
        page.problem(place, what, "each one is kept in memory", "");
        found.truncate(AWS_TABLES_MAX);
    }
    Some(found)
}

/// Whose rights are used; `None` if nothing is said of it.
fn read_credentials(table: &mut Table<'_>, page: &mut Page<'_>) -> Option<AwsCredentials> {
    let mut place = 0;
    let kind = table.any("credentials").map(|value| {
        place = value.span().start;
        value.as_ref().as_str().unwrap_or_default().to_owned()
    });
    let key_id = table.text("key_id", page, read_key_id);
    let secret = secret_at(table, "secret_file", "secret_credential", page);
    let shared = table.text("shared_file", page, read_path);
    let profile = table.text("profile", page, |text| Ok(text.to_owned()));
    let has_keys = key_id.is_some() || secret.is_some();
    let mut wrong = |what: &str, why: &str, hint: &str| {
        page.problem(place, what.to_owned(), why, hint);
        None
    };
    match kind.as_deref() {
        None if has_keys || shared.is_some() => wrong(
            "[aws] names keys but not `credentials`",
            "they would not be used",
            "write credentials = \"keys\" or \"shared\"",
        ),
        None => None,
        Some("instance-role" | "environment") if has_keys || shared.is_some() => {
            wrong("[aws] names keys beside other `credentials`", "they would not be used", "")
        }
        Some("instance-role") => Some(AwsCredentials::InstanceRole),
        Some("environment") => Some(AwsCredentials::Environment),
        Some("keys") => match (key_id, secret) {
            (Some(key_id), Some(secret)) => Some(AwsCredentials::Keys { key_id, secret }),
            _ => wrong(
                "credentials = \"keys\" wants `key_id` and the place of the secret",
                "a secret itself never stands in this file",
                "write key_id = \"AKIA...\" and secret_file = \"/etc/monban/aws.secret\"",
            ),
        },
        Some("shared") => match shared {
            Some(file) => {
                let profile = profile.unwrap_or_else(|| "default".to_owned());
                Some(AwsCredentials::Shared { file, profile })
            }
            None => wrong(
                "credentials = \"shared\" wants `shared_file`",
                "",
                "write for example shared_file = \"/etc/aws/credentials\"",
            ),
        },
        Some(other) => {
            const KNOWN: [&str; 4] = ["instance-role", "keys", "shared", "environment"];
            wrong(&format!("`credentials` is no such thing: {other}"), "", &meant(other, KNOWN))
        }
    }
}

fn read_logs(at: usize, mut table: Table<'_>, page: &mut Page<'_>) -> Option<AwsLogs> {
    let before = page.problems.len();
    let files = table.texts("files", page, read_pattern).unwrap_or_default();
    let services = table.texts("services", page, |name| Ok(name.to_owned())).unwrap_or_default();
    let group = table.text("group", page, |text| {
        check_group(text).map_err(str::to_owned)?;
        Ok(text.to_owned())
    });
    let stream = table.text("stream", page, |text| {
        check_stream(text).map_err(str::to_owned)?;
        Ok(text.to_owned())
    });
    let retention_days = table.number("retention_days", (0, 3653), page);
    let newest_only = table.bool("newest_only", page).unwrap_or(false);
    let from_start = table.text("from", page, |text| match text {
        "start" => Ok(true),
        "end" => Ok(false),
        _ => Err(format!("`{text}` is neither \"start\" nor \"end\"")),
    });
    let dates = read_dates(&mut table, page);
    let event_start = table.text("event_start", page, read_event_start).unwrap_or_default();
    let encoding = table.text("encoding", page, |name| {
        let known = crate::encoding_name(name);
        let name = known.ok_or_else(|| format!("there is no encoding `{name}`"))?;
        Ok(Some(name.to_owned()).filter(|name| name != "UTF-8"))
    });
    let batching = read_batching(&mut table, page);
    table.finish(page);
    if files.is_empty() && services.is_empty() && page.problems.len() == before {
        let hint = "write files = [\"/var/log/secure\"] or services = [\"sshd\"]";
        let what = "[[aws.logs]] names neither `files` nor `services`";
        page.problem(at, what.to_owned(), "nothing would be sent", hint);
    }
    if group.is_none() && page.problems.len() == before {
        let hint = "write group = \"/var/log/secure\"";
        page.problem(at, "[[aws.logs]] has no `group`".to_owned(), "", hint);
    }
    let retention_days = match retention_days.map(|days| days as u32) {
        Some(0) | None => None,
        Some(days) if AWS_RETENTION_DAYS.contains(&days) => Some(days),
        Some(days) => {
            let words: Vec<String> = AWS_RETENTION_DAYS.iter().map(u32::to_string).collect();
            let what = format!("`retention_days` = {days} is none that CloudWatch Logs knows");
            page.problem(at, what, "", &format!("known: {}", words.join(", ")));
            None
        }
    };
    Some(AwsLogs {
        files,
        services,
        group: group?,
        stream: stream.unwrap_or_else(|| "{hostname}".to_owned()),
        retention_days,
        newest_only,
        from_start: from_start.unwrap_or(false),
        dates,
        event_start,
        encoding: encoding.flatten(),
        batching,
    })
}

fn read_dates(table: &mut Table<'_>, page: &mut Page<'_>) -> AwsDates {
    let utc = table.bool("dates_utc", page).unwrap_or(false);
    let dates = table.text("dates", page, |text| match text {
        "own" => Ok(AwsDates::Own),
        "arrival" => Ok(AwsDates::Arrival),
        _ if let Some(sign) = unread_date_sign(text) => {
            Err(format!("`{sign}` is no sign of a date that is read"))
        }
        _ if text.contains('%') => Ok(AwsDates::Pattern { pattern: text.to_owned(), utc }),
        _ => Err(format!("`{text}` is neither \"own\" nor \"arrival\", and no pattern with %")),
    });
    dates.unwrap_or_default()
}

fn read_event_start(text: &str) -> Result<AwsEventStart, String> {
    match text {
        "every-line" => Ok(AwsEventStart::EveryLine),
        "date" => Ok(AwsEventStart::Date),
        _ => match crate::is_expression(text) {
            true => Ok(AwsEventStart::Matches(text.to_owned())),
            false => Err(format!("`{text}` is no regular expression")),
        },
    }
}

fn read_batching(table: &mut Table<'_>, page: &mut Page<'_>) -> AwsBatching {
    let default = AwsBatching::default();
    let flush_ms = table.number("flush_ms", (100, 3_600_000), page).unwrap_or(AWS_FLUSH_MS);
    let events = table.number("batch_events", (1, AWS_BATCH_EVENTS_MAX as u64), page);
    let bytes = table.number("batch_bytes", (256, AWS_BATCH_BYTES_MAX as u64), page);
    AwsBatching {
        flush_ms,
        events: events.map_or(default.events, |events| events as usize),
        bytes: bytes.map_or(default.bytes, |bytes| bytes as usize),
        gzip: table.bool("gzip", page).unwrap_or(true),
    }
}

fn read_metrics(at: usize, mut table: Table<'_>, page: &mut Page<'_>) -> Option<AwsMetrics> {
    let metrics = table.texts("metrics", page, |name| Ok(name.to_owned())).unwrap_or_default();
    let before = page.problems.len();
    let namespace = table.text("namespace", page, |text| match () {
        () if text.trim().is_empty() => Err("the namespace is empty".to_owned()),
        () if text.len() > AWS_NAME_MAX => Err("the namespace is too long".to_owned()),
        () if text.starts_with("AWS/") => Err("namespaces with AWS/ are AWS's own".to_owned()),
        () => Ok(text.to_owned()),
    });
    table.finish(page);
    if namespace.is_none() && page.problems.len() == before {
        let hint = "write namespace = \"monban\"";
        page.problem(at, "[[aws.metrics]] has no `namespace`".to_owned(), "", hint);
    }
    Some(AwsMetrics { metrics, namespace: namespace? })
}

fn read_region(text: &str) -> Result<Option<String>, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_number = |text: &str| text.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
    match text {
        "" => Ok(None),
        _ if text.len() <= 32
            && text.contains('-')
            && text.bytes().all(fits)
            && is_number(text) =>
        {
            Ok(Some(text.to_owned()))
        }
        _ => Err(format!("`{text}` is no region such as ap-northeast-1")),
    }
}

fn read_endpoint(text: &str) -> Result<Option<String>, String> {
    const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let is_local = LOOPBACK.iter().any(|local| {
        text.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    match text {
        "" => Ok(None),
        _ if text.len() > PATH_MAX => Err("the address is too long".to_owned()),
        _ if text.starts_with("https://") || is_local => Ok(Some(text.to_owned())),
        _ => Err(format!("`{text}` is neither https nor on this machine")),
    }
}

fn read_key_id(text: &str) -> Result<String, String> {
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match fits && !text.is_empty() && text.len() <= AWS_KEY_MAX {
        true => Ok(text.to_owned()),
        false => Err("it is no id of an access key such as AKIAIOSFODNN7EXAMPLE".to_owned()),
    }
}
