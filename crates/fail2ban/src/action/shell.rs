//! Puts the values of a ticket into a command, so that none of them is read as shell.

use std::borrow::Cow;

use monban_model::limits::{FAIL2BAN_SHELL_TEXT_MAX, FAIL2BAN_SHELL_VALUE_MAX};

use crate::config::tags;

/// What a shell is started with: `/bin/sh -c TEXT VALUE..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shell {
    /// The script. Where there are values, its first line binds them: `f2bV_ip=$0 `.
    pub text: String,
    /// `$0`, `$1`, ..
    pub values: Vec<String>,
}

/// Values that are known when a command is made only.
pub(crate) trait Values {
    /// The value of a tag; `None` for a tag that stays as it is.
    fn value(&self, tag: &str) -> Option<Cow<'_, str>>;

    /// What the filter captured under a name in lower case (`<F-NAME>`).
    fn capture(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl Shell {
    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it is longer than the kernel takes: a program cannot be started with it.
    pub fn is_too_long(&self) -> bool {
        self.text.len() > FAIL2BAN_SHELL_TEXT_MAX
    }
}

/// Puts values into a command.
pub(crate) fn fill(command: &str, values: &dyn Values) -> Shell {
    let mut bound = Bound::default();
    let mut text = replace(command, |tag| {
        values.value(tag).map(|value| bound.put(tag, &value)).map(Cow::Owned)
    });
    if text.contains('<') {
        text = replace(&text, |tag| {
            let name = capture_name(tag)?;
            let value = values.capture(&name).unwrap_or_default();
            Some(Cow::Owned(bound.put(&format!("F_{name}"), &value)))
        });
    }
    bound.into_shell(text)
}

/// Replaces tags once, from left to right; a tag without a value stays.
pub(crate) fn replace<'a>(
    text: &str,
    mut value: impl FnMut(&str) -> Option<Cow<'a, str>>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, end)) = tags::find(text, at) {
        match value(&text[start + 1..end - 1]) {
            Some(value) => {
                out.push_str(&text[at..start]);
                out.push_str(&value);
            }
            None => out.push_str(&text[at..end]),
        }
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

/// `F-ID` is kept as `fid` and `F-PORT` as `fport`, as in a filter.
fn capture_name(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("F-").filter(|name| !name.is_empty())?;
    let is_name = |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-');
    name.bytes().all(is_name).then(|| match name {
        "ID" => "fid".to_owned(),
        "PORT" => "fport".to_owned(),
        name => name.to_ascii_lowercase(),
    })
}

/// Variables with their values, in the order in which they first came up.
#[derive(Default)]
struct Bound(Vec<(String, String)>);

impl Bound {
    /// What stands in the text for a value: itself if a shell sees nothing in it.
    fn put(&mut self, tag: &str, value: &str) -> String {
        // The end mark of C's texts cannot be given to any program.
        let value = cut(value).replace('\0', "");
        if !value.contains(is_special) {
            return value;
        }
        let mut name = String::from("f2bV_");
        name.extend(tag.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }));
        let reference = format!("${name}");
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => self.0.push((name, value)),
        }
        reference
    }

    fn into_shell(self, text: String) -> Shell {
        if self.0.is_empty() {
            return Shell { text, values: Vec::new() };
        }
        let mut head = String::new();
        let mut values = Vec::with_capacity(self.0.len());
        for (at, (name, value)) in self.0.into_iter().enumerate() {
            // fail2ban writes `$10` here, which a shell reads as `$1` and a zero.
            head += &if at < 10 { format!("{name}=${at} ") } else { format!("{name}=${{{at}}} ") };
            values.push(value);
        }
        Shell { text: format!("{head}\n{text}"), values }
    }
}

/// Characters that a value is bound for.
pub(crate) fn is_special(c: char) -> bool {
    "\\#&;`|*?~<>^()[]{}$'\"\n\r".contains(c)
}

fn cut(value: &str) -> &str {
    let mut end = value.len().min(FAIL2BAN_SHELL_VALUE_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(&'static str);

    impl Values for One {
        fn value(&self, tag: &str) -> Option<Cow<'_, str>> {
            (tag == "ip" || tag.starts_with('t')).then_some(Cow::Borrowed(self.0))
        }

        fn capture(&self, name: &str) -> Option<Cow<'_, str>> {
            (name == "user").then_some(Cow::Borrowed(self.0))
        }
    }

    #[test]
    fn only_harmless_values_stand_in_the_text() {
        let shell = fill("a <ip> <F-USER> <F-NO>. <other>", &One("-x y"));
        assert_eq!(shell.text, "a -x y -x y . <other>");
        let shell = fill("a <ip> <F-USER> <ip>", &One("<ip>;"));
        let head = "f2bV_ip=$0 f2bV_F_user=$1 \n";
        assert_eq!(shell.text, format!("{head}a $f2bV_ip $f2bV_F_user $f2bV_ip"));
        assert_eq!(shell.values, ["<ip>;", "<ip>;"]);
    }

    #[test]
    fn the_eleventh_value_is_itself() {
        let command: String = (0..12).map(|n| format!("printf '%s,' \"<t{n}>\";")).collect();
        let shell = fill(&command, &One("$"));
        let output = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(&shell.text)
            .args(&shell.values)
            .output()
            .expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "$,".repeat(12));
    }

    #[test]
    fn what_no_program_takes_is_cut() {
        assert_eq!(fill("<ip>", &One("a\0b")).text, "ab");
        assert_eq!(cut(&"é".repeat(FAIL2BAN_SHELL_VALUE_MAX)).len() % 2, 0);
    }
}
