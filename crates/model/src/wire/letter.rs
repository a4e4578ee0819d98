//! A letter as one blob. It may be larger than a frame: then it travels in a memory file.

use super::{FrameError, Reader, Wire, Writer, decode_long, encode_long};
use crate::limits::{
    LABEL_VALUE_MAX, LETTER_BYTES_MAX, LETTER_DATA_MAX, LETTER_FACTS_MAX, LETTER_ID_MAX,
    LETTER_LABEL_MAX, LETTER_LABELS_MAX, LETTER_LEAD_MAX, LETTER_LINE_COST, LETTER_LINE_MAX,
    LETTER_LINES_BYTES_MAX, LETTER_LINES_MAX, LETTER_NAME_MAX, LETTER_PASSAGES_MAX,
    LETTER_PICTURE_MAX, LETTER_SUBJECT_MAX, LETTER_THREAD_MAX, LETTER_VALUE_MAX,
};
use crate::{Fact, Letter, Passage, Picture, Setting, Severity, Stamp, Standing, Theme};

/// The bytes of a letter, at most [`LETTER_BYTES_MAX`]: what is over a limit is cut and marked, as
/// [`Letter::clip`] does.
pub fn encode_letter(letter: &Letter) -> Vec<u8> {
    let mut clipped = letter.clone();
    clipped.clip();
    encode_long(&clipped)
}

/// The letter of these bytes, all of them.
///
/// # Errors
/// If they are not exactly what [`encode_letter`] writes.
pub fn decode_letter(bytes: &[u8]) -> Result<Letter, FrameError> {
    decode_long(bytes, LETTER_BYTES_MAX)
}

/// The variants of an enum as bytes: their place among all of them.
macro_rules! variants {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn put(&self, out: &mut Writer) {
                let place = Self::ALL.iter().position(|one| one == self);
                out.byte(place.and_then(|place| u8::try_from(place).ok()).unwrap_or_default());
            }
            fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
                Self::ALL.get(usize::from(from.byte()?)).copied().ok_or(FrameError::Unknown)
            }
        }
    )*};
}
variants!(Severity, Standing, Theme, crate::Shape);

impl Wire for Setting {
    fn put(&self, out: &mut Writer) {
        out.byte(match self {
            Self::List => 0,
            Self::Log => 1,
            Self::Commands => 2,
        });
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            0 => Self::List,
            1 => Self::Log,
            2 => Self::Commands,
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Fact {
    fn put(&self, out: &mut Writer) {
        out.text(&self.label, LETTER_LABEL_MAX);
        out.text(&self.value, LETTER_VALUE_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self { label: from.text(LETTER_LABEL_MAX)?, value: from.text(LETTER_VALUE_MAX)? })
    }
}

impl Wire for Passage {
    fn put(&self, out: &mut Writer) {
        out.text(&self.title, LETTER_LABEL_MAX);
        self.setting.put(out);
        (self.lines.len().min(LETTER_LINES_MAX) as u32).put(out);
        for line in self.lines.iter().take(LETTER_LINES_MAX) {
            out.text(line, LETTER_LINE_MAX);
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (title, setting) = (from.text(LETTER_LABEL_MAX)?, Setting::take(from)?);
        let count = u32::take(from)? as usize;
        if count > LETTER_LINES_MAX {
            return Err(FrameError::Limit);
        }
        let lines = (0..count).map(|_| from.text(LETTER_LINE_MAX)).collect::<Result<_, _>>()?;
        Ok(Self { title, setting, lines })
    }
}

impl Wire for Picture {
    fn put(&self, out: &mut Writer) {
        out.bytes(&self.png, LETTER_PICTURE_MAX);
        out.text(&self.alt, LETTER_LABEL_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self { png: from.byte_list(LETTER_PICTURE_MAX)?, alt: from.text(LETTER_LABEL_MAX)? })
    }
}

impl Wire for Letter {
    fn put(&self, out: &mut Writer) {
        out.text(&self.id, LETTER_ID_MAX);
        out.text(&self.thread, LETTER_THREAD_MAX);
        out.text(&self.topic, LETTER_NAME_MAX);
        self.theme.put(out);
        self.severity.put(out);
        self.standing.put(out);
        self.time.put(out);
        self.since.put(out);
        out.text(&self.host, LETTER_THREAD_MAX);
        out.text(&self.lang, LETTER_NAME_MAX);
        out.text(&self.subject, LETTER_SUBJECT_MAX);
        out.text(&self.lead, LETTER_LEAD_MAX);
        out.list(&self.facts[..self.facts.len().min(LETTER_FACTS_MAX)]);
        out.list(&self.passages[..self.passages.len().min(LETTER_PASSAGES_MAX)]);
        (self.labels.len().min(LETTER_LABELS_MAX) as u32).put(out);
        for (name, value) in self.labels.iter().take(LETTER_LABELS_MAX) {
            out.text(name, LETTER_NAME_MAX);
            out.text(value, LABEL_VALUE_MAX);
        }
        self.picture.put(out);
        out.text(&self.data, LETTER_DATA_MAX);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            id: from.text(LETTER_ID_MAX)?,
            thread: from.text(LETTER_THREAD_MAX)?,
            topic: from.text(LETTER_NAME_MAX)?,
            theme: Theme::take(from)?,
            severity: Severity::take(from)?,
            standing: Standing::take(from)?,
            time: Stamp::take(from)?,
            since: Stamp::take(from)?,
            host: from.text(LETTER_THREAD_MAX)?,
            lang: from.text(LETTER_NAME_MAX)?,
            subject: from.text(LETTER_SUBJECT_MAX)?,
            lead: from.text(LETTER_LEAD_MAX)?,
            facts: from.list(LETTER_FACTS_MAX)?,
            passages: passages(from)?,
            labels: labels(from)?,
            picture: Wire::take(from)?,
            data: from.text(LETTER_DATA_MAX)?,
        })
    }
}

fn passages(from: &mut Reader<'_>) -> Result<Vec<Passage>, FrameError> {
    let passages: Vec<Passage> = from.list(LETTER_PASSAGES_MAX)?;
    let lines = passages.iter().flat_map(|passage| &passage.lines);
    let bytes: usize = lines.map(|line| line.len() + LETTER_LINE_COST).sum();
    if bytes > LETTER_LINES_BYTES_MAX { Err(FrameError::Limit) } else { Ok(passages) }
}

fn labels(from: &mut Reader<'_>) -> Result<Vec<(String, String)>, FrameError> {
    let count = u32::take(from)? as usize;
    if count > LETTER_LABELS_MAX {
        return Err(FrameError::Limit);
    }
    let one =
        |from: &mut Reader<'_>| Ok((from.text(LETTER_NAME_MAX)?, from.text(LABEL_VALUE_MAX)?));
    (0..count).map(|_| one(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        let passage = |setting| Passage {
            title: "ログ".to_owned(),
            setting,
            lines: vec!["Failed password for root".to_owned(), String::new()],
        };
        Letter {
            id: "01-b.c".to_owned(),
            thread: "alarm:変な".to_owned(),
            topic: "security".to_owned(),
            theme: Theme::Service,
            severity: Severity::Critical,
            standing: Standing::Resolved,
            time: Stamp(-5),
            since: Stamp(i64::MAX),
            host: "web1".to_owned(),
            lang: "ja".to_owned(),
            subject: "変なSSHアクセスがありましたよ。".to_owned(),
            lead: "lead".to_owned(),
            facts: vec![Fact { label: "user".to_owned(), value: "a\nb".to_owned() }],
            passages: vec![
                passage(Setting::List),
                passage(Setting::Log),
                passage(Setting::Commands),
            ],
            labels: vec![("user".to_owned(), "alice".to_owned())],
            picture: Some(Picture { png: vec![0x89, b'P', 0, 255], alt: "x".to_owned() }),
            data: "{}".to_owned(),
        }
    }

    /// Every part as large as it may be, and then some.
    fn huge() -> Letter {
        let long = || "門".repeat(200_000);
        let passage = || Passage {
            title: long(),
            setting: Setting::Log,
            lines: vec!["門".repeat(2000); 1000],
        };
        Letter {
            id: long(),
            thread: long(),
            topic: long(),
            host: long(),
            lang: long(),
            subject: long(),
            lead: long(),
            facts: vec![Fact { label: "門".repeat(999), value: "門".repeat(999) }; 999],
            passages: (0..40).map(|_| passage()).collect(),
            labels: vec![("n".repeat(99), "v".repeat(999)); 99],
            picture: Some(Picture { png: vec![7; LETTER_PICTURE_MAX], alt: long() }),
            data: "x".repeat(LETTER_DATA_MAX),
            ..letter()
        }
    }

    #[test]
    fn a_letter_comes_back_as_it_left() {
        assert_eq!(decode_letter(&encode_letter(&letter())), Ok(letter()));
    }

    #[test]
    fn the_largest_letter_has_room() {
        let bytes = encode_letter(&huge());
        assert!(bytes.len() <= LETTER_BYTES_MAX, "{}", bytes.len());
        let back = decode_letter(&bytes).unwrap();
        assert_eq!(encode_letter(&back), bytes, "clipped once, it stays");
    }

    #[test]
    fn bytes_that_are_no_letter_are_refused() {
        let good = encode_letter(&letter());
        for end in 0..good.len() {
            assert!(decode_letter(&good[..end]).is_err(), "cut at {end}");
        }
        let longer = [&good[..], b"x"].concat();
        assert_eq!(decode_letter(&longer), Err(FrameError::Long));
        assert_eq!(decode_letter(&vec![0; LETTER_BYTES_MAX + 1]), Err(FrameError::Limit));
        // Each byte in turn wrong: an error or another letter, never an end of the process.
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = decode_letter(&bad);
            }
        }
    }

    #[test]
    fn a_count_that_promises_too_much_is_refused() {
        let mut out = Writer::default();
        u32::MAX.put(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(passages(&mut Reader::over(&bytes)), Err(FrameError::Limit));
        assert_eq!(labels(&mut Reader::over(&bytes)), Err(FrameError::Limit));
    }
}
