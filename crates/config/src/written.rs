//! A table of the file as it was written: values are taken by name and type, and what is left
//! over or of the wrong type becomes a problem with its place.

use monban_model::{Problem, closest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a file and the problems found in it so far.
pub(crate) struct Page<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) problems: Vec<Problem>,
}

impl Page<'_> {
    /// The line of a byte offset, from 1.
    pub(crate) fn line_of(&self, at: usize) -> u32 {
        Problem::of_file(self.file, "", "").at(self.text, at).line
    }

    /// A place for people, such as `monban.toml:12`: the file without its folder.
    pub(crate) fn place_of(&self, at: usize) -> String {
        let name = self.file.rsplit('/').next().unwrap_or(self.file);
        format!("{name}:{}", self.line_of(at))
    }

    /// Notes a problem at a byte offset.
    pub(crate) fn problem(&mut self, at: usize, what: String, why: &str, hint: &str) {
        let problem = Problem::of_file(self.file, what, why).at(self.text, at).hint(hint);
        self.problems.push(problem);
    }
}

/// A value with its place.
pub(crate) type Value<'a> = Spanned<DeValue<'a>>;

/// A table whose entries are taken one by one.
pub(crate) struct Table<'a> {
    /// Its name for messages, such as `[policy.sshd]`.
    name: String,
    entries: Vec<(Spanned<String>, Value<'a>)>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(name: &str, table: DeTable<'a>) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let span = key.span();
                (Spanned::new(span, key.into_inner().into_owned()), value)
            })
            .collect();
        Self { name: name.to_owned(), entries, known: Vec::new() }
    }

    /// The entries that are left, whatever they are called.
    pub(crate) fn rest(self) -> Vec<(Spanned<String>, Value<'a>)> {
        self.entries
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let at = self.entries.iter().position(|(name, _)| name.as_ref() == key)?;
        Some(self.entries.remove(at).1)
    }

    pub(crate) fn bool(&mut self, key: &'static str, page: &mut Page<'_>) -> Option<bool> {
        let value = self.take(key)?;
        match value.as_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong(key, &value, "true or false", page),
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        (least, most): (u64, u64),
        page: &mut Page<'_>,
    ) -> Option<u64> {
        let value = self.take(key)?;
        let number = match value.as_ref() {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => self.wrong(key, &value, &format!("a whole number from {least} to {most}"), page),
        }
    }

    /// A text that `read` understands.
    pub(crate) fn text<T>(
        &mut self,
        key: &'static str,
        page: &mut Page<'_>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let Some(text) = value.as_ref().as_str() else {
            return self.wrong(key, &value, "a text in quotes", page);
        };
        match read(text) {
            Ok(meant) => Some(meant),
            Err(why) => {
                page.problem(value.span().start, format!("`{key}`: {why}"), "", "");
                None
            }
        }
    }

    /// A list of texts, each of which `read` understands.
    pub(crate) fn texts<T>(
        &mut self,
        key: &'static str,
        page: &mut Page<'_>,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let DeValue::Array(items) = value.as_ref() else {
            return self.wrong(key, &value, "a list such as [\"a\", \"b\"]", page);
        };
        let mut meant = Vec::new();
        for item in items.iter() {
            match item.as_ref().as_str().map(&mut read) {
                Some(Ok(value)) => meant.push(value),
                Some(Err(why)) => {
                    page.problem(item.span().start, format!("`{key}`: {why}"), "", "");
                }
                None => {
                    let what = format!("`{key}` wants texts in quotes");
                    page.problem(item.span().start, what, "", "");
                }
            }
        }
        Some(meant)
    }

    /// Whether such an entry is there and was not taken yet.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name.as_ref() == key)
    }

    /// Any value, with its place.
    pub(crate) fn any(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.take(key)
    }

    /// A table in this one.
    pub(crate) fn table(&mut self, key: &'static str, page: &mut Page<'_>) -> Option<Table<'a>> {
        let value = self.take(key)?;
        let place = value.span().start;
        match value.into_inner() {
            DeValue::Table(table) => Some(Table::new(&format!("[{key}]"), table)),
            _ => {
                let what = format!("`{key}` is a table");
                page.problem(place, what, "", &format!("write [{key}] on a line of its own"));
                None
            }
        }
    }

    /// Where a value stands that is still to be taken.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        let found = self.entries.iter().find(|(name, _)| name.as_ref() == key)?;
        Some(found.1.span().start)
    }

    /// A text, or a list of texts, each of which `read` understands.
    pub(crate) fn text_or_texts<T>(
        &mut self,
        key: &'static str,
        page: &mut Page<'_>,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let is_text = |(name, value): &(Spanned<String>, Value<'a>)| {
            name.as_ref() == key && value.as_ref().as_str().is_some()
        };
        match self.entries.iter().any(is_text) {
            true => self.text(key, page, |text| read(text)).map(|one| vec![one]),
            false => self.texts(key, page, read),
        }
    }

    /// Tables that are written as `[[key]]`, with their places.
    pub(crate) fn tables(
        &mut self,
        key: &'static str,
        title: &str,
        page: &mut Page<'_>,
    ) -> Vec<(usize, Table<'a>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let place = value.span().start;
        let hint = format!("write {title} on a line of its own before each");
        let mut wrong =
            |place| page.problem(place, format!("`{key}` is no list of tables"), "", &hint);
        let DeValue::Array(items) = value.into_inner() else {
            wrong(place);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            let place = item.span().start;
            match item.into_inner() {
                DeValue::Table(table) => tables.push((place, Table::new(title, table))),
                _ => wrong(place),
            }
        }
        tables
    }

    /// Whatever was not taken is unknown: said, so that a slip of the finger does not weaken the
    /// guard in silence.
    pub(crate) fn finish(self, page: &mut Page<'_>) {
        for (key, _) in &self.entries {
            let name: &str = key.as_ref();
            let hint = match closest(name, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            let what = format!("unknown key `{name}` in {}", self.name);
            page.problem(key.span().start, what, "it would have no effect", &hint);
        }
    }

    fn wrong<T>(
        &self,
        key: &str,
        value: &Value<'_>,
        wanted: &str,
        page: &mut Page<'_>,
    ) -> Option<T> {
        let found = match value.as_ref() {
            DeValue::String(text) => format!("the text \"{text}\""),
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(flag) => format!("{flag}"),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        let what = format!("`{key}` in {} is {found}", self.name);
        page.problem(value.span().start, what, "", &format!("write {wanted}"));
        None
    }
}
