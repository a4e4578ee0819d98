//! What was taken over, as a piece of monban.toml.

use std::fmt::Write;

use monban_model::{Aws, AwsBatching, AwsCredentials, AwsDates, AwsEventStart};
use monban_views::Say;

use super::taken::Stream;

/// The piece, with comments that say where each stream stood.
pub fn piece(from: &str, aws: &Aws, streams: &[Stream], say: &Say) -> String {
    let mut text = comment(&say.text("awslogs-head", &[("path", from)]));
    let mut paths: Vec<&str> =
        streams.iter().flat_map(|stream| &stream.logs.files).map(String::as_str).collect();
    paths.sort_unstable();
    paths.dedup();
    let paths: Vec<String> = paths.into_iter().map(quoted).collect();
    let mut line = |name: &str, value: &str| {
        // A text takes what is written.
        let _ = match value.is_empty() {
            true => writeln!(text, "{name}"),
            false => writeln!(text, "{name} = {value}"),
        };
    };
    line("\n[sources]", "");
    line("logs", &format!("[{}]", paths.join(", ")));
    line("\n[aws]", "");
    if let Some(region) = &aws.region {
        line("region", &quoted(region));
    }
    match &aws.credentials {
        AwsCredentials::Shared { file, profile } => {
            line("credentials", &quoted("shared"));
            line("shared_file", &quoted(file));
            line("profile", &quoted(profile));
        }
        _ => line("credentials", &quoted("instance-role")),
    }
    for stream in streams {
        let place = format!("{}:{}", stream.file, stream.line);
        let values = [("section", stream.section.as_str()), ("place", &place)];
        line(&format!("\n{}", comment(&say.text("awslogs-stream", &values)).trim_end()), "");
        write_stream(stream, &mut line);
    }
    text
}

fn write_stream(stream: &Stream, line: &mut impl FnMut(&str, &str)) {
    let logs = &stream.logs;
    line("[[aws.logs]]", "");
    let files: Vec<String> = logs.files.iter().map(|file| quoted(file)).collect();
    line("files", &format!("[{}]", files.join(", ")));
    line("group", &quoted(&logs.group));
    line("stream", &quoted(&logs.stream));
    if logs.newest_only {
        line("newest_only", "true");
    }
    line("from", &quoted(if logs.from_start { "start" } else { "end" }));
    match &logs.dates {
        AwsDates::Own => {}
        AwsDates::Arrival => line("dates", &quoted("arrival")),
        AwsDates::Pattern { pattern, utc } => {
            line("dates", &quoted(pattern));
            if *utc {
                line("dates_utc", "true");
            }
        }
    }
    match &logs.event_start {
        AwsEventStart::EveryLine => {}
        AwsEventStart::Date => line("event_start", &quoted("date")),
        AwsEventStart::Matches(pattern) => line("event_start", &quoted(pattern)),
    }
    if let Some(encoding) = &logs.encoding {
        line("encoding", &quoted(encoding));
    }
    let (batching, default) = (logs.batching, AwsBatching::default());
    line("flush_ms", &batching.flush_ms.to_string());
    if batching.events != default.events {
        line("batch_events", &batching.events.to_string());
    }
    if batching.bytes != default.bytes {
        line("batch_bytes", &batching.bytes.to_string());
    }
    if !batching.gzip {
        line("gzip", "false");
    }
}

/// Each line of a text as a comment. What somebody else wrote makes no line of its own.
fn comment(text: &str) -> String {
    let clean = |line: &str| line.replace(char::is_control, " ");
    text.split('\n').map(|line| format!("# {}\n", clean(line))).collect()
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use monban_config::Config;
    use monban_views::Tongue;
    use proptest::prelude::*;

    use super::super::ini::Ini;
    use super::super::taken::Taken;
    use super::*;

    fn round(text: &str) -> (Vec<Stream>, Result<Aws, String>) {
        let mut taken = Taken::default();
        taken.add("a\nb", &Ini::read(text), true, &mut true);
        let aws = Aws { region: Some("ap-northeast-1".to_owned()), ..Aws::default() };
        let piece = piece("/a", &aws, &taken.streams, &Say::new(Tongue::Japanese));
        let read = Config::parse("m.toml", &piece).map(|config| config.aws);
        (taken.streams, read.map_err(|problems| format!("{piece}\n{problems:?}")))
    }

    proptest! {
        /// Whatever an agent's file says, the piece is read as what was taken over.
        #[test]
        fn the_piece_means_what_was_taken_over(
            section in "[ -Z^-~\u{9580}]{1,20}",
            path in "[ -~\u{9580}]{0,30}",
            pattern in "[ -~]{0,12}",
            format in "[ -~]{0,12}",
            stream in "[ -~\u{9580}]{1,20}",
        ) {
            let text = format!(
                "[{section}]\nfile = /{path}\nlog_group_name = g\nlog_stream_name = {stream}\n\
                 multi_line_start_pattern = {pattern}\ndatetime_format = {format}\n"
            );
            let (streams, read) = round(&text);
            let expected: Vec<_> = streams.iter().map(|stream| stream.logs.clone()).collect();
            prop_assert_eq!(read.map(|aws| aws.logs), Ok(expected));
        }
    }
}
