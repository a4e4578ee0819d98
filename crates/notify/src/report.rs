//! Reports of days and weeks, each once.

use monban_model::{ReportId, Severity, Stamp};

use crate::effect::Service;
use crate::offer::Parcel;
use crate::router::Router;
use crate::status::State;

/// A last report that is so far ahead was written under a clock that was wrong.
const AHEAD_MAX_S: u64 = 2 * 86_400;

impl Router {
    /// Whether a report is newer than the last one of its kind.
    pub fn wants(&self, report: ReportId) -> bool {
        self.known(report).is_none_or(|known| report.due > known)
    }

    /// When the last report of that kind was due.
    fn known(&self, report: ReportId) -> Option<Stamp> {
        let last = self.own.reports[report.kind as usize];
        last.filter(|last| *last <= self.own.latest.max(report.due).plus_s(AHEAD_MAX_S))
    }

    /// Queues a report for all who confirmed a subscription of the topic. That it was is kept in
    /// the same rows as the deliveries, so a run that is killed queues it once or is asked again.
    pub(crate) fn report(&mut self, report: ReportId, topic: &str) {
        let now = self.at.now;
        let known = self.known(report);
        if !self.wants(report) {
            return;
        }
        self.own.reports[report.kind as usize] = Some(report.due);
        if known.is_none() {
            return;
        }
        for at in 0..self.subs.len() {
            let sub = &self.subs[at];
            if sub.config.topic == topic && sub.state == State::Active {
                let service = Service::Report(report);
                self.enqueue(at, &Parcel::service(service, Severity::Info, now));
            }
        }
    }
}
