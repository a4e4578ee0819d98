//! Who may use whom, from the manifests.

use crate::rust_text::RustText;
use crate::tree::TextFile;

/// What a crate may depend on.
pub struct Layer {
    /// The folder below `crates/`; its package is called `monban-` and this.
    pub name: &'static str,
    /// Which of ours it may use.
    pub ours: &'static [&'static str],
    /// Whether it may use anything that is not ours.
    pub others: Others,
}

/// Dependencies that are not ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// It may have some, each with a reason in the root manifest.
    Allowed,
    /// It has none: what it does must be readable in one place.
    None,
    /// It has these, which do nothing that std does not do.
    Only(&'static [&'static str]),
}

impl Others {
    fn hold(self, dependency: &str) -> bool {
        match self {
            Self::Allowed => true,
            Self::None => false,
            Self::Only(some) => some.contains(&dependency),
        }
    }
}

const fn layer(name: &'static str, ours: &'static [&'static str], others: Others) -> Layer {
    Layer { name, ours, others }
}

/// The picture of ARCHITECTURE.md as a table. `monban`, the binary, may use everything.
pub const LAYERS: &[Layer] = &[
    layer("model", &[], Others::None),
    layer("zone", &[], Others::Only(&["jiff"])),
    layer("rules", &["model", "zone"], Others::Allowed),
    layer("fail2ban", &["model", "rules", "pyre", "zone"], Others::Allowed),
    layer("pyre", &["model"], Others::Allowed),
    layer("config", &["model"], Others::Allowed),
    // The map of std, without keys of its own.
    layer("engine", &["model"], Others::Only(&["hashbrown"])),
    layer("jails", &["model", "engine", "fail2ban"], Others::Allowed),
    layer("notify", &["model"], Others::Only(&["hashbrown"])),
    layer("courier", &["model"], Others::Allowed),
    layer("ledger", &["model"], Others::Allowed),
    layer("sources", &["model"], Others::Allowed),
    layer("firewall", &["model"], Others::Allowed),
    layer("warden", &["model", "firewall"], Others::Allowed),
    layer("views", &["model", "ledger", "zone"], Others::Allowed),
];

/// What the pure crates may not name: their input is all they know of the world.
const PURE: &[&str] = &["engine", "model", "notify"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "std::os",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "Instant::now",
    "SystemTime::now",
    "RandomState::new",
];

/// Dependencies that the table does not allow.
pub fn against_the_table(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let Some(name) = crate_of_manifest(&file.path) else {
            continue;
        };
        let manifest = match file.text.parse::<toml::Table>() {
            Ok(manifest) => manifest,
            Err(error) => {
                complaints.push(format!("{}: {error}", file.path));
                continue;
            }
        };
        if name == "monban" {
            continue;
        }
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
            complaints.push(format!("{}: `{name}` is not in the table of layers", file.path));
            continue;
        };
        for dependency in dependencies(&manifest) {
            let allowed = match dependency.strip_prefix("monban-") {
                Some(ours) => layer.ours.contains(&ours),
                None => layer.others.hold(&dependency) && dependency != "monban",
            };
            if !allowed {
                complaints.push(format!("{}: {name} may not use {dependency}", file.path));
            }
        }
    }
    complaints
}

/// Places where a pure crate reaches for the world.
pub fn impure(files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let is_pure = |name: &&str| file.path.starts_with(&format!("crates/{name}/src/"));
        if !PURE.iter().any(is_pure) {
            continue;
        }
        let text = RustText::new(&file.text);
        let in_test = text.test_lines();
        for (index, line) in text.code().split('\n').enumerate() {
            let reached = IMPURE.iter().filter(|name| line.contains(*name));
            for name in reached.filter(|_| in_test.get(index) == Some(&false)) {
                let number = index + 1;
                complaints.push(format!("{}:{number}: `{name}` in a pure crate", file.path));
            }
        }
    }
    complaints
}

fn crate_of_manifest(path: &str) -> Option<&str> {
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

/// Names of everything that is linked or runs while building; what only tests use is free.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let mut names = Vec::new();
    let per_target = manifest.get("target").and_then(toml::Value::as_table);
    let targets = per_target.into_iter().flat_map(|targets| targets.values());
    let tables = targets.filter_map(toml::Value::as_table).chain([manifest]);
    for table in tables {
        for section in ["dependencies", "build-dependencies"] {
            let Some(section) = table.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in section {
                // A renamed dependency is known by the package behind its name.
                let package = value.get("package").and_then(toml::Value::as_str);
                names.push(package.unwrap_or(name).to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, dependencies: &str) -> usize {
        let path = format!("crates/{name}/Cargo.toml");
        against_the_table(&[TextFile::new(&path, dependencies)]).len()
    }

    #[test]
    fn what_the_table_does_not_allow_is_found() {
        assert_eq!(check("engine", "[dependencies]\nmonban-model.workspace = true"), 0);
        assert_eq!(check("engine", "[dependencies]\nserde = \"1\""), 1);
        assert_eq!(check("engine", "[dependencies]\nhashbrown = \"1\""), 0);
        assert_eq!(check("model", "[dependencies]\nhashbrown = \"1\""), 1);
        assert_eq!(check("engine", "[dev-dependencies]\nproptest = \"1\""), 0);
        assert_eq!(check("warden", "[dependencies]\nmonban-rules.workspace = true"), 1);
        assert_eq!(check("warden", "[build-dependencies]\nmonban-rules = \"1\""), 1);
        let target = "[target.'cfg(unix)'.dependencies]\nx = { package = \"monban-views\" }";
        assert_eq!(check("ledger", target), 1);
        assert_eq!(check("monban", "[dependencies]\nmonban-rules = \"1\""), 0);
        assert_eq!(check("surprise", "[dependencies]"), 1);
        assert_eq!(check("rules", "not toml"), 1);
    }

    #[test]
    fn a_clock_in_the_engine_is_found() {
        let bad = "fn a() { std::time::Instant::now(); }";
        assert_eq!(impure(&[TextFile::new("crates/engine/src/a.rs", bad)]).len(), 1);
        assert_eq!(impure(&[TextFile::new("crates/monban/src/a.rs", bad)]).len(), 0);
        let test = format!("#[cfg(test)]\nmod tests {{ {bad} }}");
        assert_eq!(impure(&[TextFile::new("crates/engine/src/a.rs", &test)]).len(), 0);
    }
}
