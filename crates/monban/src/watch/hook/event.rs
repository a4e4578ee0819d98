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
        by: some(&event.ruser),
        address: event.rhost.parse::<Address>().ok(),
        // sshd opens the session before there is a terminal.
        terminal: some(&event.tty).filter(|tty| tty != b"ssh"),
        method: some(&how.join(",")),
        key: methods.iter().find_map(key_of),
    }
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
