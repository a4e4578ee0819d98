//! What an event of the hook tells of a login.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use monban_engine::Hooked;
use monban_model::wire::{AuthMethod, PamEvent};
use monban_model::{Address, Origin, Stamp};

use crate::watch::tell::keys::fingerprint_of;

/// The login of an event that came at this time; where its address is, is for others to say.
pub(super) fn hooked(event: &PamEvent, clock: Stamp) -> Hooked {
    let some = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
    let methods: Vec<AuthMethod<'_>> = event.auth_methods().collect();
    let how: Vec<&str> = methods.iter().map(|one| one.method).collect();
    Hooked {
        origin: Origin::default(),
        time: event.time.min(clock),
        service: event.service.clone(),
        user: event.user.clone().into_bytes(),
        by: some(&event.ruser).or_else(|| caller(event)),
        address: address(event),
        // sshd opens the session before there is a terminal.
        terminal: some(&event.tty).filter(|tty| tty != b"ssh"),
        method: some(&how.join(",")),
        key: methods.iter().find_map(key_of),
    }
}

/// From where. With `UseDNS yes` PAM is told a name; sshd's own word of the connection has the
/// address, its first word. Where PAM is told of no other host, that word is not sshd's.
fn address(event: &PamEvent) -> Option<Address> {
    let of_connection = || event.connection.split(' ').next()?.parse().ok();
    match event.rhost.as_str() {
        "" => None,
        host => host.parse().ok().or_else(of_connection),
    }
}

/// Who called su or sudo, where PAM was not told: by the kernel's number of the account.
fn caller(event: &PamEvent) -> Option<Vec<u8>> {
    let is_asked = ["su", "su-l", "sudo", "sudo-i"].contains(&event.service.as_str());
    let name = |uid| if uid == 0 { "root".to_owned() } else { format!("uid {uid}") };
    event.caller_uid.filter(|_| is_asked).map(|uid| name(uid).into_bytes())
}

/// The kind and fingerprint of a key, in the words of sshd's log.
fn key_of(method: &AuthMethod<'_>) -> Option<Vec<u8>> {
    let blob = STANDARD.decode(method.key).ok().filter(|blob| !blob.is_empty())?;
    let kind = match method.key_type.split('@').next().unwrap_or_default() {
        "ssh-ed25519" => "ED25519",
        "ssh-rsa" => "RSA",
        "ssh-dss" => "DSA",
        "sk-ssh-ed25519" => "ED25519-SK",
        "sk-ecdsa-sha2-nistp256" => "ECDSA-SK",
        other if other.starts_with("ecdsa-") && !other.contains("-cert-") => "ECDSA",
        // A certificate's fingerprint is that of the key in it.
        _ => return None,
    };
    Some(format!("{kind} SHA256:{}", fingerprint_of(&blob)).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_pam_has_a_name_only_the_connection_has_the_address() {
        let of = |rhost: &str, connection: &str| {
            let (rhost, connection) = (rhost.to_owned(), connection.to_owned());
            let event = PamEvent { rhost, connection, ..PamEvent::default() };
            hooked(&event, Stamp(1)).address.map(|address| address.to_string())
        };
        let connection = "203.0.113.9 52047 192.0.2.1 22";
        for (rhost, connection, expected) in [
            ("203.0.113.7", connection, Some("203.0.113.7")),
            ("host.example.net", connection, Some("203.0.113.9")),
            ("host.example.net", "2001:db8::9 52047 22", Some("2001:db8::9")),
            ("host.example.net", "", None),
            ("host.example.net", "another.example 1 2", None),
            ("", connection, None),
        ] {
            assert_eq!(of(rhost, connection).as_deref(), expected, "{rhost} {connection}");
        }
    }

    #[test]
    fn who_called_su_is_known_without_the_word_of_pam() {
        let of = |service: &str, ruser: &str, caller_uid| {
            let (service, ruser) = (service.to_owned(), ruser.to_owned());
            let event = PamEvent { service, ruser, caller_uid, ..PamEvent::default() };
            hooked(&event, Stamp(1)).by.map(|by| String::from_utf8(by).unwrap())
        };
        assert_eq!(of("su", "alice", Some(1000)).as_deref(), Some("alice"));
        assert_eq!(of("su-l", "", Some(1000)).as_deref(), Some("uid 1000"));
        assert_eq!(of("sudo-i", "", Some(0)).as_deref(), Some("root"));
        assert_eq!(of("su", "", None), None);
        assert_eq!(of("sshd", "", Some(0)), None);
    }

    #[test]
    fn a_key_of_the_hook_has_the_fingerprint_of_the_log() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAICfxQtogL1CODfK4xQ+Y68q3KKQD4IOdWOG21a3OGCMS";
        let of = |key_type, key| key_of(&AuthMethod { method: "publickey", key_type, key });
        let expected = b"ED25519 SHA256:9JjjX/gq6eoE2M6FqqbmqbesaO2HhKxYKWuUUfLIlIY";
        assert_eq!(of("ssh-ed25519", key).as_deref(), Some(&expected[..]));
        assert_eq!(of("ssh-ed25519-cert-v01@openssh.com", key), None);
        assert_eq!(of("ssh-ed25519", "no base64!"), None);
        assert_eq!(of("", ""), None);
    }
}
