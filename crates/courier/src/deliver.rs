//! The door through which every letter leaves.

use std::path::Path;

use monban_model::{Endpoint, Letter, MailBy, Secrets, Stamp};

use crate::mail::{self, Patience};
use crate::{Delivered, Dialogue, Failure, failure, syslog, webhook};

/// Whoever publishes to AWS SNS: it has credentials of its own kind, so the door hands such letters
/// on.
pub trait Sns {
    /// Publishes the letter to the topic with this ARN, at `url` instead of the region's own
    /// address if there is one.
    ///
    /// # Errors
    /// If it was not taken.
    fn publish(
        &mut self,
        arn: &str,
        url: Option<&str>,
        letter: &Letter,
        now: Stamp,
        dialogue: &mut Dialogue,
    ) -> Result<Delivered, Failure>;
}

/// Delivers the letter, in [`monban_model::limits::DELIVERY_S`] seconds at most (the look-up of a
/// name may go on behind that, on a thread of its own). What was said on the way is added to
/// `dialogue`, without secrets. Another try sends the same again: the same `Message-ID`,
/// `X-Monban-Id` and `dedup_key`, by which the other side can tell.
///
/// # Errors
/// If nobody took it. Endpoints whose program the runner runs (`sendmail`, commands) are refused;
/// what such a program is given is made by [`mail::for_sendmail`] and [`crate::shape::command`].
pub fn deliver(
    endpoint: &Endpoint,
    secrets: &Secrets,
    letter: &Letter,
    now: Stamp,
    sns: &mut dyn Sns,
    dialogue: &mut Dialogue,
) -> Result<Delivered, Failure> {
    dialogue.hide(secrets);
    let done = match endpoint {
        Endpoint::Mail { from, to, by: MailBy::Relay(relay) } => {
            mail::compose(letter, from, to, now).and_then(|message| {
                mail::send(relay, secrets, &message, &letter.host, Patience::default(), dialogue)
            })
        }
        Endpoint::Webhook(hook) => {
            webhook::send(hook, secrets, letter, now, webhook::PATIENCE, dialogue)
        }
        Endpoint::Sns { arn, url } => sns.publish(arn, url.as_deref(), letter, now, dialogue),
        Endpoint::Syslog { at, facility } => {
            syslog::send(at, *facility, Path::new(syslog::LOCAL), secrets, letter, dialogue)
        }
        Endpoint::Mail { by: MailBy::Sendmail(_), .. } | Endpoint::Command(_) => {
            Err(Failure::permanent("the runner runs this program, not the courier"))
        }
    };
    // The other side may have repeated what it was given.
    let clear = |text: &str| failure::bounded(&dialogue.without_secrets(text));
    match done {
        Ok(mut delivered) => {
            delivered.said = clear(&delivered.said);
            delivered.refused.iter_mut().for_each(|one| one.why = clear(&one.why));
            Ok(delivered)
        }
        Err(mut failure) => {
            failure.why = clear(&failure.why);
            dialogue.noted(&failure.why);
            Err(failure)
        }
    }
}
