//! Lines that no honest filter may hit: successes, and what is harmless.

use crate::config::{Complaint, FilterSpec};
use crate::dates::{DateFinder, Zone};

use super::reader::{Expression, Reader};

/// A line of somebody who did nothing wrong.
#[derive(Clone, Debug)]
pub struct GoodLine {
    /// The line, with a date.
    pub line: String,
    /// Somebody came in with it; else it is harmless.
    pub is_success: bool,
    /// The service that wrote it.
    pub service: String,
}

/// When the lines are read. What their dates mean does not matter.
const NOW_S: i64 = 1_786_000_000;

/// The good lines as one filter sees them.
pub(crate) fn complain(
    filter: &FilterSpec,
    reader: &Reader,
    good: &[GoodLine],
    complaints: &mut Vec<Complaint>,
) {
    let pattern = filter.datepattern.as_ref().map(|text| text.value.as_str());
    let Ok(mut dates) = DateFinder::new(pattern, NOW_S, Zone::utc(), None) else { return };
    // One line of each sort says it for each expression.
    let mut said: Vec<(usize, bool)> = Vec::new();
    for one in good {
        let cut = dates.find(&one.line, NOW_S).map_or((0, 0), |found| found.cut);
        let before = one.line.get(..cut.0).unwrap_or_default();
        let behind = one.line.get(cut.1..).unwrap_or_default();
        let Some((at, who)) = reader.read(&format!("{before}{behind}")) else { continue };
        let Some(regex) = reader.fail.get(at).filter(|_| !said.contains(&(at, one.is_success)))
        else {
            continue;
        };
        // What reports nothing by itself only remembers.
        if is_quiet(regex) {
            continue;
        }
        said.push((at, one.is_success));
        let kind = if one.is_success { "bans-owner" } else { "bans-harmless" };
        let complaint = Complaint::warning(kind, regex.written.from.clone())
            .with("filter", &filter.name)
            .with("number", regex.number.to_string())
            .with("service", &one.service)
            .with("who", who)
            .with_whole("line", &one.line);
        complaints.push(complaint);
    }
}

/// Whether an expression is no failure by itself.
fn is_quiet(regex: &Expression) -> bool {
    let quiet = ["nofail", "mlfgained"];
    regex.ast.group_names.iter().flatten().any(|name| quiet.contains(&name.as_str()))
}
