//! Lists within values.

use super::place::is_space;

/// Words between commas, spaces and line ends.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split([' ', ',', '\n'])
        .map(|word| word.trim_matches(is_space))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - start, word))
}

/// Words as a POSIX shell splits them, with quotes and backslashes; `None` where a quote or a
/// backslash has no end.
pub(crate) fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_commas_spaces_and_lines() {
        let found: Vec<&str> = words("a, b\n c,,d").map(|(_, word)| word).collect();
        assert_eq!(found, ["a", "b", "c", "d"]);
        assert_eq!(words("a, bc").last(), Some((3, "bc")));
    }

    #[test]
    fn shell_words_have_quotes() {
        let split = |text| shell_words(text).unwrap_or_default().join("|");
        assert_eq!(split("A=b + C='d e'"), "A=b|+|C=d e");
        assert_eq!(split(r#""a \" \x" b\ c ''"#), r#"a " \x|b c|"#);
        assert_eq!(shell_words("a 'b"), None);
        assert_eq!(shell_words("a\\"), None);
    }
}
