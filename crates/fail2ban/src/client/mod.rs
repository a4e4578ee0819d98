//! `fail2ban-client`: its words, what a running server answers to them, and what a person sees.
//!
//! ```text
//! words -> answer [ dispatch (a Server) -> Value or ClientError ] -> Reply -> beautify -> text
//! ```
//!
//! What is shown is fail2ban 1.0.2's, byte for byte, where monban does what fail2ban does; `status
//! --all` and `stats` are those of 1.1.

mod beautify;
mod dispatch;
mod error;
mod get;
mod server;
mod set;
mod set_filter;
mod settings;
pub(crate) mod shown;
mod stats;
mod status;
mod value;

use monban_model::limits::WORDS_BYTES_MAX;

pub use beautify::beautify;
pub use dispatch::dispatch;
pub use error::{ClientError, Kind};
pub use server::{Ban, Change, Counts, GlobalChange, Globals, Server};
pub use settings::{ActionSettings, IgnoreCache, JailSettings};
pub use value::{NoValue, Value};

/// A line as a shell splits it; `None` if a quote or backslash has no end.
pub fn split_words(line: &str) -> Option<Vec<String>> {
    crate::config::shell_words(line)
}

/// The words of a command as bytes.
pub fn question(words: &[String]) -> Vec<u8> {
    Value::texts(words).to_bytes()
}

/// Answers the bytes of a command ([`question`]) with bytes ([`reply`]), whatever they are.
pub fn answer(bytes: &[u8], server: &mut dyn Server) -> Vec<u8> {
    let result = match words_of(bytes) {
        Some(words) => dispatch(&words, server),
        None => Err(ClientError::new("these bytes are no words")),
    };
    let whole = packed(result);
    if whole.len() <= WORDS_BYTES_MAX {
        return whole;
    }
    packed(Err(ClientError::new("the answer is too long")))
}

/// What the bytes of an answer say; `None` if they are no answer.
pub fn reply(bytes: &[u8]) -> Option<Result<Value, ClientError>> {
    let Ok(Value::Tuple(parts)) = Value::from_bytes(bytes) else { return None };
    let [Value::Int(code), value] = <[Value; 2]>::try_from(parts).ok()? else { return None };
    match code {
        0 => Some(Ok(value)),
        _ => ClientError::of_value(&value).map(Err),
    }
}

fn packed(result: Result<Value, ClientError>) -> Vec<u8> {
    let (code, value) = match result {
        Ok(value) => (0, value),
        Err(error) => (1, error.to_value()),
    };
    Value::Tuple(vec![Value::Int(code), value]).to_bytes()
}

fn words_of(bytes: &[u8]) -> Option<Vec<String>> {
    let Ok(Value::List(words)) = Value::from_bytes(bytes) else { return None };
    let text = |word| match word {
        Value::Str(text) => Some(text),
        _ => None,
    };
    words.into_iter().map(text).collect()
}
