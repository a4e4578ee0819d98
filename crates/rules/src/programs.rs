//! From the program's name in a line's head to the services whose lines it carries.

use monban_model::ServiceId;

use crate::bytes::same;
use crate::service::Service;

/// The table of program names.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// Open addressing; the length is a power of two and at least twice the number of names.
    slots: Vec<Option<Named>>,
    /// Names that end in `*`, without it.
    starts: Vec<Named>,
}

#[derive(Clone, Debug)]
struct Named {
    name: Box<[u8]>,
    services: Vec<ServiceId>,
}

impl Programs {
    /// The table for these services.
    pub(crate) fn build(services: &[Service]) -> Self {
        let (mut exact, mut starts): (Vec<Named>, Vec<Named>) = Default::default();
        for (number, service) in services.iter().enumerate() {
            for program in &service.programs {
                let (list, name) = match program.strip_suffix('*') {
                    Some(start) => (&mut starts, start),
                    None => (&mut exact, program.as_str()),
                };
                let id = ServiceId(number as u16);
                match list.iter_mut().find(|named| &*named.name == name.as_bytes()) {
                    Some(named) if named.services.contains(&id) => {}
                    Some(named) => named.services.push(id),
                    None => list.push(Named { name: name.as_bytes().into(), services: vec![id] }),
                }
            }
        }
        // A name is found once, so the services of its starts belong to it too.
        for named in &mut exact {
            for start in starts.iter().filter(|s| named.name.starts_with(&s.name)) {
                for id in &start.services {
                    if !named.services.contains(id) {
                        named.services.push(*id);
                    }
                }
            }
        }
        let mut slots = vec![None; (exact.len() * 2).next_power_of_two()];
        for named in exact {
            let mut at = place(&named.name, slots.len());
            while slots[at].is_some() {
                at = (at + 1) % slots.len();
            }
            slots[at] = Some(named);
        }
        Self { slots, starts }
    }

    /// The services that `program` may write lines of, in the order of the files.
    #[inline]
    pub(crate) fn services(&self, program: &[u8]) -> &[ServiceId] {
        self.list(self.number(program))
    }

    /// The number of their list.
    pub(crate) fn number(&self, program: &[u8]) -> Number {
        if self.slots.is_empty() || program.is_empty() {
            return Number(usize::MAX);
        }
        let mut at = place(program, self.slots.len());
        while let Some(named) = &self.slots[at] {
            if same(&named.name, program) {
                return Number(at);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let start = self.starts.iter().position(|start| program.starts_with(&start.name));
        Number(start.map_or(usize::MAX, |start| self.slots.len() + start))
    }

    /// The list of that number.
    #[inline]
    pub(crate) fn list(&self, Number(at): Number) -> &[ServiceId] {
        let named = match self.slots.get(at) {
            Some(named) => named.as_ref(),
            None => self.starts.get(at.wrapping_sub(self.slots.len())),
        };
        named.map_or(&[], |named| &named.services)
    }
}

/// The number of a list of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(usize);

/// Where to look first. The names come from configuration, so nobody can make them collide.
#[inline]
fn place(name: &[u8], length: usize) -> usize {
    let (first, last) = match name {
        [first, .., last] => (*first, *last),
        [only] => (*only, *only),
        [] => (0, 0),
    };
    let mixed = usize::from(first) * 31 + usize::from(last) * 7 + name.len() * 13;
    (mixed ^ mixed >> 5) & (length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file;

    #[test]
    fn a_name_or_its_start_leads_to_its_services() {
        let text = |name: &str, programs: &str| {
            let text = format!("service = '{name}'\nprograms = {programs}");
            file::read("x", &text, false).0.unwrap()
        };
        let programs = Programs::build(&[
            text("a", "['sshd', 'sshd-session']"),
            text("b", "['postfix/*', 'sshd']"),
        ]);
        let ids = |name: &str| -> Vec<u16> {
            let found = programs.services(name.as_bytes());
            found.iter().map(|id| id.0).collect()
        };
        assert_eq!(ids("sshd"), [0, 1]);
        assert_eq!(ids("sshd-session"), [0]);
        assert_eq!(ids("postfix/smtps/smtpd"), [1]);
        assert!(ids("ssh").is_empty() && ids("").is_empty() && ids("x").is_empty());
        assert!(Programs::build(&[]).services(b"x").is_empty());
    }
}
