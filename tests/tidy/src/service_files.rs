//! Every shipped rule says what it sees, what it must not see, and where its wording is from.

use crate::tree::TextFile;

/// What each rule must have, and not empty.
const NEEDED: &[&str] = &["sees", "not", "cites"];

/// Rules without their evidence.
pub fn without_evidence(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut rules_seen = 0;
    for file in files.iter().filter(|file| is_service(&file.path)) {
        let table = match file.text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                complaints.push(format!("{}: {error}", file.path));
                continue;
            }
        };
        let rules = table.get("rule").and_then(toml::Value::as_array);
        let Some(rules) = rules.filter(|rules| !rules.is_empty()) else {
            // A service whose log can be forged may have harmless shapes only.
            if table.get("harmless").is_none() {
                complaints.push(format!("{}: it has neither rules nor shapes", file.path));
            }
            continue;
        };
        for rule in rules {
            rules_seen += 1;
            let id = rule.get("id").and_then(toml::Value::as_str).unwrap_or("?");
            for needed in NEEDED.iter().filter(|needed| is_empty(rule.get(**needed))) {
                complaints.push(format!("{}: rule {id} has no `{needed}`", file.path));
            }
        }
    }
    if rules_seen == 0 && complaints.is_empty() {
        complaints.push("rules/ has no rule".to_owned());
    }
    complaints
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
        let good = "[[rule]]\nid = 'a'\nsees = ['b']\nnot = ['c']\ncites = 'd'\n";
        let check = |text: &str| without_evidence(&[TextFile::new("rules/a.toml", text)]).len();
        assert_eq!(check(good), 0);
        assert_eq!(check(&good.replace("['c']", "[]")), 1);
        assert_eq!(check(&good.replace("cites = 'd'", "")), 1);
        assert_eq!(check("service = 'a'"), 1);
        assert_eq!(check("not toml"), 1);
        assert_eq!(without_evidence(&[]).len(), 1);
    }
}
