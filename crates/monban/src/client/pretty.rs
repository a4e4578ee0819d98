//! `--dp`: commands as Python's `pprint` prints them.

use monban_fail2ban::client::Value;

/// What is longer is put on several lines.
const WIDTH: usize = 1000;

/// A value; a list that is too long for a line has one item on each.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    put(value, 0, 0, &mut out);
    out
}

/// `indent` characters stand before it on its line, `behind` brackets follow it.
fn put(value: &Value, indent: usize, behind: usize, out: &mut String) {
    let whole = value.repr();
    if whole.chars().count() + indent + behind <= WIDTH {
        out.push_str(&whole);
        return;
    }
    match value {
        Value::List(items) => {
            out.push_str("[ ");
            for (number, item) in items.iter().enumerate() {
                let is_last = number + 1 == items.len();
                put(item, indent + 2, if is_last { behind + 1 } else { 1 }, out);
                if !is_last {
                    out.push_str(&format!(",\n{}", " ".repeat(indent + 2)));
                }
            }
            out.push(']');
        }
        Value::Str(text) => put_text(text, indent, behind, out),
        _ => out.push_str(&whole),
    }
}

/// A text line by line, each in quotes of its own, and a line that is too long word by word.
fn put_text(text: &str, indent: usize, behind: usize, out: &mut String) {
    let most = WIDTH - indent.min(WIDTH);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut parts = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let most = most - if number + 1 == lines.len() { behind } else { 0 };
        let whole = Value::text(*line).repr();
        if whole.chars().count() <= most {
            parts.push(whole);
            continue;
        }
        let mut current = String::new();
        for word in words(line) {
            let longer = format!("{current}{word}");
            if Value::text(&longer).repr().chars().count() > most && !current.is_empty() {
                parts.push(Value::text(std::mem::take(&mut current)).repr());
                current = word.to_owned();
            } else {
                current = longer;
            }
        }
        if !current.is_empty() {
            parts.push(Value::text(current).repr());
        }
    }
    out.push_str(&parts.join(&format!("\n{}", " ".repeat(indent))));
}

/// Words with the white space behind them.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let gap = rest[end..].find(|c: char| !c.is_whitespace());
        let (word, tail) = rest.split_at(gap.map_or(rest.len(), |gap| end + gap));
        words.push(word);
        rest = tail;
    }
    words
}
