//! `monban notify texts`: what messages say, as a file in which it can be written otherwise.

use std::process::ExitCode;

use monban_config::Bundle;
use monban_model::glob_fits;
use monban_views::{MessageText, Say, json_line, printable};
use serde_json::{Value, json};

use crate::commands::Context;
use crate::{out, problems, shipped};

/// Prints the texts whose keys fit, as they are in the files; the daemon has them since its last
/// reload.
pub fn texts(context: &Context<'_>, pattern: &str) -> Result<ExitCode, String> {
    let (say, place) = (context.say, &context.place);
    let bundle = Bundle::read(&place.config, place.config_named)
        .map_err(|found| problems::show(&found, None, say))?;
    let own =
        shipped::own_texts(&bundle).map_err(|found| problems::show(&found, Some(&bundle), say))?;
    let mut all = own.all(say.tongue());
    all.retain(|text| glob_fits(pattern, text.key));
    if all.is_empty() {
        let pattern = printable(pattern.as_bytes());
        return Err(say.text("texts-none", &[("pattern", &pattern)]));
    }
    let lang = say.tongue().name();
    let file = place.config.with_file_name("texts").join(lang).with_extension("toml");
    let file = file.display().to_string();
    if context.json {
        let texts: Vec<Value> = all.iter().map(as_json).collect();
        out::json(&json!({"lang": lang, "file": file, "texts": texts}));
    } else {
        out::write(&as_toml(&all, &printable(file.as_bytes()), say));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(text: &MessageText) -> Value {
    json!({
        "key": text.key,
        "text": text.text,
        "own": text.replaces.is_some(),
        "shipped": text.replaces.unwrap_or(&text.text),
        "placeholders": text.placeholders,
    })
}

/// A file that says what is said already. JSON's texts in quotes are TOML's.
fn as_toml(texts: &[MessageText], file: &str, say: &Say) -> String {
    let quoted = |text: &str| json_line(&Value::from(text));
    let mut out = String::new();
    for line in say.text("texts-head", &[("file", file)]).lines() {
        out.push_str(&format!("# {line}\n"));
    }
    for text in texts {
        if let Some(shipped) = text.replaces {
            let note = say.text("texts-own", &[("text", &quoted(shipped))]);
            out.push_str(&format!("# {note}\n"));
        }
        out.push_str(&format!("{} = {}\n", text.key, quoted(&text.text)));
    }
    out
}

#[cfg(test)]
mod tests {
    use monban_views::{OwnTexts, Tongue};

    use super::*;

    /// With a text that has quotes, backslashes, braces' neighbours and markup.
    const OWN: &str = r#"letter-login = "\\ <b>\"{user}\"</b> & {from} } 門番""#;

    #[test]
    fn what_is_printed_is_a_file_that_says_the_same() {
        for tongue in [Tongue::English, Tongue::Japanese] {
            let file = format!("/etc/monban/texts/{}.toml", tongue.name());
            for own in ["", OWN] {
                let own = OwnTexts::read([(file.as_str(), own)]).unwrap();
                let all = own.all(tongue);
                assert!(all.len() > 100, "{}", all.len());
                let printed = as_toml(&all, &file, &Say::new(tongue));
                assert!(printed.starts_with("# ") && printed.contains(&file), "{printed}");
                let again = OwnTexts::read([(file.as_str(), printed.as_str())]).unwrap();
                assert_eq!(again.all(tongue), all);
            }
        }
    }

    #[test]
    fn an_own_text_is_marked_and_says_what_it_replaces() {
        let own = OwnTexts::read([("/t/en.toml", OWN)]).unwrap();
        let all = own.all(Tongue::English);
        let printed = as_toml(&all, "/t/en.toml", &Say::new(Tongue::English));
        let marked: Vec<&str> =
            printed.lines().filter(|line| line.starts_with("# yours")).collect();
        assert_eq!(marked, ["# yours, in place of \"login: {user} from {from}\""]);
        let found = all.iter().find(|text| text.key == "letter-login").unwrap();
        let shown = as_json(found);
        assert_eq!(shown["own"], true);
        assert_eq!(shown["text"], "\\ <b>\"{user}\"</b> & {from} } 門番");
        assert_eq!(shown["shipped"], "login: {user} from {from}");
        assert_eq!(shown["placeholders"], json!(["user", "from", "service"]));
    }
}
