//! Texts that know, line by line, where they were written.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

/// Where something was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as it was opened; empty for what fail2ban has built in.
    pub file: Arc<str>,
    /// Line, from 1; 0 if the whole file is meant.
    pub line: u32,
}

impl Place {
    /// A line of a file.
    pub fn new(file: &Arc<str>, line: u32) -> Self {
        Self { file: Arc::clone(file), line }
    }

    /// Whether it is no place in a file, but a default of fail2ban itself.
    pub fn is_built_in(&self) -> bool {
        self.file.is_empty()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_built_in(), self.line) {
            (true, _) => f.write_str("-"),
            (false, 0) => f.write_str(&self.file),
            (false, line) => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The line that gave it; built in, if nobody wrote it.
    pub from: Place,
}

impl<T> Sourced<T> {
    /// A value from a place.
    pub fn new(value: T, from: Place) -> Self {
        Self { value, from }
    }
}

/// A text of one or more lines, each of which knows where it was written, also after
/// interpolation: the lines of an included or known value keep their own places.
///
/// A copy costs nothing: most values go through many tables and are never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Arc<Lines>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lines {
    text: String,
    /// One for each line: one more than there are line ends in `text`.
    places: SmallVec<[Place; 1]>,
}

impl Text {
    /// A text of one line or of several that have one place.
    pub fn new(text: impl Into<String>, place: &Place) -> Self {
        let text = text.into();
        let lines = text.matches('\n').count() + 1;
        Self(Arc::new(Lines { text, places: SmallVec::from_elem(place.clone(), lines) }))
    }

    /// A text that stands in no file.
    pub fn built_in(text: impl Into<String>) -> Self {
        Self::new(text, &Place::default())
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Where it begins.
    pub fn place(&self) -> Place {
        self.0.places.first().cloned().unwrap_or_default()
    }

    /// Where the line that holds a byte was written.
    pub fn place_at(&self, offset: usize) -> Place {
        self.0.places.get(self.line_of(offset)).cloned().unwrap_or_default()
    }

    /// The lines with their places.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.0.text.split('\n').zip(&self.0.places)
    }

    /// Adds a line.
    pub(crate) fn push_line(&mut self, line: &str, place: Place) {
        let lines = Arc::make_mut(&mut self.0);
        lines.text.push('\n');
        lines.text.push_str(line);
        lines.places.push(place);
    }

    /// Adds all lines of another text as lines of their own.
    pub(crate) fn push_lines(&mut self, other: &Self) {
        let lines = Arc::make_mut(&mut self.0);
        lines.text.push('\n');
        lines.text.push_str(&other.0.text);
        lines.places.extend(other.0.places.iter().cloned());
    }

    /// Adds the part of another text that begins at a byte of it.
    pub(crate) fn push_part(&mut self, other: &Self, from: usize, to: usize) {
        if from < to {
            Arc::make_mut(&mut self.0).push_part(other, from, to);
        }
    }

    /// Puts another text into all these places, which are in order, apart from each other and each
    /// `length` bytes long, with as many line ends. `spare` is where the text is made.
    pub(crate) fn replace(
        &mut self,
        places: &[usize],
        length: usize,
        by: &Self,
        spare: &mut Spare,
    ) {
        if let ([0], true) = (places, length == self.0.text.len() && !by.0.text.is_empty()) {
            *self = by.clone();
            return;
        }
        if let [place] = &*by.0.places {
            return self.replace_in_lines(places, length, (&by.0.text, place), spare);
        }
        let made = &mut spare.0;
        made.text.clear();
        made.places.clear();
        made.places.extend(self.0.places.first().cloned());
        let (mut at, mut line) = (0, 0);
        for start in places {
            line = made.push_from(&self.0, (at, *start), line);
            made.push(&by.0.text, &by.0.places);
            at = start + length;
            line += self.0.line_ends(*start, at);
        }
        made.push_from(&self.0, (at, self.0.text.len()), line);
        match Arc::get_mut(&mut self.0) {
            Some(own) => std::mem::swap(own, made),
            None => self.0 = Arc::new(made.clone()),
        }
    }

    /// The same with a text of one line: all lines keep their places, but for those that begin with
    /// it.
    fn replace_in_lines(
        &mut self,
        places: &[usize],
        length: usize,
        (by, place): (&str, &Place),
        spare: &mut Spare,
    ) {
        let own = Arc::make_mut(&mut self.0);
        let made = &mut spare.0.text;
        made.clear();
        let mut at = 0;
        for start in places {
            made.push_str(&own.text[at..*start]);
            let begins = made.is_empty() || made.ends_with('\n');
            if begins && !by.is_empty() {
                let line = own.line_ends(0, *start);
                own.places[line].clone_from(place);
            }
            made.push_str(by);
            at = start + length;
        }
        made.push_str(&own.text[at..]);
        std::mem::swap(&mut own.text, made);
    }

    /// Adds another text. A line that is still empty takes over the place of what comes first.
    pub(crate) fn push_text(&mut self, other: &Self) {
        if self.0.text.is_empty() && !other.0.text.is_empty() {
            self.0 = Arc::clone(&other.0);
            return;
        }
        if !other.0.text.is_empty() {
            Arc::make_mut(&mut self.0).push(&other.0.text, &other.0.places);
        }
    }

    /// Removes white space at the end, as Python's `rstrip`.
    pub(crate) fn trim_end(&mut self) {
        let kept = self.0.text.trim_end_matches(is_space).len();
        if kept < self.0.text.len() {
            let lines = Arc::make_mut(&mut self.0);
            lines.text.truncate(kept);
            lines.places.truncate(lines.text.matches('\n').count() + 1);
        }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.0.line_ends(0, offset.min(self.0.text.len()))
    }
}

/// Room that texts are made in, so that not each has to ask for its own.
#[derive(Default)]
pub(crate) struct Spare(Lines);

impl Lines {
    /// How many lines end between two bytes.
    fn line_ends(&self, from: usize, to: usize) -> usize {
        match (self.places.len(), self.text.as_bytes().get(from..to)) {
            (2.., Some(part)) => memchr::memchr_iter(b'\n', part).count(),
            _ => 0,
        }
    }

    /// Adds what stands between two bytes of another text, the first of which is in this line of
    /// it; gives back the line that the last is in.
    fn push_from(&mut self, other: &Self, (from, to): (usize, usize), line: usize) -> usize {
        let last = line + other.line_ends(from, to);
        if let (Some(part), Some(places)) =
            (other.text.get(from..to), other.places.get(line..=last))
        {
            self.push(part, places);
        }
        last
    }

    fn push_part(&mut self, other: &Text, from: usize, to: usize) {
        self.push_from(&other.0, (from, to), other.line_of(from));
    }

    fn push(&mut self, part: &str, places: &[Place]) {
        if part.is_empty() {
            return;
        }
        let begins = self.text.is_empty() || self.text.ends_with('\n');
        if let (true, Some(last), Some(place)) = (begins, self.places.last_mut(), places.first()) {
            last.clone_from(place);
        }
        self.text.push_str(part);
        self.places.extend(places.iter().skip(1).cloned());
    }
}

/// Whether Python's `str.isspace` says so: it also knows four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_begins_with_what_is_put_in_has_its_place() {
        let file: Arc<str> = Arc::from("a");
        let at = |line| Place::new(&file, line);
        let put = |by: Text| {
            let mut text = Text::new("<x> one", &at(1));
            text.push_line("two <x>", at(2));
            text.push_line("<x><x>", at(3));
            let places = [0, 12, 16, 19];
            text.replace(&places, 3, &by, &mut Spare::default());
            let lines = text.lines().map(|(line, place)| (line.to_owned(), place.line));
            lines.collect::<Vec<_>>()
        };
        let line = |text: &str, line| (text.to_owned(), line);
        let one = [line("y one", 9), line("two y", 2), line("yy", 9)];
        assert_eq!(put(Text::new("y", &at(9))), one);
        assert_eq!(put(Text::new("", &at(9))), [line(" one", 1), line("two ", 2), line("", 3)]);
        let mut two = Text::new("", &at(8));
        two.push_line("z", at(9));
        let more = ["", "z one", "two ", "z", "", "z", "z"].into_iter();
        let places = [8, 9, 2, 9, 8, 9, 9];
        let more: Vec<_> = more.zip(places).map(|(text, at)| line(text, at)).collect();
        assert_eq!(put(two), more);
    }

    #[test]
    fn lines_keep_their_places_when_texts_are_joined() {
        let file: Arc<str> = Arc::from("a");
        let at = |line| Place::new(&file, line);
        let mut known = Text::new("one", &at(1));
        known.push_line("two", at(2));
        let mut joined = Text::new("", &at(7));
        joined.push_text(&known);
        joined.push_part(&Text::new("\nmine", &at(8)), 0, 5);
        assert_eq!(joined.as_str(), "one\ntwo\nmine");
        let lines: Vec<u32> = joined.lines().map(|(_, place)| place.line).collect();
        assert_eq!(lines, [1, 2, 8]);
        assert_eq!(joined.place_at(5).line, 2);
        joined.push_line("", at(9));
        joined.trim_end();
        assert_eq!(joined.lines().count(), 3);
    }
}
