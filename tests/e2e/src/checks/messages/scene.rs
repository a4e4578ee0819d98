//! A day of one host in lines of sshd, for whoever wants to see what is told of it.

use std::fs;
use std::net::IpAddr;
use std::thread;
use std::time::{Duration, SystemTime};

use super::trouble::PORT;
use crate::lines::{Log, iso_time};
use crate::machine::Machine;
use crate::mmdb::Value::{Map, Number, Text};
use crate::mmdb::database;
use crate::trouble::Tried;

/// The host that it happens to.
pub(super) const HOST: &str = "web1";
/// Where the account's owner usually comes from.
pub(super) const USUAL: &str = "203.0.113.40";
/// Where the account is seen for the first time.
pub(super) const NEW: &str = "198.51.100.23";
/// Somebody who tries one name after the other.
pub(super) const GUESSER: &str = "192.0.2.77";
/// Somebody who tries the same way, less often.
pub(super) const SECOND: &str = "2001:db8:a:5::20";

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(700);

const KEY: &str = "ED25519 SHA256:vPq1dNw7n3YHk0hJ8r5cGm2bTz9oLxUeSf4iKaQ6WyA";

/// The topics and their readers, of whom each has a language.
pub(super) fn config(machine: &Machine, report: &str) -> Tried<String> {
    let file = machine.folder().join("places.mmdb");
    fs::write(&file, places())?;
    let mut text = format!(
        "home = \"JP\"\n\
         [geo]\ndatabase = \"{}\"\nask = false\n\
         [sources]\ndiscover = false\njournal = \"off\"\n\
         [mail]\nfrom = \"monban@{HOST}.example.com\"\nserver = \"127.0.0.1:{PORT}\"\n\
         security = \"plain\"\n\
         [[metric]]\nname = \"preauth\"\nsources = [\"sshd\"]\npattern = '\"[preauth]\"'\n\
         [[topic]]\nname = \"default\"\nthemes = [\"login\", \"digest\"]\ndaily = []\n\
         [reports]\n{report}\n",
        file.display()
    );
    for (lang, reader, alarm) in
        [("en", "alice", "Strange SSH access"), ("ja", "hanako", "変なSSHアクセスがありましたよ。")]
    {
        text.push_str(&format!(
            "[[alarm]]\nname = \"{alarm}\"\nmetric = \"preauth\"\nthreshold = 6\nperiod = \"1m\"\n\
             [[topic]]\nname = \"alarms-{lang}\"\nthemes = [\"alarm\"]\n\
             where = {{ alarm = \"{alarm}\" }}\n\
             [[topic]]\nname = \"blocks-{lang}\"\nthemes = [\"block\"]\ndaily = []\n"
        ));
        for (topic, name, rate) in [
            ("default", reader.to_owned(), "none"),
            (&*format!("alarms-{lang}"), format!("{reader}-alarms"), "none"),
            (&*format!("blocks-{lang}"), format!("{reader}-blocks"), "3/20s"),
        ] {
            text.push_str(&format!(
                "[[subscription]]\ntopic = \"{topic}\"\nname = \"{name}\"\nlang = \"{lang}\"\n\
                 mail = \"{reader}@example.com\"\nconfirm = false\nrate = \"{rate}\"\n"
            ));
        }
    }
    Ok(text)
}

/// Countries and networks of the addresses here.
fn places() -> Vec<u8> {
    let place = |country, asn, name| {
        Map(vec![("country_code", Text(country)), ("asn", Number(asn)), ("as_name", Text(name))])
    };
    database(
        "test",
        &[
            ("192.0.2.0/24", place("RU", 64_501, "Example Hosting")),
            ("198.51.100.0/25", place("NL", 64_502, "Example Cloud B.V.")),
            ("198.51.100.128/25", place("BR", 64_503, "Exemplo Telecom")),
            ("203.0.113.0/25", place("JP", 64_500, "Example Telecom")),
            ("203.0.113.128/25", place("US", 64_504, "Example Servers")),
            ("2001:db8:a::/48", place("DE", 64_505, "Beispiel Netz")),
        ],
    )
}

/// Lines of sshd, each by a process of its own.
pub(super) struct Sshd {
    log: Log,
    pid: u32,
}

impl Sshd {
    pub(super) fn new(machine: &Machine) -> Tried<Self> {
        Ok(Self { log: Log::open(&machine.log("auth.log"))?, pid: 1400 })
    }

    /// Somebody comes in.
    pub(super) fn login(&mut self, user: &str, from: &str, has_key: bool) -> Tried<()> {
        let (method, key) =
            if has_key { ("publickey", format!(": {KEY}")) } else { ("password", String::new()) };
        self.say(&[format!("Accepted {method} for {user} from {from} port 51022 ssh2{key}")])
    }

    /// A wrong password of an account.
    pub(super) fn wrong(&mut self, user: &str, from: &str) -> Tried<()> {
        self.say(&[format!("Failed password for {user} from {from} port 40022 ssh2")])
    }

    /// A name that is no account, what sshd says of it, and a pause.
    pub(super) fn unknown(&mut self, user: &str, from: &str) -> Tried<()> {
        self.say(&[
            format!("Invalid user {user} from {from} port 40022"),
            format!("Failed password for invalid user {user} from {from} port 40022 ssh2"),
            format!("Connection closed by invalid user {user} {from} port 40022 [preauth]"),
        ])?;
        thread::sleep(PAUSE);
        Ok(())
    }

    /// So many strangers with five wrong passwords each, one after the other and again.
    pub(super) fn flood(&mut self, strangers: u8) -> Tried<()> {
        for _ in 0..5 {
            for number in 0..strangers {
                self.wrong("root", &stranger(number))?;
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn say(&mut self, lines: &[String]) -> Tried<()> {
        self.pid += 7;
        let mut time = SystemTime::now();
        let mut text = String::new();
        for line in lines {
            text.push_str(&format!("{} {HOST} sshd[{}]: {line}\n", iso_time(time), self.pid));
            time += Duration::from_micros(300);
        }
        self.log.write(&text)
    }
}

/// An address of one of three networks.
fn stranger(number: u8) -> String {
    let from = match number % 3 {
        0 => [198, 51, 100, 130 + number],
        1 => [203, 0, 113, 130 + number],
        _ => [198, 51, 100, 30 + number],
    };
    IpAddr::from(from).to_string()
}
