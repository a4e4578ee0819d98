//! Everything that is linked may be given away under our own licence.

/// Licences that ask for no more than to be named.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // Data: the certificates of webpki-roots.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
    "blessing",
    "bzip2-1.0.6",
];

/// Packages whose licence is not permissive, from lines `PACKAGE|LICENCE` of `cargo tree`.
pub fn not_permissive(tree: &str) -> Vec<String> {
    let mut packages: Vec<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return vec!["cargo tree names no package".to_owned()];
    }
    let mut complaints = Vec::new();
    for package in packages {
        let (name, licence) = package.split_once('|').unwrap_or((package, ""));
        // A package that was shown before is marked with `(*)`.
        if !is_permissive(licence.trim_end_matches(" (*)")) {
            complaints.push(format!("{name}: licence `{licence}`"));
        }
    }
    complaints
}

/// Whether one of the choices that an SPDX expression leaves is permissive. The old `A/B`
/// means `A OR B`. `AND` binds closer than `OR`.
pub fn is_permissive(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let spaced = spaced.replace('/', " OR ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().rev().collect();
    let verdict = any_of(&mut tokens);
    verdict && tokens.is_empty()
}

/// The tokens are read from the end of the list.
fn any_of(tokens: &mut Vec<&str>) -> bool {
    let mut verdict = all_of(tokens);
    while tokens.last() == Some(&"OR") {
        tokens.pop();
        verdict |= all_of(tokens);
    }
    verdict
}

fn all_of(tokens: &mut Vec<&str>) -> bool {
    let mut verdict = one(tokens);
    while tokens.last() == Some(&"AND") {
        tokens.pop();
        verdict &= one(tokens);
    }
    verdict
}

fn one(tokens: &mut Vec<&str>) -> bool {
    match tokens.pop() {
        Some("(") => {
            let verdict = any_of(tokens);
            verdict && tokens.pop() == Some(")")
        }
        Some(name) if tokens.last() == Some(&"WITH") => {
            tokens.pop();
            let exception = tokens.pop().unwrap_or("");
            PERMISSIVE.contains(&format!("{name} WITH {exception}").as_str())
        }
        Some(name) => PERMISSIVE.contains(&name),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        assert!(is_permissive("MIT OR GPL-3.0"));
        assert!(is_permissive("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_permissive("Unlicense/MIT"));
        assert!(is_permissive("GPL-2.0 OR Apache-2.0 WITH LLVM-exception"));
        for bad in ["", "GPL-3.0", "MIT AND GPL-2.0", "(MIT", "MIT)", "MPL-2.0", "MIT MIT"] {
            assert!(!is_permissive(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_with_a_bad_licence_is_named() {
        let tree = "good v1|MIT\nbad v1|AGPL-3.0\nnone v1|\ngood v1|MIT (*)\nbad v1|AGPL-3.0\n";
        assert_eq!(not_permissive(tree).len(), 2);
        assert_eq!(not_permissive("").len(), 1);
    }
}
