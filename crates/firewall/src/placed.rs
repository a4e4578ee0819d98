//! Whether the table stands in the kernel as it should, and how it gets there.

use rustix::io::Errno;

use crate::change::Placed;
use crate::decode::Attributes;
use crate::encode::Batch;
use crate::layout::{CHAINS, DOORS, GATE, TABLE, create, create_chains, create_sets, rules};
use crate::plan::{Plan, Wish};
use crate::read::{elements, generation, list, table_flags};
use crate::socket::Socket;
use crate::spans::spans;
use crate::target::{SETS, SetSpec, Target};
use crate::uapi::*;
use crate::{FirewallError, Held};

/// How often a replacement is begun again because somebody else changed the firewall meanwhile.
const RETRIES: usize = 10;

/// Makes the table as it should be.
pub(crate) fn place(socket: &mut Socket) -> Result<Placed, FirewallError> {
    let doing = "make the table `inet monban`";
    let mut can_mend = true;
    for _ in 0..RETRIES {
        let generation = generation(socket)?;
        let found = look(socket)?;
        if found.is_intact() {
            return Ok(Placed::AsItWas);
        }
        let mut batch = Batch::new(socket.reserve(1), generation);
        let placed = if found.flags.is_none() {
            create(&mut batch, TABLE);
            Placed::Created
        } else if found.flags == Some(0) && can_mend {
            mend(&mut batch, &found);
            Placed::Mended
        } else {
            let held = replace(&mut batch, socket, &found)?;
            Placed::Replaced { kept: held }
        };
        match socket.transact(batch, true, doing) {
            Ok(()) => return Ok(placed),
            // The generation passed while we looked: look again.
            Err(FirewallError::Kernel { errno, .. }) if is_race(errno) => {}
            // Something that we do not know holds on to a part of the table.
            Err(FirewallError::Kernel { .. }) if placed == Placed::Mended => can_mend = false,
            Err(error) => return Err(lacking(error)),
        }
    }
    Err(FirewallError::Restless { doing })
}

/// Everything but the good sets is made anew, and the sets keep what they hold: reading a set
/// of a million takes the kernel minutes, because it begins at the start for every 32 KiB.
fn mend(batch: &mut Batch, found: &Found) {
    // Without a chain it means the rules of all chains.
    batch.message(DELRULE, 0, |e| e.text(NFTA_RULE_TABLE, TABLE));
    for set in &found.other_sets {
        batch.message(DELSET, 0, |e| {
            e.text(NFTA_SET_TABLE, TABLE);
            e.text(NFTA_SET_NAME, set);
        });
    }
    for (chain, _) in &found.chains {
        batch.message(DELCHAIN, 0, |e| {
            e.text(NFTA_CHAIN_TABLE, TABLE);
            e.text(NFTA_CHAIN_NAME, chain);
        });
    }
    create_sets(batch, TABLE, |spec| !found.sets.contains(&spec));
    create_chains(batch, TABLE);
}

/// The whole table is made anew with what the good sets hold.
fn replace(batch: &mut Batch, socket: &mut Socket, found: &Found) -> Result<usize, FirewallError> {
    let mut held = Vec::new();
    for spec in &found.sets {
        held.extend(held_in(socket, *spec)?);
    }
    batch.message(DELTABLE, 0, |e| e.text(NFTA_TABLE_NAME, TABLE));
    create(batch, TABLE);
    let wishes = held.iter().map(|held| (held.target, Wish::Held(held.left)));
    Plan::fresh(wishes).encode(batch);
    Ok(held.len())
}

/// Checks, without changing anything, that the kernel would take the whole layout.
pub(crate) fn rehearse(socket: &mut Socket) -> Result<(), FirewallError> {
    let mut batch = Batch::new(socket.reserve(1), None);
    create(&mut batch, "monban-rehearsal");
    socket.transact(batch, false, "make a table with sets of ranges and timeouts").map_err(lacking)
}

fn is_race(errno: i32) -> bool {
    // ERESTART, which the kernel has for this alone; EEXIST, where a table was made meanwhile.
    const ERESTART: i32 = 85;
    errno == ERESTART || errno == Errno::EXIST.raw_os_error()
}

/// What is missing when the kernel does not know a part of the layout: a module of nftables.
fn lacking(error: FirewallError) -> FirewallError {
    match error {
        FirewallError::Kernel { errno, doing }
            if [Errno::INVAL, Errno::NOENT, Errno::OPNOTSUPP]
                .iter()
                .any(|lacks| lacks.raw_os_error() == errno) =>
        {
            FirewallError::NoNftables { errno, doing }
        }
        other => other,
    }
}

/// What of the table is there.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The table's flags; `None` if there is no table.
    flags: Option<u32>,
    /// Our sets that are as we made them.
    sets: Vec<SetSpec>,
    /// The names of all other sets, without those that belong to a rule.
    other_sets: Vec<String>,
    /// The names of all chains, and whether each is one that we made.
    chains: Vec<(String, bool)>,
    /// The rules: the chain and the expressions.
    rules: Vec<(String, Vec<u8>)>,
}

/// Looks at the table, but not at the elements.
pub(crate) fn look(socket: &mut Socket) -> Result<Found, FirewallError> {
    let flags = table_flags(socket)?;
    if flags.is_none() {
        return Ok(Found::default());
    }
    let sets = list(socket, GETSET, None, "read the sets", |a, list| {
        list.push(set_is_ours(a));
    })?;
    let other_sets = sets.iter().filter_map(|set| set.clone().err()).flatten();
    let chains = list(socket, GETCHAIN, None, "read the chains", |a, list| {
        let name = a.find_text(NFTA_CHAIN_NAME).unwrap_or("");
        list.push((name.to_owned(), chain_is_ours(name, a)));
    })?;
    let rules = list(socket, GETRULE, None, "read the rules", |a, list| {
        let chain = a.find_text(NFTA_RULE_CHAIN).unwrap_or("").to_owned();
        let expressions = a.find(NFTA_RULE_EXPRESSIONS);
        list.push((chain, expressions.map_or(Vec::new(), |e| e.value.to_vec())));
    })?;
    Ok(Found {
        flags,
        other_sets: other_sets.collect(),
        sets: sets.into_iter().flatten().collect(),
        chains,
        rules,
    })
}

impl Found {
    /// Whether table, chains, sets and rules stand as they were made, and nothing beside them.
    pub(crate) fn is_intact(&self) -> bool {
        // A flag could make the table sleep.
        self.flags == Some(0)
            && self.sets.len() == SETS.len()
            && self.other_sets.is_empty()
            && self.chains.len() == CHAINS.len()
            && self.chains.iter().all(|(_, ours)| *ours)
            && CHAINS.iter().all(|chain| self.rules_are_ours(chain))
    }

    /// Whether the rules of a chain are ours, all of them, in order, and no other.
    fn rules_are_ours(&self, chain: &str) -> bool {
        let expected = rules();
        let ours: Vec<_> = expected.iter().filter(|rule| rule.0 == chain).collect();
        let theirs: Vec<_> = self.rules.iter().filter(|rule| rule.0 == chain).collect();
        ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(ours, theirs)| {
                says_the_same(Attributes(ours.1.bytes()), Attributes(&theirs.1), true)
            })
    }
}

/// Which of our sets this is, if it has the form that we gave it; else its name, or nothing if it
/// belongs to a rule and goes with that.
fn set_is_ours(attributes: Attributes<'_>) -> Result<SetSpec, Option<String>> {
    let name = attributes.find_text(NFTA_SET_NAME).unwrap_or("");
    let flags = attributes.find_number(NFTA_SET_FLAGS).unwrap_or(0);
    let spec = SETS.iter().find(|spec| {
        spec.name == name
            && spec.flags() == flags
            && attributes.find_number(NFTA_SET_KEY_LEN) == u32::try_from(spec.key_bytes()).ok()
            && attributes.find(NFTA_SET_TIMEOUT).is_none()
            && attributes
                .find(NFTA_SET_DESC)
                .and_then(|desc| desc.inner().find(NFTA_SET_DESC_SIZE))
                .is_none()
    });
    spec.copied().ok_or_else(|| (flags & NFT_SET_ANONYMOUS == 0).then(|| name.to_owned()))
}

/// Whether a chain is one of ours as we made it.
fn chain_is_ours(name: &str, attributes: Attributes<'_>) -> bool {
    match attributes.find(NFTA_CHAIN_HOOK).map(|hook| hook.inner()) {
        None => name == DOORS,
        Some(hook) => {
            name == GATE
                && hook.find_number(NFTA_HOOK_HOOKNUM) == Some(NF_INET_PRE_ROUTING)
                && hook.find_number(NFTA_HOOK_PRIORITY) == Some(NF_IP_PRI_RAW.cast_unsigned())
                && attributes.find_text(NFTA_CHAIN_TYPE) == Some("filter")
                && attributes.find_number(NFTA_CHAIN_POLICY) == Some(NF_ACCEPT)
        }
    }
}

/// Whether the kernel's attributes say what ours say. It adds some of its own (counted packets,
/// what we left to its default), so only those that we sent are compared; in a list every one.
fn says_the_same(ours: Attributes<'_>, theirs: Attributes<'_>, is_list: bool) -> bool {
    if is_list {
        return ours.count() == theirs.count()
            && ours.zip(theirs).all(|(our, their)| {
                our.kind == their.kind && says_the_same(our.inner(), their.inner(), false)
            });
    }
    ours.into_iter().all(|our| {
        theirs.find(our.kind).is_some_and(|their| {
            if our.nested {
                says_the_same(our.inner(), their.inner(), false)
            } else {
                our.value == their.value
            }
        })
    })
}

/// The elements of a set that monban can have made.
pub(crate) fn held_in(socket: &mut Socket, spec: SetSpec) -> Result<Vec<Held>, FirewallError> {
    let spans = spans(spec, &elements(socket, spec)?);
    let held = spans.iter().filter_map(|span| {
        Some(Held {
            target: Target::of_range(spec, span.first, span.last, span.port)?,
            left: span.left,
        })
    });
    Ok(held.collect())
}
