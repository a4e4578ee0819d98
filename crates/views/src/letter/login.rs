//! Somebody came in.

use monban_model::{Fact, Letter, Login, Stamp, ToldBy};

use super::{Known, LetterWriter};
use crate::{printable, quoted};

impl LetterWriter {
    pub(super) fn login(&self, time: Stamp, login: &Login, known: &Known, blank: Letter) -> Letter {
        let user = login.user.as_deref().map_or_else(|| "?".to_owned(), quoted);
        let by = login.by.as_deref().map_or_else(String::new, quoted);
        let from = login.address.map(|address| known.place(address)).unwrap_or_default();
        let values = [
            ("user", user.as_str()),
            ("by", &by),
            ("from", &from),
            ("service", &login.service),
            ("failures", &login.failures.to_string()),
        ];
        let key = match (login.by.is_some(), login.address) {
            (true, _) => "letter-login-became",
            (_, None) => "letter-login-here",
            (_, Some(_)) => "letter-login",
        };
        let mut title = self.say.text(key, &values);
        title.extend(novelty(login).map(|key| self.say.text(key, &[])));
        if login.failures > 0 {
            title.push_str(&self.say.text("letter-after-failures", &values));
        }
        let mut facts = self.who(login, &user, &by);
        let origin = |address| self.origin_facts(known, address);
        facts.extend(login.address.into_iter().flat_map(origin));
        facts.extend(self.how(login, known));
        facts.push(self.time_fact(time));
        facts.extend(self.before(login));
        let mut passages = Vec::from_iter(self.log(&login.evidence));
        passages.push(self.next("letter-not-you", self.against(login, known)));
        let lead = self.say.text("letter-sentence", &[("text", &title)]);
        self.titled(&title, Letter { lead, facts, passages, ..blank })
    }

    fn who(&self, login: &Login, user: &str, by: &str) -> Vec<Fact> {
        let mut facts = vec![self.fact("letter-user", user)];
        if login.by.is_some() {
            facts.push(self.fact("letter-by", by));
        }
        if let Some(address) = login.address {
            facts.push(self.fact("letter-from", address.to_string()));
        }
        facts
    }

    fn how(&self, login: &Login, known: &Known) -> Vec<Fact> {
        let mut facts = vec![self.fact("letter-service", &*login.service)];
        let named = [
            ("letter-method", &login.method),
            ("letter-key", &login.key),
            ("letter-terminal", &login.terminal),
        ];
        for (key, value) in named {
            let Some(value) = value.as_deref() else { continue };
            let comment = known.comments.get(value).filter(|_| key == "letter-key");
            let comment = comment.map(|text| format!(" ({})", printable(text.as_bytes())));
            let text = printable(value) + &comment.unwrap_or_default();
            facts.push(self.fact(key, text));
        }
        if login.told_by == ToldBy::Hook {
            let text = self.say.text("letter-told-by-hook", &[]);
            facts.push(self.fact("letter-told-by", text));
        }
        facts
    }

    /// When this account came in before.
    fn before(&self, login: &Login) -> Vec<Fact> {
        let never = || self.say.text("letter-never", &[]);
        let shown = |time: Option<Stamp>| time.map_or_else(never, |t| self.clock.date_time(t));
        let earlier = login.earlier;
        match (login.address, &login.by) {
            (Some(_), _) => vec![
                self.fact("letter-last-there", shown(earlier.address)),
                self.fact("letter-last-network", shown(earlier.network)),
                self.fact("letter-last-ever", shown(earlier.ever)),
            ],
            (None, _) => vec![self.fact("letter-last-ever", shown(earlier.ever))],
        }
    }

    /// What to do if it was not who it should be.
    fn against(&self, login: &Login, known: &Known) -> Vec<String> {
        let mut commands = Vec::new();
        if let Some(address) = login.address {
            commands.push(format!("monban why {address}"));
            commands.extend(self.next_step(known, address, true));
        }
        // A name that a shell or the command would read otherwise is not put into one.
        let plain = |user: &&[u8]| quoted(user).as_bytes() == *user && !user.starts_with(b"-");
        if let Some(user) = login.by.as_deref().or(login.user.as_deref()).filter(plain) {
            let user = printable(user);
            commands.push(format!("loginctl terminate-user {user}"));
            if user != "root" {
                commands.push(format!("usermod --lock --expiredate 1 {user}"));
            }
        }
        commands
    }
}

/// How new it is that this account comes from there, if it is.
fn novelty(login: &Login) -> Option<&'static str> {
    Some(match (login.is_from_a_new_place(), login.earlier.ever, login.earlier.network) {
        (false, ..) => return None,
        (true, None, _) => "letter-first-ever",
        (true, _, Some(_)) => "letter-new-address",
        (true, _, None) => "letter-new-place",
    })
}
