//! CPython's `re` as the judge of expressions.

use std::io::Write;
use std::process::{Command, Stdio};

use monban_pyre::{Options, Regex, parse};
use serde_json::{Value, json};

use crate::doubts;
use crate::targets::parts;

/// A search may take so long there, in seconds; longer ones are not compared.
const PATIENCE: &str = "0.5";

/// Reads cases from standard input, answers each in a line: null for a pattern that is refused,
/// false for no match, "late", or the spans of all groups in characters.
const JUDGE: &str = r#"
import json, re, signal, sys, warnings
warnings.simplefilter("ignore")
class Late(Exception): pass
def late(*_): raise Late()
signal.signal(signal.SIGALRM, late)
for line in sys.stdin:
    pattern, text = json.loads(line)
    try:
        signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
        found = re.compile(pattern).search(text)
        out = [list(s) for s in ([found.span(g) for g in range(found.re.groups + 1)])] if found else False
    except Late:
        out = "late"
    except (re.error, OverflowError, RecursionError, MemoryError, ValueError):
        out = None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    re.purge()
    print(json.dumps(out), flush=True)
"#;

/// An expression, a text, and our answer.
pub struct Case {
    pattern: String,
    text: String,
    ours: Option<Value>,
    /// CPython's groups are not compared.
    doubt: doubts::Doubt,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judged {
    /// Both said the same.
    pub same: u64,
    /// We refuse what CPython takes: character names, lone surrogates, our limits.
    pub refused: u64,
    /// Either gave up, or what CPython says is in doubt.
    pub undecided: u64,
}

impl Case {
    /// `None` where we do not know, as a bound was reached.
    pub fn of(input: &str) -> Option<Self> {
        let (pattern, text) = parts(input);
        let (pattern, text) = (pattern.to_owned(), text.to_owned());
        let Ok(regex) = Regex::new(&pattern, Options::default()) else {
            return Some(Self { pattern, text, ours: None, doubt: doubts::Doubt::None });
        };
        let doubt = parse(&pattern, Options::default()).map(|ast| doubts::of(&ast.root)).ok()?;
        let found = regex.search(&text).ok()?;
        let chars = |at: usize| text.get(..at).map_or(0, |before| before.chars().count());
        let ours = match &found {
            None => json!(false),
            Some(found) => (0..=regex.group_count())
                .map(|group| match found.span(group) {
                    Some((from, to)) => json!([chars(from), chars(to)]),
                    None => json!([-1, -1]),
                })
                .collect(),
        };
        Some(Self { pattern, text, ours: Some(ours), doubt })
    }
}

/// Asks CPython about all of them; gives back what differs, as text. `None` if there is none.
pub fn judge(cases: &[Case]) -> Option<(Judged, Vec<String>)> {
    let mut command = Command::new("python3");
    command.args(["-c", JUDGE, PATIENCE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = command.stderr(Stdio::null()).spawn().ok()?;
    let mut input = python.stdin.take()?;
    let lines: String =
        cases.iter().map(|case| format!("{}\n", json!([case.pattern, case.text]))).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().ok()?;
    let _ = writer.join();
    let answers = String::from_utf8_lossy(&output.stdout);
    let (mut judged, mut differ) = (Judged::default(), Vec::new());
    for (case, answer) in cases.iter().zip(answers.lines()) {
        let theirs: Value = serde_json::from_str(answer).unwrap_or_default();
        let unsure = theirs == "late" || case.doubt != doubts::Doubt::None;
        match &case.ours {
            None if theirs.is_null() => judged.same += 1,
            None => judged.refused += 1,
            Some(_) if unsure => judged.undecided += 1,
            Some(ours) if *ours == theirs => judged.same += 1,
            Some(ours) => differ.push(format!(
                "{:?} on {:?}: CPython {theirs}, we {ours}",
                case.pattern, case.text
            )),
        }
    }
    Some((judged, differ))
}
