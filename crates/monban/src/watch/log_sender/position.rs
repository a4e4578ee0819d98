//! What the positions of logs that are sent are called in the ledger.

use std::collections::HashMap;

use monban_model::AwsLogs;

/// How each name of a position in the ledger begins. No path does.
pub const POSITION_PREFIX: &str = "aws:";

/// What the positions of each table are called by: its group and stream, which have no `:`, and of
/// several that are alike a number.
pub fn names(tables: &[AwsLogs]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let name = |logs: &AwsLogs| {
        let name = format!("{}:{}", logs.group, logs.stream);
        let count = seen.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count == 1 { name } else { format!("{name}:{count}") }
    };
    tables.iter().map(name).collect()
}

/// What the position of a path is called.
pub fn ledger_name(stream: &str, path: &str) -> String {
    format!("{POSITION_PREFIX}{stream}:{path}")
}

/// The stream's name and the path of a position.
pub fn split_name(name: &str) -> Option<(&str, &str)> {
    // Paths are absolute, and a stream or its number does not begin with `/` ...
    let rest = name.strip_prefix(POSITION_PREFIX)?;
    let (group, rest) = rest.split_once(':')?;
    let (stream, path) = rest.split_once(':')?;
    // ... so what follows is the path or a number and the path.
    let number = match path.starts_with('/') {
        true => 0,
        false => path.split_once(':')?.0.len() + 1,
    };
    let end = name.len() - path.len() + number - 1;
    debug_assert!(end >= POSITION_PREFIX.len() + group.len() + stream.len());
    Some((&name[POSITION_PREFIX.len()..end], &name[end + 1..]))
}
