//! The watcher's side of messages: whom it asks for what.

use std::io;
use std::time::Instant;

use monban_model::wire::ToWarden;
use monban_warden::memory_file;

use super::{Watch, now};

impl Watch {
    /// Hears what became of messages, hands over those that are due, asks for whoever delivers
    /// them, and answers operators.
    pub(super) fn tell_people(&mut self) -> io::Result<()> {
        if !self.stage.briefed {
            return Ok(());
        }
        self.teller.hear(now());
        self.teller.tick(now());
        self.send_metrics();
        for peer in self.teller.wants() {
            self.channel.send(&ToWarden::Want(peer), None)?;
        }
        for address in self.teller.questions() {
            self.channel.send(&ToWarden::AskWho { address }, None)?;
        }
        for (user, address) in self.teller.key_questions() {
            self.channel.send(&ToWarden::AskKeys { user, address }, None)?;
        }
        for notice in self.teller.take_notices() {
            self.tell(notice);
        }
        for reply in self.teller.take_replies() {
            let file = memory_file(reply.json.as_bytes())?;
            let words = ToWarden::Words { id: reply.id, after: None };
            self.channel.send(&words, Some(std::os::fd::AsFd::as_fd(&file)))?;
        }
        if self.teller.take_stepped() {
            self.pending.touch();
        }
        if self.teller.is_urgent() {
            self.pending.hurry();
        }
        Ok(())
    }

    /// Hands metrics over that are due, and hears what became of those before.
    fn send_metrics(&mut self) {
        let minutes = self.mind.minutes();
        for report in self.teller.take_metric_reports() {
            if minutes.reported(&report, Instant::now()) {
                self.pending.touch();
            }
        }
        if let Some((id, bytes)) = minutes.due(now(), Instant::now())
            && self.teller.send_metrics(id, &bytes)
        {
            minutes.handed(Instant::now());
        }
        for notice in self.mind.minutes().take_notices() {
            self.tell(notice);
        }
    }
}
