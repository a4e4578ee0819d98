//! The few words that are needed of an answer in XML.
//!
//! A scanner, not a parser: it knows elements, text, CDATA and the entities of XML itself. No
//! document type, no entity of the document's own, no recursion, each byte looked at once.

/// The text of the first element of this name, wherever it stands, without elements in it; `None`
/// if there is no such element or it does not end.
pub(crate) fn text_of(xml: &str, name: &str) -> Option<String> {
    let mut rest = xml;
    let mut text = None;
    loop {
        let (before, tag) = rest.split_once('<')?;
        if let Some(text) = &mut text {
            push_decoded(text, before);
        }
        rest = match tag {
            _ if tag.starts_with("!--") => tag.split_once("-->")?.1,
            _ if tag.starts_with("![CDATA[") => {
                let (data, behind) = tag["![CDATA[".len()..].split_once("]]>")?;
                if let Some(text) = &mut text {
                    text.push_str(data);
                }
                behind
            }
            _ => {
                let (tag, behind) = tag.split_once('>')?;
                match (&text, tag.strip_prefix('/')) {
                    (Some(_), Some(ended)) if ended.trim_end() == name => return text,
                    (None, None) if name_of(tag) == name => {
                        if tag.ends_with('/') {
                            return Some(String::new());
                        }
                        text = Some(String::new());
                    }
                    _ => {}
                }
                behind
            }
        };
    }
}

/// The name of a tag, without its attributes.
fn name_of(tag: &str) -> &str {
    let end = tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len());
    &tag[..end]
}

/// Longest entity that is looked for, in bytes: `&#x10FFFF;`.
const ENTITY_MAX: usize = 10;

fn push_decoded(text: &mut String, encoded: &str) {
    let mut rest = encoded;
    while let Some((before, behind)) = rest.split_once('&') {
        text.push_str(before);
        let near = &behind[..behind.floor_char_boundary(ENTITY_MAX)];
        match near.split_once(';').and_then(|(name, _)| Some((name, meaning(name)?))) {
            Some((name, c)) => {
                text.push(c);
                rest = &behind[name.len() + 1..];
            }
            None => {
                text.push('&');
                rest = behind;
            }
        }
    }
    text.push_str(rest);
}

fn meaning(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_of_an_answer_are_found() {
        let xml = "<?xml version=\"1.0\"?>\n<!-- <Code>no</Code> -->\n\
            <ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
            <Type>Sender</Type><Code>NotFound</Code><Codes>x</Codes>\
            <Message>a &lt;b&gt; &amp;#38; &#x9580;<![CDATA[ <c> ]]>&nix; &</Message><Empty/>\
            </Error></ErrorResponse>";
        assert_eq!(text_of(xml, "Code").as_deref(), Some("NotFound"));
        assert_eq!(text_of(xml, "Message").as_deref(), Some("a <b> &#38; 門 <c> &nix; &"));
        assert_eq!(text_of(xml, "Empty").as_deref(), Some(""));
        assert_eq!(text_of(xml, "Nothing"), None);
        assert_eq!(text_of("<a>x", "a"), None);
        assert_eq!(text_of("<a", "a"), None);
    }

    #[test]
    fn a_large_hostile_answer_costs_linear_time() {
        for part in ["<", "<a>", "&", "<a>&#", "<!--", "<![CDATA[", "<a></b>"] {
            let xml = part.repeat(1_000_000 / part.len());
            let begin = std::time::Instant::now();
            assert_eq!(text_of(&xml, "a"), None);
            assert!(begin.elapsed().as_secs() < 5, "{part}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[<>&;/!\\[\\]#xa-c \u{9580}-]{0,200}") {
            let _ = text_of(&text, "a");
        }

        #[test]
        fn what_was_encoded_comes_back(text in "[<>&\"'a-z\u{9580}]{0,40}") {
            let encoded = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(text_of(&format!("<r><m>{encoded}</m></r>"), "m"), Some(text));
        }
    }
}
