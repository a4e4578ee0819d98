//! What a command of the administrator's gets: the letter as JSON on its standard input and the
//! main values in its environment. Nothing of a letter is ever an argument.

use monban_model::Letter;

use super::{Measure, fit, plain, shown};

/// Units of one value: no shell script needs more, and all of them stay far below what Linux gives
/// the environment of a program.
const VALUE_MAX: usize = 1024;

/// The letter as one line of JSON, for standard input.
pub fn input(letter: &Letter) -> String {
    let mut text = super::json::json(letter).to_string();
    text.push('\n');
    text
}

/// Names and values for the environment: `MONBAN_SUBJECT`, `MONBAN_SEVERITY` and so on, and
/// `MONBAN_LABEL_USER` for the label `user`. The values hold no control character, and what is cut
/// ends with `…`. A script puts them into quotes (`"$MONBAN_SUBJECT"`); they are text, whatever
/// they look like.
pub fn variables(letter: &Letter) -> Vec<(String, String)> {
    let value = |text: &str| fit(&shown(text), VALUE_MAX, Measure::Bytes, plain);
    let fixed = [
        ("ID", letter.id.as_str()),
        ("THREAD", &letter.thread),
        ("TOPIC", &letter.topic),
        ("THEME", letter.theme.word()),
        ("SEVERITY", letter.severity.word()),
        ("STANDING", letter.standing.word()),
        ("TIME", &letter.time.to_string()),
        ("SINCE", &letter.since.to_string()),
        ("HOST", &letter.host),
        ("LANG", &letter.lang),
        ("SUBJECT", &letter.subject),
        ("LEAD", &letter.lead),
    ]
    .map(|(name, text)| (format!("MONBAN_{name}"), value(text)));
    let labels = letter.labels.iter().filter_map(|(name, text)| {
        let name = variable(name)?;
        Some((format!("MONBAN_LABEL_{name}"), value(text)))
    });
    fixed.into_iter().chain(labels).collect()
}

/// The name of a label as that of a variable, if it can be one.
fn variable(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(fits)).then(|| name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::samples;
    use super::*;

    #[test]
    fn a_script_finds_the_main_values() {
        let all: HashMap<_, _> = variables(&samples::login("en")).into_iter().collect();
        assert_eq!(all["MONBAN_LABEL_USER"], "alice");
        assert_eq!(all["MONBAN_THEME"], "login");
        assert_eq!(all["MONBAN_TIME"], "2026-11-22T05:33:01Z");
    }

    #[test]
    fn no_name_or_value_can_hurt_an_environment() {
        let mut letter = samples::hostile();
        letter.labels.push(("a=b\0".to_owned(), "x".to_owned()));
        for (name, value) in variables(&letter).into_iter().chain(variables(&samples::huge())) {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            assert!(!value.chars().any(char::is_control), "{value:?}");
            assert!(value.len() <= VALUE_MAX);
        }
        assert_eq!(input(&letter).lines().count(), 1);
    }
}
