use proptest::prelude::*;

use super::*;

fn taken(text: &str) -> Taken {
    let mut taken = Taken::default();
    taken.add("awslogs.conf", &Ini::read(text), true, &mut true);
    taken
}

fn why(text: &str) -> Vec<(u32, &'static str)> {
    taken(text).left.iter().map(|left| (left.line, left.why)).collect()
}

const STREAM: &str = "[a]\nfile = /var/log/a\nlog_group_name = g\nlog_stream_name = s\n";

#[test]
fn a_section_without_more_is_what_the_agent_does_by_itself() {
    let found = taken(STREAM);
    assert_eq!(found.left, []);
    let logs = &found.streams[0].logs;
    assert_eq!((logs.from_start, logs.newest_only, &logs.encoding), (true, false, &None));
    assert_eq!(logs.dates, AwsDates::Arrival);
    assert_eq!(logs.event_start, AwsEventStart::Matches(START_DEFAULT.to_owned()));
    assert_eq!(logs.batching, AwsBatching::default());
}

#[test]
fn everything_that_the_agent_knows_is_taken_over() {
    let found = taken(
        "[a]\nfile = /var/log/a*\nlog_group_name = g\nlog_stream_name = x-{hostname}\n\
         datetime_format = %Y-%m-%dT%H:%M:%S.%f%z\ntime_zone = UTC\n\
         initial_position = end_of_file\nencoding = cp932\nbuffer_duration = 9000\n\
         multi_line_start_pattern = {datetime_format}\nbatch_count = 500\nbatch_size = 32768\n",
    );
    assert_eq!(found.left, []);
    let logs = &found.streams[0].logs;
    let pattern = "%Y-%m-%dT%H:%M:%S.%f%z".to_owned();
    assert_eq!(logs.dates, AwsDates::Pattern { pattern, utc: true });
    assert_eq!((logs.from_start, logs.newest_only), (false, true));
    assert_eq!(logs.encoding.as_deref(), Some("Shift_JIS"));
    assert_eq!(logs.event_start, AwsEventStart::Date);
    let expected = AwsBatching { flush_ms: 9000, events: 500, bytes: 32_768, gzip: true };
    assert_eq!(logs.batching, expected);
}

#[test]
fn what_cannot_be_taken_over_is_told_with_its_line() {
    let cases = [
        ("buffer_duration = 100", "bound"),
        ("batch_count = 20000", "bound"),
        ("batch_size = 2000000", "bound"),
        ("batch_size = many", "value"),
        ("time_zone = JST", "value"),
        ("initial_position = middle", "value"),
        ("encoding = klingon", "encoding"),
        ("datetime_format = iso", "date"),
        ("datetime_format = %Q", "date"),
        ("multi_line_start_pattern = (", "pattern"),
        ("multi_line_start_pattern = (?=x)", "pattern"),
        ("file_fingerprint_lines = 1-3", "fingerprint"),
        ("initial_postion = end_of_file", "unknown-meant"),
        ("colour = red", "unknown"),
        ("colour", "no-value"),
    ];
    for (line, expected) in cases {
        let text = format!("{STREAM}{line}\n");
        let found = taken(&text);
        assert_eq!(found.streams.len(), 1, "{line}");
        assert_eq!(why(&text), [(5, expected)], "{line}");
    }
}

#[test]
fn a_stream_that_cannot_be_sent_is_told_as_one() {
    let cases = [
        ("[a]\nlog_group_name = g\nlog_stream_name = s\n", (1, "no-file")),
        ("[a]\nfile = /a\nlog_stream_name = s\n", (1, "no-group")),
        ("[a]\nfile = /a\nlog_group_name = g\n", (1, "no-stream")),
        ("[a]\nfile = a\nlog_group_name = g\nlog_stream_name = s\n", (2, "path")),
        ("[a]\nfile = /a.gz\nlog_group_name = g\nlog_stream_name = s\n", (2, "packed")),
        ("[a]\nfile = /a\nlog_group_name = a b\nlog_stream_name = s\n", (3, "group")),
        ("[a]\nfile = /a\nlog_group_name = g\nlog_stream_name = {id}\n", (4, "stream")),
    ];
    for (text, expected) in cases {
        let found = taken(text);
        assert!(found.streams.is_empty() && found.left[0].is_stream, "{text}");
        assert_eq!(why(text), [expected], "{text}");
    }
}

/// The agent reads it so, too: the name of the stream has two lines then.
#[test]
fn a_value_that_begins_with_a_space_belongs_to_the_one_before() {
    let text = format!("{STREAM} initial_position = end_of_file\n");
    assert_eq!(why(&text), [(5, "indented"), (4, "stream")]);
}

#[test]
fn the_general_section_counts_in_the_first_file_only() {
    let text = "[general]\nstate_file = /var/lib/a\nuse_gzip_http_content_encoding = false\n";
    let (mut taken, mut gzip) = (Taken::default(), true);
    taken.add("a", &Ini::read(&format!("{text}{STREAM}")), true, &mut gzip);
    taken.add("b", &Ini::read(text), false, &mut gzip);
    assert!(!gzip && !taken.streams[0].logs.batching.gzip);
    let why: Vec<&str> = taken.left.iter().map(|left| left.why).collect();
    assert_eq!(why, ["state", "general-ignored"]);
}

proptest! {
    #[test]
    fn any_file_is_taken_over_or_told(text in "(\\[[a-c]\\]|file|log_group_name|batch_size|=|/|%|\
        datetime_format|encoding|[ a-z0-9{}(\\[\u{9580}]|\\n){0,80}")
    {
        let found = taken(&text);
        let lines = text.lines().count() as u32;
        prop_assert!(found.left.iter().all(|left| (1..=lines).contains(&left.line)));
    }
}
