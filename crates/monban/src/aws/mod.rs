//! `monban aws`: what goes to AWS, before it goes.

pub mod account;
pub mod policy;

use std::process::ExitCode;

use monban_config::{Bundle, Config};
use monban_courier::aws::{self, Fault, Holder, Instance, KeysFrom, Topic, region_name};
use monban_model::{Aws, AwsCredentials, Endpoint, Stamp, Subscription, stream_name};
use monban_views::{Say, printable, printable_lines};
use serde_json::{Value, json};

use crate::cli::{AwsAction, Common};
use crate::place::Place;
use crate::{out, problems};

/// Runs it.
pub fn main(common: &Common, action: &AwsAction, say: &Say) -> ExitCode {
    let done = configured(common, say).and_then(|config| match action {
        AwsAction::Policy => print_policy(&config, say),
        AwsAction::Check => Ok(check(&config.aws, common.json, say)),
    });
    done.unwrap_or_else(|text| {
        match common.json {
            true => out::json(&json!({"error": text})),
            false => eprintln!("{}", printable_lines(&text)),
        }
        ExitCode::FAILURE
    })
}

fn configured(common: &Common, say: &Say) -> Result<Config, String> {
    let place = Place::of(common);
    let bundle = Bundle::read(&place.config, place.config_named)
        .map_err(|found| problems::show(&found, None, say))?;
    match &bundle.config {
        Some(file) => Config::parse(&file.file, &file.text)
            .map_err(|found| problems::show(&found, Some(&bundle), say)),
        None => Ok(Config::shipped()),
    }
}

fn print_policy(config: &Config, say: &Say) -> Result<ExitCode, String> {
    let topic = |one: &Subscription| match &one.endpoint {
        Endpoint::Sns { arn, .. } => Topic::parse(arn).ok(),
        _ => None,
    };
    let topics: Vec<Topic> = config.notify.subscriptions.iter().filter_map(topic).collect();
    if !config.aws.is_used() && topics.is_empty() {
        return Err(say.text("aws-nothing", &[]));
    }
    // The only form that IAM takes; indented, as it is pasted into a page.
    let text = serde_json::to_string_pretty(&policy::policy(&config.aws, &topics));
    out::line(text.map_err(|error| error.to_string())?);
    Ok(ExitCode::SUCCESS)
}

/// What would be used.
struct Found {
    region: Result<(String, &'static str), Fault>,
    from: &'static str,
    role: Option<String>,
    /// The id and end of the keys.
    keys: Result<(String, Option<Stamp>), Fault>,
    /// Groups, and streams as far as their names are known.
    streams: Vec<(String, Result<String, Fault>)>,
}

fn check(aws: &Aws, is_json: bool, say: &Say) -> ExitCode {
    let found = find(aws, &account::environment);
    match is_json {
        true => out::json(&as_json(aws, &found)),
        false => show(aws, &found, say),
    }
    let is_good = found.region.is_ok()
        && found.keys.is_ok()
        && found.streams.iter().all(|(_, stream)| stream.is_ok());
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn find(aws: &Aws, look: account::Look<'_>) -> Found {
    let from = account::read(aws, look).and_then(|found| account::keys_from(&found.keys, look));
    let word = match (&aws.credentials, &from) {
        (AwsCredentials::Keys { .. }, _) => "keys",
        (AwsCredentials::Shared { .. }, _) => "shared",
        (AwsCredentials::Environment, _) => "environment",
        (AwsCredentials::InstanceRole, Ok(KeysFrom::Container(_))) => "container-role",
        (AwsCredentials::InstanceRole, _) => "instance-role",
    };
    let keys = from.and_then(|from| {
        let mut holder = Holder::new(from);
        holder.keys(now()).map(|keys| (keys.id.clone(), keys.expires))
    });
    let role = match word {
        "instance-role" if keys.is_ok() => {
            let instance = Instance::of_environment(look).ok().flatten();
            instance.and_then(|mut instance| instance.role().ok())
        }
        _ => None,
    };
    // Asked once, and only if a name wants it.
    let needs_id = aws.logs.iter().any(|logs| logs.stream.contains("{instance_id}"));
    let id = needs_id.then(|| {
        let instance = Instance::of_environment(look)?;
        instance.map(|mut instance| instance.id()).transpose()
    });
    let streams = aws.logs.iter().map(|logs| {
        let value = |hole: &str| match (hole, &id) {
            ("instance_id", Some(Ok(Some(id)))) => Some(id.clone()),
            ("instance_id", _) => None,
            // Those that the guard knows when it runs.
            _ => Some(format!("<{hole}>")),
        };
        let unknown = || match &id {
            Some(Err(fault)) => fault.clone(),
            _ => Fault {
                cause: monban_courier::aws::Cause::Missing,
                transient: false,
                text: "AWS_EC2_METADATA_DISABLED forbids to ask for {instance_id}".to_owned(),
            },
        };
        (logs.group.clone(), stream_name(&logs.stream, value).ok_or_else(unknown))
    });
    let streams = streams.collect();
    Found { region: account::region(aws, look), from: word, role, keys, streams }
}

fn show(aws: &Aws, found: &Found, say: &Say) {
    let line = |key: &str, values: &[(&str, &str)]| out::line(say.text(key, values));
    let clean = |fault: &Fault| printable(say.sentence(&fault.text).as_bytes());
    match &found.region {
        Ok((region, from)) => {
            let from = say.text(&format!("aws-from-{from}"), &[]);
            let name = region_name(region);
            line("aws-region", &[("region", region), ("name", name), ("from", &from)]);
        }
        Err(fault) => line("aws-no-region", &[("why", &clean(fault))]),
    }
    let from = say.text(&format!("aws-by-{}", found.from), &[]);
    match &found.keys {
        Ok((id, ends)) => {
            line("aws-keys", &[("from", &from), ("id", id)]);
            if let Some(ends) = ends {
                line("aws-keys-end", &[("time", &ends.to_string())]);
            }
        }
        Err(fault) => line("aws-no-keys", &[("from", &from), ("why", &clean(fault))]),
    }
    if let Some(role) = &found.role {
        line("aws-role", &[("role", role)]);
    }
    if let Some(endpoint) = &aws.endpoint {
        line("aws-endpoint", &[("url", endpoint)]);
    }
    for (group, stream) in &found.streams {
        match stream {
            Ok(stream) => line("aws-stream", &[("group", group), ("stream", stream)]),
            Err(fault) => line("aws-no-stream", &[("group", group), ("why", &clean(fault))]),
        }
    }
    for metrics in &aws.metrics {
        line("aws-metrics", &[("namespace", &metrics.namespace)]);
    }
    if !aws.is_used() {
        line("aws-nothing", &[]);
    }
    line("aws-nothing-sent", &[]);
}

fn as_json(aws: &Aws, found: &Found) -> Value {
    let fault = |fault: &Fault| json!({"cause": fault.cause.word(), "text": fault.text});
    let region = found.region.as_ref();
    let keys = found.keys.as_ref();
    let endpoints: Vec<String> = match (&aws.endpoint, region) {
        (Some(url), _) => vec![url.clone()],
        (None, Ok((region, _))) => ["logs", "monitoring", "sns"]
            .iter()
            .filter_map(|service| aws::Endpoint::of_region(service, region).ok())
            .map(|endpoint| endpoint.url)
            .collect(),
        (None, Err(_)) => Vec::new(),
    };
    let stream = |(group, stream): &(String, Result<String, Fault>)| {
        json!({
            "group": group,
            "stream": stream.as_ref().ok(),
            "error": stream.as_ref().err().map(fault),
        })
    };
    json!({
        "region": region.ok().map(|(region, _)| region),
        "region_from": region.ok().map(|(_, from)| from),
        "region_error": region.err().map(fault),
        "credentials": found.from,
        "key_id": keys.ok().map(|(id, _)| id),
        "expires": keys.ok().and_then(|(_, ends)| *ends).map(|ends| ends.to_string()),
        "role": found.role,
        "credentials_error": keys.err().map(fault),
        "endpoints": endpoints,
        "logs": found.streams.iter().map(stream).collect::<Vec<_>>(),
        "metrics": aws.metrics.iter().map(|one| &one.namespace).collect::<Vec<_>>(),
    })
}

fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Stamp(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use monban_views::Tongue;

    use super::*;

    const WRONG: &str = "[aws]\nregion = \"x\"\ncredentials = \"key\"\nendpoint = \"http://a\"\n\
        [[aws.logs]]\nfiles = [\"a\"]\ngroup = \"a b\"\nstream = \"{x}\"\nfrom = \"x\"\n\
        dates = \"x\"\nevent_start = \"(\"\nencoding = \"x\"\n[[aws.logs]]\ngroup = \"g\"\n\
        retention_days = 8\n[[aws.logs]]\nservices = [\"x\"]\n[[aws.metrics]]\n\
        namespace = \"AWS/a\"\n[[aws.metrics]]\n";

    #[test]
    fn japanese_readers_are_told_their_mistakes_in_japanese() {
        let say = Say::new(Tongue::Japanese);
        let others = [
            "[aws]\ncredentials = \"keys\"\n",
            "[aws]\ncredentials = \"shared\"\n",
            "[aws]\nkey_id = \"A\"\n",
            "[aws]\nkey_id = \"A\"\ncredentials = \"environment\"\n",
            "[aws]\nsecret_file = \"/a\"\nsecret_credential = \"b\"\n",
            "[aws]\nkey_id = \"-\"\nsecret_credential = \"/\"\nlogs = 3\nmetrics = [3]\n",
        ];
        let mut found = Config::parse("m", WRONG).unwrap_err();
        found.extend(others.iter().flat_map(|text| Config::parse("m", text).unwrap_err()));
        let good = "[[aws.logs]]\nservices = [\"x\"]\ngroup = \"g\"\n";
        let config = Config::parse("m", good).unwrap();
        found.extend(config.unknown_in_aws("m", good, &["sshd"], &[]));
        assert!(found.len() > 22, "{found:#?}");
        let told = say.problems(&found);
        let sentences = told.iter().flat_map(|one| [&one.what, &one.why, &one.hint]);
        let english: Vec<_> =
            sentences.filter(|text| text.is_ascii() && !text.is_empty()).collect();
        assert!(english.is_empty(), "{english:#?}");
    }
}
