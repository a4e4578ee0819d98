//! From the agent's sections to what monban sends.

use monban_config::{encoding_name, is_expression, is_log_pattern};
use monban_model::limits::{
    AWS_BATCH_BYTES_MAX, AWS_BATCH_EVENTS_MAX, AWS_FLUSH_MS, AWS_TABLES_MAX,
};
use monban_model::{
    AwsBatching, AwsDates, AwsEventStart, AwsLogs, check_group, check_stream, closest,
    unread_date_sign,
};

use super::ini::{Ini, Odd, Section, Value};

/// What could not be taken over as it was, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub file: String,
    pub line: u32,
    /// The key of the sentence that says why, without `awslogs-left-`.
    pub why: &'static str,
    pub values: Vec<(&'static str, String)>,
    /// Whether a whole stream is missing, not only a part of how it is sent.
    pub is_stream: bool,
}

/// A stream that was taken over, and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub file: String,
    pub line: u32,
    pub section: String,
    pub logs: AwsLogs,
}

/// Everything that was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub streams: Vec<Stream>,
    pub left: Vec<Left>,
}

/// What the agent knows in a stream's section, except what is looked at by name.
const KNOWN: &[&str] = &[
    "log_group_name",
    "log_stream_name",
    "file",
    "datetime_format",
    "time_zone",
    "initial_position",
    "encoding",
    "file_fingerprint_lines",
    "multi_line_start_pattern",
    "buffer_duration",
    "batch_count",
    "batch_size",
];

/// What the agent's documentation says of lines that begin no event, where nothing else is said.
const START_DEFAULT: &str = r"^[^\s]";

impl Taken {
    /// Takes over a file. `[general]` counts only in the `first` one.
    pub fn add(&mut self, file: &str, ini: &Ini, first: bool, gzip: &mut bool) {
        for (line, odd) in &ini.odd {
            let why = match odd {
                Odd::NoValue => "no-value",
                Odd::NoSection => "no-section",
                Odd::Indented => "indented",
            };
            self.leave(file, *line, why, Vec::new());
        }
        if let Some(general) = ini.section("general") {
            match first {
                true => self.general(file, general, gzip),
                false => self.leave(file, general.line, "general-ignored", Vec::new()),
            }
        }
        let is_stream = |section: &&Section| !["general", "DEFAULT"].contains(&&*section.name);
        for section in ini.sections.iter().filter(is_stream) {
            self.stream(file, ini, section, *gzip);
        }
    }

    fn leave(
        &mut self,
        file: &str,
        line: u32,
        why: &'static str,
        values: Vec<(&'static str, String)>,
    ) {
        let file = file.to_owned();
        self.left.push(Left { file, line, why, values, is_stream: false });
    }

    fn general(&mut self, file: &str, section: &Section, gzip: &mut bool) {
        for (name, value) in &section.values {
            match name.as_str() {
                "state_file" => {
                    self.leave(file, value.line, "state", vec![("path", value.text.clone())])
                }
                "logging_config_file" => {
                    self.leave(file, value.line, "own-log", vec![("path", value.text.clone())]);
                }
                "use_gzip_http_content_encoding" => match flag(&value.text) {
                    Some(flag) => *gzip = flag,
                    None => self.wrong(file, name, value),
                },
                _ => self.unknown(
                    file,
                    name,
                    value,
                    &["state_file", "logging_config_file", "use_gzip_http_content_encoding"],
                ),
            }
        }
    }

    fn wrong(&mut self, file: &str, name: &str, value: &Value) {
        let values = vec![("name", name.to_owned()), ("value", value.text.clone())];
        self.leave(file, value.line, "value", values);
    }

    fn unknown(&mut self, file: &str, name: &str, value: &Value, known: &[&str]) {
        let (why, meant) = match closest(name, known.iter().copied()) {
            Some(meant) => ("unknown-meant", meant.to_owned()),
            None => ("unknown", String::new()),
        };
        self.leave(file, value.line, why, vec![("name", name.to_owned()), ("meant", meant)]);
    }

    fn stream(&mut self, file: &str, ini: &Ini, section: &Section, gzip: bool) {
        let defaults = ini.section("DEFAULT");
        let value = |name: &str| {
            let of_all = || defaults.and_then(|defaults| defaults.values.get(name));
            section.values.get(name).or_else(of_all)
        };
        for (name, value) in &section.values {
            if !KNOWN.contains(&name.as_str()) {
                self.unknown(file, name, value, KNOWN);
            }
        }
        let names = match named(&value) {
            Ok(names) if self.streams.len() < AWS_TABLES_MAX => names,
            Ok(_) => return self.lose(file, section, section.line, "too-many", String::new()),
            Err((line, why, text)) => {
                return self.lose(file, section, line.unwrap_or(section.line), why, text);
            }
        };
        let [path, group, stream] = names;
        let logs = AwsLogs {
            newest_only: path.contains(['*', '?', '[']),
            files: vec![path],
            services: Vec::new(),
            group,
            stream,
            retention_days: None,
            from_start: self.position(file, value("initial_position")),
            dates: self.dates(file, value("datetime_format"), value("time_zone")),
            event_start: self.event_start(file, value("multi_line_start_pattern")),
            encoding: self.encoding(file, value("encoding")),
            batching: AwsBatching {
                flush_ms: self.flush_ms(file, value("buffer_duration")),
                events: self.most(file, "batch_count", &value, AWS_BATCH_EVENTS_MAX),
                bytes: self.most(file, "batch_size", &value, AWS_BATCH_BYTES_MAX),
                gzip,
            },
        };
        if let Some(lines) = value("file_fingerprint_lines").filter(|lines| lines.text != "1") {
            let values = vec![("value", lines.text.clone())];
            self.leave(file, lines.line, "fingerprint", values);
        }
        let (file, section, line) = (file.to_owned(), section.name.clone(), section.line);
        self.streams.push(Stream { file, line, section, logs });
    }

    /// A stream that cannot be taken over.
    fn lose(&mut self, file: &str, section: &Section, line: u32, why: &'static str, text: String) {
        let values = vec![("section", section.name.clone()), ("value", text)];
        let file = file.to_owned();
        self.left.push(Left { file, line, why, values, is_stream: true });
    }

    fn position(&mut self, file: &str, value: Option<&Value>) -> bool {
        match value.map(|value| (value, value.text.as_str())) {
            None | Some((_, "start_of_file")) => true,
            Some((_, "end_of_file")) => false,
            Some((value, _)) => {
                self.wrong(file, "initial_position", value);
                true
            }
        }
    }

    fn dates(&mut self, file: &str, format: Option<&Value>, zone: Option<&Value>) -> AwsDates {
        let utc = match zone.map(|zone| (zone, zone.text.as_str())) {
            None | Some((_, "LOCAL")) => false,
            Some((_, "UTC")) => true,
            Some((zone, _)) => {
                self.wrong(file, "time_zone", zone);
                false
            }
        };
        let Some(format) = format else { return AwsDates::Arrival };
        match unread_sign(&format.text) {
            None => AwsDates::Pattern { pattern: format.text.clone(), utc },
            Some(sign) => {
                let values = vec![("value", format.text.clone()), ("sign", sign)];
                self.leave(file, format.line, "date", values);
                AwsDates::Own
            }
        }
    }

    fn event_start(&mut self, file: &str, value: Option<&Value>) -> AwsEventStart {
        match value {
            None => AwsEventStart::Matches(START_DEFAULT.to_owned()),
            Some(value) if value.text == "{datetime_format}" => AwsEventStart::Date,
            Some(value) if is_expression(&value.text) && !value.text.is_empty() => {
                AwsEventStart::Matches(value.text.clone())
            }
            Some(value) => {
                self.leave(file, value.line, "pattern", vec![("value", value.text.clone())]);
                AwsEventStart::Matches(START_DEFAULT.to_owned())
            }
        }
    }

    fn encoding(&mut self, file: &str, value: Option<&Value>) -> Option<String> {
        let value = value?;
        match encoding_name(&label(&value.text)) {
            Some("UTF-8") => None,
            Some(name) => Some(name.to_owned()),
            None => {
                self.leave(file, value.line, "encoding", vec![("value", value.text.clone())]);
                None
            }
        }
    }

    /// The agent takes at least 5000 ms.
    fn flush_ms(&mut self, file: &str, value: Option<&Value>) -> u64 {
        let Some(value) = value else { return AWS_FLUSH_MS };
        match value.text.parse::<u64>() {
            Ok(ms) if (AWS_FLUSH_MS..=3_600_000).contains(&ms) => ms,
            Ok(ms) => {
                let most = ms.clamp(AWS_FLUSH_MS, 3_600_000);
                self.bounded(file, "buffer_duration", value, most);
                most
            }
            Err(_) => {
                self.wrong(file, "buffer_duration", value);
                AWS_FLUSH_MS
            }
        }
    }

    fn most<'v>(
        &mut self,
        file: &str,
        name: &'static str,
        value: &dyn Fn(&str) -> Option<&'v Value>,
        most: usize,
    ) -> usize {
        let Some(value) = value(name) else { return most };
        let least = if name == "batch_size" { 256 } else { 1 };
        match value.text.parse::<usize>() {
            Ok(number) if (least..=most).contains(&number) => number,
            Ok(number) => {
                let number = number.clamp(least, most);
                self.bounded(file, name, value, number as u64);
                number
            }
            Err(_) => {
                self.wrong(file, name, value);
                most
            }
        }
    }

    fn bounded(&mut self, file: &str, name: &str, value: &Value, taken: u64) {
        let values = vec![
            ("name", name.to_owned()),
            ("value", value.text.clone()),
            ("taken", taken.to_string()),
        ];
        self.leave(file, value.line, "bound", values);
    }
}

/// Path, group and stream, or the line of what is wrong, why, and what stands there.
type Named = Result<[String; 3], (Option<u32>, &'static str, String)>;

fn named<'v>(value: &dyn Fn(&str) -> Option<&'v Value>) -> Named {
    let text = |name: &str, missing: &'static str| {
        let found = value(name).filter(|value| !value.text.is_empty());
        found.ok_or((None, missing, String::new()))
    };
    let file = text("file", "no-file")?;
    let group = text("log_group_name", "no-group")?;
    let stream = text("log_stream_name", "no-stream")?;
    let wrong = |value: &Value, why| Err((Some(value.line), why, value.text.clone()));
    let is_packed = [".gz", ".zip", ".bz2", ".xz"].iter().any(|end| file.text.ends_with(end));
    match () {
        () if file.text.contains('\n') || !is_log_pattern(&file.text) => wrong(file, "path"),
        () if is_packed => wrong(file, "packed"),
        () if check_group(&group.text).is_err() => wrong(group, "group"),
        () if check_stream(&stream.text).is_err() => wrong(stream, "stream"),
        () => Ok([file, group, stream].map(|value| value.text.clone())),
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The first sign of a date pattern that monban does not read; the whole text if it has none.
fn unread_sign(format: &str) -> Option<String> {
    match format.contains('%') {
        true => unread_date_sign(format),
        false => Some(format.to_owned()),
    }
}

/// A codec of Python's as a label of WHATWG's list.
fn label(codec: &str) -> String {
    let name = codec.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        "utf8" | "u8" | "utf" | "utf-8-sig" => "utf-8".to_owned(),
        "latin-1" | "latin" | "l1" | "8859" => "latin1".to_owned(),
        "cp932" | "932" | "ms932" | "mskanji" | "shiftjis" | "sjis" | "s-jis" => {
            "shift_jis".to_owned()
        }
        "shift-jis" => "shift_jis".to_owned(),
        "eucjp" | "ujis" => "euc-jp".to_owned(),
        "iso2022-jp" | "iso2022jp" => "iso-2022-jp".to_owned(),
        "utf-16" => "utf-16le".to_owned(),
        _ => match name.strip_prefix("cp").or_else(|| name.strip_prefix("iso8859-")) {
            Some(page) if name.starts_with("cp125") => format!("windows-{page}"),
            Some(part) if name.starts_with("iso") => format!("iso-8859-{part}"),
            _ => name,
        },
    }
}

#[cfg(test)]
#[path = "taken/tests.rs"]
mod tests;
