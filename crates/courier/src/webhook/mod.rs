//! A letter as one HTTP request.

mod answer;
mod http;
mod request;
mod sign;

use std::time::Duration;

use monban_model::limits::DELIVERY_WEBHOOK_S;
use monban_model::{Letter, Secrets, Stamp, Webhook};

use crate::{Delivered, Dialogue, Failure};

/// How long a hook may take for all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(DELIVERY_WEBHOOK_S);

/// Sends the letter to this hook.
pub(crate) fn send(
    hook: &Webhook,
    secrets: &Secrets,
    letter: &Letter,
    now: Stamp,
    patience: Duration,
    dialogue: &mut Dialogue,
) -> Result<Delivered, Failure> {
    let request = request::make(hook, secrets, letter, now)?;
    let answer = http::post(&request, &secrets.ca_pem, hook.insecure, patience, dialogue)?;
    answer.judge(now)
}
