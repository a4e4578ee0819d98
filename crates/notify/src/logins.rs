//! Which logins are told.

use monban_model::{Address, Logins, Tell, glob_fits};

use crate::input::Telling;

/// What `[logins]` says of one login. `is_new`: the user never came from there.
pub fn tell_login(
    logins: &Logins,
    user: &str,
    service: &str,
    address: Option<Address>,
    is_new: bool,
) -> Telling {
    let any =
        |globs: &[String], text| globs.is_empty() || globs.iter().any(|glob| glob_fits(glob, text));
    let rule = logins.rules.iter().find(|rule| {
        any(&rule.users, user)
            && any(&rule.services, service)
            && (rule.networks.is_empty()
                || address.is_some_and(|it| rule.networks.iter().any(|net| net.contains(it))))
    });
    match rule.map_or(logins.tell, |rule| rule.tell) {
        Tell::All => Telling::Now,
        Tell::New if is_new => Telling::Now,
        Tell::New | Tell::Digest => Telling::Digest,
        Tell::None => Telling::Not,
    }
}

#[cfg(test)]
mod tests {
    use monban_model::LoginRule;

    use super::*;

    #[test]
    fn the_first_rule_that_fits_is_the_one() {
        let rule = |users: &[&str], services: &[&str], networks: &[&str], tell| LoginRule {
            users: users.iter().map(|it| (*it).to_owned()).collect(),
            services: services.iter().map(|it| (*it).to_owned()).collect(),
            networks: networks.iter().map(|it| it.parse().unwrap()).collect(),
            tell,
        };
        let logins = Logins {
            tell: Tell::New,
            rules: vec![
                rule(&["backup*"], &["sshd"], &["192.0.2.0/24"], Tell::None),
                rule(&["root"], &[], &[], Tell::All),
                rule(&[], &["dovecot"], &[], Tell::Digest),
            ],
        };
        let cases = [
            ("backup1", "sshd", Some("192.0.2.7"), false, Telling::Not),
            ("backup1", "sshd", Some("198.51.100.7"), false, Telling::Digest),
            ("backup1", "sshd", Some("198.51.100.7"), true, Telling::Now),
            ("backup1", "sshd", None, true, Telling::Now),
            ("root", "dovecot", None, false, Telling::Now),
            ("alice", "dovecot", None, true, Telling::Digest),
        ];
        for (user, service, address, is_new, telling) in cases {
            let address = address.map(|text| text.parse().unwrap());
            assert_eq!(tell_login(&logins, user, service, address, is_new), telling, "{user}");
        }
    }
}
