//! Bans that end by monban's own commands, its allow list, or an administrator's login.

use monban_fail2ban::client::Server;
use monban_fail2ban::filter::Id;
use monban_model::{Address, JailRowKind, Net, Refusal};

use super::Jails;
use crate::rows::{self, Loaded};
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
        self.forget_waiting(&|_| true);
        freed
    }

    /// The allow list has got this network: nothing in it stays banned.
    pub fn free_allowed(&mut self, net: Net) -> Vec<Freed> {
        self.free_those(&|one| {
            net.overlaps(one).then_some(WhyFreed::Refused(Refusal::Allowed(net)))
        })
    }

    /// Which addresses are spared whatever a jail says.
    pub fn allow(&mut self, nets: Vec<Net>) {
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
        self.forget_waiting(&|id| of(id).is_some());
        freed
    }

    /// Bans of jails that do not run now do not come back with them.
    fn forget_waiting(&mut self, is_over: &dyn Fn(&Id) -> bool) {
        for jail in self.parked.values_mut() {
            let over = jail.bans.iter().map(|(id, _)| id).filter(|id| is_over(id));
            for id in over.cloned().collect::<Vec<Id>>() {
                jail.bans.remove(&id, jail.settings.bantime_s);
            }
        }
        let (names, gone) = (&self.names, &mut self.gone);
        self.saved.retain(|(key, loaded)| match loaded {
            Loaded::Ban(id, _) if is_over(id) => {
                let name = names.get(*key as usize).map_or("", String::as_str);
                gone.push(rows::no_row(name, JailRowKind::Ban, id));
                false
            }
            _ => true,
        });
    }
}
