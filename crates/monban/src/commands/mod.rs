//! The commands that talk to the daemon or read its ledger.

mod alarms;
mod allow;
pub mod ask;
mod feed;
pub mod ledger;
mod notify;
mod policy;
mod simulate;
mod status;
pub mod why;

pub use alarms::has_blocks;
pub use ask::{PATIENCE_WITH_ENDS, exchange};
pub use notify::{NotifyAction, SilenceAction, SubscriptionAction};

use crate::out;
use std::process::ExitCode;

use monban_model::wire::Request;
use monban_views::{Say, printable_lines};
use serde_json::json;

use crate::cli::{AlarmAction, Command, Common, ConfigAction, Length};
use crate::place::Place;

/// Everything that a command needs.
pub struct Context<'a> {
    /// Where things lie.
    pub place: Place,
    /// The message table.
    pub say: &'a Say,
    /// Machines are reading.
    pub json: bool,
}

/// Runs a command.
pub fn main(common: &Common, command: Command, say: &Say) -> ExitCode {
    let context = Context { place: Place::of(common), say, json: common.json };
    let result = match command {
        Command::Status => status::status(&context),
        Command::Bans => why::bans(&context),
        Command::Why { address } => why::why(&context, address),
        Command::Alarms { name } => alarms::alarms(&context, name.as_deref()),
        Command::Alarm { action: AlarmAction::Simulate { file } } => {
            simulate::simulate(&context, &file)
        }
        Command::Feed { last } => feed::feed(&context, last),
        Command::Rules { service } => policy::rules(&context, service.as_deref()),
        Command::Config { action: ConfigAction::Check } => policy::check(&context),
        Command::Config { action: ConfigAction::Defaults } => policy::defaults(),
        Command::Ban { subject, length: Length(for_s), why } => {
            ask::order(&context, &Request::Ban { subject, for_s, why })
        }
        Command::Free { subject: Some(subject), .. } => {
            ask::order(&context, &Request::Free { subject })
        }
        Command::Free { subject: None, .. } => ask::order(&context, &Request::FreeAll),
        Command::Allow { net: None, .. } => allow::show(&context),
        Command::Allow { net: Some(net), remove: true, .. } => {
            ask::order(&context, &Request::Disallow { net })
        }
        Command::Allow { net: Some(net), length: Length(for_s), .. } => {
            ask::order(&context, &Request::Allow { net, for_s })
        }
        Command::Reload => ask::order(&context, &Request::Reload),
        Command::Subscription { action } => notify::subscription(&context, action),
        Command::Silence { action } => notify::silence(&context, action),
        Command::Notify { action } => notify::notify(&context, action),
        Command::Run(_)
        | Command::Demo
        | Command::Scan(_)
        | Command::Watcher(_)
        | Command::Actor(_)
        | Command::Courier(_)
        | Command::Asker(_)
        | Command::GeoReader(_)
        | Command::Whois(_)
        | Command::Geo { .. }
        | Command::Report(_)
        | Command::Filter { .. }
        | Command::Metric { .. }
        | Command::Pam { .. }
        | Command::Aws { .. }
        | Command::Import { .. }
        | Command::Fail2banClient(_)
        | Command::Runner
        | Command::Fail2ban { .. } => Ok(ExitCode::SUCCESS),
    };
    end(common.json, result)
}

/// The exit code, or what went wrong in the form that was asked for.
pub fn end(json: bool, result: Result<ExitCode, String>) -> ExitCode {
    result.unwrap_or_else(|text| {
        if json {
            out::json(&json!({"error": text}));
        } else {
            eprintln!("{}", printable_lines(&text));
        }
        ExitCode::FAILURE
    })
}
