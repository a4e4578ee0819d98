//! Texts made by chance, read by fail2ban's own parsers and by ours.

use std::io::Write;
use std::process::{Command, Stdio};

use monban_fail2ban::config::{Ini, Place, Reference, Severity, Span, split_references};
use serde_json::{Map, Value, json};

use super::is_here;

/// Python's answers to a list of texts, for one question.
fn ask(question: &str, texts: &[String]) -> Vec<Value> {
    let program = format!(
        "import sys, json, io, warnings; warnings.simplefilter('ignore')\n\
         from fail2ban.client.configparserinc import SafeConfigParserWithIncludes as P\n\
         from fail2ban.helpers import extractOptions, splitWithOptions\n\
         from fail2ban.server.mytime import MyTime\n\
         def ini(t):\n    p = P(); p.read_file(io.StringIO(t, newline=None))\n    \
         return [dict(p.get_defaults())] + [[n, dict(s)] for n, s in p.get_sections().items()]\n\
         def reference(t): n, o = extractOptions(t); return [n, list(o.items())]\n\
         def split(t): return [w.strip() for w in splitWithOptions(t)]\n\
         def time(t): return float(MyTime.str2seconds(t))\n\
         for t in json.load(sys.stdin):\n    try: print(json.dumps([{question}(t)]))\n    \
         except Exception as e: print('null')\n"
    );
    let answers = python(&program, texts);
    assert_eq!(answers.len(), texts.len());
    answers
}

/// What a program prints for a list of texts, a line of JSON for each.
pub fn python(program: &str, texts: &[String]) -> Vec<Value> {
    let mut python = Command::new("python3")
        .args(["-c", program])
        // Where Debian has it, for a Python that is not Debian's.
        .env("PYTHONPATH", "/usr/lib/python3/dist-packages")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("fail2ban is written in Python");
    let mut input = python.stdin.take().expect("piped");
    let list = json!(texts).to_string();
    let writer = std::thread::spawn(move || input.write_all(list.as_bytes()));
    let output = python.wait_with_output().expect("it ends");
    writer.join().expect("it ends").expect("it reads");
    let text = String::from_utf8(output.stdout).expect("JSON");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Numbers by chance, always the same ones.
pub struct Chance(u64);

impl Chance {
    /// From the beginning.
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below another.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Texts of random pieces.
fn texts(count: usize, pieces: &[&str], most: usize) -> Vec<String> {
    let mut chance = Chance::new();
    (0..count).map(|_| (0..=chance.below(most)).map(|_| *chance.one_of(pieces)).collect()).collect()
}

/// Compares all answers; `ours` gives `None` where we refuse.
fn compare(question: &str, texts: &[String], ours: impl Fn(&str) -> Option<Value>) {
    let most = monban_model::limits::DURATION_MAX_S as f64;
    let mut accepted = 0;
    let mut differ = Vec::new();
    for (text, theirs) in texts.iter().zip(ask(question, texts)) {
        // Longer than a hundred years is refused here.
        let is_short = |value: &Value| value.as_f64().is_none_or(|seconds| seconds <= most);
        let theirs = theirs.get(0).cloned().filter(is_short);
        accepted += usize::from(theirs.is_some());
        let ours = ours(text);
        if ours != theirs {
            differ.push(format!("{text:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        }
    }
    println!("{question}: {} texts, {accepted} accepted, {} differ", texts.len(), differ.len());
    let shown = differ.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(differ.is_empty(), "{} differ:\n{shown}", differ.len());
    assert!(accepted > texts.len() / 50, "too few mean something: {accepted}");
}

#[test]
fn any_ini_text_is_read_as_in_fail2ban() {
    if !is_here() {
        return;
    }
    let pieces = [
        "\n",
        "\n",
        "\n ",
        "\n\t",
        "\n  ",
        "[a]\n",
        "[b]",
        "[DEFAULT]\n",
        "a",
        "B",
        "c d",
        "=",
        " = ",
        ":",
        ";",
        " ;",
        "#",
        " # ",
        "\n;",
        "\n#",
        "]",
        "[",
        "\r\n",
        "\r",
        "\u{3000}",
        "\u{a0}",
        "%",
        "\u{1f}",
        "\u{85}",
        "\u{c9}",
        "x = 1\n",
        "y: 2\n",
        "\u{feff}",
        "\u{b}",
    ];
    let mut list = texts(6000, &pieces, 12);
    list.extend(texts(6000, &pieces, 20).into_iter().map(|text| format!("[s]\nk = 1\n{text}")));
    compare("ini", &list, |text| {
        let ini = Ini::parse("f", text);
        let refused = [
            "no-section",
            "no-delimiter",
            "lost-indent-line",
            "no-key",
            "twice-section",
            "twice-key",
            "twice-list",
            "byte-order-mark",
        ];
        let is_refused = |c: &monban_fail2ban::config::Complaint| {
            c.severity == Severity::Error && refused.contains(&c.kind)
        };
        if ini.complaints.iter().any(is_refused) {
            return None;
        }
        let table = |options: &monban_fail2ban::config::Options| {
            let pairs = options.iter().map(|(key, text)| (key.to_owned(), json!(text.as_str())));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        let sections = ini.sections.iter().map(|s| json!([s.name, table(&s.options)]));
        Some(Value::Array(std::iter::once(table(&ini.defaults)).chain(sections).collect()))
    });
}

const REFERENCE: [&str; 20] = [
    "a",
    "b-c",
    "[",
    "]",
    "[x=",
    "y=",
    ",",
    ", ",
    "\"",
    "'",
    "1",
    " ",
    "\n",
    "][",
    "] [",
    "=",
    "x=\"1\"",
    "z='2, 3]'",
    "\u{e9}",
    "]",
];

#[test]
fn any_reference_is_read_as_in_fail2ban() {
    if !is_here() {
        return;
    }
    let mut list = texts(10_000, &REFERENCE, 9);
    list.extend(texts(10_000, &REFERENCE, 10).into_iter().map(|text| format!("n[x=1{text}]")));
    compare("reference", &list, |text| {
        let found = Reference::parse(text, &Place::default()).ok()?;
        let params = found.params.iter().map(|(key, value)| json!([key, value.as_str()]));
        Some(json!([found.name, params.collect::<Vec<_>>()]))
    });
    compare("split", &list, |text| {
        Some(split_references(text).into_iter().map(|(_, one)| one).collect())
    });
}

#[test]
fn any_length_of_time_is_read_as_in_fail2ban() {
    if !is_here() {
        return;
    }
    let pieces = [
        "1", "2", "10", "0", "60", " ", " ", "m", "h", "d", "w", "mo", "y", "s", "min", "hours",
        "day", "+", "-", "*", "/", "(", ")", ".", "%", "<", " if ", " else ", "x", "_", "//",
    ];
    let list: Vec<String> =
        texts(20_000, &pieces, 7).into_iter().filter(|text| !text.contains("**")).collect();
    compare("time", &list, |text| {
        let seconds = Span::parse(text).ok()?.seconds;
        Some(json!(seconds))
    });
}
