//! Alarms over alarms: they follow their children at once.

use monban_model::limits::ALARM_RULE_CHILDREN_MAX;
use monban_model::{AlarmState, ChildState, Reason, Stamp, Watch};

use super::{Alarm, Alarms, Told};

/// Composite alarms with their children, so that each stands behind all that it names. Those that
/// name each other are left out: the configuration refuses them.
pub(super) fn in_order(alarms: &[Alarm]) -> Vec<(u16, Vec<u16>)> {
    let place = |name: &str| alarms.iter().position(|alarm| alarm.spec.name == name);
    let mut waiting: Vec<(u16, Vec<u16>)> = Vec::new();
    for (at, alarm) in alarms.iter().enumerate() {
        if let Watch::Rule(rule) = &alarm.spec.watch {
            let children = rule.children().into_iter().filter_map(place);
            waiting.push((at as u16, children.map(|child| child as u16).collect()));
        }
    }
    let mut order = Vec::new();
    loop {
        let is_waiting = |at: &u16| waiting.iter().any(|(other, _)| other == at);
        let ready = waiting.iter().position(|(_, children)| !children.iter().any(is_waiting));
        match ready {
            Some(at) => order.push(waiting.remove(at)),
            None => return order,
        }
    }
}

impl Alarms {
    /// Composite alarms take over what their children are now.
    pub(super) fn follow(&mut self, now: Stamp, out: &mut Vec<Told>) {
        if !self.composites.is_empty() {
            self.follow_all(now, out);
        }
    }

    /// The same, also those that were never evaluated.
    pub(super) fn follow_all(&mut self, now: Stamp, out: &mut Vec<Told>) {
        for n in 0..self.composites.len() {
            let at = self.composites[n].0;
            let new = self.state_of_rule(at);
            let old = self.own[usize::from(at)].state;
            if new != old {
                let children = self.children(n);
                self.change_own(now, at, new, Reason::Children(children), out);
            }
        }
    }

    fn state_of_rule(&self, at: u16) -> AlarmState {
        let Watch::Rule(rule) = &self.alarms[usize::from(at)].spec.watch else {
            return AlarmState::Insufficient;
        };
        let state_of = |name: &str| {
            let child = self.alarms.iter().position(|alarm| alarm.spec.name == name);
            child.map_or(AlarmState::Insufficient, |child| self.own[child].state)
        };
        if rule.holds(&state_of) { AlarmState::Alarm } else { AlarmState::Ok }
    }

    /// The children of a composite alarm, the last that changed first.
    fn children(&self, n: usize) -> Vec<ChildState> {
        let child = |at: &u16| {
            let state = &self.own[usize::from(*at)];
            let alarm = self.alarms[usize::from(*at)].spec.name.clone();
            ChildState { alarm, state: state.state, since: state.since }
        };
        let mut children: Vec<ChildState> = self.composites[n].1.iter().map(child).collect();
        children.sort_by_key(|child| std::cmp::Reverse(child.since));
        children.truncate(ALARM_RULE_CHILDREN_MAX);
        children
    }
}
