//! The conversation with a server, for whoever looks why a message does not arrive.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monban_model::Secrets;
use monban_model::limits::{DIALOGUE_LINE_MAX, DIALOGUE_LINES_MAX};

use crate::shape::{Measure, fit, plain, shown};

/// What stands for a secret.
const HIDDEN: &str = "***";

/// Shorter secrets are not looked for in what others say: each of their letters stands everywhere.
const SECRET_MIN: usize = 4;

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// We did.
    Sent,
    /// The other side did.
    Received,
    /// Nobody: what happened on the way.
    Noted,
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who said it.
    pub side: Side,
    /// What: no control characters, no secrets, at most [`DIALOGUE_LINE_MAX`] bytes.
    pub text: String,
}

/// The lines of one delivery, at most [`DIALOGUE_LINES_MAX`] of them. Secrets are replaced by
/// `***`, also where the other side repeats them.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    lines: Vec<Said>,
    left_out: u64,
    hidden: Vec<String>,
}

impl Dialogue {
    /// The lines, in order.
    pub fn lines(&self) -> &[Said] {
        &self.lines
    }

    /// How many more there were.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Never shows these again.
    pub(crate) fn hide(&mut self, secrets: &Secrets) {
        if let Some(url) = &secrets.url {
            self.hide_text(url.0.trim());
            // A server may repeat the path alone, and it is the path that is secret.
            let path = url.0.trim().splitn(4, '/').nth(3);
            self.hide_text(path.unwrap_or_default());
        }
        if let Some(key) = &secrets.key {
            self.hide_text(key.0.trim());
            self.hide_text(&STANDARD.encode(&key.0));
        }
    }

    /// Never shows this again.
    pub fn hide_text(&mut self, secret: &str) {
        if secret.len() < SECRET_MIN {
            return;
        }
        self.hidden.push(secret.to_owned());
        // As it looks in a sentence of ours.
        let escaped = shown(secret);
        if escaped != secret {
            self.hidden.push(escaped.into_owned());
        }
    }

    /// A line more.
    pub fn sent(&mut self, text: &str) {
        self.push(Side::Sent, text);
    }

    /// A line more.
    pub fn received(&mut self, text: &str) {
        self.push(Side::Received, text);
    }

    /// A line more.
    pub fn noted(&mut self, text: &str) {
        self.push(Side::Noted, text);
    }

    /// The text without the secrets of this delivery, nor the beginning of one at its end, where
    /// somebody cut it.
    pub(crate) fn without_secrets<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.hidden {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
            }
        }
        let whole = text.strip_suffix('…').unwrap_or(&text);
        let cut = self.hidden.iter().filter_map(|secret| begun(whole, secret)).max();
        if let Some(begun) = cut {
            let rest = &whole[..whole.len() - begun];
            let mark = &text[whole.len()..];
            return Cow::Owned(format!("{rest}{HIDDEN}{mark}"));
        }
        text
    }

    fn push(&mut self, side: Side, text: &str) {
        if self.lines.len() >= DIALOGUE_LINES_MAX {
            self.left_out += 1;
            return;
        }
        let clear = self.without_secrets(text.trim_end());
        let text = fit(&shown(&clear), DIALOGUE_LINE_MAX, Measure::Bytes, plain);
        self.lines.push(Said { side, text });
    }
}

/// How many bytes of a secret a text ends with, if that tells anything of it.
fn begun(text: &str, secret: &str) -> Option<usize> {
    let starts = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= SECRET_MIN);
    starts.rev().find(|at| text.ends_with(&secret[..*at]))
}

#[cfg(test)]
mod tests {
    use monban_model::Secret;

    use super::*;

    #[test]
    fn secrets_are_hidden_also_in_what_the_other_side_says() {
        let mut dialogue = Dialogue::default();
        let key = Some(Secret("hunter22".to_owned()));
        dialogue.hide(&Secrets { key, ..Secrets::default() });
        dialogue.received("535 wrong: hunter22 / aHVudGVyMjI=\r\n");
        assert_eq!(dialogue.lines()[0].text, "535 wrong: *** / ***");
        let url = Some(Secret("https://hooks.example/services/T0/B0/x\n".to_owned()));
        dialogue.hide(&Secrets { url, ..Secrets::default() });
        dialogue.received("404 no /services/T0/B0/x at https://hooks.example/services/T0/B0/x");
        assert_eq!(dialogue.lines()[1].text, "404 no /*** at ***");
    }

    /// Replies are cut before they are looked through.
    #[test]
    fn a_secret_that_was_cut_or_escaped_is_hidden_as_well() {
        let mut dialogue = Dialogue::default();
        let key = Some(Secret("correct\\horse\u{7f}battery".to_owned()));
        dialogue.hide(&Secrets { key, ..Secrets::default() });
        let clear = |text: &str| dialogue.without_secrets(text).into_owned();
        let cause = crate::failure::bounded("535 correct\\horse\u{7f}battery");
        assert_eq!(clear(&cause), "535 ***");
        for (text, wanted) in
            [("535 correct…", "535 ***…"), ("535 corr", "535 ***"), ("535 cor", "535 cor")]
        {
            assert_eq!(clear(text), wanted);
        }
        let long = crate::failure::bounded(&format!("{}correct\\horse", "x".repeat(290)));
        assert!(clear(&long).ends_with("x***…"), "{long}");
    }

    #[test]
    fn a_conversation_is_bounded_and_harmless() {
        let mut dialogue = Dialogue::default();
        (0..DIALOGUE_LINES_MAX + 7).for_each(|_| dialogue.received(&"\u{1b}x".repeat(9999)));
        assert_eq!((dialogue.lines().len(), dialogue.left_out()), (DIALOGUE_LINES_MAX, 7));
        assert!(dialogue.lines().iter().all(|line| line.text.len() <= DIALOGUE_LINE_MAX));
        assert!(!dialogue.lines()[0].text.contains('\u{1b}'));
    }
}
