//! `%(name)s`: values within values, as Python's basic interpolation with fail2ban's additions.

use std::collections::HashMap;

use monban_model::closest;
use monban_model::limits::{
    FAIL2BAN_INTERPOLATION_DEPTH_MAX, FAIL2BAN_VALUE_MAX, FAIL2BAN_VALUE_WORK_MAX,
};

use super::complaint::Complaint;
use super::layers::Layers;
use super::options::{Options, lower};
use super::place::Text;

/// Puts in all that a value names.
pub(crate) fn interpolate(
    layers: &Layers,
    section: &str,
    key: &str,
    raw: &Text,
    vars: &Options,
) -> Result<Text, Complaint> {
    let text = raw.as_str();
    if text.len() <= FAIL2BAN_VALUE_MAX && memchr::memchr(b'%', text.as_bytes()).is_none() {
        return Ok(raw.clone());
    }
    let mut work = Work { layers, section, key, vars, moved: 0 };
    let mut out = Text::new("", &raw.place());
    work.put(raw, &mut out, &HashMap::new(), 1)?;
    Ok(out)
}

/// Values of other sections that became known on the way down, by their names.
type Mapped = HashMap<String, Text>;

struct Work<'a> {
    layers: &'a Layers,
    section: &'a str,
    key: &'a str,
    vars: &'a Options,
    moved: usize,
}

impl Work<'_> {
    fn put(
        &mut self,
        raw: &Text,
        out: &mut Text,
        above: &Mapped,
        depth: usize,
    ) -> Result<(), Complaint> {
        if depth > FAIL2BAN_INTERPOLATION_DEPTH_MAX {
            return Err(self.wrong("interpolation-depth", raw, 0));
        }
        let text = raw.as_str();
        let mapped = self.map_sections(text, above);
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find('%')) {
            let percent = at + found;
            self.account(raw, percent - at, out)?;
            out.push_part(raw, at, percent);
            let rest = &text[percent..];
            if rest.starts_with("%%") {
                out.push_part(raw, percent, percent + 1);
                at = percent + 2;
                continue;
            }
            if !rest.starts_with("%(") {
                return Err(self.wrong("bad-percent", raw, percent));
            }
            let Some((name, length)) = reference(rest) else {
                return Err(self.wrong("bad-percent", raw, percent));
            };
            let Some(value) = self.find(name, &mapped, raw, percent) else {
                return Err(self.missing(name, raw, percent));
            };
            self.account(raw, value.as_str().len(), out)?;
            if value.as_str().contains('%') {
                self.put(&value, out, &mapped, depth + 1)?;
            } else {
                out.push_text(&value);
            }
            at = percent + length;
        }
        self.account(raw, text.len() - at, out)?;
        out.push_part(raw, at, text.len());
        Ok(())
    }

    /// A value that a name stands for.
    fn find(&self, name: &str, mapped: &Mapped, raw: &Text, at: usize) -> Option<Text> {
        let lower = &*lower(name);
        if lower == "__name__" {
            return Some(Text::new(self.section, &raw.place_at(at)));
        }
        if let Some(found) = self.layers.raw(self.section, lower, self.vars) {
            return Some(found.clone());
        }
        mapped.get(lower).cloned()
    }

    /// Values of other sections that this text names; those that were named further up stay known.
    fn map_sections(&self, text: &str, above: &Mapped) -> Mapped {
        let mut mapped = above.clone();
        if !text.contains('/') {
            return mapped;
        }
        let mut rest = text;
        while let Some(at) = rest.find("%(") {
            rest = &rest[at..];
            let Some((name, _)) = reference(rest) else { break };
            if let Some(value) = self.layers.raw_of_other(self.section, name) {
                mapped.entry(name.to_owned()).or_insert_with(|| value.clone());
            }
            rest = &rest[2..];
        }
        mapped
    }

    /// Counts what is moved, so that values that grow or vanish into each other have an end.
    fn account(&mut self, raw: &Text, more: usize, out: &Text) -> Result<(), Complaint> {
        // Finding the line of a part costs up to the length of the whole.
        self.moved += more + 16 + raw.as_str().len() / 8;
        let length = out.as_str().len() + more;
        if length > FAIL2BAN_VALUE_MAX || self.moved > FAIL2BAN_VALUE_WORK_MAX {
            return Err(self.wrong("value-too-long", raw, 0));
        }
        Ok(())
    }

    fn wrong(&self, kind: &'static str, raw: &Text, at: usize) -> Complaint {
        let text = raw.as_str().get(at..).unwrap_or_default();
        let text: String = text.chars().take_while(|c| *c != '\n').take(40).collect();
        Complaint::error(kind, raw.place_at(at))
            .with("key", self.key)
            .with("section", self.section)
            .with("text", text)
    }

    fn missing(&self, name: &str, raw: &Text, at: usize) -> Complaint {
        let kind = match name.contains('/') && name != name.to_lowercase() {
            true => "upper-case-section",
            false => "missing-name",
        };
        let own = self.layers.own(self.section).map(|(key, _)| key);
        let defaults = self.layers.defaults.iter().map(|(key, _)| key);
        let meant = closest(name, own.chain(defaults)).unwrap_or_default();
        self.wrong(kind, raw, at).with("name", name).with("meant", meant)
    }
}

/// The name of the `%(name)s` that a text begins with, and how long the whole is.
fn reference(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("%(")?;
    let end = inner.find(')')?;
    let is_whole = end > 0 && inner[end..].starts_with(")s");
    is_whole.then(|| (&inner[..end], end + 4))
}

#[cfg(test)]
mod tests {
    use super::super::ini::Ini;
    use super::*;

    fn get(text: &str, key: &str) -> Result<String, &'static str> {
        let mut layers = Layers::default();
        layers.add(&Ini::parse("f", text), true);
        let found = layers.get("s", key, &Options::default());
        found.map(|text| text.map_or(String::new(), |t| t.as_str().to_owned())).map_err(|c| c.kind)
    }

    #[test]
    fn names_are_replaced_by_values() {
        let text = "[DEFAULT]\nd = D\n[s]\na = <%(b)s> %% %(D)s\nb = b%(__name__)s\n";
        assert_eq!(get(text, "a").as_deref(), Ok("<bs> % D"));
        let other = "[s]\na = %(t/x)s\nb = %(default/x)s\n[t]\nx = %(y)s\n[DEFAULT]\nx=X\ny=Y\n";
        assert_eq!(get(other, "a").as_deref(), Ok("Y"));
        assert_eq!(get(other, "b").as_deref(), Ok("X"));
        // What is named with a section is known below as well.
        let below = "[s]\na = %(t/x)s\n[t]\nx = %(t/y)s\ny = 1\n";
        assert_eq!(get(below, "a").as_deref(), Ok("1"));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        assert_eq!(get("[s]\na = 5 %\n", "a"), Err("bad-percent"));
        assert_eq!(get("[s]\na = %(x\n", "a"), Err("bad-percent"));
        assert_eq!(get("[s]\na = %()s\n", "a"), Err("bad-percent"));
        assert_eq!(get("[s]\na = %(x)s\n", "a"), Err("missing-name"));
        assert_eq!(get("[s]\na = %(B/q)s\n[B]\nq=1\n", "a"), Err("upper-case-section"));
        assert_eq!(get("[s]\na = %(a)s\n", "a"), Err("interpolation-depth"));
    }

    #[test]
    fn ten_values_deep_is_the_end() {
        let chain = |length: usize| {
            let links = (0..length).map(|n| format!("k{n} = %(k{})s\n", n + 1));
            format!("[s]\n{}k{length} = end\n", links.collect::<String>())
        };
        assert_eq!(get(&chain(10), "k0").as_deref(), Ok("end"));
        assert_eq!(get(&chain(11), "k0"), Err("interpolation-depth"));
    }

    #[test]
    fn values_that_explode_have_an_end() {
        for last in ["x", ""] {
            let level = |n: usize| format!("k{n} = {}\n", format!("%(k{})s", n + 1).repeat(200));
            let text: String = (0..9).map(level).collect();
            let text = format!("[s]\n{text}k9 = {last}\n");
            assert_eq!(get(&text, "k0"), Err("value-too-long"));
        }
    }
}
