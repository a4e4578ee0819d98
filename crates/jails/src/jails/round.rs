//! The jails that read one file, line by line: what all have to do is done once.

use monban_fail2ban::encoding::Encoding;
use monban_fail2ban::filter::{Filter, Odd, Together};
use monban_model::Line;
use monban_model::limits::FILES_MAX;

use super::Jails;
use super::reading::when;
use crate::jail::Jail;

/// The jails that read one file.
#[derive(Default)]
pub(super) struct Round {
    /// All of them, by their numbers.
    readers: Vec<usize>,
    /// Whether they are known at all.
    known: bool,
    /// Those that read together, when they did so last.
    together: Option<Vec<Part>>,
    /// Those that do not: lines wait for them.
    apart: Vec<usize>,
}

/// Jails that read the bytes of a line as the same text.
struct Part {
    encoding: Encoding,
    /// By their numbers there.
    numbers: Vec<usize>,
    together: Together,
    /// Those that the line concerns; kept for its room.
    called: Vec<usize>,
}

/// Those of whom a part is made, each filter with the number of its kin.
struct Members<'j> {
    encoding: Encoding,
    numbers: Vec<usize>,
    filters: Vec<(&'j mut Filter, usize)>,
}

impl Part {
    fn of(mut members: Members<'_>) -> Self {
        let together = Together::new(&mut members.filters);
        let Members { encoding, numbers, .. } = members;
        Self { encoding, numbers, together, called: Vec::new() }
    }
}

impl Round {
    pub(super) fn is_read(&self) -> bool {
        !self.readers.is_empty()
    }
}

impl Jails {
    /// Takes in a line of a file. `catching_up`: it was written before it could be read, and what
    /// is too old is left out. Gives back how many failures were found.
    pub fn line(&mut self, path: &str, line: &Line<'_>, catching_up: bool) -> usize {
        let now = self.at(line.arrival);
        let mut round = self.take_round(path);
        let found = match self.begun.is_empty() {
            true => self.line_together(&mut round, line.bytes, now, catching_up),
            false => self.line_apart(&round, path, line, now, catching_up),
        };
        self.put_round(path, round);
        found
    }

    /// Each jail reads the line by itself, as far as another fail2ban has not judged it.
    fn line_apart(
        &mut self,
        round: &Round,
        path: &str,
        line: &Line<'_>,
        now: i64,
        catching_up: bool,
    ) -> usize {
        let mut found = 0;
        for number in &round.readers {
            let Some(jail) = self.jails.get_mut(*number).and_then(Option::as_mut) else { continue };
            if !self.begun.has_line(jail.key, path, line.position) {
                found += self.line_of_one(*number, line.bytes, now, catching_up);
            }
        }
        found
    }

    fn line_of_one(&mut self, number: usize, bytes: &[u8], now: i64, catching_up: bool) -> usize {
        let Some(jail) = self.jail(number) else { return 0 };
        let text = jail.encoding.decode(bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        if self.waits(number, text, None, now) {
            return 0;
        }
        let Some(jail) = self.jail_mut(number) else { return 0 };
        let reading = jail.filter.read_when(text, now, when(jail, catching_up));
        self.take_reading(number, reading, now)
    }

    fn line_together(
        &mut self,
        round: &mut Round,
        bytes: &[u8],
        now: i64,
        catching_up: bool,
    ) -> usize {
        let mut parts = match round.together.take() {
            Some(parts) => parts,
            None => self.join(round),
        };
        let mut found = 0;
        for number in &round.apart {
            found += self.line_of_one(*number, bytes, now, catching_up);
        }
        let mut is_whole = true;
        for part in &mut parts {
            found += match self.line_of_part(part, bytes, now, catching_up) {
                Some(found) => found,
                None => {
                    is_whole = false;
                    let numbers = part.numbers.iter();
                    numbers.map(|one| self.line_of_one(*one, bytes, now, catching_up)).sum()
                }
            };
        }
        let wait = |number: &usize| self.jail(*number).is_some_and(waits);
        let as_before = is_whole && round.apart.iter().all(wait);
        round.together = as_before.then_some(parts);
        found
    }

    /// Those that the line concerns read it; `None` if they have to be put together again.
    fn line_of_part(
        &mut self,
        part: &mut Part,
        bytes: &[u8],
        now: i64,
        catching_up: bool,
    ) -> Option<usize> {
        let text = part.encoding.decode(bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        part.together.look(text, now, !catching_up).ok()?;
        part.called.clear();
        part.called.extend_from_slice(part.together.called());
        if part.together.may_be_odd(!catching_up) {
            self.call_odd(part, now, catching_up);
        }
        let mut found = 0;
        for member in &part.called {
            let number = part.numbers[*member];
            let Some(jail) = self.jail_mut(number) else { continue };
            let when = when(jail, catching_up);
            let reading = part.together.read(*member, &mut jail.filter, text, now, when);
            found += self.take_reading(number, reading, now);
        }
        Some(found)
    }

    /// Those that have to tell that a time is odd read the line, too.
    fn call_odd(&self, part: &mut Part, now: i64, catching_up: bool) {
        for (member, number) in part.numbers.iter().enumerate() {
            let Some(jail) = self.jail(*number) else { continue };
            let told = match part.together.odd(member, now, when(jail, catching_up)) {
                Some(Odd::Off(_)) => jail.told_off,
                Some(Odd::Old) => jail.told_old,
                None => continue,
            };
            if now >= told && !part.called.contains(&member) {
                part.called.push(member);
            }
        }
        part.called.sort_unstable();
    }

    /// Puts those together that read a file.
    fn join(&mut self, round: &mut Round) -> Vec<Part> {
        let mut kins: Vec<Kin> = Vec::new();
        let mut parts: Vec<Members<'_>> = Vec::new();
        round.apart.clear();
        for (number, jail) in self.jails.iter_mut().enumerate() {
            let Some(jail) = jail.as_mut().filter(|_| round.readers.contains(&number)) else {
                continue;
            };
            if waits(jail) {
                round.apart.push(number);
                continue;
            }
            let kin = Kin::of(jail);
            let kin = kins.iter().position(|known| *known == kin).unwrap_or_else(|| {
                kins.push(kin);
                kins.len() - 1
            });
            let encoding = jail.encoding;
            let at = parts.iter().position(|part| part.encoding == encoding).unwrap_or_else(|| {
                parts.push(Members { encoding, numbers: Vec::new(), filters: Vec::new() });
                parts.len() - 1
            });
            parts[at].numbers.push(number);
            parts[at].filters.push((&mut jail.filter, kin));
        }
        parts.into_iter().map(Part::of).collect()
    }

    /// Who reads a file. It has to be put back.
    pub(super) fn take_round(&mut self, path: &str) -> Round {
        let mut round = self.rounds.get_mut(path).map(std::mem::take).unwrap_or_default();
        if !round.known {
            let reads =
                |jail: &Option<Jail>| jail.as_ref().is_some_and(|jail| jail.log(path).is_some());
            let numbers = self.jails.iter().enumerate().filter(|(_, jail)| reads(jail));
            round.readers = numbers.map(|(number, _)| number).collect();
            round.known = true;
        }
        round
    }

    pub(super) fn put_round(&mut self, path: &str, round: Round) {
        match self.rounds.get_mut(path) {
            Some(place) => *place = round,
            None => {
                // The feed follows a bounded number of files; paths that are gone are few.
                if self.rounds.len() >= 2 * FILES_MAX {
                    self.rounds.clear();
                }
                self.rounds.insert(path.to_owned(), round);
            }
        }
    }
}

/// Whether lines wait for a jail.
fn waits(jail: &Jail) -> bool {
    jail.settings.idle || jail.is_behind()
}

/// What tells which lines a jail reads, beside whether it is idle.
#[derive(PartialEq, Eq)]
struct Kin {
    logs: Vec<String>,
    unread: Vec<String>,
    encoding: Encoding,
}

impl Kin {
    fn of(jail: &Jail) -> Self {
        let mut logs: Vec<String> = jail.logs.iter().map(|log| log.text().to_owned()).collect();
        let mut unread: Vec<String> = jail.unread.iter().cloned().collect();
        logs.sort();
        unread.sort();
        Self { logs, unread, encoding: jail.encoding }
    }
}
