//! What is wrong with a pattern.

use std::fmt;

/// Why a pattern is refused. The meaning is CPython's, and so is the position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where, in characters of the pattern.
    pub offset: usize,
    /// What, in the words of Python's `re` where it refuses the same.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<Hint>,
}

/// What was probably meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// `(?P` without a name: a web page took `<host>` for a tag and left it out.
    NameLost,
    /// `(?<name>...)` is how others write it.
    NameNeedsP,
    /// A flag such as `(?i)` after the beginning: `(?i:...)` or in front.
    FlagsInFront,
    /// `\N{...}`: names are not known here.
    WriteCode,
    /// A look-behind of variable length: a look-ahead or a group often does it.
    FixLength,
    /// `*` or `+` with nothing before it: often a shell pattern.
    NotAShellPattern,
    /// A backslash before a letter that means nothing.
    DoubleBackslash,
    /// An opening bracket that is meant as itself.
    EscapeBracket,
}

impl Hint {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NameLost,
        Self::NameNeedsP,
        Self::FlagsInFront,
        Self::WriteCode,
        Self::FixLength,
        Self::NotAShellPattern,
        Self::DoubleBackslash,
        Self::EscapeBracket,
    ];

    /// Its name in message tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NameLost => "name-lost",
            Self::NameNeedsP => "name-needs-p",
            Self::FlagsInFront => "flags-in-front",
            Self::WriteCode => "write-code",
            Self::FixLength => "fix-length",
            Self::NotAShellPattern => "not-a-shell-pattern",
            Self::DoubleBackslash => "double-backslash",
            Self::EscapeBracket => "escape-bracket",
        }
    }

    /// The hint as an English sentence without a full stop.
    pub fn text(self) -> &'static str {
        match self {
            Self::NameLost => {
                "a web page ate the name in angle brackets, such as `<host>`: write `<HOST>` \
                 (or `(?P<name>...)`) again"
            }
            Self::NameNeedsP => "a named group is written `(?P<name>...)`",
            Self::FlagsInFront => {
                "write the flag at the very beginning of the pattern, or around a part of it: \
                 `(?i:...)`"
            }
            Self::WriteCode => "write the character itself or its code, `\\uXXXX`",
            Self::FixLength => "every alternative in a look-behind must have the same length",
            Self::NotAShellPattern => {
                "`*` and `+` repeat what stands before them: for any text write `.*`"
            }
            Self::DoubleBackslash => "for a backslash itself write `\\\\`",
            Self::EscapeBracket => "for the bracket itself write a backslash before it",
        }
    }
}

impl Error {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: Hint) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {}", self.message, self.offset)?;
        match self.hint {
            Some(hint) => write!(f, " ({})", hint.text()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
