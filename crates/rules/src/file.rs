//! A rule file's text into plain data, with all its mistakes at once.

use monban_model::limits::{PORTS_MAX, RULE_FILE_BYTES_MAX};
use monban_model::{Also, Kind, Problem, Witness};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::details::DetailPattern;
use crate::field::Slot;
use crate::filter::Filter;
use crate::service::{Example, Rule, Service, ShapeName, Wording};

/// Reads one file. What could be read comes back beside the problems. One that is `proven` may lack
/// the examples.
pub(crate) fn read(file: &str, text: &str, proven: bool) -> (Option<Service>, Vec<Problem>) {
    let line_ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    let mut reader = Reader { file, text, proven, line_ends, problems: Vec::new() };
    if text.len() > RULE_FILE_BYTES_MAX {
        let what = format!("the file is larger than {RULE_FILE_BYTES_MAX} bytes");
        let problem = Problem::of_file(file, what, "a rule file holds one service");
        return (None, vec![problem]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.say(at, error.message(), "the file is not TOML", "");
    }
    if !reader.problems.is_empty() {
        return (None, reader.problems);
    }
    let service = reader.service(table.get_ref());
    (Some(service), reader.problems)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    proven: bool,
    /// Where each line ends: every example asks for its line.
    line_ends: Vec<usize>,
    problems: Vec<Problem>,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn say(&mut self, at: usize, what: impl Into<String>, why: &str, hint: &str) {
        let problem = Problem::of_file(self.file, what, why);
        self.problems.push(problem.at(self.text, at).hint(hint));
    }

    fn line(&self, at: usize) -> u32 {
        let before = self.line_ends.partition_point(|end| *end < at);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    fn service(&mut self, table: &DeTable<'_>) -> Service {
        let known = "service, title, programs, ports, shell, pid, shape, reports_nothing, line, \
                     rule, harmless";
        let mut service = Service {
            file: self.file.to_owned(),
            name: String::new(),
            title: String::new(),
            programs: Vec::new(),
            ports: Vec::new(),
            shell: false,
            pid_is_connection: true,
            shape: None,
            reports_nothing: None,
            rules: Vec::new(),
        };
        for (key, value) in table {
            match &**key.get_ref() {
                "service" => service.name = self.identifier(value),
                "title" => service.title = self.string(value),
                "programs" => service.programs = self.strings(value),
                "ports" => service.ports = self.ports(value),
                "shell" => match value.get_ref().as_bool() {
                    Some(shell) => service.shell = shell,
                    None => self.say(value.span().start, "true or false is expected", "", ""),
                },
                "pid" => match value.get_ref().as_str() {
                    Some("connection") => service.pid_is_connection = true,
                    Some("shared") => service.pid_is_connection = false,
                    _ => {
                        self.say(value.span().start, "`connection` or `shared` is expected", "", "")
                    }
                },
                "shape" => service.shape = self.shape(value),
                "reports_nothing" => service.reports_nothing = Some(self.string(value)),
                "line" | "rule" | "harmless" => {}
                other => self.unknown(key.span().start, other, known),
            }
        }
        let usual = table.get("line").map_or_else(Vec::new, |value| self.wordings(value));
        for (name, harmless) in [("rule", false), ("harmless", true)] {
            let Some(value) = table.get(name) else {
                continue;
            };
            for (number, entry) in self.array(value).iter().enumerate() {
                if let Some(rule) = self.rule(entry, harmless, number + 1, &usual) {
                    service.rules.push(rule);
                }
            }
        }
        self.whole(&service);
        self.reports(&service);
        service
    }

    /// A file reports something, or says why it does not: a file that is silent by mistake
    /// would look like a service that nobody attacks.
    fn reports(&mut self, service: &Service) {
        let reporting = service.rules.iter().find(|rule| rule.kind != Kind::Harmless);
        let problem = match (&service.reports_nothing, reporting) {
            (None, None) => Problem::of_file(
                self.file,
                "no rule reports anything",
                "the service would be watched and nobody be counted",
            )
            .hint("add a [[rule]], or say the reason: reports_nothing = \"...\""),
            (Some(reason), None) if reason.trim().is_empty() => {
                let what = "`reports_nothing` gives no reason";
                Problem::of_file(self.file, what, "a reader has to know it").hint("write why")
            }
            (Some(_), Some(rule)) => Problem {
                line: rule.line,
                ..Problem::of_file(
                    self.file,
                    format!("rule `{}` reports, and the file says `reports_nothing`", rule.id),
                    "one of both is wrong",
                )
            },
            _ => return,
        };
        self.problems.push(problem);
    }

    /// What concerns the file as a whole.
    fn whole(&mut self, service: &Service) {
        if service.name.is_empty() {
            self.say(0, "`service` is missing", "records name it", "write service = \"sshd\"");
        }
        if service.programs.is_empty() && service.shape.is_none() {
            let why = "no line could belong to the service";
            self.say(0, "`programs` is missing", why, "write programs = [\"sshd\"]");
        }
        let mut seen: Vec<&str> = Vec::new();
        for rule in &service.rules {
            if seen.contains(&rule.id.as_str()) {
                let problem = Problem::of_file(
                    self.file,
                    format!("two rules are called `{}`", rule.id),
                    "records name the rule",
                );
                self.problems.push(Problem { line: rule.line, ..problem });
            }
            seen.push(&rule.id);
        }
    }

    /// A rule; one that says nothing of its lines has the `usual` ones of the file.
    fn rule(
        &mut self,
        entry: &Value<'_>,
        harmless: bool,
        number: usize,
        usual: &[Wording],
    ) -> Option<Rule> {
        let at = entry.span().start;
        let Some(table) = entry.get_ref().as_table() else {
            self.say(at, "a rule is a table", "", "write [[rule]]");
            return None;
        };
        let mut rule = Rule {
            id: if harmless { format!("harmless-{number}") } else { String::new() },
            kind: Kind::Harmless,
            wordings: Vec::new(),
            regex: None,
            details: None,
            filters: Vec::new(),
            also: Also::Nothing,
            witness: Witness(0),
            cites: String::new(),
            sees: Vec::new(),
            not: Vec::new(),
            line: self.line(at),
        };
        let mut kind = harmless.then_some(Kind::Harmless);
        for (key, value) in table {
            match &**key.get_ref() {
                "id" => rule.id = self.identifier(value),
                "kind" if !harmless => kind = self.kind(value),
                "line" => rule.wordings = self.wordings(value),
                "regex" => rule.regex = self.wordings(value).pop(),
                "details" => rule.details = self.details(value),
                "where" => rule.filters.extend(self.filters(value, true)),
                "where_not" => rule.filters.extend(self.filters(value, false)),
                "witness" => rule.witness = self.witness(value),
                "also" => rule.also = self.also(value),
                "cites" => rule.cites = self.string(value),
                "sees" => rule.sees = self.examples(value),
                "not" => rule.not = self.examples(value),
                other => self.unknown(
                    key.span().start,
                    other,
                    "id, kind, line, regex, details, where, where_not, witness, also, cites, sees, not",
                ),
            }
        }
        if rule.wordings.is_empty() && rule.regex.is_none() {
            rule.wordings = usual.to_vec();
        }
        let missing = [
            ("id", rule.id.is_empty()),
            ("kind", kind.is_none()),
            ("line", rule.wordings.is_empty() == rule.regex.is_none()),
            ("sees", rule.sees.is_empty() && !self.proven),
        ];
        for (what, _) in missing.iter().filter(|(_, missing)| *missing) {
            let (what, hint) = match *what {
                "line" => ("a rule has either `line` or `regex`".to_owned(), "line = '...'"),
                "sees" => ("`sees` is missing".to_owned(), "give at least one real line"),
                other => (format!("`{other}` is missing"), ""),
            };
            self.say(at, what, "", hint);
        }
        rule.kind = kind?;
        Some(rule)
    }

    fn unknown(&mut self, at: usize, key: &str, known: &str) {
        let hint = format!("known here: {known}");
        self.say(at, format!("unknown key `{key}`"), "it would have no effect", &hint);
    }

    fn string(&mut self, value: &Value<'_>) -> String {
        match value.get_ref().as_str() {
            Some(text) => text.to_owned(),
            None => {
                self.say(value.span().start, "a text is expected here", "", "write \"...\"");
                String::new()
            }
        }
    }

    fn identifier(&mut self, value: &Value<'_>) -> String {
        let text = self.string(value);
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
            let what = format!("`{text}` is not a name");
            self.say(value.span().start, what, "", "use a-z, 0-9 and -, at most 64");
        }
        text
    }

    fn array<'v, 'i>(&mut self, value: &'v Value<'i>) -> &'v [Value<'i>] {
        match value.get_ref().as_array() {
            Some(array) => array,
            None => {
                self.say(value.span().start, "a list is expected here", "", "write [ ... ]");
                &[]
            }
        }
    }

    /// A text, or a list of texts.
    fn wordings(&mut self, value: &Value<'_>) -> Vec<Wording> {
        let entries = match value.get_ref().as_str() {
            Some(_) => std::slice::from_ref(value),
            None => self.array(value),
        };
        let mut out = Vec::new();
        for entry in entries {
            out.push(Wording { text: self.string(entry), line: self.line(entry.span().start) });
        }
        out
    }

    /// The expression for details; one that is proven is looked at when it is needed.
    fn details(&mut self, value: &Value<'_>) -> Option<DetailPattern> {
        let pattern = DetailPattern::unread(self.string(value));
        match pattern.problem().filter(|_| !self.proven) {
            Some(what) => {
                self.say(value.span().start, what, "", "");
                None
            }
            None => Some(pattern),
        }
    }

    fn strings(&mut self, value: &Value<'_>) -> Vec<String> {
        let words = self.wordings(value);
        words.into_iter().map(|wording| wording.text).collect()
    }

    fn examples(&mut self, value: &Value<'_>) -> Vec<Example> {
        let mut out = Vec::new();
        for wording in self.wordings(value) {
            match Example::parse(&wording.text, wording.line) {
                Ok(example) => out.push(example),
                Err(what) => {
                    let problem = Problem::of_file(self.file, what, "");
                    self.problems.push(Problem {
                        line: wording.line,
                        ..problem.hint("write `message => address=192.0.2.1 user=root`")
                    });
                }
            }
        }
        out
    }

    fn ports(&mut self, value: &Value<'_>) -> Vec<u16> {
        let mut out = Vec::new();
        for entry in self.array(value) {
            let number = entry.get_ref().as_integer().map(|n| n.as_str().parse());
            match number {
                Some(Ok(port)) if port > 0 && out.len() < PORTS_MAX => out.push(port),
                _ => self.say(
                    entry.span().start,
                    "this is not a port",
                    "",
                    &format!("write 1 to 65535, at most {PORTS_MAX} of them"),
                ),
            }
        }
        out
    }

    fn shape(&mut self, value: &Value<'_>) -> Option<ShapeName> {
        let text = self.string(value);
        let shape = ShapeName::named(&text);
        if shape.is_none() {
            let what = format!("there is no shape `{text}`");
            let hint = format!("use one of: {}", ShapeName::names());
            self.say(value.span().start, what, "", &hint);
        }
        shape
    }

    fn kind(&mut self, value: &Value<'_>) -> Option<Kind> {
        let text = self.string(value);
        let kind = Kind::from_name(&text);
        if kind.is_none() {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            let hint = format!("use one of: {}", names.join(", "));
            self.say(value.span().start, format!("there is no kind `{text}`"), "", &hint);
        }
        kind
    }

    fn witness(&mut self, value: &Value<'_>) -> Witness {
        let text = self.string(value);
        let names = ["main", "pam", "close", "other"];
        match names.iter().position(|name| *name == text) {
            Some(number) => Witness(number as u8),
            None => {
                let what = format!("there is no witness `{text}`");
                self.say(value.span().start, what, "", "use main, pam, close or other");
                Witness(0)
            }
        }
    }

    fn also(&mut self, value: &Value<'_>) -> Also {
        match self.string(value).as_str() {
            "closes" => Also::Closes,
            "unchecked" => Also::Unchecked,
            other => {
                let what = format!("a line cannot say `{other}` of its connection");
                self.say(value.span().start, what, "", "use closes or unchecked");
                Also::Nothing
            }
        }
    }

    fn filters(&mut self, value: &Value<'_>, wanted: bool) -> Vec<Filter> {
        let Some(table) = value.get_ref().as_table() else {
            let hint = "write where = { path = [\"/wp-login.php\"] }";
            self.say(value.span().start, "a table is expected here", "", hint);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (key, values) in table {
            let allowed = ["path", "status", "verb", "query", "code", "user", "method"];
            let name = &**key.get_ref();
            match Slot::named(name).filter(|_| allowed.contains(&name)) {
                Some(slot) => out.push(Filter::new(slot, wanted, &self.strings(values))),
                None => self.unknown(key.span().start, name, &allowed.join(", ")),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_reports_nothing_says_why() {
        let harmless = "[[harmless]]\nline = 'x'\nsees = ['x']\n";
        let rule = "[[rule]]\nid = 'a'\nkind = 'probe'\nline = 'x'\nsees = ['x']\n";
        let problems = |top: &str, rest: &str| {
            read("a.toml", &format!("service = 'a'\nprograms = ['a']\n{top}\n{rest}"), false)
                .1
                .len()
        };
        assert_eq!(problems("", rule), 0);
        assert_eq!(problems("", harmless), 1);
        assert_eq!(problems("", ""), 1);
        assert_eq!(problems("reports_nothing = 'it can be forged'", harmless), 0);
        assert_eq!(problems("reports_nothing = ' '", harmless), 1);
        assert_eq!(problems("reports_nothing = 'it can be forged'", rule), 1);
        assert_eq!(problems("", &rule.replace("probe", "harmless")), 1);
    }

    #[test]
    fn a_rule_without_a_line_has_the_usual_one_of_its_file() {
        let lines = |top: &str, own: &str| {
            let text = format!(
                "service = 'a'\nprograms = ['a']\n{top}\n[[rule]]\nid = 'a'\nkind = 'probe'\n\
                 {own}\nsees = ['x']\n"
            );
            let (service, problems) = read("a.toml", &text, false);
            let lines = |rule: &Rule| rule.wordings.iter().map(|w| w.text.clone()).collect();
            let lines: Vec<String> = service.unwrap().rules.first().map(lines).unwrap_or_default();
            problems.is_empty().then(|| lines.join(" "))
        };
        assert_eq!(lines("line = ['x', 'y']", "").unwrap(), "x y");
        assert_eq!(lines("line = ['x', 'y']", "line = 'z'").unwrap(), "z");
        assert_eq!(lines("line = ['x', 'y']", "regex = 'z'").unwrap(), "");
        assert_eq!(lines("", ""), None);
        assert_eq!(lines("line = 5", ""), None);
    }

    #[test]
    fn a_line_can_say_one_thing_more_of_its_connection() {
        let also = |text: &str| {
            let text = format!(
                "service = 'a'\nprograms = ['a']\n[[rule]]\nid = 'a'\nkind = 'probe'\nline = 'x'\n\
                 sees = ['x']\n{text}"
            );
            let (service, problems) = read("a.toml", &text, false);
            problems.is_empty().then(|| service.map(|service| service.rules[0].also)).flatten()
        };
        assert_eq!(also(""), Some(Also::Nothing));
        assert_eq!(also("also = 'closes'"), Some(Also::Closes));
        assert_eq!(also("also = 'unchecked'"), Some(Also::Unchecked));
        assert_eq!(also("also = 'opens'"), None);
        assert_eq!(also("also = 1"), None);
    }
}
