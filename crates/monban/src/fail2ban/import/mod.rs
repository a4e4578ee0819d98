//! `monban fail2ban import`: running bans, history and policy of a fail2ban, for those who leave.

mod bans;
mod policy;
mod put;
mod table;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use monban_config::{Bundle, Config};
use monban_fail2ban::config::{Configuration, Reading, Text};
use monban_ledger::{Fail2banBans, Fail2banError, Fail2banRows};
use monban_model::{Stamp, Subject};
use monban_views::{Say, printable, printable_lines};
use monban_warden::AllowList;
use serde_json::json;

use crate::cli::{Common, ImportArgs};
use crate::commands::Context;
use crate::fail2ban::complaints;
use crate::place::Place;
use crate::{out, problems};
use bans::{Judge, Taken, Times};
use put::Put;

/// Runs it. Exits 0 if all was taken over that can be, 1 if something stood in the way.
pub fn main(common: &Common, args: &ImportArgs, say: &Say) -> ExitCode {
    let context = Context { place: Place::of(common), say, json: common.json };
    match import(&context, args) {
        Ok(report) => {
            report.show(&context);
            if report.put.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(text) => {
            match context.json {
                true => out::json(&json!({"error": text})),
                false => eprintln!("{}", printable_lines(&text)),
            }
            ExitCode::FAILURE
        }
    }
}

/// What was found and done.
struct Report {
    database: Option<String>,
    /// Rows of the last bans and of all.
    rows: [Fail2banRows; 2],
    taken: Taken,
    /// What was done; nothing while only trying.
    put: Put,
    tried: bool,
    output: PathBuf,
    policy: String,
}

fn import(context: &Context<'_>, args: &ImportArgs) -> Result<Report, String> {
    let say = context.say;
    // What is written names files, and is read from another folder.
    let dir = std::fs::canonicalize(&args.dir).or_else(|_| std::path::absolute(&args.dir));
    let dir = dir.unwrap_or_else(|_| args.dir.clone());
    let found = Configuration::read(&dir, &Reading::default());
    if complaints::is_of_no_folder(&found) {
        let rendered = complaints::render(found.complaints.list(), say);
        return Err(complaints::show(&rendered, found.complaints.more, say).trim_end().to_owned());
    }
    if found.names.is_empty() {
        let dir = dir.display().to_string();
        return Err(say.text("import-no-jails", &[("dir", &dir)]));
    }
    let policy = policy::policy(&dir, &found, say);
    let database = database(args, &found);
    let now = now();
    let (mut taken, mut rows) = (Taken::default(), Default::default());
    if let Some(path) = &database {
        let ignored = policy::ignored(&found);
        let allow = allow_list(context)?;
        let spares = |subject: Subject| {
            let named = ignored.iter().any(|(net, _)| net.overlaps(subject.net()));
            named || allow.shields(subject, now).is_some()
        };
        let jails = found.jails.iter().map(|jail| {
            let time = &jail.bantime.value;
            (jail.name.clone(), (!time.is_forever()).then_some(time.seconds as u64))
        });
        let jails = jails.collect();
        let judge = Judge { now, jails, spares: &spares, blocked: put::blocked(context) };
        rows = read(path, &judge, &mut taken).map_err(|error| {
            let path = path.display().to_string();
            let error = say.sentence(&error.to_string());
            say.text("import-db-failed", &[("path", &path), ("error", &error)])
        })?;
    }
    let database = database.map(|path| path.display().to_string());
    let mut report = Report {
        database,
        rows,
        taken,
        put: Put::default(),
        tried: args.dry_run,
        output: args.output.clone(),
        policy,
    };
    if !args.dry_run {
        write(&args.output, &report.policy, args.force, say)?;
        if let Some(database) = &report.database {
            report.put = put::put(context, &report.taken, database, now)?;
        }
    }
    Ok(report)
}

/// The database that is named, or that `fail2ban.conf` names; `None` and a database in memory are
/// none.
fn database(args: &ImportArgs, found: &Configuration) -> Option<PathBuf> {
    let named = found.server.options.get("dbfile").map_or("", Text::as_str);
    let of_server = Some(named).filter(|path| path.starts_with('/')).map(PathBuf::from);
    // Where fail2ban never ran there are no bans.
    let of_server = of_server.filter(|path| path.exists());
    args.db.clone().or(of_server)
}

/// Both tables. Bans of the forms before 0.11 stand in one only: the last of each address and
/// jail is the one that may go on.
fn read(
    path: &Path,
    judge: &Judge<'_>,
    taken: &mut Taken,
) -> Result<[Fail2banRows; 2], Fail2banError> {
    let bans = Fail2banBans::open(path)?;
    let has_last = bans.has_last()?;
    let last = bans.last(&mut |ban| taken.last(judge, ban))?;
    let mut times = Times::default();
    let all = bans.all(&mut |ban| {
        if !has_last {
            taken.last(judge, ban);
        }
        taken.earlier(judge, ban, &mut times);
    })?;
    taken.settle(judge);
    Ok([last, all])
}

fn allow_list(context: &Context<'_>) -> Result<AllowList, String> {
    let say = context.say;
    let bundle = Bundle::read(&context.place.config, context.place.config_named)
        .map_err(|found| problems::show(&found, None, say))?;
    let config = match &bundle.config {
        Some(file) => Config::parse(&file.file, &file.text)
            .map_err(|found| problems::show(&found, Some(&bundle), say))?,
        None => Config::shipped(),
    };
    let state = &context.place.state;
    AllowList::open(state, config.allow).map_err(|error| {
        let (path, error) = (state.display().to_string(), say.sentence(&error.to_string()));
        say.text("no-access", &[("path", &path), ("error", &error)])
    })
}

/// A file that is there stays, unless it is said otherwise.
fn write(path: &Path, text: &str, force: bool, say: &Say) -> Result<(), String> {
    let mut open = OpenOptions::new();
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

impl Report {
    fn show(&self, context: &Context<'_>) {
        if context.json {
            return out::json(&self.json());
        }
        let say = context.say;
        if self.tried {
            out::write(&self.policy);
            out::line("");
        }
        match &self.database {
            None => out::line(say.text("import-no-db", &[])),
            Some(path) => self.show_bans(path, say),
        }
        let output = self.output.display().to_string();
        out::line(match self.tried {
            true => say.text("import-tried", &[]),
            false => say.text("import-written", &[("path", &output)]),
        });
    }

    fn show_bans(&self, path: &str, say: &Say) {
        let line = |key: &str, values: &[(&str, &str)]| out::line(say.text(key, values));
        let read = self.rows.iter().map(|rows| rows.read).sum::<u64>().to_string();
        line("import-read", &[("path", path), ("rows", &read)]);
        let (blocks, history) = match self.tried {
            true => (self.taken.blocks.len(), self.taken.history.len()),
            false => (self.put.blocks, self.put.history),
        };
        let key = match (self.tried, self.put.by_daemon) {
            (true, _) => "import-would",
            (false, true) => "import-by-daemon",
            (false, false) => "import-done",
        };
        line(key, &[("blocks", &blocks.to_string()), ("history", &history.to_string())]);
        for (why, left) in &self.taken.left {
            let more = if left.count > left.examples.len() as u64 { ", ..." } else { "" };
            let examples = printable(left.examples.join(", ").as_bytes()) + more;
            let key = format!("import-left-{}", why.word());
            line(&key, &[("count", &left.count.to_string()), ("examples", &examples)]);
        }
        if self.put.refused > 0 {
            line("import-refused", &[("count", &self.put.refused.to_string())]);
        }
        let unreadable = self.rows.iter().map(|rows| rows.unreadable).sum::<u64>();
        if unreadable > 0 {
            line("import-unreadable", &[("count", &unreadable.to_string())]);
        }
        if self.rows.iter().any(|rows| rows.more) {
            line("import-more", &[]);
        }
    }

    fn json(&self) -> serde_json::Value {
        let left: serde_json::Map<_, _> = self
            .taken
            .left
            .iter()
            .map(|(why, left)| {
                let value = json!({"count": left.count, "examples": left.examples});
                (why.word().to_owned(), value)
            })
            .collect();
        json!({
            "database": self.database,
            "dry_run": self.tried,
            "rows": self.rows.iter().map(|rows| rows.read).sum::<u64>(),
            "unreadable": self.rows.iter().map(|rows| rows.unreadable).sum::<u64>(),
            "more": self.rows.iter().any(|rows| rows.more),
            "blocks": if self.tried { self.taken.blocks.len() } else { self.put.blocks },
            "history": if self.tried { self.taken.history.len() } else { self.put.history },
            "refused": self.put.refused,
            "by_daemon": self.put.by_daemon,
            "left_out": left,
            "output": (!self.tried).then(|| self.output.to_string_lossy()),
            "policy": self.policy,
        })
    }
}

fn now() -> Stamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
