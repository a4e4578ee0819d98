//! `monban import awslogs`: takes over the configuration of the old CloudWatch Logs agent.
//!
//! Source: "CloudWatch Logs agent reference" in the user guide of Amazon CloudWatch Logs.
//! `awscli.conf` beside it names region and, where somebody wrote them there, keys; the latter stay
//! where they are.

mod ini;
mod taken;
mod write;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use monban_courier::aws::{is_region, shared_value};
use monban_model::{Aws, AwsCredentials};
use monban_views::{Say, printable, printable_lines};
use serde_json::{Value, json};

use crate::cli::{AwslogsArgs, Common, ImportAction};
use crate::out;
use ini::{FILE_BYTES_MAX, Ini};
use taken::{Left, Stream, Taken};

/// Where the agent's own installer puts its file.
const USUAL: &str = "/etc/awslogs/awslogs.conf";
/// The folder of further files of the agent that did not come as a package.
const OTHER_FOLDER: &str = "/var/awslogs/etc/config";
/// Most files of the folders for further ones.
const FILES_MAX: usize = 256;

/// Runs it. Exits 0 if every stream was taken over, 1 if one was not.
pub fn main(common: &Common, action: &ImportAction, say: &Say) -> ExitCode {
    let ImportAction::Awslogs(args) = action;
    let report = import(args, say);
    match report {
        Ok(report) => {
            report.show(common.json, say);
            let lost = report.taken.left.iter().any(|left| left.is_stream);
            if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(text) => {
            match common.json {
                true => out::json(&json!({"error": text})),
                false => eprintln!("{}", printable_lines(&text)),
            }
            ExitCode::FAILURE
        }
    }
}

/// What was found and done.
struct Report {
    taken: Taken,
    aws: Aws,
    piece: String,
    /// Where it was written; nothing while only trying.
    output: Option<PathBuf>,
}

fn import(args: &AwslogsArgs, say: &Say) -> Result<Report, String> {
    let first = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
    let (mut taken, mut gzip) = (Taken::default(), true);
    taken.add(&first.display().to_string(), &Ini::read(&text(&first, say)?), true, &mut gzip);
    for path in further(&first) {
        match text(&path, say) {
            Ok(text) => {
                taken.add(&path.display().to_string(), &Ini::read(&text), false, &mut gzip);
            }
            Err(why) => taken.left.push(Left {
                file: path.display().to_string(),
                line: 0,
                why: "unreadable",
                values: vec![("error", why)],
                is_stream: true,
            }),
        }
    }
    let mut aws = account(&first, &mut taken);
    aws.logs = taken.streams.iter().map(|stream| stream.logs.clone()).collect();
    if taken.streams.is_empty() {
        let reasons: Vec<String> = taken.left.iter().map(|left| sentence(left, say)).collect();
        let path = first.display().to_string();
        let head = say.text("awslogs-none", &[("path", &path)]);
        return Err([vec![head], reasons].concat().join("\n"));
    }
    taken.left.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let piece = write::piece(&first.display().to_string(), &aws, &taken.streams, say);
    let output = (!args.dry_run).then(|| args.output.clone());
    if let Some(output) = &output {
        put(output, &piece, args.force, say)?;
    }
    Ok(Report { taken, aws, piece, output })
}

/// The text of a file, bounded; bytes that are no UTF-8 are shown as such.
fn text(path: &Path, say: &Say) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    let path = path.display().to_string();
    let failed = |error: &str| {
        let error = say.sentence(error);
        say.text("awslogs-unreadable", &[("path", &path), ("error", &error)])
    };
    match read {
        Err(error) => Err(failed(&error.to_string())),
        Ok(_) if bytes.len() > FILE_BYTES_MAX => Err(failed("the file is too long")),
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The files of the folders for further ones, by name.
fn further(first: &Path) -> Vec<PathBuf> {
    let beside = first.with_file_name("config");
    let other = (first == Path::new(USUAL)).then(|| PathBuf::from(OTHER_FOLDER));
    let mut found = Vec::new();
    for folder in [Some(beside), other].into_iter().flatten() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .take(FILES_MAX)
            .collect();
        files.sort();
        found.extend(files);
    }
    found
}

/// Region and credentials, from `awscli.conf` beside it.
fn account(first: &Path, taken: &mut Taken) -> Aws {
    let path = first.with_file_name("awscli.conf");
    let file = path.display().to_string();
    let mut aws = Aws::default();
    let mut leave = |file: &str, line, why, values| {
        let file = file.to_owned();
        taken.left.push(Left { file, line, why, values, is_stream: false });
    };
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let ini = Ini::read(&text);
    let value = |name: &str| ini.section("default").and_then(|section| section.values.get(name));
    match value("region") {
        Some(region) if is_region(&region.text) => aws.region = Some(region.text.clone()),
        Some(region) => {
            leave(&file, region.line, "region", vec![("value", region.text.clone())]);
        }
        None => leave(&file, 0, "no-region", Vec::new()),
    }
    if shared_value(&text, "default", "aws_access_key_id").is_some() {
        let profile = "default".to_owned();
        aws.credentials = AwsCredentials::Shared { file, profile };
    }
    let proxy = first.with_file_name("proxy.conf");
    let has_proxy = std::fs::read_to_string(&proxy).is_ok_and(|text| {
        let names = ["HTTP_PROXY", "HTTPS_PROXY"];
        let set =
            |line: &str| line.split_once('=').is_some_and(|(_, value)| !value.trim().is_empty());
        text.lines().any(|line| names.iter().any(|name| line.starts_with(name)) && set(line))
    });
    if has_proxy {
        leave(&proxy.display().to_string(), 0, "proxy", Vec::new());
    }
    aws
}

/// A file that is there stays, unless it is said otherwise.
fn put(path: &Path, text: &str, force: bool, say: &Say) -> Result<(), String> {
    let mut open = File::options();
    open.write(true).mode(0o644);
    match force {
        true => open.create(true).truncate(true),
        false => open.create_new(true),
    };
    let written = open.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let path = path.display().to_string();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => say.text("import-exists", &[("path", &path)]),
            _ => {
                let error = say.sentence(&error.to_string());
                say.text("import-write-failed", &[("path", &path), ("error", &error)])
            }
        }
    })
}

/// Where something stands that was not taken over, and why it was not.
fn sentence(left: &Left, say: &Say) -> String {
    let clean: Vec<(&str, String)> =
        left.values.iter().map(|(name, value)| (*name, printable(value.as_bytes()))).collect();
    let mut values: Vec<(&str, &str)> =
        clean.iter().map(|(n, value)| (*n, value.as_str())).collect();
    // Names that a sentence tells as they are written.
    values.extend([
        ("instance_id", "{instance_id}"),
        ("hostname", "{hostname}"),
        ("ip_address", "{ip_address}"),
    ]);
    let why = say.text(&format!("awslogs-left-{}", left.why), &values);
    let file = printable(left.file.as_bytes());
    match left.line {
        0 => format!("{file}: {why}"),
        line => format!("{file}:{line}: {why}"),
    }
}

impl Report {
    fn show(&self, is_json: bool, say: &Say) {
        if is_json {
            return out::json(&self.json(say));
        }
        if self.output.is_none() {
            out::write(&self.piece);
            out::line("");
        }
        let count = self.taken.streams.len().to_string();
        let region = self.aws.region.as_deref().unwrap_or("-");
        out::line(say.text("awslogs-taken", &[("count", &count), ("region", region)]));
        for left in &self.taken.left {
            out::line(format!("  {}", sentence(left, say)));
        }
        match &self.output {
            None => out::line(say.text("import-tried", &[])),
            Some(output) => {
                let path = printable(output.display().to_string().as_bytes());
                out::line(say.text("awslogs-written", &[("path", &path)]));
            }
        }
    }

    fn json(&self, say: &Say) -> Value {
        let sources: Vec<Value> = self.taken.streams.iter().map(source).collect();
        let left = |left: &Left| {
            json!({
                "file": left.file,
                "line": left.line,
                "why": left.why,
                "stream": left.is_stream,
                "text": sentence(left, say),
            })
        };
        json!({
            "region": self.aws.region,
            "credentials": match self.aws.credentials {
                AwsCredentials::Shared { .. } => "shared",
                _ => "instance-role",
            },
            "sources": sources,
            "left_out": self.taken.left.iter().map(left).collect::<Vec<_>>(),
            "dry_run": self.output.is_none(),
            "output": self.output.as_ref().map(|path| path.to_string_lossy()),
            "config": self.piece,
        })
    }
}

fn source(stream: &Stream) -> Value {
    let logs = &stream.logs;
    json!({
        "section": stream.section,
        "file": stream.file,
        "line": stream.line,
        "path": logs.files.first(),
        "newest_only": logs.newest_only,
        "group": logs.group,
        "stream": logs.stream,
        "initial_position": if logs.from_start { "start_of_file" } else { "end_of_file" },
        "buffer_duration_ms": logs.batching.flush_ms,
        "batch_count": logs.batching.events,
        "batch_size": logs.batching.bytes,
        "encoding": logs.encoding.as_deref().unwrap_or("UTF-8"),
    })
}
