//! `monban subscription`, `monban silence` and `monban notify`: what the watcher keeps of messages
//! to people, asked over the control socket.

mod args;
mod show;
mod texts;

use std::process::ExitCode;
use std::time::Duration;

use monban_model::limits::WORDS_BYTES_MAX;
use monban_model::wire::{NotifyRequest, Reply, Request, decode, encode};
use monban_views::notice_json;
use monban_warden::read_memory_file;
use serde_json::{Value, json};

use super::{Context, ask};
use crate::out;

pub use args::{NotifyAction, SilenceAction, SubscriptionAction};

/// A test is answered when every server has answered, or after 75 seconds.
const PATIENCE_WITH_TEST: Duration = Duration::from_secs(90);

/// What of an answer is shown.
#[derive(Clone, Copy)]
enum Shown {
    /// What became of it.
    Done,
    Subscriptions,
    Silences,
    Test,
}

/// `monban subscription`; without an action, the list.
pub fn subscription(
    context: &Context<'_>,
    action: Option<SubscriptionAction>,
) -> Result<ExitCode, String> {
    let request = match action {
        None | Some(SubscriptionAction::List) => {
            return run(context, NotifyRequest::List, Shown::Subscriptions);
        }
        Some(SubscriptionAction::Confirm { code }) => NotifyRequest::Confirm { code },
        Some(SubscriptionAction::Leave { code, yes }) => NotifyRequest::Leave { code, yes },
        Some(SubscriptionAction::Resend { subscription }) => NotifyRequest::Resend { subscription },
        Some(SubscriptionAction::Mute(mute)) => {
            let for_s = (!mute.end).then_some(mute.seconds);
            NotifyRequest::Mute { subscription: mute.subscription, for_s }
        }
    };
    run(context, request, Shown::Done)
}

/// `monban silence`; without an action, the list.
pub fn silence(context: &Context<'_>, action: Option<SilenceAction>) -> Result<ExitCode, String> {
    let request = match action {
        None | Some(SilenceAction::List) => {
            return run(context, NotifyRequest::List, Shown::Silences);
        }
        Some(SilenceAction::Add { conditions, length, comment }) => {
            NotifyRequest::Silence { conditions, for_s: length.0, comment }
        }
        Some(SilenceAction::End { number }) => NotifyRequest::EndSilence { number },
    };
    run(context, request, Shown::Done)
}

/// `monban notify`.
pub fn notify(context: &Context<'_>, action: NotifyAction) -> Result<ExitCode, String> {
    match action {
        NotifyAction::Test { topic } => run(context, NotifyRequest::Test { topic }, Shown::Test),
        NotifyAction::Acknowledge { key } => {
            run(context, NotifyRequest::Acknowledge { key }, Shown::Done)
        }
        NotifyAction::Texts { pattern } => texts::texts(context, &pattern),
    }
}

fn run(context: &Context<'_>, request: NotifyRequest, shown: Shown) -> Result<ExitCode, String> {
    let answer = answer(context, request)?;
    match (context.json, shown) {
        (true, _) => out::json(&answer),
        (false, Shown::Done) => out::write(&show::done(context.say, &answer)),
        (false, Shown::Subscriptions) => out::write(&show::subscriptions(context.say, &answer)),
        (false, Shown::Silences) => out::write(&show::silences(context.say, &answer)),
        (false, Shown::Test) => out::write(&show::tests(context.say, &answer)),
    }
    Ok(if answer["done"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the watcher answers.
fn answer(context: &Context<'_>, request: NotifyRequest) -> Result<Value, String> {
    let patience = match request {
        NotifyRequest::Test { .. } => PATIENCE_WITH_TEST,
        _ => ask::PATIENCE,
    };
    let request = Request::Notify(request);
    // A frame cuts what is too long, and half a condition fits more than the whole.
    if decode::<Request>(&encode(&request)).ok().as_ref() != Some(&request) {
        return Err(context.say.text("notify-too-long", &[]));
    }
    let Some((reply, file)) = ask::ask_for(context, &request, patience)? else {
        let path = context.place.state.display().to_string();
        return Err(context.say.text("not-running-command", &[("path", &path)]));
    };
    let unreadable = || context.say.text("notify-unreadable", &[]);
    match (reply, file) {
        (Reply::Words, Some(file)) => {
            let bytes = read_memory_file(file, WORDS_BYTES_MAX).map_err(|_| unreadable())?;
            serde_json::from_slice(&bytes).map_err(|_| unreadable())
        }
        (Reply::Done { notices, .. }, _) => {
            let notices: Vec<Value> = notices.iter().map(notice_json).collect();
            Ok(json!({"done": false, "notices": notices}))
        }
        _ => Err(unreadable()),
    }
}
