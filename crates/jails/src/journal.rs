//! Entries of the systemd journal as fail2ban sees them.

use std::collections::BTreeMap;

use monban_model::limits::LINE_MAX;

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    /// Names and values, in their order.
    pub fields: &'e [(Vec<u8>, Vec<u8>)],
    /// When journald took it in, microseconds since 1970.
    pub realtime_us: u64,
}

impl Entry<'_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.fields.iter().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| value.as_slice()).filter(|value| !value.is_empty())
    }

    /// When it was logged, seconds since 1970.
    pub(crate) fn time_s(&self) -> i64 {
        i64::try_from(self.time_us() / 1_000_000).unwrap_or(i64::MAX)
    }

    /// When it was logged, microseconds since 1970: by the program, else by journald.
    pub(crate) fn time_us(&self) -> u64 {
        self.get("_SOURCE_REALTIME_TIMESTAMP").and_then(number).unwrap_or(self.realtime_us)
    }

    /// `HOST IDENT[PID]: MESSAGE`, which has no date.
    pub(crate) fn line(&self) -> String {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let mut words: Vec<String> = self.get("_HOSTNAME").map(text).into_iter().collect();
        if let Some(name) = self.get("SYSLOG_IDENTIFIER").or_else(|| self.get("_COMM")) {
            let pid = self.get("SYSLOG_PID").or_else(|| self.get("_PID"));
            let pid = pid.map(|pid| match number(pid) {
                Some(pid) => format!("[{pid}]"),
                None => format!("[{}]", text(pid)),
            });
            words.push(format!("{}{}:", text(name), pid.unwrap_or_default()));
            if words.last().is_some_and(|word| word == "kernel:") {
                let since = self.get("_SOURCE_MONOTONIC_TIMESTAMP");
                let since = since.or_else(|| self.get("__MONOTONIC_TIMESTAMP")).and_then(number);
                words.push(format!("[{:12.6}]", since.unwrap_or(0) as f64 / 1e6));
            }
        }
        let messages = self.fields.iter().filter(|(name, _)| name == b"MESSAGE");
        let messages: Vec<String> = messages.map(|(_, value)| text(value)).collect();
        words.push(messages.join(" "));
        let mut line = words.join(" ").replace('\n', "\\n");
        if line.len() > LINE_MAX {
            let mut end = LINE_MAX;
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            line.truncate(end);
        }
        line
    }
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Which entries a jail reads: `journalmatch`. In one group values of the same field are
/// alternatives and different fields have all to match; one of the groups has to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    groups: Vec<BTreeMap<Vec<u8>, Vec<Vec<u8>>>>,
}

impl Matches {
    /// Reads the words of all lines of the option; `+` stands between groups.
    ///
    /// # Errors
    /// The word that is no `FIELD=value`.
    pub fn read<'w>(lines: impl IntoIterator<Item = &'w [String]>) -> Result<Self, String> {
        let mut groups = Vec::new();
        for words in lines {
            let mut group: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
            for word in words {
                if word == "+" {
                    groups.push(std::mem::take(&mut group));
                    continue;
                }
                let (name, value) = word.split_once('=').ok_or_else(|| word.clone())?;
                group.entry(name.into()).or_default().push(value.into());
            }
            groups.push(group);
        }
        groups.retain(|group| !group.is_empty());
        Ok(Self { groups })
    }

    /// Whether an entry is one of those. Without any group every entry is.
    pub fn has(&self, entry: &Entry<'_>) -> bool {
        let holds = |(name, values): (&Vec<u8>, &Vec<Vec<u8>>)| {
            let own = entry.fields.iter().filter(|(field, _)| field == name);
            own.into_iter().any(|(_, value)| values.contains(value))
        };
        self.groups.is_empty() || self.groups.iter().any(|group| group.iter().all(holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        list.iter().map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into())).collect()
    }

    #[test]
    fn an_entry_becomes_the_line_that_fail2ban_makes_of_it() {
        let fields = fields(&[
            ("_HOSTNAME", "web1"),
            ("_COMM", "sshd"),
            ("_PID", "0042"),
            ("MESSAGE", "one\ntwo"),
            ("_SOURCE_REALTIME_TIMESTAMP", "1700000000999999"),
        ]);
        let entry = Entry { fields: &fields, realtime_us: 1_700_000_005_000_000 };
        assert_eq!(entry.line(), "web1 sshd[42]: one\\ntwo");
        assert_eq!(entry.time_s(), 1_700_000_000);
        let fields = super::tests::fields(&[
            ("SYSLOG_IDENTIFIER", "kernel"),
            ("__MONOTONIC_TIMESTAMP", "12345678"),
            ("MESSAGE", "a"),
            ("MESSAGE", "b"),
        ]);
        let entry = Entry { fields: &fields, realtime_us: 0 };
        assert_eq!(entry.line(), "kernel: [   12.345678] a b");
    }

    #[test]
    fn matches_are_those_of_journalctl() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let ssh = words("_SYSTEMD_UNIT=ssh.service _SYSTEMD_UNIT=sshd.service _COMM=sshd");
        let other = words("_COMM=su + _COMM=sudo PRIORITY=3");
        let matches = Matches::read([ssh.as_slice(), other.as_slice()]).expect("good");
        let has =
            |list: &[(&str, &str)]| matches.has(&Entry { fields: &fields(list), realtime_us: 0 });
        assert!(has(&[("_COMM", "sshd"), ("_SYSTEMD_UNIT", "sshd.service")]));
        assert!(!has(&[("_COMM", "sshd"), ("_SYSTEMD_UNIT", "x.service")]));
        assert!(has(&[("_COMM", "su")]));
        assert!(!has(&[("_COMM", "sudo")]));
        assert!(has(&[("_COMM", "sudo"), ("PRIORITY", "3")]));
        assert!(Matches::default().has(&Entry { fields: &[], realtime_us: 0 }));
        assert_eq!(Matches::read([words("a").as_slice()]), Err("a".to_owned()));
    }
}
