//! What the server answers: Python's plain values, as bytes and as text.

use monban_model::limits::{WORDS_BYTES_MAX, WORDS_DEPTH_MAX};

use crate::action::quoted;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// A text.
    Str(String),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A dictionary, in its order.
    Dict(Vec<(String, Value)>),
}

/// Bytes that are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoValue;

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Str(text.into())
    }

    /// A list of texts.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// A whole number, at most the largest that there is here.
    pub fn count(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// What `print` shows: a text as it is, everything else as in a program.
    pub fn shown(&self) -> String {
        match self {
            Self::Str(text) => text.clone(),
            other => other.repr(),
        }
    }

    /// The value as it would stand in a program.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.put_repr(&mut out);
        out
    }

    fn put_repr(&self, out: &mut String) {
        match self {
            Self::None => out.push_str("None"),
            Self::Bool(true) => out.push_str("True"),
            Self::Bool(false) => out.push_str("False"),
            Self::Int(number) => out.push_str(&number.to_string()),
            Self::Float(number) => out.push_str(&float(*number)),
            Self::Str(text) => out.push_str(&quoted(text)),
            Self::List(items) => put_all(items, ["[", "]"], out),
            Self::Tuple(items) if items.len() == 1 => put_all(items, ["(", ",)"], out),
            Self::Tuple(items) => put_all(items, ["(", ")"], out),
            Self::Dict(pairs) => {
                out.push('{');
                for (number, (key, value)) in pairs.iter().enumerate() {
                    out.push_str(if number == 0 { "" } else { ", " });
                    out.push_str(&quoted(key));
                    out.push_str(": ");
                    value.put_repr(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// The value of these bytes, all of them.
    ///
    /// # Errors
    /// If they are more than [`WORDS_BYTES_MAX`], go deeper than [`WORDS_DEPTH_MAX`], or are not
    /// what [`Value::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoValue> {
        if bytes.len() > WORDS_BYTES_MAX {
            return Err(NoValue);
        }
        let mut rest = bytes;
        let value = take(&mut rest, 0)?;
        if rest.is_empty() { Ok(value) } else { Err(NoValue) }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => out.push(b'n'),
            Self::Bool(yes) => out.extend([b'b', u8::from(*yes)]),
            Self::Int(number) => {
                out.push(b'i');
                out.extend(number.to_le_bytes());
            }
            Self::Float(number) => {
                out.push(b'f');
                out.extend(number.to_le_bytes());
            }
            Self::Str(text) => {
                out.push(b's');
                put_text(text, out);
            }
            Self::List(items) => put_items(b'l', items, out),
            Self::Tuple(items) => put_items(b't', items, out),
            Self::Dict(pairs) => {
                out.push(b'd');
                put_length(pairs.len(), out);
                for (key, value) in pairs {
                    put_text(key, out);
                    value.put(out);
                }
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

fn put_all(items: &[Value], [open, close]: [&str; 2], out: &mut String) {
    out.push_str(open);
    for (number, item) in items.iter().enumerate() {
        out.push_str(if number == 0 { "" } else { ", " });
        item.put_repr(out);
    }
    out.push_str(close);
}

/// The shortest form that reads back, as Python has it: `0.5`, `1.0`, `1e+16`.
fn float(number: f64) -> String {
    let shown = format!("{number:?}");
    match shown.split_once('e') {
        None if number.is_nan() => "nan".to_owned(),
        None => shown,
        Some((digits, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |rest| ('-', rest));
            format!("{}e{sign}{power:0>2}", digits.strip_suffix(".0").unwrap_or(digits))
        }
    }
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_length(text.len(), out);
    out.extend(text.as_bytes());
}

fn put_items(tag: u8, items: &[Value], out: &mut Vec<u8>) {
    out.push(tag);
    put_length(items.len(), out);
    for item in items {
        item.put(out);
    }
}

fn take(rest: &mut &[u8], depth: usize) -> Result<Value, NoValue> {
    if depth > WORDS_DEPTH_MAX {
        return Err(NoValue);
    }
    let [tag] = *take_bytes(rest)?;
    Ok(match tag {
        b'n' => Value::None,
        b'b' => match *take_bytes(rest)? {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => return Err(NoValue),
        },
        b'i' => Value::Int(i64::from_le_bytes(*take_bytes(rest)?)),
        b'f' => Value::Float(f64::from_le_bytes(*take_bytes(rest)?)),
        b's' => Value::Str(take_text(rest)?),
        b'l' => Value::List(take_items(rest, depth)?),
        b't' => Value::Tuple(take_items(rest, depth)?),
        b'd' => {
            let pairs = (0..take_length(rest)?)
                .map(|_| Ok((take_text(rest)?, take(rest, depth + 1)?)))
                .collect::<Result<_, NoValue>>()?;
            Value::Dict(pairs)
        }
        _ => return Err(NoValue),
    })
}

fn take_bytes<'b, const N: usize>(rest: &mut &'b [u8]) -> Result<&'b [u8; N], NoValue> {
    let (head, tail) = rest.split_first_chunk().ok_or(NoValue)?;
    *rest = tail;
    Ok(head)
}

/// Every item takes a byte at least, so a length is never more than what is left.
fn take_length(rest: &mut &[u8]) -> Result<usize, NoValue> {
    let length = u32::from_le_bytes(*take_bytes(rest)?);
    let length = usize::try_from(length).map_err(|_| NoValue)?;
    if length <= rest.len() { Ok(length) } else { Err(NoValue) }
}

fn take_text(rest: &mut &[u8]) -> Result<String, NoValue> {
    let length = take_length(rest)?;
    let (text, tail) = rest.split_at_checked(length).ok_or(NoValue)?;
    *rest = tail;
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| NoValue)
}

/// Items are taken one by one, so that a length alone reserves nothing.
fn take_items(rest: &mut &[u8], depth: usize) -> Result<Vec<Value>, NoValue> {
    let length = take_length(rest)?;
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(take(rest, depth + 1)?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::None),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-1e300..1e300).prop_map(Value::Float),
            ".*".prop_map(Value::Str),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..8);
            let pairs = proptest::collection::vec((".*", inner), 0..8);
            prop_oneof![
                list.clone().prop_map(Value::List),
                list.prop_map(Value::Tuple),
                pairs.prop_map(Value::Dict),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back(value in any_value()) {
            prop_assert_eq!(Value::from_bytes(&value.to_bytes()), Ok(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = Value::from_bytes(&bytes) {
                prop_assert_eq!(value.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_refused() {
        let deep = |depth| (0..depth).fold(Value::None, |value, _| Value::List(vec![value]));
        assert!(Value::from_bytes(&deep(WORDS_DEPTH_MAX).to_bytes()).is_ok());
        assert_eq!(Value::from_bytes(&deep(WORDS_DEPTH_MAX + 1).to_bytes()), Err(NoValue));
        let mut endless = [b'l', 1, 0, 0, 0].repeat(1_000_000);
        assert_eq!(Value::from_bytes(&endless), Err(NoValue));
        endless.resize(WORDS_BYTES_MAX + 1, b'n');
        assert_eq!(Value::from_bytes(&endless), Err(NoValue));
        assert_eq!(Value::from_bytes(&[b'l', 255, 255, 255, 255]), Err(NoValue));
    }

    #[test]
    fn values_are_shown_as_in_python() {
        let list = Value::List(vec![
            Value::Dict(vec![("it's".to_owned(), Value::texts(["a", "b"]))]),
            Value::Tuple(vec![Value::Int(1)]),
            Value::Tuple(vec![Value::None, Value::Bool(true)]),
            Value::Float(2_629_800.0),
            Value::Float(1e16),
            Value::Float(1.5e-7),
        ]);
        let shown = r#"[{"it's": ['a', 'b']}, (1,), (None, True), 2629800.0, 1e+16, 1.5e-07]"#;
        assert_eq!(list.repr(), shown);
        assert_eq!(Value::text("it's").shown(), "it's");
    }
}
