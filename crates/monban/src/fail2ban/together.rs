//! A mistake that several jails suffer from, as one in `[DEFAULT]`, is told once, with their names.

use std::collections::HashMap;

use monban_fail2ban::config::{Complaint, Configuration};
use monban_model::Notice;
use monban_views::{Say, printable};

/// Jails that are named to people; all others are in the count.
const NAMED_MAX: usize = 3;

/// Notices about one jail, and the same about several.
const MANY: [(&str, &str); 4] = [
    ("jail-broken", "jails-broken"),
    ("jail-spoilt", "jails-spoilt"),
    ("jail-defaults", "jails-defaults"),
    ("jail-no-action", "jails-no-action"),
];

/// The first names.
fn names(jails: &[String]) -> String {
    let more = if jails.len() > NAMED_MAX { ", ..." } else { "" };
    jails.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// What a notice says beside its jail.
type Rest<'n> = Vec<&'n (String, String)>;

/// Whether a value says which jail it is about; the section of a jail has its name.
fn names_jail(name: &str, value: &str, jail: &str) -> bool {
    name == "jail" || name == "section" && value == jail
}

/// How many jails, and the first names, for people; nothing where it is one.
pub fn told(jails: &[String], say: &Say) -> Option<String> {
    let (count, names) = (jails.len().to_string(), printable(names(jails).as_bytes()));
    let values = [("count", count.as_str()), ("names", names.as_str())];
    (jails.len() > 1).then(|| say.text("f2b-in-jails", &values))
}

/// Notices that say the same of several jails become one with `count`, `names` (the first ones) and
/// `jails`, all of them. The first of them gives it its place.
pub fn notices<'n>(all: impl IntoIterator<Item = &'n Notice>) -> Vec<Notice> {
    let mut groups: Vec<(&Notice, Vec<String>)> = Vec::new();
    let mut known: HashMap<(&str, Rest<'_>), usize> = HashMap::new();
    for notice in all {
        let jail = notice.values.iter().find(|(name, _)| name == "jail");
        let jail = jail.filter(|_| MANY.iter().any(|(one, _)| *one == notice.key));
        let Some((_, jail)) = jail else {
            groups.push((notice, Vec::new()));
            continue;
        };
        let rest = notice.values.iter();
        let rest = rest.filter(|(name, value)| !names_jail(name, value, jail)).collect();
        let at = *known.entry((&notice.key, rest)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, jails)) => jails.push(jail.clone()),
            None => groups.push((notice, vec![jail.clone()])),
        }
    }
    groups.into_iter().map(|(first, jails)| of_many(first, &jails)).collect()
}

fn of_many(first: &Notice, jails: &[String]) -> Notice {
    let many = MANY.iter().find(|(one, _)| *one == first.key).filter(|_| jails.len() > 1);
    let Some((_, key)) = many else { return first.clone() };
    let own = [
        ("count", jails.len().to_string()),
        ("names", names(jails)),
        ("jails", jails.join(", ")),
        // A complaint may name it in its texts.
        ("jail", names(jails)),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let jail = &jails[0];
    let rest = first.values.iter().filter(|(name, value)| !names_jail(name, value, jail)).cloned();
    Notice { key: (*key).to_owned(), values: own.into_iter().chain(rest).collect() }
}

/// Complaints that differ in their jail only become one, each with its jails. Of a value that
/// several jails have, all jails of the configuration that suffer from it are told.
pub fn complaints(
    list: &[Complaint],
    found: Option<&Configuration>,
) -> Vec<(Complaint, Vec<String>)> {
    let suffering = found.map_or_else(HashMap::new, suffering);
    let mut merged: Vec<(Complaint, Vec<String>)> = Vec::new();
    let mut known: HashMap<Complaint, usize> = HashMap::new();
    for complaint in list {
        let own = complaint.value("jail").map(str::to_owned);
        let mut bare = complaint.clone();
        let jail = own.as_deref().unwrap_or_default();
        bare.values.retain(|(name, value)| !names_jail(name, value, jail));
        let at = *known.entry(bare).or_insert(merged.len());
        match (merged.get_mut(at), own) {
            (Some((_, jails)), Some(jail)) => jails.push(jail),
            // The same twice; both are told.
            (Some(_), None) => merged.push((complaint.clone(), Vec::new())),
            (None, Some(jail)) => merged.push((complaint.clone(), vec![jail])),
            (None, None) => {
                let jails = suffering.get(&mistake(complaint)).cloned().unwrap_or_default();
                merged.push((complaint.clone(), jails));
            }
        }
    }
    for (complaint, jails) in merged.iter_mut().filter(|(_, jails)| jails.len() > 1) {
        let jail = jails[0].clone();
        let own = complaint.values.iter_mut();
        let own = own.filter(|(name, value)| names_jail(name, value, &jail));
        own.for_each(|(_, value)| *value = names(jails));
    }
    merged
}

/// What makes a mistake the same in several jails: its kind, its place and the value.
type Mistake<'c> = (&'c str, &'c str, u32, Option<&'c str>);

fn mistake(complaint: &Complaint) -> Mistake<'_> {
    let place = &complaint.place;
    (complaint.kind, &place.file, place.line, complaint.value("value"))
}

/// Which jails have a value that cannot be read.
fn suffering(found: &Configuration) -> HashMap<Mistake<'_>, Vec<String>> {
    let mut jails: HashMap<_, Vec<String>> = HashMap::new();
    let faults = found
        .jails
        .iter()
        .flat_map(|jail| jail.faults.iter().map(|complaint| (jail.name.as_str(), complaint)));
    let broken = found.broken.iter().map(|(name, complaint)| (name.as_str(), complaint));
    for (name, complaint) in faults.chain(broken) {
        let known = jails.entry(mistake(complaint)).or_default();
        if known.last().is_none_or(|last| last != name) {
            known.push(name.to_owned());
        }
    }
    jails
}

#[cfg(test)]
mod tests {
    use monban_fail2ban::config::{Files, Reading};
    use monban_views::Tongue;
    use std::path::{Path, PathBuf};

    use super::super::complaints::render_all;
    use super::super::notice_values;
    use super::*;

    /// A hundred jails with this in `[DEFAULT]`.
    fn hundred(default: &str) -> Configuration {
        let jail = |number: u32| format!("[j{number}]\nenabled = yes\n");
        let jails: String = (0..100).map(jail).collect();
        let own = "filter = f\naction =\nlogpath = /dev/null\n";
        let text = |name: &str, text: String| (PathBuf::from(format!("/f/{name}")), text);
        let files = Files::held([
            text("jail.conf", format!("[DEFAULT]\n{own}{default}\n{jails}")),
            text("filter.d/f.conf", "[Definition]\nfailregex = ^x <HOST>$\n".to_owned()),
        ]);
        Configuration::read_within(Path::new("/f"), files, &Reading::default()).0
    }

    #[test]
    fn a_mistake_of_all_jails_is_one_with_their_names() {
        let say = Say::new(Tongue::English);
        for (default, kind) in [
            ("maxretry = three", "bad-number"),
            ("bantime = 1 weeek", "bad-time"),
            ("ignoreip = %(nowhere)s", "missing-name"),
        ] {
            let found = hundred(default);
            let rendered = render_all(&found, &say);
            let of_kind: Vec<_> = rendered.iter().filter(|one| one.kind == kind).collect();
            let [one] = &of_kind[..] else { panic!("{default}: {}", of_kind.len()) };
            assert_eq!((one.jails.len(), one.problem.line), (100, 5), "{default}");
            assert_eq!(told(&one.jails, &say).unwrap(), "in 100 jails: j0, j1, j2, ...");
        }
        assert_eq!(told(&["a".to_owned()], &say), None);
    }

    #[test]
    fn notices_of_the_same_in_several_jails_are_one_and_others_stay() {
        let found = hundred("ignoreip = %(nowhere)s");
        let notice = |key: &str, jail: &str, more: Vec<(String, String)>| Notice {
            key: key.to_owned(),
            values: [("jail".to_owned(), jail.to_owned())].into_iter().chain(more).collect(),
        };
        let broken = found.broken.iter();
        let broken = broken.map(|(jail, one)| notice("jail-broken", jail, notice_values(one)));
        let mut all: Vec<Notice> = broken.collect();
        assert_eq!(all.len(), 100);
        let why = |text: &str| vec![("why".to_owned(), text.to_owned())];
        all.insert(1, notice("jail-stopped", "j0", vec![]));
        all.push(notice("jail-stopped", "j1", vec![]));
        all.extend(["a\n", "b"].map(|jail| notice("jail-spoilt", jail, why("x"))));
        all.push(notice("jail-spoilt", "c", why("y")));
        let told = notices(&all);
        let keys: Vec<&str> = told.iter().map(|one| one.key.as_str()).collect();
        let expected =
            ["jails-broken", "jail-stopped", "jail-stopped", "jails-spoilt", "jail-spoilt"];
        assert_eq!(keys, expected);
        let value = |name: &str| {
            told[0].values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        assert_eq!((value("count"), value("names")), (Some("100"), Some("j0, j1, j2, ...")));
        assert!(value("jails").unwrap().ends_with(", j98, j99"));
        assert!(told[0].values.len() <= 16, "more is cut on the way: {:?}", told[0].values);
        let say = |at: usize, tongue| Say::new(tongue).notice(&told[at]);
        assert_eq!(
            say(0, Tongue::English),
            "100 jails do not run (j0, j1, j2, ...): /f/jail.conf:5: `ignoreip` refers to `nowhere`, \
             which is not there (the jail cannot be put together; fail2ban itself does not start with \
             this)"
        );
        assert!(
            say(0, Tongue::Japanese).starts_with("jail 100 個が動きません (j0, j1, j2, ...): ")
        );
        assert_eq!(say(3, Tongue::English), "2 jails would not run as they do now (a\\x0a, b): x");
    }
}
