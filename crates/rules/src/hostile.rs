//! Lines as an attacker would have them written: the fields of a pattern filled with texts that
//! look like other parts of the service's lines.

use monban_model::{Address, ServiceId};

use crate::field::{Field, Shape, Slot};
use crate::pattern::{Part, Variant};
use crate::service::Rule;
use crate::set::RuleSet;

/// The address that a generated line is truly about.
pub const TRUE_ADDRESS: &str = "192.0.2.77";

/// The address that the attacker types.
pub const TYPED_ADDRESS: &str = "198.51.100.1";

/// Most texts that are made from the patterns of one service.
const TEXTS_MAX: usize = 600;

/// A generated line, without a syslog head.
#[derive(Clone, Debug)]
pub struct HostileLine {
    /// The message.
    pub message: Vec<u8>,
    /// The only address that may be reported for it.
    pub truth: Option<Address>,
    /// The rule whose pattern it was made from, as its index in the service.
    pub rule: usize,
    /// The place that was typed into, below [`RuleSet::hostile_places`].
    pub place: usize,
}

/// One of several equal shares of the lines that could be made.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Which one, from 0.
    pub number: usize,
    /// Of how many, at least 1.
    pub of: usize,
}

impl RuleSet {
    /// Texts that an attacker could type to be taken for something else in a line of `service`:
    /// what each of its patterns looks like from each of its parts on, and some nasty bytes.
    pub fn hostile_texts(&self, service: ServiceId) -> Vec<Vec<u8>> {
        let mut texts: Vec<Vec<u8>> = FIXED.iter().map(|text| text.to_vec()).collect();
        texts.push(vec![b'A'; 5000]);
        texts.push(TYPED_ADDRESS.as_bytes().repeat(50));
        let mut made = Vec::new();
        for (_, variant) in self.variants(service) {
            let pieces: Vec<Vec<u8>> =
                variant.iter().map(|part| piece(part, TYPED_ADDRESS, None)).collect();
            for start in 0..pieces.len() {
                made.push(pieces[start..].concat());
                made.push([b"x", &pieces[start..].concat()[..]].concat());
                made.push([&pieces[start..].concat()[..], b" x"].concat());
            }
        }
        made.sort();
        made.dedup();
        // Of too many, take some of everywhere.
        let step = made.len().div_ceil(TEXTS_MAX).max(1);
        texts.extend(made.into_iter().step_by(step));
        texts
    }

    /// How many places the patterns of `service` have into which an attacker can type.
    pub fn hostile_places(&self, service: ServiceId) -> usize {
        self.variants(service).iter().map(|(_, variant)| typed_places(variant).len()).sum()
    }

    /// Each pattern of `service` with each text in each of its places that can hold it. Of all
    /// these lines a share takes some of everywhere; all shares together are all lines.
    pub fn hostile_lines(
        &self,
        service: ServiceId,
        texts: &[Vec<u8>],
        share: Share,
    ) -> Vec<HostileLine> {
        let Some(known) = self.services.get(usize::from(service.0)) else {
            return Vec::new();
        };
        let step = share.of.max(1);
        let mut lines = Vec::new();
        let mut place = 0;
        for (rule, variant) in &self.variants(service) {
            let number = usize::from(*rule);
            for at in typed_places(variant) {
                // Another text at each place, so that a share has all texts as well.
                for text in texts.iter().skip((share.number + place) % step).step_by(step) {
                    let filled = fill(variant, at, text, &known.rules[number]);
                    lines.extend(filled.map(|(message, truth)| HostileLine {
                        message,
                        truth,
                        rule: number,
                        place,
                    }));
                }
                place += 1;
            }
        }
        lines
    }
}

const FIXED: &[&[u8]] = &[
    b"",
    b" ",
    b"x",
    b"-",
    b"\"",
    b"'",
    b"\\",
    b"\\\"",
    b"]",
    b")",
    b">",
    b"[",
    b"x from 198.51.100.1",
    b"x from 198.51.100.1 port 22",
    b"x from 198.51.100.1 port 22 ssh2",
    b"x from 198.51.100.1 port 22 [preauth]",
    b"x by 198.51.100.1 port 22",
    b"x rhost=198.51.100.1",
    b" rhost=198.51.100.1  user=root",
    b"x, rip=198.51.100.1, lip=192.0.2.1",
    b"x>, rip=198.51.100.1, y=<z",
    b"[198.51.100.1]: 554",
    b"x[198.51.100.1]:25",
    b"\" 198.51.100.1 \"",
    b"x\", client: 198.51.100.1, server: \"",
    b"] [client 198.51.100.1:80] ",
    b"198.51.100.1",
    b"198.51.100.1:22",
    b"::ffff:198.51.100.1",
    b"(198.51.100.1)",
    b"<198.51.100.1>",
    b"\xff\xfe\x01\x02",
    b"\xe9\x96\x80\xe7\x95",
    b"%s%n%x",
];

/// The places of fields into which an attacker's text could come.
fn typed_places(variant: &Variant) -> Vec<usize> {
    let typed = |field: &Field| match field.shape {
        Shape::Run => !field.trusted && field.accepts(b"x"),
        Shape::Quoted => true,
        Shape::Int | Shape::Address => false,
    };
    let parts = variant.iter().enumerate();
    parts
        .filter(|(_, part)| matches!(part, Part::Field(field) if typed(field)))
        .map(|(at, _)| at)
        .collect()
}

/// A line with the text at that place, and the only address that may be reported for it.
fn fill(
    variant: &Variant,
    at: usize,
    text: &[u8],
    rule: &Rule,
) -> Option<(Vec<u8>, Option<Address>)> {
    let Part::Field(field) = &variant[at] else {
        return None;
    };
    // What the field cannot hold, the service does not write there.
    let text: Vec<u8> = match field.shape {
        Shape::Quoted => text.escape_ascii().collect(),
        _ => text.iter().copied().filter(|b| field.class.has(*b)).collect(),
    };
    if !field.accepts(&text) {
        return None;
    }
    let mut message = Vec::new();
    for (place, part) in variant.iter().enumerate() {
        if place == at {
            message.extend_from_slice(&text);
        } else {
            message.extend(piece(part, TRUE_ADDRESS, Some(rule)));
        }
    }
    let reports = |part: &Part| matches!(part, Part::Field(f) if f.slot == Some(Slot::Address));
    let has_address = variant.iter().any(reports);
    Some((message, has_address.then(|| TRUE_ADDRESS.parse().ok()).flatten()))
}

/// A part with an ordinary value; with one that the filters of `rule` admit, if they can.
fn piece(part: &Part, address: &str, rule: Option<&Rule>) -> Vec<u8> {
    const ORDINARY: [&str; 8] = ["x", "1", "/", "GET", "a.example", "unknown", "x y", ""];
    let field = match part {
        Part::Literal(bytes) => return bytes.clone(),
        Part::Field(field) => field,
    };
    match (field.shape, field.slot) {
        (Shape::Address, Some(_)) => return address.as_bytes().to_vec(),
        (Shape::Address, None) => return b"203.0.113.25".to_vec(),
        (_, Some(Slot::Date)) => return b"22/Nov/2026:05:33:01 +0000".to_vec(),
        _ => {}
    }
    let filters = rule.map_or(&[][..], |rule| &rule.filters);
    for filter in filters.iter().filter(|f| Some(f.slot) == field.slot) {
        if let Some(sample) = filter.sample().filter(|sample| field.accepts(sample)) {
            return sample;
        }
    }
    let fitting = ORDINARY.iter().find(|text| field.accepts(text.as_bytes()));
    fitting.map_or_else(Vec::new, |text| text.as_bytes().to_vec())
}
