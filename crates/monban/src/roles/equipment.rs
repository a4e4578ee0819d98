//! What whoever delivers messages needs to know: endpoints, and the passwords that the
//! configuration names. They go to that role alone, over a memory file.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use monban_config::Config;
use monban_model::limits::{CA_BYTES_MAX, SECRET_MAX};
use monban_model::wire::{Equipment as Kit, Equipped, encode_equipment};
use monban_model::{
    Endpoint, MailBy, Notify, Problem, Relay, Secret, SecretAt, Secrets, Subscription, SyslogAt,
    Webhook,
};

use crate::aws::account;
use crate::host;

/// The endpoints of a configuration, as frames hold them; empty where there are none.
#[derive(Debug, Default)]
pub struct Equipment {
    /// Those that the courier reaches.
    pub courier: Vec<u8>,
    /// Those that are programs.
    pub runner: Vec<u8>,
}

impl Equipment {
    /// Reads what the endpoints of the subscriptions name, and the keys for AWS.
    ///
    /// # Errors
    /// All that cannot be read or that others could read or change; `file` is the configuration.
    pub fn of(config: &Config, file: &str) -> Result<Self, Vec<Problem>> {
        let (mut courier, mut runner, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (number, subscription) in config.notify.subscriptions.iter().enumerate() {
            let mut secrets = Secrets::default();
            let mut take = |place: &mut Option<Secret>, at: Option<&SecretAt>| match at.map(secret)
            {
                Some(Ok(found)) => *place = Some(found),
                Some(Err(what)) => problems.push(problem(file, subscription, what)),
                None => {}
            };
            let (url_at, key_at, ca_file) = named(&subscription.endpoint);
            take(&mut secrets.url, url_at);
            take(&mut secrets.key, key_at);
            match ca_file.map(certificates) {
                Some(Ok(pem)) => secrets.ca_pem = pem,
                Some(Err(what)) => problems.push(problem(file, subscription, what)),
                None => {}
            }
            let endpoint = subscription.endpoint.clone();
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let to = if is_program(&endpoint) { &mut runner } else { &mut courier };
            to.push(Equipped { number, endpoint, secrets });
        }
        let is_sns = |one: &Equipped| matches!(one.endpoint, Endpoint::Sns { .. });
        let mut aws = None;
        if courier.iter().any(is_sns) || config.aws.is_used() {
            match account::read(&config.aws, &account::environment) {
                Ok(account) => aws = Some(account),
                Err(fault) => {
                    let why = "nothing could be sent to AWS";
                    problems.push(Problem::of_file(file, format!("[aws]: {}", fault.text), why));
                }
            }
        }
        let bytes = |endpoints: Vec<Equipped>, aws: Option<_>| match endpoints.is_empty()
            && aws.is_none()
        {
            true => Vec::new(),
            false => encode_equipment(&Kit { endpoints, aws }),
        };
        match problems.is_empty() {
            true => Ok(Self { courier: bytes(courier, aws), runner: bytes(runner, None) }),
            false => Err(problems),
        }
    }
}

/// Names who writes mail where the configuration names nobody.
pub fn sign(notify: &mut Notify) {
    for subscription in &mut notify.subscriptions {
        if let Endpoint::Mail { from, .. } = &mut subscription.endpoint
            && from.is_empty()
        {
            *from = host::mail_address();
        }
    }
}

/// Whether the runner delivers there.
pub fn is_program(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::Command(_) | Endpoint::Mail { by: MailBy::Sendmail(_), .. })
}

/// What an endpoint names: where its address and its key lie, and its certificates.
fn named(endpoint: &Endpoint) -> (Option<&SecretAt>, Option<&SecretAt>, Option<&str>) {
    match endpoint {
        Endpoint::Mail { by: MailBy::Relay(Relay { password, ca_file, .. }), .. } => {
            (None, password.as_ref(), ca_file.as_deref())
        }
        Endpoint::Webhook(Webhook { url_at, secret, ca_file, .. }) => {
            (url_at.as_ref(), secret.as_ref(), ca_file.as_deref())
        }
        Endpoint::Syslog { at: SyslogAt::Tls(_, _, ca_file), .. } => {
            (None, None, ca_file.as_deref())
        }
        Endpoint::Mail { .. }
        | Endpoint::Sns { .. }
        | Endpoint::Syslog { .. }
        | Endpoint::Command(_) => (None, None, None),
    }
}

fn problem(file: &str, subscription: &Subscription, what: String) -> Problem {
    let what = format!("subscription `{}`: {what}", subscription.name);
    let why = "its messages could not be delivered";
    Problem::of_file(file, what, why)
}

/// The secret at a place: the first line of a file.
pub fn secret(at: &SecretAt) -> Result<Secret, String> {
    let path = match at {
        SecretAt::File(path) => PathBuf::from(path),
        SecretAt::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Path::new(&folder).join(name),
            None => {
                return Err(format!(
                    "the credential `{name}` is not there: systemd gave this process none \
                     (LoadCredential={name}:/path in its unit)"
                ));
            }
        },
    };
    let is_file = matches!(at, SecretAt::File(_));
    let bytes = read(&path, SECRET_MAX, is_file)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match String::from_utf8(line.to_vec()) {
        Ok(text) if text.is_empty() => Err(format!("{} is empty", path.display())),
        Ok(text) => Ok(Secret(text)),
        Err(_) => Err(format!("{} is not UTF-8", path.display())),
    }
}

/// The text of a short file; one with secrets must be closed to everybody else.
pub fn text(path: &str, most: usize, is_secret: bool) -> Result<String, String> {
    let bytes = read(Path::new(path), most, is_secret)?;
    String::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8"))
}

fn certificates(path: &str) -> Result<Vec<u8>, String> {
    let bytes = read(Path::new(path), CA_BYTES_MAX, false)?;
    match bytes.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") {
        true => Ok(bytes),
        false => Err(format!("{path} holds no certificate in PEM form")),
    }
}

/// A short file. One with a secret must be root's, or our own, and closed to everybody else.
fn read(path: &Path, most: usize, is_secret: bool) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|error| format!("cannot read {shown}: {error}"))?;
    let found = file.metadata().map_err(|error| format!("cannot read {shown}: {error}"))?;
    if !found.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let us = rustix::process::geteuid().as_raw();
    if is_secret && (found.mode() & 0o077 != 0 || (found.uid() != 0 && found.uid() != us)) {
        let mode = found.mode() & 0o7777;
        return Err(format!(
            "others than root may read {shown} (owner {}, mode {mode:04o}): \
             chown root {shown} and chmod 600 {shown}",
            found.uid()
        ));
    }
    let mut bytes = Vec::new();
    let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot read {shown}: {error}"))?;
    match bytes.len() > most {
        true => Err(format!("{shown} is longer than {most} bytes")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_the_first_line_of_a_file_that_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let at = SecretAt::File(path.display().to_string());
        assert!(secret(&at).is_err());
        fs::write(&path, "hunter2\r\nmore\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(secret(&at).unwrap_err().contains("mode 0640"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(secret(&at), Ok(Secret("hunter2".to_owned())));
        fs::write(&path, "\n").unwrap();
        assert!(secret(&at).unwrap_err().contains("empty"));
        fs::write(&path, vec![b'x'; SECRET_MAX + 1]).unwrap();
        assert!(secret(&at).unwrap_err().contains("longer"));
        let none = SecretAt::Credential("smtp".to_owned());
        assert!(secret(&none).unwrap_err().contains("LoadCredential=smtp"));
    }
}
