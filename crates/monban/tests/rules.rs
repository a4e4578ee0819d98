//! What `monban rules` tells of the rules.

// A test that cannot go on ends.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn each_rule_is_told_with_its_examples_and_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_monban"));
    command.args(["rules", "--json", "--state"]).arg(folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let services = told["services"].as_array().unwrap();
    assert!(services.len() > 5);
    for rule in services.iter().flat_map(|service| service["rules"].as_array().unwrap()) {
        assert!(!rule["sees"].as_array().unwrap().is_empty(), "{rule}");
        assert!(rule["kind"] == "harmless" || rule["cites"] != "", "{rule}");
    }
}
