//! Credentials, and where they come from.

use monban_model::limits::{AWS_KEY_MAX, AWS_TOKEN_MAX};
use monban_model::{Secret, Stamp};
use serde_json::Value;

use super::dates;
use super::fault::{Cause, Fault};

/// What requests are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The access key's id; no secret.
    pub id: String,
    /// The secret access key.
    pub secret: Secret,
    /// The session token that belongs to it, if it is one of a role.
    pub token: Option<Secret>,
    /// When it ends; `None` for one that lasts.
    pub expires: Option<Stamp>,
}

impl Keys {
    /// Keys that were given.
    ///
    /// # Errors
    /// They cannot be credentials: empty, too long, or with characters that no header may have.
    pub fn new(id: &str, secret: Secret, token: Option<Secret>) -> Result<Self, Fault> {
        let token = token.filter(|token| !token.0.is_empty());
        let keys = Self { id: id.to_owned(), secret, token, expires: None };
        keys.checked()
    }

    /// Those of the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`, as `look` finds them. `None` if the first two are not both there.
    ///
    /// # Errors
    /// As [`Keys::new`].
    pub fn of_environment(look: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Fault> {
        let look = |name| look(name).filter(|value| !value.is_empty());
        let (Some(id), Some(secret)) = (look("AWS_ACCESS_KEY_ID"), look("AWS_SECRET_ACCESS_KEY"))
        else {
            return Ok(None);
        };
        let token = look("AWS_SESSION_TOKEN").map(Secret);
        Self::new(&id, Secret(secret), token).map(Some)
    }

    /// Those of a profile in the text of a shared credentials file (`~/.aws/credentials`, also
    /// `awscli.conf`). `None` if the profile has none.
    ///
    /// # Errors
    /// As [`Keys::new`].
    pub fn of_shared(text: &str, profile: &str) -> Result<Option<Self>, Fault> {
        let look = |name| shared_value(text, profile, name).filter(|value| !value.is_empty());
        let (Some(id), Some(secret)) = (look("aws_access_key_id"), look("aws_secret_access_key"))
        else {
            return Ok(None);
        };
        let token = look("aws_session_token").map(|token| Secret(token.to_owned()));
        Self::new(id, Secret(secret.to_owned()), token).map(Some)
    }

    /// Those of a role, as the metadata services of instances and containers give them.
    ///
    /// # Errors
    /// The answer is not such JSON, or tells that there are none.
    pub(crate) fn of_answer(json: &[u8]) -> Result<Self, Fault> {
        let garbage = || {
            let text = "the metadata service answers what is no set of credentials";
            Fault::transient(Cause::Server, text)
        };
        let value: Value = serde_json::from_slice(json).map_err(|_| garbage())?;
        let text = |name: &str| value[name].as_str();
        if let Some(code) = text("Code").filter(|code| *code != "Success") {
            let text = format!("the metadata service has no credentials: {code}");
            return Err(Fault::transient(Cause::Credentials, text));
        }
        let secret = Secret(text("SecretAccessKey").ok_or_else(garbage)?.to_owned());
        let token = text("Token").filter(|token| !token.is_empty());
        let keys = Self {
            id: text("AccessKeyId").ok_or_else(garbage)?.to_owned(),
            secret,
            token: token.map(|token| Secret(token.to_owned())),
            expires: Some(text("Expiration").and_then(dates::iso).ok_or_else(garbage)?),
        };
        keys.checked()
    }

    fn checked(self) -> Result<Self, Fault> {
        let fits = |text: &str, most: usize| {
            !text.is_empty()
                && text.len() <= most
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let wrong = match () {
            () if !fits(&self.id, AWS_KEY_MAX) => "the id of the access key",
            () if !fits(&self.secret.0, AWS_KEY_MAX) => "the secret access key",
            () if self.token.as_ref().is_some_and(|token| !fits(&token.0, AWS_TOKEN_MAX)) => {
                "the session token"
            }
            () => return Ok(self),
        };
        let text = format!("{wrong} is empty, too long or has other characters than a key");
        Err(Fault::permanent(Cause::Credentials, text))
    }
}

/// The value of a name in a section of a shared file: `[default]`, and in configuration files
/// `[profile NAME]`. The last one counts.
pub fn shared_value<'t>(text: &'t str, profile: &str, name: &str) -> Option<&'t str> {
    let mut inside = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            let section = section.0.trim();
            let named = section.strip_prefix("profile").map_or(section, str::trim_start);
            inside = named == profile;
        } else if inside && !line.starts_with(['#', ';']) {
            let (known, value) = line.split_once('=').unwrap_or((line, ""));
            if known.trim() == name {
                found = Some(value.trim());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_shared_file_is_read_by_profile() {
        let text = "[plugins]\ncwlogs = cwlogs\n[default]\nregion = ap-northeast-1\n\
            # aws_access_key_id = NO\naws_access_key_id=AKIDEXAMPLE\n\
            aws_secret_access_key = a/b+c=\n[profile other]\naws_access_key_id = B\n";
        assert_eq!(shared_value(text, "default", "region"), Some("ap-northeast-1"));
        let keys = Keys::of_shared(text, "default").unwrap().unwrap();
        assert_eq!((keys.id.as_str(), keys.secret.0.as_str()), ("AKIDEXAMPLE", "a/b+c="));
        assert_eq!(Keys::of_shared(text, "other").unwrap(), None);
        assert_eq!(shared_value(text, "other", "aws_access_key_id"), Some("B"));
    }

    #[test]
    fn the_environment_is_looked_at_by_name() {
        let look = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("A".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("S".to_owned()),
            "AWS_SESSION_TOKEN" => Some("T".to_owned()),
            _ => None,
        };
        let keys = Keys::of_environment(&look).unwrap().unwrap();
        assert_eq!(keys.token, Some(Secret("T".to_owned())));
        assert_eq!(Keys::of_environment(&|_| None).unwrap(), None);
    }

    #[test]
    fn no_credential_carries_a_line_of_its_own() {
        let of = |id: &str, secret: &str, token: Option<&str>| {
            Keys::new(id, Secret(secret.to_owned()), token.map(|token| Secret(token.to_owned())))
        };
        assert!(of("A", "S", None).is_ok());
        for (id, secret, token) in
            [("A\r\nx: y", "S", None), ("A", "", None), ("A", "S", Some("a b")), ("", "S", None)]
        {
            let fault = of(id, secret, token).unwrap_err();
            assert_eq!((fault.cause, fault.transient), (Cause::Credentials, false));
        }
    }

    #[test]
    fn an_answer_is_a_set_of_credentials_or_said_not_to_be() {
        let good = br#"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"S","Token":"T",
            "Expiration":"2026-11-23T12:00:00Z"}"#;
        let keys = Keys::of_answer(good).unwrap();
        assert_eq!(keys.expires, Some(Stamp(1_795_435_200_000)));
        for wrong in
            [&b"{}"[..], b"", b"<html>", b"[]", br#"{"Code":"AssumeRoleUnauthorizedAccess"}"#]
        {
            assert!(Keys::of_answer(wrong).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_answer_and_any_file_are_read(text in ".{0,120}") {
            let _ = Keys::of_answer(text.as_bytes());
            let _ = Keys::of_shared(&text, "default");
        }
    }
}
