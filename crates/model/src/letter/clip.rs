//! Brings a letter below the limits, and says in it what was left out.

use super::{Fact, Letter, Passage, Picture};
use crate::limits::{
    LABEL_VALUE_MAX, LETTER_BYTES_MAX, LETTER_DATA_MAX, LETTER_FACTS_MAX, LETTER_ID_MAX,
    LETTER_LABEL_MAX, LETTER_LABELS_MAX, LETTER_LEAD_MAX, LETTER_LINE_COST, LETTER_LINE_MAX,
    LETTER_LINES_BYTES_MAX, LETTER_LINES_MAX, LETTER_NAME_MAX, LETTER_PASSAGES_MAX,
    LETTER_PICTURE_MAX, LETTER_SUBJECT_MAX, LETTER_THREAD_MAX, LETTER_VALUE_MAX,
};

/// Numbers in front of texts and lists, times, variants.
const FRAME: usize = 4096;

// A letter whose parts keep their limits keeps the limit of all.
const _: () = assert!(
    LETTER_FACTS_MAX * (LETTER_LABEL_MAX + LETTER_VALUE_MAX)
        + LETTER_PASSAGES_MAX * LETTER_LABEL_MAX
        + LETTER_LINES_BYTES_MAX
        + LETTER_LABELS_MAX * (LETTER_NAME_MAX + LABEL_VALUE_MAX)
        + LETTER_PICTURE_MAX
        + LETTER_DATA_MAX
        + LETTER_LEAD_MAX
        + LETTER_SUBJECT_MAX
        + FRAME
        <= LETTER_BYTES_MAX
);

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// What is counted where something was left out.
#[derive(Clone, Copy)]
enum Left {
    Lines,
    Facts,
    Passages,
}

impl Letter {
    /// Brings every part below its limit, and so the whole below
    /// [`crate::limits::LETTER_BYTES_MAX`]. What was cut is marked where it stood: a text with
    /// `…`, a list with a last line as `... and 412 more lines` in the letter's language. A
    /// picture that is too large becomes a fact that says so, and data that are too large
    /// become `{"cut":BYTES}`. A letter below the limits stays as it is.
    pub fn clip(&mut self) {
        self.clip_heads();
        self.clip_picture();
        if self.data.len() > LETTER_DATA_MAX {
            self.data = format!("{{\"cut\":{}}}", self.data.len());
        }
        self.clip_facts();
        self.clip_passages();
        self.labels.truncate(LETTER_LABELS_MAX);
        for (name, value) in &mut self.labels {
            clip_text(name, LETTER_NAME_MAX);
            clip_text(value, LABEL_VALUE_MAX);
        }
    }

    fn clip_heads(&mut self) {
        clip_name(&mut self.id, LETTER_ID_MAX);
        clip_name(&mut self.thread, LETTER_THREAD_MAX);
        clip_text(&mut self.topic, LETTER_NAME_MAX);
        clip_text(&mut self.host, LETTER_THREAD_MAX);
        clip_name(&mut self.lang, LETTER_NAME_MAX);
        clip_text(&mut self.subject, LETTER_SUBJECT_MAX);
        clip_text(&mut self.lead, LETTER_LEAD_MAX);
    }

    fn clip_picture(&mut self) {
        let Some(picture) = &mut self.picture else { return };
        clip_text(&mut picture.alt, LETTER_LABEL_MAX);
        if picture.png.len() > LETTER_PICTURE_MAX {
            let Picture { png, alt } = std::mem::take(picture);
            let value = match self.lang.as_str() {
                "ja" => format!("画像は大きすぎるため省略しました（{}バイト）", png.len()),
                _ => format!("picture left out, it has {} bytes", png.len()),
            };
            self.facts.insert(0, Fact { label: alt, value });
            self.picture = None;
        }
    }

    fn clip_facts(&mut self) {
        if self.facts.len() > LETTER_FACTS_MAX {
            let left = self.facts.len() - (LETTER_FACTS_MAX - 1);
            self.facts.truncate(LETTER_FACTS_MAX - 1);
            let value = more(&self.lang, left, Left::Facts);
            self.facts.push(Fact { label: CUT.to_owned(), value });
        }
        for fact in &mut self.facts {
            clip_text(&mut fact.label, LETTER_LABEL_MAX);
            clip_text(&mut fact.value, LETTER_VALUE_MAX);
        }
    }

    fn clip_passages(&mut self) {
        if self.passages.len() > LETTER_PASSAGES_MAX {
            let left = self.passages.len() - (LETTER_PASSAGES_MAX - 1);
            self.passages.truncate(LETTER_PASSAGES_MAX - 1);
            let title = more(&self.lang, left, Left::Passages);
            self.passages.push(Passage { title, ..Passage::default() });
        }
        // Each has an equal share of what those before it left over.
        let mut room = LETTER_LINES_BYTES_MAX;
        let mut others = self.passages.len();
        for passage in &mut self.passages {
            clip_text(&mut passage.title, LETTER_LABEL_MAX);
            passage.lines.iter_mut().for_each(|line| clip_text(line, LETTER_LINE_MAX));
            clip_lines(&mut passage.lines, room / others.max(1), &self.lang);
            room = room.saturating_sub(passage.lines.iter().map(|line| cost(line)).sum());
            others -= 1;
        }
    }
}

fn cost(line: &str) -> usize {
    line.len() + LETTER_LINE_COST
}

/// Keeps the first lines that have room; the last one then says how many did not.
fn clip_lines(lines: &mut Vec<String>, room: usize, lang: &str) {
    let all = lines.len();
    if all <= LETTER_LINES_MAX && lines.iter().map(|line| cost(line)).sum::<usize>() <= room {
        return;
    }
    // The mark has less than 64 bytes in every language.
    let mut left = room.saturating_sub(64 + LETTER_LINE_COST);
    let fits = |line: &&String| {
        let enough = cost(line) <= left;
        left = left.saturating_sub(cost(line));
        enough
    };
    let kept = lines.iter().take(LETTER_LINES_MAX - 1).take_while(fits).count();
    lines.truncate(kept);
    lines.push(more(lang, all - kept, Left::Lines));
}

fn more(lang: &str, count: usize, what: Left) -> String {
    match (lang, what) {
        ("ja", Left::Lines) => format!("... ほか{count}行"),
        ("ja", _) => format!("... ほか{count}件"),
        (_, Left::Lines) if count == 1 => "... and 1 more line".to_owned(),
        (_, Left::Lines) => format!("... and {count} more lines"),
        (_, Left::Facts) => format!("... and {count} more facts"),
        (_, Left::Passages) => format!("... and {count} more passages"),
    }
}

/// Cuts at `limit` bytes on a character's edge, with a mark that is within the limit.
fn clip_text(text: &mut String, limit: usize) {
    if text.len() > limit {
        clip_name(text, limit - CUT.len());
        text.push_str(CUT);
    }
}

/// The same without a mark, for what machines compare.
fn clip_name(text: &mut String, limit: usize) {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Setting, Severity, Stamp, Standing, Theme};

    fn letter(lang: &str) -> Letter {
        Letter {
            id: "a-1".to_owned(),
            thread: "login:alice".to_owned(),
            topic: "default".to_owned(),
            theme: Theme::Login,
            severity: Severity::Notice,
            standing: Standing::Once,
            time: Stamp(0),
            since: Stamp(0),
            host: "web1".to_owned(),
            lang: lang.to_owned(),
            subject: "s".to_owned(),
            lead: "l".to_owned(),
            facts: Vec::new(),
            passages: Vec::new(),
            labels: Vec::new(),
            picture: None,
            data: String::new(),
        }
    }

    fn lines(count: usize, text: &str) -> Passage {
        let lines = vec![text.to_owned(); count];
        Passage { title: "log".to_owned(), setting: Setting::Log, lines }
    }

    #[test]
    fn what_is_below_the_limits_stays() {
        let mut short = letter("en");
        short.passages.push(lines(LETTER_LINES_MAX, "x"));
        let before = short.clone();
        short.clip();
        assert_eq!(short, before);
    }

    #[test]
    fn lines_that_were_cut_are_counted_in_the_language_of_the_reader() {
        for (lang, mark) in [("en", "... and 413 more lines"), ("ja", "... ほか413行")] {
            let mut long = letter(lang);
            long.passages.push(lines(612, "x"));
            long.clip();
            assert_eq!(long.passages[0].lines.len(), LETTER_LINES_MAX);
            assert_eq!(long.passages[0].lines.last().map(String::as_str), Some(mark));
        }
    }

    #[test]
    fn each_passage_has_its_share_of_the_room() {
        let mut long = letter("en");
        long.passages = vec![lines(2, "few"), lines(200, &"門".repeat(340)), lines(3, "last")];
        long.clip();
        assert_eq!(long.passages[0].lines, ["few", "few"]);
        assert_eq!(long.passages[2].lines, ["last"; 3]);
        let second = &long.passages[1].lines;
        assert!(second.len() > 10 && second.len() < 60, "{}", second.len());
        assert!(second.last().is_some_and(|line| line.starts_with("... and 1")), "{second:?}");
    }

    #[test]
    fn pictures_and_data_that_are_too_large_say_so() {
        let mut large = letter("ja");
        let png = vec![0; LETTER_PICTURE_MAX + 1];
        large.picture = Some(Picture { png, alt: "グラフ".to_owned() });
        large.data = "x".repeat(LETTER_DATA_MAX + 1);
        large.clip();
        assert!(large.picture.is_none());
        assert_eq!(large.facts[0].label, "グラフ");
        assert!(large.facts[0].value.contains("65537"));
        assert_eq!(large.data, "{\"cut\":65537}");
    }
}
