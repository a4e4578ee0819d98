//! What operators want.

use monban_model::limits::{
    MATCHER_VALUE_BYTES_MAX, MATCHER_VALUES_MAX, MATCHERS_MAX, SILENCE_COMMENT_MAX, SILENCES_MAX,
};
use monban_model::{Severity, Silence, Stamp};

use crate::effect::{Answer, Refused, Service};
use crate::input::Command;
use crate::offer::Parcel;
use crate::router::Router;
use crate::status::State;
use crate::subscriber::For;

impl Router {
    pub(crate) fn command(&mut self, command: Command) -> Result<Answer, Refused> {
        match command {
            Command::Confirm(hash) => self.confirm(hash),
            Command::Leave { hash, yes } => self.leave(hash, yes),
            Command::Resend(name) => self.resend(&name),
            Command::Silence(silence) => self.silence(silence),
            Command::EndSilence(number) => {
                self.silences.remove(&number).ok_or(Refused::Unknown)?;
                self.recheck = Some(self.at.now);
                Ok(Answer::SilenceEnded)
            }
            Command::Acknowledge(key) => match self.acknowledge(&key) {
                0 => Err(Refused::Unknown),
                found => Ok(Answer::Acknowledged(found)),
            },
            Command::Mute(name, until) => self.mute(&name, until),
            Command::Test(topic) => self.test(topic.as_deref()),
        }
    }

    fn silence(&mut self, silence: Silence) -> Result<Answer, Refused> {
        let fits = !silence.matchers.is_empty()
            && silence.matchers.len() <= MATCHERS_MAX
            && silence.matchers.iter().all(|matcher| {
                matcher.label.len() <= MATCHER_VALUE_BYTES_MAX
                    && (1..=MATCHER_VALUES_MAX).contains(&matcher.values.len())
                    && matcher.values.iter().all(|value| value.len() <= MATCHER_VALUE_BYTES_MAX)
            })
            && silence.comment.len() <= SILENCE_COMMENT_MAX
            && silence.until.is_none_or(|until| until > silence.from && until > self.at.now);
        if !fits {
            return Err(Refused::Silence);
        }
        if self.silences.len() >= SILENCES_MAX {
            return Err(Refused::Full);
        }
        self.own.silences += 1;
        self.silences.insert(self.own.silences, silence);
        self.find_recheck();
        Ok(Answer::Silenced(self.own.silences))
    }

    fn mute(&mut self, name: &str, until: Option<Stamp>) -> Result<Answer, Refused> {
        let at = self.find_sub(name).ok_or(Refused::Unknown)?;
        let moment = self.at;
        let sub = self.sub(at);
        sub.mute_until = until.filter(|until| *until > moment.now);
        let quiet_until = sub.quiet_until(moment).unwrap_or(moment.now);
        if let Some(held) = &mut sub.held[For::Muted as usize] {
            held.due = quiet_until;
        }
        sub.wake = moment.now;
        Ok(Answer::Muted)
    }

    fn test(&mut self, topic: Option<&str>) -> Result<Answer, Refused> {
        let now = self.at.now;
        let is_meant = |at: &usize| topic.is_none_or(|name| self.subs[*at].config.topic == name);
        let meant: Vec<usize> = (0..self.subs.len()).filter(is_meant).collect();
        if meant.is_empty() {
            return Err(Refused::Unknown);
        }
        let (mut sent, mut left_out) = (Vec::new(), Vec::new());
        for at in meant {
            let name = self.subs[at].config.name.clone();
            if self.subs[at].state != State::Active {
                left_out.push(name);
                continue;
            }
            self.enqueue(at, &Parcel::service(Service::Test, Severity::Notice, now));
            let last = self.queue_of(at).last();
            sent.extend(last.map(|(_, it)| (it.id.clone(), name)));
        }
        Ok(Answer::Testing(sent, left_out))
    }
}
