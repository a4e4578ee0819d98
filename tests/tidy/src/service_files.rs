//! Every shipped rule says what it sees, what it must not see, and where its wording is from.

use crate::tree::TextFile;

/// What each rule must have, and not empty.
const NEEDED: &[&str] = &["sees", "not", "cites"];

/// Rules without their evidence, and files that report nothing without saying why.
pub fn without_evidence(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut reporting = 0;
    for file in files.iter().filter(|file| is_service(&file.path)) {
        match file.text.parse::<toml::Table>() {
            Ok(table) => reporting += of_file(&file.path, &table, &mut complaints),
            Err(error) => complaints.push(format!("{}: {error}", file.path)),
        }
    }
    if reporting == 0 && complaints.is_empty() {
        complaints.push("rules/ has no rule".to_owned());
    }
    complaints
}

/// The complaints about one file; gives the number of its rules that report something.
fn of_file(path: &str, table: &toml::Table, complaints: &mut Vec<String>) -> usize {
    let rules = table.get("rule").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut reporting = 0;
    for rule in rules {
        let id = rule.get("id").and_then(toml::Value::as_str).unwrap_or("?");
        for needed in NEEDED.iter().filter(|needed| is_empty(rule.get(**needed))) {
            complaints.push(format!("{path}: rule {id} has no `{needed}`"));
        }
        let of_others: Vec<&str> = rules
            .iter()
            .filter(|other| !std::ptr::eq(*other, rule))
            .flat_map(|other| texts(other.get("not")))
            .collect();
        let mut near_misses = texts(rule.get("not")).peekable();
        if near_misses.peek().is_some() && near_misses.all(|line| of_others.contains(&line)) {
            complaints.push(format!("{path}: rule {id} has no line in `not` of its own"));
        }
        let kind = rule.get("kind").and_then(toml::Value::as_str);
        if kind.is_some_and(|kind| kind != "harmless") && !is_empty(rule.get("sees")) {
            reporting += 1;
        }
    }
    match (reporting, is_empty(table.get("reports_nothing"))) {
        (0, true) => {
            complaints
                .push(format!("{path}: nothing is reported, and no `reports_nothing` says why"));
        }
        (1.., false) => complaints.push(format!("{path}: it reports, and says `reports_nothing`")),
        _ => {}
    }
    reporting
}

/// The texts of a list.
fn texts(list: Option<&toml::Value>) -> impl Iterator<Item = &str> {
    list.and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str)
}

fn is_service(path: &str) -> bool {
    path.starts_with("rules/") && path.ends_with(".toml")
}

fn is_empty(value: Option<&toml::Value>) -> bool {
    match value {
        Some(toml::Value::String(text)) => text.trim().is_empty(),
        Some(toml::Value::Array(list)) => list.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_evidence_is_found() {
        let good = "[[rule]]\nid = 'a'\nkind = 'probe'\nsees = ['b']\nnot = ['c']\ncites = 'd'\n";
        assert_eq!(check(good), 0);
        assert_eq!(check(&good.replace("['c']", "[]")), 1);
        assert_eq!(check(&good.replace("cites = 'd'", "")), 1);
        assert_eq!(check("not toml"), 1);
        assert_eq!(without_evidence(&[]).len(), 1);
        // Two rules, each needs a line of its own.
        let two = format!("{good}{}", good.replace("'a'", "'e'"));
        assert_eq!(check(&two), 2);
        assert_eq!(check(&two.replacen("['c']", "['c', 'f']", 1)), 1);
        assert_eq!(check(&two.replacen("['c']", "['f']", 1)), 0);
    }

    #[test]
    fn a_file_that_reports_nothing_says_why() {
        let other =
            ("rules/b.toml", "[[rule]]\nid='a'\nkind='probe'\nsees=['b']\nnot=['c']\ncites='d'");
        let silent = |text: &str| {
            let files = [TextFile::new("rules/a.toml", text), TextFile::new(other.0, other.1)];
            without_evidence(&files).len()
        };
        let shapes = "[[harmless]]\nline = 'x'\nsees = ['x']\n";
        assert_eq!(silent(shapes), 1);
        assert_eq!(silent("service = 'a'"), 1);
        assert_eq!(silent(&format!("reports_nothing = ''\n{shapes}")), 1);
        assert_eq!(silent(&format!("reports_nothing = 'forged'\n{shapes}")), 0);
        assert_eq!(silent(&format!("reports_nothing = 'forged'\n{}", other.1)), 1);
        let harmless = other.1.replace("probe", "harmless");
        assert_eq!(silent(&harmless), 1, "a rule that is harmless reports nothing either");
    }

    fn check(text: &str) -> usize {
        without_evidence(&[TextFile::new("rules/a.toml", text)]).len()
    }
}
