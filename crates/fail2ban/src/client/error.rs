//! What the server answers instead of a value.

use super::value::Value;

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientError {
    /// Which exception of fail2ban it stands for.
    pub kind: Kind,
    /// What that exception was made with. Its text, or the name of the jail.
    pub args: Vec<Value>,
}

/// Exceptions that are shown in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such jail.
    UnknownJail,
    /// There is such a jail already.
    DuplicateJail,
    /// A word is missing.
    Index,
    /// A name that is not known; its text is shown in quotes.
    Key,
    /// Everything else: its text is shown.
    Other,
}

impl ClientError {
    /// Something else, in these words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { kind: Kind::Other, args: vec![Value::Str(text.into())] }
    }

    /// There is no such jail.
    pub fn unknown_jail(name: &str) -> Self {
        Self { kind: Kind::UnknownJail, args: vec![Value::text(name)] }
    }

    /// There is such a jail already.
    pub fn duplicate_jail(name: &str) -> Self {
        Self { kind: Kind::DuplicateJail, args: vec![Value::text(name)] }
    }

    /// A word is missing.
    pub fn missing() -> Self {
        Self { kind: Kind::Index, args: vec![Value::text("list index out of range")] }
    }

    /// A name that is not known.
    pub fn key(text: impl Into<String>) -> Self {
        Self { kind: Kind::Key, args: vec![Value::Str(text.into())] }
    }

    /// What could be done with fail2ban while it runs, and not with monban.
    pub fn not_here(what: &str) -> Self {
        Self::new(format!(
            "monban does not do this while it runs: {what}; change the configuration and reload"
        ))
    }

    /// The log cannot be written there.
    pub fn no_log_target() -> Self {
        Self::new("Failed to change log target")
    }

    /// What a person sees.
    pub fn shown(&self) -> String {
        let first = self.args.first().map(Value::shown).unwrap_or_default();
        match (self.kind, self.args.as_slice()) {
            (Kind::UnknownJail, _) => format!("Sorry but the jail '{first}' does not exist"),
            (Kind::DuplicateJail, _) => format!("The jail '{first}' already exists"),
            (Kind::Index, _) => "Sorry but the command is invalid".to_owned(),
            (Kind::Key, [one]) => one.repr(),
            (_, [_]) => first,
            (_, []) => String::new(),
            (_, several) => Value::Tuple(several.to_vec()).repr(),
        }
    }

    /// What the log of the client says.
    pub fn logged(&self) -> String {
        format!("NOK: {}", Value::Tuple(self.args.clone()).repr())
    }

    /// As a value, to be sent.
    pub fn to_value(&self) -> Value {
        let kind = Value::Int(match self.kind {
            Kind::UnknownJail => 1,
            Kind::DuplicateJail => 2,
            Kind::Index => 3,
            Kind::Key => 4,
            Kind::Other => 5,
        });
        Value::Tuple(vec![kind, Value::Tuple(self.args.clone())])
    }

    /// What [`ClientError::to_value`] made.
    pub fn of_value(value: &Value) -> Option<Self> {
        let Value::Tuple(parts) = value else { return None };
        let [Value::Int(kind), Value::Tuple(args)] = parts.as_slice() else { return None };
        let kind = match kind {
            1 => Kind::UnknownJail,
            2 => Kind::DuplicateJail,
            3 => Kind::Index,
            4 => Kind::Key,
            5 => Kind::Other,
            _ => return None,
        };
        Some(Self { kind, args: args.clone() })
    }
}
