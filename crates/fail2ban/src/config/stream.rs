//! The commands that fail2ban's client would send to its server for a configuration, in its order.
//!
//! They show what a configuration comes to, and can be compared with fail2ban's own
//! `fail2ban-client -d`.

use super::keys::{self, Form};
use super::load::Configuration;
use super::options::Options;
use super::place::Text;
use super::resolved::{ActionKind, ActionSpec, Jail, ServerSettings};
use super::words::{shell_words, words};

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Yes(bool),
    /// Several words.
    List(Vec<Word>),
    /// Names with values.
    Table(Vec<(String, Word)>),
}

/// One command.
pub type Command = Vec<Word>;

impl Configuration {
    /// All commands.
    pub fn commands(&self) -> Vec<Command> {
        let mut stream = of_server(&self.server);
        for jail in &self.jails {
            stream.extend(of_jail(jail));
        }
        stream.extend(self.jails.iter().map(|jail| texts(&["start", &jail.name])));
        stream
    }
}

fn text(text: &str) -> Word {
    Word::Text(text.to_owned())
}

fn texts(words: &[&str]) -> Command {
    words.iter().map(|word| text(word)).collect()
}

fn of_server(server: &ServerSettings) -> Vec<Command> {
    let mut stream = Vec::new();
    let number = |key: &str| {
        let found = server.options.get(key)?;
        Some(keys::whole_number(found.as_str()).map_or_else(|| text(found.as_str()), Word::Number))
    };
    if let Some(size) = number("stacksize") {
        let table = Word::Table(vec![("stacksize".to_owned(), size)]);
        stream.push(vec![text("set"), text("thread"), table]);
    }
    let order = [
        "syslogsocket",
        "loglevel",
        "logtarget",
        "allowipv6",
        "dbfile",
        "dbmaxmatches",
        "dbpurgeage",
    ];
    for key in order {
        if key == "dbmaxmatches" {
            stream.extend(number(key).map(|number| vec![text("set"), text(key), number]));
        } else if let Some(value) = server.options.get(key) {
            stream.push(texts(&["set", key, value.as_str()]));
        }
    }
    stream
}

/// The commands of one jail, without its start.
pub fn of_jail(jail: &Jail) -> Vec<Command> {
    let backend = jail.options.get("backend").map_or("auto", Text::as_str);
    let mut stream = Vec::new();
    fill(&mut stream, &jail.filter.options, &jail.name);
    fill(&mut stream, &jail.options, &jail.name);
    for (key, value) in jail.options.iter() {
        if key == "ignoreip" {
            let mut command = texts(&["set", &jail.name, "addignoreip"]);
            command.extend(words(value.as_str()).map(|(_, word)| text(word)));
            stream.push(command);
        } else if is_setting(key) {
            stream.push(vec![text("set"), text(&jail.name), text(key), typed(key, value)]);
        }
    }
    if !backend.starts_with("systemd") {
        for path in &jail.logpath {
            let from = if path.tail { "tail" } else { "head" };
            for file in &path.files {
                let file = file.to_string_lossy();
                stream.push(texts(&["set", &jail.name, "addlogpath", &file, from]));
            }
        }
    }
    for action in &jail.actions {
        stream.extend(of_action(jail, action));
    }
    stream.insert(0, texts(&["add", &jail.name, backend]));
    stream
}

/// Options of a jail that are sent as they are.
fn is_setting(key: &str) -> bool {
    let others = ["action", "filter", "enabled", "backend", "logpath"];
    !others.contains(&key) && !keys::FILTER.iter().any(|(known, _)| *known == key)
}

fn typed(key: &str, value: &Text) -> Word {
    let known = keys::JAIL.iter().chain(keys::ACTION).find(|(known, _)| *known == key);
    match known.map(|(_, form)| form) {
        Some(Form::Yes) => Word::Yes(keys::is_yes(value.as_str())),
        Some(Form::Number) => match keys::whole_number(value.as_str()) {
            Some(number) => Word::Number(number),
            None => text(value.as_str()),
        },
        _ => text(value.as_str()),
    }
}

/// Options of a filter. Those that the regular expressions need to be compiled go first.
fn fill(stream: &mut Vec<Command>, options: &Options, jail: &str) {
    let mut first = 0;
    for (key, value) in options.iter() {
        match key {
            "failregex" | "ignoreregex" => {
                let lines: Vec<&str> =
                    value.as_str().split('\n').filter(|line| !line.is_empty()).collect();
                let add = format!("add{key}");
                match lines.as_slice() {
                    [] => {}
                    [one] => stream.push(texts(&["set", jail, &add, one])),
                    _ => {
                        let list = Word::List(lines.iter().map(|line| text(line)).collect());
                        stream.push(vec![text("multi-set"), text(jail), text(&add), list]);
                    }
                }
            }
            "usedns" | "maxlines" | "prefregex" => {
                let at = if key == "usedns" { 0 } else { first };
                let command = vec![text("set"), text(jail), text(key), typed(key, value)];
                stream.insert(at.min(stream.len()), command);
                first += 1;
            }
            "datepattern" => stream.push(texts(&["set", jail, key, value.as_str()])),
            "journalmatch" => {
                for line in value.as_str().split('\n').filter(|line| !line.is_empty()) {
                    let mut command = texts(&["set", jail, "addjournalmatch"]);
                    let words = shell_words(line).unwrap_or_default();
                    command.extend(words.into_iter().map(Word::Text));
                    stream.push(command);
                }
            }
            _ => {}
        }
    }
}

fn of_action(jail: &Jail, action: &ActionSpec) -> Vec<Command> {
    if action.kind == ActionKind::Python {
        return vec![of_python(jail, action)];
    }
    let mut pairs = Vec::new();
    for (key, value) in action.options.iter() {
        pairs.push(Word::List(vec![text(key), typed(key, value)]));
    }
    for (key, value) in action.params.iter() {
        pairs.push(Word::List(vec![text(key), text(value.as_str())]));
    }
    let mut stream = vec![texts(&["set", &jail.name, "addaction", &action.actname])];
    let head = [text(&jail.name), text("action"), text(&action.actname)];
    match pairs.len() {
        0 => {}
        1 => {
            let mut command = vec![text("set")];
            command.extend(head);
            for pair in pairs {
                if let Word::List(words) = pair {
                    command.extend(words);
                }
            }
            stream.push(command);
        }
        _ => {
            let mut command = vec![text("multi-set")];
            command.extend(head);
            command.push(Word::List(pairs));
            stream.push(command);
        }
    }
    stream
}

/// A Python action is named by its file, with its parameters as JSON.
fn of_python(jail: &Jail, action: &ActionSpec) -> Command {
    let folder = jail.folder.display();
    let file = format!("{folder}/action.d/{}", action.name);
    let pair = |(key, value): (&str, &Text)| format!("{}: {}", json(key), json(value.as_str()));
    let params: Vec<String> = action.params.iter().map(pair).collect();
    let params = format!("{{{}}}", params.join(", "));
    texts(&["set", &jail.name, "addaction", &action.actname, &file, &params])
}

/// A JSON string in ASCII, as Python writes it.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c @ ' '..='~') => out.push(c),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out + "\""
}
