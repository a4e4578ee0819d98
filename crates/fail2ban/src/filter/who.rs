//! Who failed, from what was captured.

use super::UseDns;
use super::failure::Failure;
use super::groups::Value;
use super::id::Id;
use super::pattern::OLD_ID;

/// Whom a failure is counted for.
pub enum Who {
    /// It is known.
    Known(Id),
    /// It is a name, and names are not used.
    Ignored,
    /// No group says it.
    Unknown,
}

/// Who failed: an address before a name, and what the filter itself counts by before both. With
/// `raw` a name is counted as it is.
pub fn of(failure: &mut Failure, usedns: UseDns, raw: bool) -> Who {
    let raw = raw || usedns == UseDns::Raw;
    let fid = failure.told("fid");
    let is_plain = raw || matches!(failure.groups.get("fid"), Some(Value::Tuple(_)));
    let own = |text: &str| match is_plain {
        true => Id::Text(text.to_owned()),
        false => Id::of_text(text),
    };
    if let Some((id, text)) = address(failure) {
        return match fid {
            Some(fid) if *fid != *text => {
                failure.ip = Some(id.to_string());
                Who::Known(own(&fid))
            }
            _ => Who::Known(id),
        };
    }
    if let Some(name) = failure.text("dns").map(str::to_owned) {
        return match (raw, fid) {
            (true, Some(fid)) if *fid != *name => {
                failure.ip = Some(name);
                Who::Known(own(&fid))
            }
            (true, _) => Who::Known(Id::Text(name)),
            (false, _) => named(name, usedns),
        };
    }
    if let Some(fid) = fid {
        return Who::Known(own(&fid));
    }
    // The old name of the group: an address, or a name.
    let Some(text) = failure.text(OLD_ID) else { return Who::Unknown };
    match Id::of_text(text) {
        Id::Text(name) if !raw => named(name, usedns),
        id => Who::Known(id),
    }
}

fn address(failure: &Failure) -> Option<(Id, &str)> {
    let prefix = failure.text("cidr");
    ["ip4", "ip6"].into_iter().find_map(|group| {
        let text = failure.text(group)?;
        Some((Id::of_address(text, prefix, group == "ip6"), text))
    })
}

/// A name, unless it is an address after all.
fn named(name: String, usedns: UseDns) -> Who {
    match Id::of_address(&name, None, false) {
        Id::Text(_) if usedns == UseDns::No => Who::Ignored,
        Id::Text(name) => Who::Known(Id::Name(name)),
        id => Who::Known(id),
    }
}
