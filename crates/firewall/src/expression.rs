//! The expressions of a rule, each as one function. They run in order on every packet; the first
//! that does not match ends the rule.

use crate::encode::Encoder;
use crate::uapi::*;

/// Where a rule puts what it loads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register(pub(crate) u32);

fn expression(encoder: &mut Encoder, name: &str, fill: impl FnOnce(&mut Encoder)) {
    encoder.nest(NFTA_LIST_ELEM, |e| {
        e.text(NFTA_EXPR_NAME, name);
        e.nest(NFTA_EXPR_DATA, fill);
    });
}

/// Loads something that is known about the packet and not in it.
pub(crate) fn meta(encoder: &mut Encoder, key: u32, to: Register) {
    expression(encoder, "meta", |e| {
        e.number(NFTA_META_DREG, to.0);
        e.number(NFTA_META_KEY, key);
    });
}

/// Goes on only if the register has this value.
pub(crate) fn equals(encoder: &mut Encoder, register: Register, value: &[u8]) {
    expression(encoder, "cmp", |e| {
        e.number(NFTA_CMP_SREG, register.0);
        e.number(NFTA_CMP_OP, NFT_CMP_EQ);
        e.nest(NFTA_CMP_DATA, |e| e.attribute(NFTA_DATA_VALUE, value));
    });
}

/// Loads bytes of the packet, counted from the start of a header.
pub(crate) fn payload(encoder: &mut Encoder, base: u32, offset: u32, length: u32, to: Register) {
    expression(encoder, "payload", |e| {
        e.number(NFTA_PAYLOAD_DREG, to.0);
        e.number(NFTA_PAYLOAD_BASE, base);
        e.number(NFTA_PAYLOAD_OFFSET, offset);
        e.number(NFTA_PAYLOAD_LEN, length);
    });
}

/// Keeps only the bits of the mask.
pub(crate) fn mask(encoder: &mut Encoder, register: Register, mask: [u8; 16]) {
    expression(encoder, "bitwise", |e| {
        e.number(NFTA_BITWISE_SREG, register.0);
        e.number(NFTA_BITWISE_DREG, register.0);
        e.number(NFTA_BITWISE_LEN, 16);
        e.nest(NFTA_BITWISE_MASK, |e| e.attribute(NFTA_DATA_VALUE, &mask));
        e.nest(NFTA_BITWISE_XOR, |e| e.attribute(NFTA_DATA_VALUE, &[0; 16]));
    });
}

/// Goes on only if the set holds what begins in the register.
pub(crate) fn lookup(encoder: &mut Encoder, set: &str, from: Register) {
    expression(encoder, "lookup", |e| {
        e.text(NFTA_LOOKUP_SET, set);
        e.number(NFTA_LOOKUP_SREG, from.0);
        e.number(NFTA_LOOKUP_FLAGS, 0);
    });
}

/// Counts packets and bytes.
pub(crate) fn counter(encoder: &mut Encoder) {
    expression(encoder, "counter", |_| {});
}

/// Ends the rule: what becomes of the packet, or which chain goes on with it.
pub(crate) fn verdict(encoder: &mut Encoder, code: u32, chain: Option<&str>) {
    expression(encoder, "immediate", |e| {
        e.number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        e.nest(NFTA_IMMEDIATE_DATA, |e| {
            e.nest(NFTA_DATA_VERDICT, |e| {
                e.number(NFTA_VERDICT_CODE, code);
                if let Some(chain) = chain {
                    e.text(NFTA_VERDICT_CHAIN, chain);
                }
            });
        });
    });
}
