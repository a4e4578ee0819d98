//! The ways to whoever delivers, and what is on them.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use monban_courier::{mail, shape};
use monban_model::wire::{Errand, Peer, Report, Returned, encode_letter};
use monban_model::{Endpoint, Letter, MailBy, Notify};
use monban_notify::Deliver;
use monban_warden::{Channel, Received, memory_file};

use crate::roles::equipment::is_program;

/// One that could not be reached is asked for again after this; it doubles.
const AGAIN_FIRST: Duration = Duration::from_millis(500);

/// The longest wait.
const AGAIN_LONGEST: Duration = Duration::from_secs(30);

/// Reports that are read from one way before something else has its turn.
const REPORTS_A_TURN: usize = 256;

/// Somebody is to be asked of the warden.
pub type Want = Peer;

/// The ways.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// What waits for a way.
    waiting: VecDeque<Deliver>,
    /// How often a courier went away.
    couriers_lost: u64,
    ways: HashMap<Peer, Way>,
}

#[derive(Debug, Default)]
struct Way {
    channel: Option<Channel>,
    /// What was given away, and no report came of.
    given: HashMap<String, Deliver>,
    asked: bool,
    wait: Duration,
    again_at: Option<Instant>,
}

impl Lanes {
    /// Something is to be delivered.
    pub(super) fn add(&mut self, deliver: Deliver) {
        self.waiting.push_back(deliver);
    }

    /// The warden gave a way to somebody, or could not.
    pub(super) fn reached(&mut self, peer: Peer, end: Option<OwnedFd>) {
        let way = self.ways.entry(peer).or_default();
        way.asked = false;
        match end {
            Some(end) => {
                self.couriers_lost += u64::from(peer == Peer::Courier && way.channel.is_some());
                way.channel = Some(Channel::over(end));
                (way.wait, way.again_at) = (Duration::ZERO, None);
            }
            None => way.lost(),
        }
    }

    /// Who is to be asked for now.
    pub(super) fn wants(&mut self) -> Vec<Want> {
        let now = Instant::now();
        let mut wants = Vec::new();
        for (peer, way) in &mut self.ways {
            let is_due = way.again_at.is_none_or(|at| at <= now);
            if way.channel.is_none() && !way.asked && is_due && way.wait > Duration::ZERO {
                way.asked = true;
                wants.push(*peer);
            }
        }
        wants
    }

    /// The ways that are open.
    pub(super) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.ways.values().filter_map(|way| way.channel.as_ref())
    }

    /// What can be handed over now. What cannot marks its way as wanted.
    pub(super) fn ready(&mut self, notify: &Notify) -> Vec<Deliver> {
        let mut ready = Vec::new();
        for deliver in std::mem::take(&mut self.waiting) {
            let Some(peer) = peer_of(notify, &deliver) else {
                // Its subscription went with a reload, and the router knows.
                continue;
            };
            let way = self.ways.entry(peer).or_default();
            match &way.channel {
                Some(_) => ready.push(deliver),
                None => {
                    way.wait = way.wait.max(AGAIN_FIRST);
                    self.waiting.push_back(deliver);
                }
            }
        }
        ready
    }

    /// Hands a letter over.
    ///
    /// # Errors
    /// Why it could not be, for people.
    pub(super) fn send(
        &mut self,
        notify: &Notify,
        reload: u32,
        deliver: &Deliver,
        letter: Letter,
        talk: bool,
    ) -> Result<(), String> {
        let named =
            |(_, one): &(usize, &monban_model::Subscription)| one.name == deliver.subscription;
        let mut all = notify.subscriptions.iter().enumerate();
        let (number, subscription) = all.find(named).ok_or("no such subscription")?;
        let endpoint = u32::try_from(number).unwrap_or(u32::MAX);
        let id = deliver.id.clone();
        let (peer, errand, bytes) = match &subscription.endpoint {
            Endpoint::Mail { from, to, by: MailBy::Sendmail(_) } => {
                let text = mail::for_sendmail(&letter, from, to, super::super::now());
                let text = text.map_err(|failure| failure.why)?;
                let errand = Errand::Run { id, reload, endpoint, values: Vec::new() };
                (Peer::Runner, errand, text.into_bytes())
            }
            Endpoint::Command(_) => {
                let values = shape::command::variables(&letter);
                let errand = Errand::Run { id, reload, endpoint, values };
                (Peer::Runner, errand, shape::command::input(&letter).into_bytes())
            }
            _ => {
                let errand = Errand::Deliver { id, reload, endpoint, talk };
                (Peer::Courier, errand, encode_letter(&letter))
            }
        };
        let file = memory_file(&bytes).map_err(|error| error.to_string())?;
        let way = self.ways.entry(peer).or_default();
        let channel = way.channel.as_mut().ok_or("nobody delivers")?;
        match channel.post(&errand, Some(file)) {
            Ok(()) => {
                way.given.insert(deliver.id.clone(), deliver.clone());
            }
            Err(error) => {
                way.unheard(&error);
                self.waiting.push_back(deliver.clone());
            }
        }
        Ok(())
    }

    /// Whether there is a way to the courier; if not, one is wanted.
    pub(super) fn has_courier(&mut self) -> bool {
        let way = self.ways.entry(Peer::Courier).or_default();
        if way.channel.is_none() {
            way.wait = way.wait.max(AGAIN_FIRST);
        }
        way.channel.is_some()
    }

    /// Whether there is a way to the courier.
    pub(super) fn reaches_courier(&self) -> bool {
        self.ways.get(&Peer::Courier).is_some_and(|way| way.channel.is_some())
    }

    /// How often a courier went away, or gave events of a log back: there is no report of those.
    pub(super) fn couriers_lost(&self) -> u64 {
        self.couriers_lost
    }

    /// Hands metrics over; false if there is no way yet, which is marked as wanted.
    pub(super) fn send_metrics(&mut self, id: String, bytes: &[u8]) -> bool {
        self.send_to_courier(&Errand::Metrics { id }, bytes)
    }

    /// The same of events of a log.
    pub(super) fn send_logs(
        &mut self,
        id: String,
        (reload, stream): (u32, u32),
        bytes: &[u8],
    ) -> bool {
        self.send_to_courier(&Errand::Logs { id, reload, stream }, bytes)
    }

    fn send_to_courier(&mut self, errand: &Errand, bytes: &[u8]) -> bool {
        let way = self.ways.entry(Peer::Courier).or_default();
        let Some(channel) = &mut way.channel else {
            way.wait = way.wait.max(AGAIN_FIRST);
            return false;
        };
        let Ok(file) = memory_file(bytes) else { return false };
        match channel.post(errand, Some(file)) {
            Ok(()) => true,
            Err(error) => {
                let had = way.channel.is_some();
                way.unheard(&error);
                self.couriers_lost += u64::from(had && way.channel.is_none());
                false
            }
        }
    }

    /// What became of messages. What was given to somebody who is gone, or is of a configuration
    /// that went meanwhile, is given away anew.
    pub(super) fn hear(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        for (peer, way) in &mut self.ways {
            for _ in 0..REPORTS_A_TURN {
                let Some(channel) = &mut way.channel else { break };
                // One that is gone takes nothing, and may have left reports.
                let _gone = channel.flush();
                match channel.receive::<Returned>() {
                    Ok(Received::Frame(Returned::Report(report), _)) => {
                        way.given.remove(&report.id);
                        reports.push(report);
                    }
                    Ok(Received::Frame(Returned::Outdated { id }, _)) => {
                        match way.given.remove(&id) {
                            Some(deliver) => self.waiting.push_back(deliver),
                            // Events of a log: their sender has them still.
                            None => self.couriers_lost += u64::from(*peer == Peer::Courier),
                        }
                    }
                    Ok(Received::Nothing) => break,
                    // Told once of an end that left frames unread; its own reports come behind.
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                    Ok(Received::End) | Err(_) => {
                        self.couriers_lost += u64::from(*peer == Peer::Courier);
                        // One that had nothing to do was let go, and comes with the next message.
                        match way.given.is_empty() {
                            true => way.channel = None,
                            false => way.lost(),
                        }
                        self.waiting.extend(way.given.drain().map(|(_, deliver)| deliver));
                    }
                }
            }
        }
        reports
    }
}

impl Way {
    /// A frame could not be posted. That the other end is gone is heard behind its last reports;
    /// one that reads nothing is given up.
    fn unheard(&mut self, error: &io::Error) {
        if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) {
            self.lost();
        }
    }

    fn lost(&mut self) {
        self.channel = None;
        self.wait = (self.wait * 2).clamp(AGAIN_FIRST, AGAIN_LONGEST);
        self.again_at = Some(Instant::now() + self.wait);
    }
}

fn peer_of(notify: &Notify, deliver: &Deliver) -> Option<Peer> {
    let one = notify.subscriptions.iter().find(|one| one.name == deliver.subscription)?;
    Some(if is_program(&one.endpoint) { Peer::Runner } else { Peer::Courier })
}

#[cfg(test)]
mod tests {
    use monban_model::wire::Taken;
    use monban_model::{Severity, Stamp, Standing, Subscription, Theme};
    use monban_notify::Reason;

    use super::*;

    fn deliver(id: &str) -> Deliver {
        Deliver {
            id: id.to_owned(),
            subscription: "me".to_owned(),
            topic: "t".to_owned(),
            items: Vec::new(),
            more: 0,
            reason: Reason::Service,
            thread: String::new(),
            severity: Severity::Notice,
            standing: Standing::Once,
            theme: Theme::Service,
            made: Stamp(0),
            since: Stamp(0),
            attempt: 1,
            service: None,
        }
    }

    fn letter() -> Letter {
        Letter {
            id: "a".to_owned(),
            thread: String::new(),
            topic: "t".to_owned(),
            theme: Theme::Service,
            severity: Severity::Notice,
            standing: Standing::Once,
            time: Stamp(0),
            since: Stamp(0),
            host: "web1".to_owned(),
            lang: "en".to_owned(),
            subject: "s".to_owned(),
            lead: String::new(),
            facts: Vec::new(),
            passages: Vec::new(),
            labels: Vec::new(),
            picture: None,
            data: String::new(),
        }
    }

    fn subscription(endpoint: Endpoint) -> Subscription {
        Subscription {
            name: "me".to_owned(),
            topic: "t".to_owned(),
            endpoint,
            severity: Severity::Info,
            lang: None,
            rate: None,
            digest_s: None,
            mute: Vec::new(),
            mute_critical: false,
            escalation: None,
            fallback: None,
            confirm: false,
            resolved: true,
        }
    }

    #[test]
    fn reports_of_one_that_is_gone_are_heard_and_the_rest_is_given_away_anew() {
        let endpoint = Endpoint::Command(vec!["/bin/cat".to_owned()]);
        let notify = Notify { subscriptions: vec![subscription(endpoint)], ..Notify::default() };
        let (here, there) = Channel::pair().unwrap();
        let (mut lanes, mut runner) = (Lanes::default(), Channel::over(there));
        lanes.reached(Peer::Runner, Some(here));
        let letter = letter();
        for id in ["a", "b"] {
            lanes.send(&notify, 0, &deliver(id), letter.clone(), false).unwrap();
        }
        // It takes one, reports it, and dies with the other one unread.
        assert!(matches!(runner.receive::<Errand>().unwrap(), Received::Frame(..)));
        let taken = Taken::Yes { said: String::new() };
        let report = Report { id: "a".to_owned(), taken, dialogue: String::new() };
        runner.post(&Returned::Report(report.clone()), None).unwrap();
        drop(runner);
        lanes.send(&notify, 0, &deliver("c"), letter, false).unwrap();
        assert_eq!(lanes.hear(), [report]);
        let (here, _there) = Channel::pair().unwrap();
        lanes.reached(Peer::Runner, Some(here));
        let mut again: Vec<String> = lanes.ready(&notify).into_iter().map(|one| one.id).collect();
        again.sort_unstable();
        assert_eq!(again, ["b", "c"]);
    }

    #[test]
    fn what_a_reload_overtook_is_given_away_anew_and_no_try_failed() {
        let endpoint = Endpoint::Command(vec!["/bin/cat".to_owned()]);
        let notify = Notify { subscriptions: vec![subscription(endpoint)], ..Notify::default() };
        let (here, there) = Channel::pair().unwrap();
        let (mut lanes, mut runner) = (Lanes::default(), Channel::over(there));
        lanes.reached(Peer::Runner, Some(here));
        let way = lanes.ways.get_mut(&Peer::Runner).unwrap();
        way.given.insert("a".to_owned(), deliver("a"));
        runner.post(&Returned::Outdated { id: "a".to_owned() }, None).unwrap();
        runner.post(&Returned::Outdated { id: "b".to_owned() }, None).unwrap();
        assert_eq!(lanes.hear(), []);
        assert_eq!(lanes.ready(&notify), [deliver("a")]);
        assert_eq!(lanes.ready(&notify), []);
    }
}
