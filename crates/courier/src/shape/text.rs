//! A letter as plain text: the body of a mail for whoever reads text, and of messages to services
//! that know nothing else.

use monban_model::{Letter, Setting};

use super::{Measure, Words, fit, plain, shown, shown_lines};

/// The whole letter, lines ending with `\n`. It needs no limit of its own: mail takes what a letter
/// may hold, and what is on one line is below SMTP's 998 bytes once it is encoded.
pub fn text(letter: &Letter) -> String {
    let words = Words::of(letter);
    let mut out = String::with_capacity(2048);
    line(&mut out, &format!("[{}]", words.kind(letter)));
    out.push('\n');
    body(letter, &mut out);
    if let Some(picture) = letter.picture.as_ref().filter(|picture| !picture.alt.is_empty()) {
        out.push('\n');
        line(&mut out, &format!("[{}]", shown(&picture.alt)));
    }
    // The mark of a signature: readers show it small, and leave it out of answers.
    out.push_str("\n-- \n");
    line(&mut out, &words.origin(letter));
    out
}

/// Lead, facts and passages without subject and origin, for services that show those themselves;
/// at most `limit` long. Whole lines are kept and the rest is counted on the last one.
pub(crate) fn short(letter: &Letter, limit: usize, measure: Measure) -> String {
    let mut all = String::with_capacity(2048);
    body(letter, &mut all);
    let all = all.trim_end();
    if measure.of(all) <= limit {
        return all.to_owned();
    }
    let mark = format!("… ({})", Words::of(letter).cut);
    let room = limit.saturating_sub(measure.of(&mark) + 1);
    let mut out = String::with_capacity(room);
    let mut used = 0;
    for line in all.lines() {
        let cost = measure.of(line) + 1;
        if used + cost > room {
            break;
        }
        used += cost;
        out.push_str(line);
        out.push('\n');
    }
    if out.is_empty() {
        return fit(all, limit, measure, plain);
    }
    out.push_str(&mark);
    out
}

/// The lead on lines of its own making, for services that set it apart.
pub(crate) fn short_lead(letter: &Letter) -> String {
    shown_lines(&letter.lead).collect::<Vec<_>>().join("\n")
}

/// Lines with `mark` before each, at most `limit` units long; the last one says if more were there.
pub(crate) fn short_list(letter: &Letter, lines: &[String], mark: &str, limit: usize) -> String {
    let cut = format!("… ({})", Words::of(letter).cut);
    let room = limit.saturating_sub(Measure::Units.of(&cut) + 1);
    let mut out = String::new();
    let mut used = 0;
    for (at, line) in lines.iter().enumerate() {
        let line = format!("{mark}{}", shown(line));
        let cost = Measure::Units.of(&line) + usize::from(at > 0);
        let last = at + 1 == lines.len();
        if used + cost > if last { limit } else { room } {
            let start =
                if at == 0 { fit(&line, room, Measure::Units, plain) } else { String::new() };
            return format!("{out}{start}\n{cut}");
        }
        used += cost;
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&line);
    }
    out
}

fn body(letter: &Letter, out: &mut String) {
    shown_lines(&letter.lead).for_each(|text| line(out, &text));
    if !letter.facts.is_empty() {
        out.push('\n');
    }
    for fact in &letter.facts {
        line(out, &format!("{}: {}", shown(&fact.label), shown(&fact.value)));
    }
    for passage in &letter.passages {
        out.push('\n');
        line(out, &shown(&passage.title));
        let mark = match passage.setting {
            Setting::List => "- ",
            // Without a `$`: a command is copied as it stands.
            Setting::Log | Setting::Commands => "  ",
        };
        passage.lines.iter().for_each(|text| line(out, &format!("{mark}{}", shown(text))));
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_login_reads_well() {
        assert_eq!(
            text(&samples::login("en")),
            "[Notice]\n\
             \n\
             alice logged in over SSH with a key. She has never come from there before.\n\
             \n\
             User: alice\n\
             From: 203.0.113.9 (JP, OCN)\n\
             Key: ED25519 SHA256:Wl1ZrQ4v6zFmM3nU2p1gkq0y3dJY0kqv5V1tS2pXo9E (alice@laptop)\n\
             Time: 2026-11-22T05:33:01Z (14:33:01 JST)\n\
             \n\
             Lines of the log\n  \
             Nov 22 14:33:01 web1 sshd[2714]: Accepted publickey for alice from 203.0.113.9 \
             port 50312 ssh2\n\
             \n\
             If that was not you\n  \
             monban ban 203.0.113.9\n  \
             monban why 203.0.113.9\n\
             \n-- \n\
             monban · host web1 · topic logins · 2026-11-22T05:33:01Z · web1-00000042\n"
        );
    }

    #[test]
    fn a_short_form_keeps_whole_lines_and_says_that_more_was_there() {
        let letter = samples::alarm("en");
        let cut = short(&letter, 300, Measure::Units);
        assert!(cut.encode_utf16().count() <= 300);
        assert!(cut.ends_with("\n… (cut here, the message was too long)"), "{cut}");
        assert!(!short(&letter, 100_000, Measure::Units).contains("cut here"));
        for limit in 0..200 {
            assert!(short(&letter, limit, Measure::Bytes).len() <= limit);
        }
    }

    #[test]
    fn nothing_hostile_stays_hidden() {
        let hostile = text(&samples::hostile());
        assert!(!hostile.chars().any(|c| c.is_control() && c != '\n'), "{hostile:?}");
        assert!(!hostile.contains('\u{202e}'));
        assert!(!hostile.contains("\nUser: x\nBcc:"), "a value stays on its line");
    }
}
