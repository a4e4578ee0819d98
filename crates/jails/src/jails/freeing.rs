//! Bans that end by monban's own commands, its allow list, or an administrator's login.

use monban_fail2ban::client::Server;
use monban_fail2ban::filter::Id;
use monban_model::{Address, Net, Refusal};

use super::Jails;
use crate::told::WhyFreed;

/// A ban that ended: the jail and who it was.
pub type Freed = (String, Id);

impl Jails {
    /// An operator ends the bans of all addresses in a network.
    pub fn free_within(&mut self, net: Net) -> Vec<Freed> {
        self.free_those(&|one| net.covers(one).then_some(WhyFreed::Operator))
    }

    /// An operator ends all bans there are; how many that were.
    pub fn free_all(&mut self) -> u64 {
        let names: Vec<String> = self.running().map(|jail| jail.name.clone()).collect();
        let freed = names.iter().map(|name| self.unban_all(name).unwrap_or(0)).sum();
        self.forget_waiting(&mut |_, _, _| true);
        freed
    }

    /// The allow list has got this network: nothing in it stays banned.
    pub fn free_allowed(&mut self, net: Net) -> Vec<Freed> {
        self.free_those(&|one| {
            net.overlaps(one).then_some(WhyFreed::Refused(Refusal::Allowed(net)))
        })
    }

    /// Which addresses are spared whatever a jail says, and which of them are of this machine.
    pub fn allow(&mut self, nets: Vec<Net>, own: Vec<Net>) {
        self.own = own;
        let before = std::mem::replace(&mut self.allowed, nets);
        let new: Vec<Net> =
            self.allowed.iter().filter(|net| !before.contains(net)).copied().collect();
        self.free_those(&|one| {
            let net = new.iter().find(|net| net.overlaps(one))?;
            Some(WhyFreed::Refused(Refusal::Allowed(*net)))
        });
    }

    /// Where administrators are logged in from: they are not locked out.
    pub fn present(&mut self, administrators: &[Address]) {
        let met = |net: Net| administrators.iter().any(|one| net.contains(*one));
        self.free_those(&|one| met(one).then_some(WhyFreed::Refused(Refusal::Administrator)));
    }

    /// The network of the allow list that somebody is in.
    pub(super) fn allows(&self, id: &Id) -> Option<Net> {
        let Id::Net(one) = id else { return None };
        self.allowed.iter().find(|net| net.overlaps(*one)).copied()
    }

    fn free_those(&mut self, why: &dyn Fn(Net) -> Option<WhyFreed>) -> Vec<Freed> {
        let of = |id: &Id| match id {
            Id::Net(net) => why(*net),
            Id::Name(_) | Id::Text(_) => None,
        };
        let mut freed = Vec::new();
        for number in 0..self.jails.len() {
            let Some(jail) = self.jail(number) else { continue };
            let name = jail.name.clone();
            let bans = jail.bans.iter().filter_map(|(id, _)| Some((id.clone(), of(id)?)));
            for (id, why) in bans.collect::<Vec<_>>() {
                if self.free(number, &id, why) {
                    // Whoever is freed so starts anew.
                    self.forget_bad(number, &id);
                    freed.push((name.clone(), id));
                }
            }
        }
        self.forget_waiting(&mut |_, id, _| of(id).is_some());
        freed
    }
}
