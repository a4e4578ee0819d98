//! monban: the gatekeeper of a Linux server.
//!
//! One binary in several roles. `run` is the warden, which starts the watcher from the same file;
//! the other commands talk to the warden or read the ledger.
#![forbid(unsafe_code)]

mod aws;
mod awslogs;
mod cli;
mod client;
mod commands;
mod courier;
mod demo;
mod discover;
mod fail2ban;
mod filter;
mod host;
mod lane;
mod metric;
mod out;
mod pam;
mod place;
mod problems;
mod roles;
mod runner;
mod scan;
mod shipped;
mod spoken;
mod watch;
mod who;

use std::process::ExitCode;

use monban_views::{Say, Tongue};

use cli::{Command, Common, RunArgs};
use place::Place;

fn main() -> ExitCode {
    if let Some(args) = pam::hook::called(std::env::args_os().skip(1)) {
        return pam::hook::main(&args);
    }
    if let Some(args) = client::called_by_its_name() {
        return client::main(&Common::default(), &args, &Say::new(Tongue::from_environment()));
    }
    let cli = spoken::cli();
    let say = Say::new(tongue(&cli.common));
    let common = &cli.common;
    match cli.command.unwrap_or(Command::Run(RunArgs::default())) {
        Command::Run(args) => {
            demo::end_with_parent();
            roles::warden::main(common, &args, say)
        }
        Command::Watcher(args) => roles::watcher::main(&Place::of(common), &args, common.json, say),
        Command::Actor(args) => roles::actor::main(&args),
        Command::Courier(args) => roles::courier::main(&args),
        Command::Runner => roles::runner::main(),
        Command::Demo => demo::main(common, say),
        Command::Scan(args) => scan::main(common, &args, &say),
        Command::Fail2ban { action } => fail2ban::main(common, &action, &say),
        Command::Fail2banClient(args) => client::main(common, &args.args, &say),
        Command::Pam { action } => pam::main(common, &action, &say),
        Command::Aws { action } => aws::main(common, &action, &say),
        Command::Import { action } => awslogs::main(common, &action, &say),
        Command::Filter { action } => filter::main(common, &action, &say),
        Command::Metric { action } => metric::main(common, &action, &say),
        Command::Asker(args) => who::asker::main(&args),
        Command::GeoReader(args) => who::reader::main(&args),
        Command::Whois(args) => who::main(common, &say, |context| who::whois(context, &args)),
        Command::Geo { action } => who::main(common, &say, |it| who::geo(it, action.as_ref())),
        Command::Report(args) => who::main(common, &say, |context| who::report(context, &args)),
        command => commands::main(common, command, &say),
    }
}

fn tongue(common: &Common) -> Tongue {
    let named = common.lang.as_deref().and_then(Tongue::from_name);
    named.unwrap_or_else(Tongue::from_environment)
}
