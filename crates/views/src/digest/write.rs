//! A report at the terminal, and as a letter.

use monban_model::{Letter, Picture, Severity, Standing, Theme};

use super::page::{Page, Teller, grouped};
use super::{Digest, digest_json, picture};
use crate::{Envelope, LetterWriter, LocalClock, Say, json_line, width};

/// The report at a terminal. Without `blocks` it is drawn in ASCII.
pub fn digest_text(say: &Say, clock: &LocalClock, digest: &Digest, blocks: bool) -> String {
    let Page { title, lead, facts, passages } =
        Teller { say, clock, digest, blocks, picture: false }.page();
    let mut text = format!("{title}\n\n{lead}\n\n");
    let room = Teller::widest(facts.iter().map(|fact| fact.label.as_str()));
    for fact in facts {
        let pad = " ".repeat(room - width(&fact.label));
        text.push_str(&format!("{}{pad}  {}\n", fact.label, fact.value));
    }
    for passage in passages {
        text.push_str(&format!("\n{}\n", passage.title));
        passage.lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text
}

impl LetterWriter {
    /// The report as a letter, with a picture. Its severity is that of what it tells.
    pub fn report(&self, envelope: &Envelope, digest: &Digest) -> Letter {
        let (say, clock) = (&self.say, &self.clock);
        let teller = Teller { say, clock, digest, blocks: true, picture: true };
        let page = teller.page();
        let picture = picture::png(&digest.bars).map(|png| {
            let top = grouped(digest.bars.top());
            let alt = teller.text(&teller.of_kind("digest-alt"), &[("top", &top)]);
            Picture { png, alt }
        });
        let severity = match digest.to_look_at() {
            0 => Severity::Info,
            _ => Severity::Warning,
        };
        let Page { title, lead, facts, passages } = page;
        let kind = digest.report.kind.word().to_owned();
        let letter = Letter {
            theme: Theme::Digest,
            severity,
            standing: Standing::Once,
            since: digest.span.start,
            lead,
            facts,
            passages,
            labels: vec![("report".to_owned(), kind)],
            picture,
            data: format!("[{}]", json_line(&digest_json(digest))),
            ..self.blank(envelope, digest.report.due)
        };
        let mut letter = self.titled(&title, letter);
        letter.clip();
        letter
    }
}
