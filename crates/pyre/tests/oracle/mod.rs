//! CPython's `re` as the oracle: a python3 that answers one line of JSON with one line of JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use monban_pyre::{Match, Options, Regex};
use serde_json::{Value, json};

/// Reads `[pattern, flags, [[text, start], ...]]`; answers `{"error": [message, position]}` or a
/// list with, for each text, null, the spans of all groups in characters, "slow", or "broken"
/// (CPython asks to report a bug).
const SCRIPT: &str = r#"
import json, re, signal, sys, warnings
warnings.simplefilter("ignore")
class Slow(Exception): pass
def slow(*_): raise Slow
signal.signal(signal.SIGALRM, slow)
def answer(pattern, flags, texts):
    try:
        compiled = re.compile(pattern, flags)
    except re.error as error:
        return {"error": [error.msg, error.pos]}
    except (OverflowError, ValueError) as error:
        return {"error": [str(error), None]}
    except RecursionError:
        return {"error": ["recursion", None]}
    found = []
    for text, start in texts:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            match = compiled.search(text, start)
            found.append(match and [match.span(g) if match.start(g) >= 0 else None
                                    for g in range(compiled.groups + 1)])
        except Slow:
            found.append("slow")
        except SystemError:
            found.append("broken")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return found
print("%d.%d" % sys.version_info[:2], flush=True)
for line in sys.stdin:
    print(json.dumps(answer(*json.loads(line))), flush=True)
"#;

pub struct Oracle {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Oracle {
    /// Starts it, unless there is no python3 that knows possessive repetitions.
    pub fn start() -> Option<Self> {
        let absent = || println!("left out: no python3 of 3.11 to 3.13 to compare with");
        let mut python = Command::new("python3");
        python.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = python.spawn() else {
            absent();
            return None;
        };
        let asks = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut version = String::new();
        answers.read_line(&mut version).expect("python3 answers");
        let oracle = Self { child, asks, answers };
        if !["3.11", "3.12", "3.13"].contains(&version.trim()) {
            absent();
            return None;
        }
        Some(oracle)
    }

    /// What CPython says. The starts are in characters.
    pub fn ask(&mut self, pattern: &str, options: Options, texts: &[(String, usize)]) -> Value {
        let flags = 2 * u32::from(options.ignore_case)
            + 8 * u32::from(options.multiline)
            + 16 * u32::from(options.dot_all)
            + 256 * u32::from(options.ascii);
        let line = json!([pattern, flags, texts]).to_string();
        writeln!(self.asks, "{line}").expect("python3 reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("python3 answers");
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer:?} to {line}"))
    }
}

/// Spans in characters, as the oracle gives them.
pub fn in_chars(text: &str, regex: &Regex, found: Option<&Match>) -> Value {
    let Some(found) = found else {
        return Value::Null;
    };
    let chars = |byte: usize| text[..byte].chars().count();
    let span = |group| found.span(group).map(|(from, to)| [chars(from), chars(to)]);
    json!((0..=regex.group_count()).map(span).collect::<Vec<_>>())
}

/// The byte where a character begins; the end if there are fewer.
#[allow(dead_code, reason = "each test has its own copy of this module")]
pub fn byte_of(text: &str, char_index: usize) -> usize {
    text.char_indices().nth(char_index).map_or(text.len(), |(byte, _)| byte)
}
