//! The tokens of an expression.

use monban_model::limits::FAIL2BAN_EXPRESSION_TOKENS_MAX;

use super::number::Number;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(Number),
    /// A name with its points, such as `ban.Time`.
    Name(String),
    /// An operator or bracket.
    Sign(&'static str),
}

/// Longer signs before those they begin with.
const SIGNS: &[&str] = &[
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "<", ">", "(", ")",
    ",",
];

/// Reads an expression into tokens, each with its offset in characters.
///
/// # Errors
/// The offset of a character that belongs to no token, or where there are too many.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, usize> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        if super::place::is_space(*c) {
            at += 1;
            continue;
        }
        if found.len() >= FAIL2BAN_EXPRESSION_TOKENS_MAX {
            return Err(at);
        }
        let follows = |offset: usize| chars.get(at + offset).copied().unwrap_or(' ');
        let (token, length) = if c.is_ascii_digit() || (*c == '.' && follows(1).is_ascii_digit()) {
            number(&chars[at..]).ok_or(at)?
        } else if c.is_alphabetic() || *c == '_' {
            let is_part = |c: &&char| c.is_alphanumeric() || **c == '_' || **c == '.';
            let name: String = chars[at..].iter().take_while(is_part).collect();
            let length = name.chars().count();
            (Token::Name(name), length)
        } else {
            let is_here = |sign: &&&str| sign.chars().zip(0..).all(|(c, n)| follows(n) == c);
            let sign = SIGNS.iter().find(is_here).ok_or(at)?;
            (Token::Sign(sign), sign.len())
        };
        found.push((token, at));
        at += length;
    }
    Ok(found)
}

/// A number with which the characters begin: decimal, or whole in another base.
fn number(chars: &[char]) -> Option<(Token, usize)> {
    let base = match chars.get(1).map(char::to_ascii_lowercase) {
        Some('x') if chars[0] == '0' => 16,
        Some('o') if chars[0] == '0' => 8,
        Some('b') if chars[0] == '0' => 2,
        _ => 10,
    };
    if base != 10 {
        let digits: String = chars[2..].iter().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let value = i128::from_str_radix(&digits, base).ok()?;
        return Some((Token::Number(Number::Whole(value)), 2 + digits.len()));
    }
    let mut text = String::new();
    let mut is_real = false;
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let last = text.chars().last();
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        match c {
            '0'..='9' => text.push(c),
            '_' if last.is_some_and(|c| c.is_ascii_digit()) && after.is_ascii_digit() => {}
            '.' if !is_real => {
                is_real = true;
                text.push(c);
            }
            'e' | 'E' if exponent(&chars[at + 1..]) && !text.contains('e') => {
                is_real = true;
                text.push('e');
            }
            '+' | '-' if last == Some('e') => text.push(c),
            _ => break,
        }
        at += 1;
    }
    // Python refuses `1x` and, for whole numbers, `010`.
    let is_joined = chars.get(at).is_some_and(|c| c.is_alphabetic() || *c == '_' || *c == '.');
    let has_zero =
        !is_real && text.len() > 1 && text.starts_with('0') && text != "0".repeat(text.len());
    if is_joined || has_zero {
        return None;
    }
    let value = match text.parse::<i128>() {
        Ok(value) if !is_real => Number::Whole(value),
        _ => Number::Real(text.parse().ok()?),
    };
    Some((Token::Number(value), at))
}

fn exponent(chars: &[char]) -> bool {
    match chars {
        [c, ..] if c.is_ascii_digit() => true,
        ['+' | '-', c, ..] => c.is_ascii_digit(),
        _ => false,
    }
}
