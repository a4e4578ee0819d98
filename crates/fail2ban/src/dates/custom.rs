//! Templates that a filter's `datepattern` asks for.

use monban_pyre::{Options, Regex};
use std::collections::HashSet;

use super::bounds::{Begin, bounded, unbound};
use super::forms::{FORMS, Form};
use super::glance::Glance;
use super::keys::Key;
use super::scan::Scan;
use super::template::{Expression, Meaning, Template};
use super::tokens::expand;
use super::usual::Usual;

/// The templates of a `datepattern`, in the order in which they are tried at first.
pub fn templates(datepattern: &str, decade_max: u16) -> Result<Vec<Template>, String> {
    let mut list = List { templates: Vec::new(), names: HashSet::new(), decade_max };
    for pattern in datepattern.split('\n') {
        let pattern = pattern.trim_matches(super::characters::is_space);
        if !pattern.is_empty() {
            list.add(pattern)?;
        }
    }
    if list.templates.is_empty() {
        list.add("{DEFAULT}")?;
    }
    Ok(list.templates)
}

struct List {
    templates: Vec<Template>,
    names: HashSet<String>,
    decade_max: u16,
}

impl List {
    fn add(&mut self, pattern: &str) -> Result<(), String> {
        let key = key_of(pattern);
        // What a default brings again is left out; what is written twice is an error.
        let again_is_fine = !self.templates.is_empty();
        if key == "{^LN-BEG}" || key == "{DEFAULT}" {
            let anchored = key == "{^LN-BEG}";
            for scan in Scan::all().filter(|scan| !anchored || scan.is_anchored()) {
                self.append(Template::of_scan(scan), again_is_fine)?;
            }
            return Ok(());
        }
        if key.contains("{DATE}") {
            let stem = stem(pattern);
            for form in &FORMS {
                let mut template = self.around(pattern, form)?;
                if let Some(stem) = &stem {
                    template = template.only_where(stem.clone());
                }
                self.append(template, again_is_fine)?;
            }
            return Ok(());
        }
        let template = match key.as_str() {
            "{NONE}" => self.of_tokens("{UNB}^")?,
            _ => self.of_pattern(pattern)?,
        };
        self.append(template, false)
    }

    fn append(&mut self, template: Template, again_is_fine: bool) -> Result<(), String> {
        if self.names.insert(template.name.clone()) {
            self.templates.push(template);
        } else if !again_is_fine {
            return Err(format!("datepattern: there is already a template `{}`", template.name));
        }
        Ok(())
    }

    /// A default form within the pattern, in place of its `{DATE}`.
    fn around(&self, pattern: &str, form: &'static Form) -> Result<Template, String> {
        // Forms that are no patterns come in by their names: within a longer pattern that is
        // the word itself, here as there.
        let inner = if form.pattern.is_empty() { form.name } else { form.pattern };
        let pattern = with_date(pattern, unbound(inner));
        match Scan::at_first(form) {
            Some(scan) if pattern.strip_prefix('^') == Some(form.pattern) => {
                let expanded = expand(&pattern, self.decade_max)
                    .map_err(|error| format!("datepattern `{pattern}`: {error}"))?;
                Ok(Template::at_first(expanded.name, scan))
            }
            _ => self.of_pattern(&pattern),
        }
    }

    fn of_pattern(&self, pattern: &str) -> Result<Template, String> {
        let key = key_of(pattern);
        if key.contains("EPOCH") {
            let long = key.contains("LEPOCH");
            if let Some(places) = epoch_places(pattern) {
                return self.of_epoch_in(pattern, &places, long);
            }
            match key.as_str() {
                "EPOCH" | "LEPOCH" => return self.of_epoch(long, false),
                "{^LN-BEG}EPOCH" | "^EPOCH" | "{^LN-BEG}LEPOCH" | "^LEPOCH" => {
                    return self.of_epoch(long, true);
                }
                _ => {}
            }
        }
        match key.as_str() {
            "TAI64N" => self.of_label(Begin::Unbound),
            "{^LN-BEG}TAI64N" | "^TAI64N" => self.of_label(Begin::Line),
            _ => self.of_tokens(pattern),
        }
    }

    fn of_tokens(&self, pattern: &str) -> Result<Template, String> {
        let (mut begin, mut end, mut text) = (Begin::Word, true, pattern);
        if let Some(rest) = text.strip_prefix("{UNB}") {
            (begin, end, text) = (Begin::Unbound, false, rest);
        } else if let Some(rest) = text.strip_prefix("{^LN-BEG}") {
            (begin, text) = (Begin::Line, rest);
        }
        let expanded = expand(text, self.decade_max)
            .map_err(|error| format!("datepattern `{pattern}`: {error}"))?;
        let regex = match has_names(text) {
            true => format!("(?iu){}", expanded.regex),
            false => expanded.regex,
        };
        let usual = Usual::of_pattern(pattern);
        let template = self.finish(expanded.name, &regex, (begin, end), usual, |regex| {
            Meaning::Parts(keys_of(regex))
        })?;
        Ok(match usual.is_some_and(Usual::is_anywhere) {
            true => template.only_where(Glance::Slashed),
            false => template,
        })
    }

    /// A number on its own; only `[` before it is looked at, what stands behind it is not.
    fn of_epoch(&self, long: bool, at_line_begin: bool) -> Result<Template, String> {
        let name = if long { "LongEpoch" } else { "Epoch" };
        let number = epoch_regex(long);
        let meaning = |_: &Regex| Meaning::Epoch { group: 1, long };
        if at_line_begin {
            return self.finish(
                name.into(),
                &format!("({number})"),
                (Begin::Line, true),
                None,
                meaning,
            );
        }
        let regex = format!(r"((?:^|(?<=^\[)|(?<=\baudit\()){number})");
        let template = self.finish(name.into(), &regex, (Begin::Unbound, true), None, meaning)?;
        Ok(template.only_where(Glance::Epoch))
    }

    fn of_epoch_in(
        &self,
        pattern: &str,
        places: &[(usize, usize)],
        long: bool,
    ) -> Result<Template, String> {
        let number = format!("({})", epoch_regex(long));
        let mut regex = pattern.to_owned();
        for &(start, end) in places.iter().rev() {
            regex.replace_range(start..end, &number);
        }
        let meaning = |_: &Regex| Meaning::Epoch { group: 2, long };
        self.finish(pattern.to_owned(), &format!("({regex})"), (Begin::Word, true), None, meaning)
    }

    fn of_label(&self, begin: Begin) -> Result<Template, String> {
        self.finish("TAI64N".into(), "@[0-9a-f]{24}", (begin, true), None, |_| Meaning::Tai)
    }

    fn finish(
        &self,
        mut name: String,
        regex: &str,
        (begin, end): (Begin, bool),
        usual: Option<Usual>,
        meaning: impl FnOnce(&Regex) -> Meaning,
    ) -> Result<Template, String> {
        let bounded = bounded(regex, begin, end);
        if bounded.at_line_begin && !name.starts_with("{^LN-BEG}") {
            name.insert_str(0, "{^LN-BEG}");
        }
        let regex = Regex::new(&bounded.regex, Options::default())
            .map_err(|error| format!("datepattern `{name}`: {}", error.message))?;
        let meaning = meaning(&regex);
        Ok(Template::of_expression(name, bounded.anchored, Expression { regex, meaning, usual }))
    }
}

/// A pattern without tokens is known by its capital letters.
fn key_of(pattern: &str) -> String {
    if pattern.contains('%') { pattern.to_owned() } else { pattern.to_uppercase() }
}

fn epoch_regex(long: bool) -> &'static str {
    if long { r"\d{10,11}(?:\d{3}(?:\.\d{1,6}|\d{3})?)?" } else { r"\d{10,11}\b(?:\.\d{3,6})?" }
}

/// Whether names of days, months or day halves are in it: then letters may have either case.
fn has_names(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    bytes.windows(2).enumerate().any(|(at, pair)| {
        pair[0] == b'%' && b"aAbBpc".contains(&pair[1]) && !bytes[..at].ends_with(b"%")
    })
}

/// Where `{EPOCH}` and `{LEPOCH}` stand without a backslash before them.
fn epoch_places(pattern: &str) -> Option<Vec<(usize, usize)>> {
    let upper = pattern.to_ascii_uppercase();
    let mut places: Vec<(usize, usize)> = ["{EPOCH}", "{LEPOCH}"]
        .iter()
        .flat_map(|mark| upper.match_indices(mark))
        .map(|(at, mark)| (at, at + mark.len()))
        .filter(|(at, _)| !pattern[..*at].ends_with('\\'))
        .collect();
    places.sort_unstable();
    (!places.is_empty()).then_some(places)
}

/// The pattern with each `{DATE}` that has no backslash before it replaced.
fn with_date(pattern: &str, date: &str) -> String {
    const MARK: &str = "{DATE}";
    let upper = pattern.to_ascii_uppercase();
    let (mut text, mut from) = (String::new(), 0);
    for (at, _) in upper.match_indices(MARK) {
        if !pattern[..at].ends_with('\\') {
            text.push_str(&pattern[from..at]);
            text.push_str(date);
            from = at + MARK.len();
        }
    }
    text.push_str(&pattern[from..]);
    text
}

/// What a pattern has before its `{DATE}`, if that is tied to the beginning of the line and says
/// anything.
fn stem(pattern: &str) -> Option<Glance> {
    let at = pattern.to_ascii_uppercase().find("{DATE}")?;
    let before = pattern[..at].trim_end_matches('(');
    let is_plain = before.starts_with('^')
        && before.len() > 1
        && !before.contains(['%', '|', '('])
        && !before.contains("**")
        && !before.ends_with('\\')
        // Another way of the whole pattern would not need it.
        && !pattern[at..].contains('|');
    let stem = || Regex::new(&format!("(?iu){before}"), Options::default()).ok().map(Glance::stem);
    is_plain.then(stem).flatten()
}

/// The groups that have a meaning, in their order.
fn keys_of(regex: &Regex) -> Vec<(usize, Key)> {
    let names = regex.group_names().iter().enumerate();
    names.filter_map(|(group, name)| Some((group, Key::of_group(name.as_deref()?)?))).collect()
}
