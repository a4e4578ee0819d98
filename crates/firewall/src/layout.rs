//! What stands in the kernel: one table, two chains, eight sets, and their rules.
//!
//! ```text
//! table inet monban {
//!   chain gate { type filter hook prerouting priority raw; policy accept;
//!     iif lo accept
//!     ip saddr @hosts4 counter drop         ip6 saddr & ffff:ffff:ffff:ffff:: @hosts6 counter drop
//!     ip saddr . meta nfproto @nets4 counter drop          ip6 saddr . meta nfproto @nets6 ...
//!                                                          ip6 saddr @alone6 counter drop
//!     meta l4proto tcp jump doors           meta l4proto udp jump doors
//!   }
//!   chain doors {
//!     ip saddr . th dport @ports4 counter drop         (ports6 with the /64, netports4, netports6,
//!                                                           aloneports6)
//!   }
//! }
//! ```
//!
//! Priority raw is before connection tracking and before address translation: connections that
//! are open already are cut, ports that Docker publishes are covered, and the destination port is
//! the one that the sender wrote. The loopback comes first and is never blocked.

use crate::encode::{Batch, Encoder};
use crate::expression::{Register, counter, equals, lookup, mask, meta, payload, verdict};
use crate::target::{By, SETS, SetSpec};
use crate::uapi::*;

/// Our table.
pub(crate) const TABLE: &str = "monban";
/// The chain at the hook.
pub(crate) const GATE: &str = "gate";
/// The chain for blocks of chosen ports; only TCP and UDP get there.
pub(crate) const DOORS: &str = "doors";
/// Both, in the order in which they are made: one before what jumps to it.
pub(crate) const CHAINS: [&str; 2] = [DOORS, GATE];

/// What `nft list` shows as the comment of the table.
const COMMENT: &str = "blocked by monban; blocks end by themselves";

/// The loopback's index in every network namespace: the kernel makes it first.
const LOOPBACK_INDEX: u32 = 1;

const SLASH_64: [u8; 16] = (u128::MAX << 64).to_be_bytes();

/// nft's numbers of data types; they tell `nft list` how to show a key.
const TYPE_NF_PROTO: u32 = 2;
const TYPE_IPV4_ADDR: u32 = 7;
const TYPE_IPV6_ADDR: u32 = 8;
const TYPE_INET_SERVICE: u32 = 13;
const TYPE_BITS: u32 = 6;

impl SetSpec {
    /// The kernel's flags of the set.
    pub(crate) const fn flags(self) -> u32 {
        let ranges = NFT_SET_INTERVAL | NFT_SET_CONCAT;
        NFT_SET_TIMEOUT | if self.is_ranges() { ranges } else { 0 }
    }

    /// nft's number of the key's type.
    pub(crate) const fn key_type(self) -> u32 {
        let address = if self.v6 { TYPE_IPV6_ADDR } else { TYPE_IPV4_ADDR };
        match (self.port, self.is_ranges()) {
            (true, _) => address << TYPE_BITS | TYPE_INET_SERVICE,
            (false, true) => address << TYPE_BITS | TYPE_NF_PROTO,
            (false, false) => address,
        }
    }
}

/// Adds everything to the batch, for a table that is not there.
pub(crate) fn create(batch: &mut Batch, table: &str) {
    batch.message(NEWTABLE, NLM_F_CREATE, |e| {
        e.text(NFTA_TABLE_NAME, table);
        e.number(NFTA_TABLE_FLAGS, 0);
        e.attribute(NFTA_TABLE_USERDATA, &comment());
    });
    create_sets(batch, table, |_| true);
    create_chains(batch, table);
}

/// Adds the sets that are wanted.
pub(crate) fn create_sets(batch: &mut Batch, table: &str, wanted: impl Fn(SetSpec) -> bool) {
    for (id, spec) in (1..).zip(SETS).filter(|(_, spec)| wanted(*spec)) {
        batch.message(NEWSET, NLM_F_CREATE, |e| new_set(e, table, spec, id));
    }
}

/// Adds the chains with their rules.
pub(crate) fn create_chains(batch: &mut Batch, table: &str) {
    for chain in CHAINS {
        batch.message(NEWCHAIN, NLM_F_CREATE, |e| new_chain(e, table, chain));
    }
    for (chain, expressions) in rules() {
        batch.message(NEWRULE, NLM_F_CREATE | NLM_F_APPEND, |e| {
            e.text(NFTA_RULE_TABLE, table);
            e.text(NFTA_RULE_CHAIN, chain);
            e.attribute(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, expressions.bytes());
        });
    }
}

/// nft's form of a comment: the kind 0, the length, the text and its zero byte.
fn comment() -> Vec<u8> {
    let length = u8::try_from(COMMENT.len() + 1).unwrap_or(0);
    let mut bytes = vec![0, length];
    bytes.extend_from_slice(COMMENT.as_bytes());
    bytes.push(0);
    bytes
}

fn new_set(encoder: &mut Encoder, table: &str, spec: SetSpec, id: u32) {
    encoder.text(NFTA_SET_TABLE, table);
    encoder.text(NFTA_SET_NAME, spec.name);
    encoder.number(NFTA_SET_FLAGS, spec.flags());
    encoder.number(NFTA_SET_KEY_TYPE, spec.key_type());
    encoder.number(NFTA_SET_KEY_LEN, u32::try_from(spec.key_bytes()).unwrap_or(0));
    encoder.number(NFTA_SET_ID, id);
    // No size: a set may hold a million. No timeout: an element without one has no end.
    if spec.is_ranges() {
        let second = if spec.port { 2 } else { 1 };
        let address = u32::try_from(spec.address_bytes()).unwrap_or(0);
        encoder.nest(NFTA_SET_DESC, |e| {
            e.nest(NFTA_SET_DESC_CONCAT, |e| {
                for length in [address, second] {
                    e.nest(NFTA_LIST_ELEM, |e| e.number(NFTA_SET_FIELD_LEN, length));
                }
            });
        });
    }
}

fn new_chain(encoder: &mut Encoder, table: &str, chain: &str) {
    encoder.text(NFTA_CHAIN_TABLE, table);
    encoder.text(NFTA_CHAIN_NAME, chain);
    if chain == GATE {
        encoder.nest(NFTA_CHAIN_HOOK, |e| {
            e.number(NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
            e.number(NFTA_HOOK_PRIORITY, NF_IP_PRI_RAW.cast_unsigned());
        });
        encoder.number(NFTA_CHAIN_POLICY, NF_ACCEPT);
        encoder.text(NFTA_CHAIN_TYPE, "filter");
    }
}

/// All rules in order: the chain, and the list of expressions.
pub(crate) fn rules() -> Vec<(&'static str, Encoder)> {
    let mut rules = Vec::new();
    let mut rule = |chain, fill: &dyn Fn(&mut Encoder)| {
        let mut encoder = Encoder::default();
        fill(&mut encoder);
        rules.push((chain, encoder));
    };
    rule(GATE, &|e| {
        meta(e, NFT_META_IIF, Register(NFT_REG_1));
        equals(e, Register(NFT_REG_1), &LOOPBACK_INDEX.to_ne_bytes());
        verdict(e, NF_ACCEPT, None);
    });
    for spec in SETS.iter().filter(|spec| !spec.port) {
        rule(GATE, &|e| drop_from(e, *spec));
    }
    for protocol in [IPPROTO_TCP, IPPROTO_UDP] {
        rule(GATE, &|e| {
            meta(e, NFT_META_L4PROTO, Register(NFT_REG_1));
            equals(e, Register(NFT_REG_1), &[protocol]);
            verdict(e, NFT_JUMP, Some(DOORS));
        });
    }
    for spec in SETS.iter().filter(|spec| spec.port) {
        rule(DOORS, &|e| drop_from(e, *spec));
    }
    rules
}

/// Drops what comes from an element of the set.
fn drop_from(encoder: &mut Encoder, spec: SetSpec) {
    let register = Register(NFT_REG_1);
    // Offset and length of the source address in the IP header; the register behind it.
    let (offset, length, behind) =
        if spec.v6 { (8, 16, Register(NFT_REG_2)) } else { (12, 4, Register(NFT_REG32_01)) };
    meta(encoder, NFT_META_NFPROTO, register);
    equals(encoder, register, &[spec.family()]);
    payload(encoder, NFT_PAYLOAD_NETWORK_HEADER, offset, length, register);
    if spec.by == By::Slash64 {
        mask(encoder, register, SLASH_64);
    }
    if spec.port {
        payload(encoder, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, behind);
    } else if spec.is_ranges() {
        meta(encoder, NFT_META_NFPROTO, behind);
    }
    lookup(encoder, spec.name, register);
    counter(encoder);
    verdict(encoder, NF_DROP, None);
}
