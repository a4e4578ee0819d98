//! Mistakes in files, shown in rustc's form.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use monban_config::Bundle;
use monban_model::wire::Refusal;
use monban_model::{Notice, Problem};
use monban_views::{Say, printable};

/// The key of a problem among the values of a refusal.
pub const PROBLEM: &str = "config-problem";

/// All problems with the lines they are about.
pub fn show(problems: &[Problem], bundle: Option<&Bundle>, say: &Say) -> String {
    let problems = say.problems(problems);
    let shown: Vec<String> =
        problems.iter().map(|problem| show_one(problem, source(problem, bundle), say)).collect();
    shown.join("\n\n") + "\n"
}

/// Why a configuration is not taken over, for whoever asked: as text in this language, and as
/// values for others.
pub fn refusal(problems: &[Problem], bundle: Option<&Bundle>, say: &Say) -> Refusal {
    let value = |problem: &Problem| {
        let values = [
            ("at_file", problem.file.clone()),
            ("at_line", problem.line.to_string()),
            ("at_column", problem.column.to_string()),
            ("what", problem.what.clone()),
            ("why", problem.why.clone()),
            ("hint", problem.hint.clone()),
            ("source", source(problem, bundle).unwrap_or_default().to_owned()),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Notice { key: PROBLEM.to_owned(), values }
    };
    Refusal { text: show(problems, bundle, say), problems: problems.iter().map(value).collect() }
}

/// What a refusal says, in the reader's language.
pub fn show_refusal(refusal: &Refusal, say: &Say) -> String {
    if refusal.problems.is_empty() {
        return refusal.text.clone();
    }
    let shown = refusal.problems.iter().map(|told| show_told(told, say));
    shown.collect::<Vec<_>>().join("\n\n") + "\n"
}

fn show_told(told: &Notice, say: &Say) -> String {
    let value = |name: &str| {
        let found = told.values.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if told.key != PROBLEM {
        return say.notice(told);
    }
    let number = |name| value(name).parse().unwrap_or(0);
    let problem = Problem {
        file: value("at_file").to_owned(),
        line: number("at_line"),
        column: number("at_column"),
        what: say.sentence(value("what")),
        why: say.sentence(value("why")),
        hint: say.sentence(value("hint")),
    };
    let problem = say.notice_problem(told).unwrap_or(problem);
    show_one(&problem, Some(value("source")).filter(|line| !line.is_empty()), say)
}

/// The line that a problem is about.
fn source<'b>(problem: &Problem, bundle: Option<&'b Bundle>) -> Option<&'b str> {
    let bundle = bundle?;
    let mut files = bundle.config.iter().chain(&bundle.rules).chain(&bundle.texts);
    let text = files.find(|file| file.file == problem.file).map(|file| file.text.as_str())?;
    text.lines().nth(problem.line.checked_sub(1)? as usize)
}

fn show_one(problem: &Problem, line: Option<&str>, say: &Say) -> String {
    let Some(line) = line else {
        return printable(problem.to_string().as_bytes());
    };
    let shown = printable(line.as_bytes());
    // Without a column the whole line is meant. Escaped characters move columns.
    let column = problem.column.checked_sub(1).map(|column| column as usize);
    let span = match column.filter(|at| shown == line && line.is_char_boundary(*at)) {
        Some(column) if column < line.len() => column..end_of_value(line, column),
        _ => 0..shown.len(),
    };
    let clean = |text: &str| printable(text.as_bytes());
    let (file, what) = (clean(&problem.file), clean(&problem.what));
    let (why, hint) = (clean(&problem.why), clean(&problem.hint));
    let error = Level::ERROR.with_name(say.text("problem-error", &[]));
    let help = Level::HELP.with_name(say.text("problem-hint", &[]));
    let snippet = Snippet::source(shown.as_str())
        .line_start(problem.line as usize)
        .path(file.as_str())
        .annotation(AnnotationKind::Primary.span(span).label(why.as_str()));
    let mut group = Group::with_title(error.primary_title(what.as_str())).element(snippet);
    if !problem.hint.is_empty() {
        group = group.element(help.message(hint.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// The end of what stands at a place: of a text its quote, of a list its bracket, else of the
/// word. A list that goes on in the next line ends with this one.
fn end_of_value(line: &str, from: usize) -> usize {
    let rest = &line[from..];
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => end_of_text(rest, quote),
        Some('[') if !rest.starts_with("[[") => end_of_list(rest),
        _ => rest.char_indices().skip(1).find(|(_, c)| c.is_whitespace() || ",=]".contains(*c)),
    };
    from + length.map_or(rest.trim_end().len(), |(at, _)| at)
}

/// The place behind the closing quote.
fn end_of_text(text: &str, quote: char) -> Option<(usize, char)> {
    let mut escaped = false;
    let mut chars = text.char_indices().skip(1);
    chars.find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && quote == '"' && !escaped;
        closes
    })?;
    Some(chars.next().unwrap_or((text.len(), ' ')))
}

/// The place behind the closing bracket; brackets within texts do not count.
fn end_of_list(text: &str) -> Option<(usize, char)> {
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' | '\'' => {
                at += end_of_text(&text[at..], c)?.0;
                continue;
            }
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
        if depth == 0 {
            return Some((at, ' '));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, from: &str) -> String {
        let at = line.find(from).unwrap();
        line[at..end_of_value(line, at)].to_owned()
    }

    #[test]
    fn a_refusal_is_told_in_the_language_of_whoever_asked() {
        let found = monban_config::Config::parse("m.toml", "[policy.sshd]\nfailurs = 3\n");
        let file = monban_config::SourceFile {
            file: "m.toml".to_owned(),
            text: "[policy.sshd]\nfailurs = 3\n".to_owned(),
        };
        let bundle = Bundle { config: Some(file), ..Bundle::default() };
        let english = Say::new(monban_views::Tongue::English);
        let japanese = Say::new(monban_views::Tongue::Japanese);
        let found = found.err().unwrap();
        let refusal = refusal(&found, Some(&bundle), &english);
        assert_eq!(show_refusal(&refusal, &english), refusal.text);
        let told = show_refusal(&refusal, &japanese);
        assert_eq!(told, show(&found, Some(&bundle), &japanese));
        assert!(told.contains("2 | failurs = 3"), "{told}");
        // What an older watcher, or one in a stranger's hands, says without values.
        let bare = Refusal { text: "x".to_owned(), problems: Vec::new() };
        assert_eq!(show_refusal(&bare, &japanese), "x");
    }

    #[test]
    fn a_line_that_is_meant_as_a_whole_is_underlined_as_a_whole() {
        let line = "this is no option";
        let mut problem = Problem { line: 1, ..Problem::of_file("j", "what", "why") };
        let say = Say::new(monban_views::Tongue::English);
        let marked = |problem: &Problem| show_one(problem, Some(line), &say).matches('^').count();
        assert_eq!(marked(&problem), line.len());
        problem.column = 6;
        assert_eq!(marked(&problem), 2);
    }

    #[test]
    fn the_whole_value_is_underlined() {
        assert_eq!(marked("within = \"ten minutes\" # x", "\"ten"), "\"ten minutes\"");
        assert_eq!(marked("a = \"x \\\" y\", 5", "\"x"), "\"x \\\" y\"");
        assert_eq!(marked("a = ['b ]', 5] # c", "['b"), "['b ]', 5]");
        assert_eq!(marked("a = [[1, 2], [3]] ", "[1, 2]"), "[1, 2]");
        assert_eq!(marked("a = [1,", "[1"), "[1,");
        assert_eq!(marked("failurs = 3", "failurs"), "failurs");
        assert_eq!(marked("a = 600 # c", "600"), "600");
        assert_eq!(marked("[policy.shd]", "shd"), "shd");
        assert_eq!(marked("a = \"open", "\"open"), "\"open");
        assert_eq!(marked("a = \"門 番\"", "\"門"), "\"門 番\"");
    }

    /// Mistakes of every usual kind, in both kinds of files.
    const CONFIG: &str = "observ = true\nledger_mib = \"x\"\n[allow]\n\
        addresses = [\"example.org\", \"192.0.2.0/99\", 5]\n\
        [policy.sshd]\nfailurs = 3\nfailures = 0\nwithin = \"ten\"\nblock = 600\n\
        block_max = \"0s\"\nports = \"ssh\"\nkinds = [\"login-faild\", \"x\"]\n\
        action = \"blok\"\nservices = 5\n[sources]\nlogs = [\"a.log\"]\n\
        journal = \"yes\"\ndiscover = 1979-05-27\n";
    const ALARMS: &str = "[[metric]]\nname = \"probe\"\nvalue = \"x\"\nunit = \"count\"\n\
        default = 0\ndimensions = { a = \"b\" }\n[[alarm]]\nmetric = \"login-faild\"\n\
        severity = \"warn\"\nsemantics = \"x\"\ncomparison = \"=>\"\nstatistic = \"sum\"\n\
        missing = \"no\"\nperiod = \"0s\"\nevaluation_periods = 0\nrepeat = \"1s\"\n\
        low_samples = \"x\"\nper = \"x\"\n[[alarm]]\nname = \"a\"\nrule = 'OK(\"a\"'\n\
        threshold = 1\n[[alarm]]\nname = \"b\"\nrule = 'OK(\"b\") OR OK(\"c\")'\n[[alarm]]\n\
        name = \"d\"\nmetric = \"probe\"\nthreshold = 1\nevaluation_periods = 2000\n\
        datapoints_to_alarm = 2001\ndimensions = { x = \"y\" }\nlow_samples = \"ignore\"\n";
    const ORIGINS: &str = "[[origin]]\ncountries = [\"UK\", \"China\", \"XY\"]\nthen = \"block\"\n[[origin]]\n\
        as = [\"AS4134x\"]\nthen = \"blok\"\n[[origin]]\nthen = \"alarm\"\nblock = \"1h\"\n\
        [[origin]]\ncountries = [\"JP\", \"!CN\"]\n[[origin]]\ncountries = []\n\
        then = \"allow\"\nseverity = \"info\"\n[[origin]]\ncountries = [\"CN\"]\n\
        then = \"alarm\"\nlogins = \"block\"\ncountry = \"CN\"\n[[origin]]\n\
        countries = [\"CN\"]\nthen = \"allow\"\n[[origin]]\ncountries = [\"CN\"]\n\
        services = []\nthen = \"block\"\n";
    const RULES: &str = "service = \"x y\"\nport = 3\nports = [0]\n[[rule]]\nid = \"a\"\n\
        kind = \"nix\"\nwitness = \"me\"\nline = 5\n[[rule]]\nid = \"a\"\nshape = \"x\"\n";

    #[test]
    fn japanese_readers_are_told_their_mistakes_in_japanese() {
        let say = Say::new(monban_views::Tongue::Japanese);
        let mut found = monban_config::Config::parse("a.toml", CONFIG).unwrap_err();
        found.extend(monban_config::Config::parse("d.toml", ALARMS).unwrap_err());
        found.extend(monban_config::Config::parse("f.toml", ORIGINS).unwrap_err());
        let simulation = "datapoints = [[0], [-1, 2]]\nrow = 5\nend = \"x\"\n";
        found.extend(monban_config::Simulation::parse("e.toml", simulation).unwrap_err());
        let rules = monban_rules::RuleText { file: "b.toml".into(), text: RULES.into() };
        found.extend(monban_rules::RuleSet::compile(&[rules]).err().unwrap());
        let shipped = monban_config::Config::parse("c", "[policy.shd]\nfailures = 3\n").unwrap();
        found.extend(shipped.unknown_services("c", "", &["sshd"]));
        assert!(found.len() > 20, "{}", found.len());
        let told = say.problems(&found);
        let sentences =
            told.iter().flat_map(|problem| [&problem.what, &problem.why, &problem.hint]);
        // What is to be written into a file is the same in every language.
        let is_code = |text: &str| text.is_empty() || text.starts_with("line = ");
        let english: Vec<_> = sentences.filter(|text| text.is_ascii() && !is_code(text)).collect();
        assert!(english.is_empty(), "{english:#?}");
    }
}
