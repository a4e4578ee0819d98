//! What a metric reads out of messages, what is said of its pattern, and what is refused.

use monban_rules::{
    Clause, Explanation, MetricPattern, MetricReader, MetricReading, MetricScratch, PatternError,
    Relation, ValueOf,
};

const LINE: &str = "127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] \"GET / HTTP/1.0\" 404 1534";

fn reader(
    pattern: &str,
    value: &str,
    default: Option<f64>,
    dimensions: &[(&str, &str)],
) -> Result<MetricReader, PatternError> {
    let own = |(name, selector): &(&str, &str)| ((*name).to_owned(), (*selector).to_owned());
    let dimensions: Vec<_> = dimensions.iter().map(own).collect();
    let pattern = MetricPattern::parse(pattern)?;
    MetricReader::new(pattern, ValueOf::parse(value)?, default, &dimensions)
}

/// What is read, as `1.5 Name=value`.
fn read(reader: &MetricReader, message: &str) -> String {
    let mut scratch = MetricScratch::default();
    match reader.read(message.as_bytes(), &mut scratch) {
        MetricReading::Nothing => "nothing".to_owned(),
        MetricReading::Default(value) => format!("default {value}"),
        MetricReading::Skipped => "skipped".to_owned(),
        MetricReading::Value { value, dimensions } => {
            let mut text = value.to_string();
            for (name, value) in dimensions.pairs() {
                text.push_str(&format!(" {name}={}", String::from_utf8_lossy(value)));
            }
            text
        }
    }
}

#[test]
fn values_come_from_numbers_fields_and_ways() {
    let all = "[ip, id, user, ts, req, status, bytes]";
    for (pattern, value, message, expected) in [
        ("ERROR", "1", "an ERROR", "1"),
        ("ERROR", "-2.5e1", "an ERROR", "-25"),
        ("ERROR", "1", "fine", "nothing"),
        (all, "$bytes", LINE, "1534"),
        (all, "$7", LINE, "1534"),
        (all, "$user", LINE, "skipped"),
        (all, "$bytes", "a b c d e f 12 34", "skipped"),
        ("[..., status, bytes]", "$bytes", LINE, "1534"),
        ("[..., status, bytes]", "$6", LINE, "404"),
        ("[..., status, bytes]", "$9", LINE, "skipped"),
        ("[kind, value]", "$value", "SPACE 17", "17"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x","value":19}"#, "19"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x","value":"1.5"}"#, "1.5"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x","value":"fast"}"#, "skipped"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x","value":true}"#, "skipped"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x","value":[1]}"#, "skipped"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x","value":1e999}"#, "skipped"),
        ("{ $.kind = \"x\" }", "$.value", r#"{"kind":"x"}"#, "skipped"),
        ("{ $.kind = \"x\" }", "$.a[1].['b c']", r#"{"kind":"x","a":[0,{"b c":2}]}"#, "2"),
    ] {
        let reader = reader(pattern, value, None, &[]).expect(value);
        assert_eq!(read(&reader, message), expected, "{pattern} {value} on {message}");
    }
}

#[test]
fn a_default_is_for_each_line_that_does_not_match() {
    let reader = reader("{ $.a = * }", "$.a", Some(0.0), &[]).unwrap();
    assert_eq!(read(&reader, "other"), "default 0");
    assert_eq!(read(&reader, r#"{"a":5}"#), "5");
    // It matches, so the default is not meant.
    assert_eq!(read(&reader, r#"{"a":"x"}"#), "skipped");
}

#[test]
fn dimensions_are_read_beside_the_value() {
    let json = [("Service", "$.service"), ("Ok", "$.ok"), ("Port", "$.port")];
    let of_json = reader("{ $.service = * }", "1", None, &json).unwrap();
    let message = r#"{"service":"ssh\u0064","ok":false,"port":22}"#;
    assert_eq!(read(&of_json, message), "1 Service=sshd Ok=false Port=22");
    assert_eq!(read(&of_json, r#"{"service":"","port":null}"#), "1");
    let fields = [("Who", "$user"), ("First", "$1")];
    let of_fields = reader("[ip, id, user, ...]", "1", None, &fields).unwrap();
    assert_eq!(read(&of_fields, LINE), "1 Who=frank First=127.0.0.1");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let one = [("A", "$.a")];
    let many = [("A", "$.a"), ("B", "$.a"), ("C", "$.a"), ("D", "$.a")];
    for (pattern, value, default, dimensions, part) in [
        ("x", "$.items[*].value", None, &[][..], "$.items[*].value must be a valid number"),
        ("x", "one", None, &[], "one must be a valid number"),
        ("x", "", None, &[], "must be a valid number"),
        ("x", "NaN", None, &[], "must be a valid number"),
        ("x", "1e999", None, &[], "must be a valid number"),
        ("x", "$", None, &[], "must be a valid number"),
        ("x", "$0", None, &[], "must be a valid number"),
        ("x", "$.a b", None, &[], "must be a valid number"),
        ("x", "$.a", None, &[], "$.a needs a pattern on JSON, in braces"),
        ("x", "$a", None, &[], "$a needs a pattern of fields, in brackets"),
        ("{ $.a = 1 }", "$3", None, &[], "$3 needs a pattern of fields, in brackets"),
        ("[kind, value]", "$missing", None, &[], "the pattern has no field $missing"),
        ("[kind, value]", "$3", None, &[], "the pattern has no field $3"),
        ("{ $.a = 1 }", "1", Some(0.0), &one, "mutually exclusive"),
        ("{ $.a = 1 }", "1", Some(f64::NAN), &[], "default value must be a valid number"),
        ("{ $.a = 1 }", "1", None, &many, "more than 3 dimensions"),
        ("{ $.a = 1 }", "1", None, &[("A", "$.a"), ("A", "$.b")], "a name of its own"),
        ("{ $.a = 1 }", "1", None, &[("A", "$.a[*]")], "must be valid selector"),
        ("{ $.a = 1 }", "1", None, &[("A", "1")], "must be valid selector"),
        ("x", "1", None, &one, "$.a needs a pattern"),
    ] {
        let error = reader(pattern, value, default, dimensions).unwrap_err();
        assert!(error.message.contains(part), "{pattern} {value}: {error}");
    }
}

#[test]
fn the_text_that_every_match_needs_is_known() {
    for (pattern, expected) in [
        ("", ""),
        ("ERROR", "ERROR"),
        ("ERROR \"access denied\" -\"a much longer text\"", "access denied"),
        ("?ERROR ?WARN", ""),
        ("?ERROR", "ERROR"),
        ("-ERROR", ""),
        ("\"[preauth]\"", "[preauth]"),
        ("%abc[0-9]+deg?%", "abc"),
        ("%abc|def%", ""),
        ("%a{0,2}bc+d{2}e%", "bc"),
        ("{ $.a = \"long value\" }", "{"),
        ("[w1 = ERROR, w2 = *timeout*, w3 = x || w3 = longest]", "timeout"),
        ("[a != ERROR, b > 100]", ""),
        ("[preauth]", ""),
    ] {
        let compiled = MetricPattern::parse(pattern).unwrap();
        let needed = compiled.needed_text().map(|text| String::from_utf8_lossy(text).into_owned());
        assert_eq!(needed.unwrap_or_default(), expected, "{pattern}");
    }
}

#[test]
fn what_a_writer_may_not_know_is_told() {
    for (pattern, expected) in [
        ("", "empty-matches-all()"),
        ("[preauth]", "brackets-unquoted(1, \"[preauth]\")"),
        ("[a, \"b\"]", "refused"),
        ("[status = 4*]", ""),
        ("?ERROR ?WARN REQUEST", "optional-ignored(?ERROR ?WARN, %ERROR|WARN% REQUEST)"),
        ("?x %a% ?y -\"b \\\"\"", "optional-ignored(?x ?y, %x|y% %a% -\"b \\\"\")"),
        ("?x %a% %b%", "optional-ignored(?x, )"),
        ("?\"a b\" c", "optional-ignored(?a b, )"),
        ("\" \"", "only-spaces()"),
        ("\"ERR*\"", "star-in-phrase(ERR*, \"ERR\")"),
        ("-ERROR", "only-excluded() case-counts(ERROR, %error|Error|ERROR%)"),
        ("TERROR -ERROR", "never-matches(TERROR, ERROR) case-counts"),
        ("%10.10.0.1%", r"dot-is-any(%10.10.0.1%, %10\.10\.0\.1%)"),
        (r"%10\.10\.0\.1%", ""),
        ("[ip, status >= 400]", "last-takes-rest(status)"),
        ("[ip, ..., status >= 400]", ""),
        ("{ $.ok = true }", "word-is-text($.ok, true, $.ok IS TRUE)"),
        ("{ $.ok != true }", "word-is-text($.ok, true, $.ok IS FALSE)"),
        ("{ $.mfa != \"Yes\" }", "not-equal-needs-value($.mfa, || $.mfa NOT EXISTS)"),
        ("{ $.mfa != \"Yes\" || $.mfa NOT EXISTS }", ""),
        ("{ $.i[*].a = 1 && $.i[*].b = 2 }", "members-apart($.i[*].b)"),
        ("{ $.i[*].a = 1 || $.i[*].b = 2 }", ""),
        ("{ $.a = Ev*ent }", "star-within(Ev*ent)"),
        ("\"[preauth]\"", ""),
        ("sshd Accepted", ""),
    ] {
        let Ok(compiled) = MetricPattern::parse(pattern) else {
            assert_eq!(expected, "refused", "{pattern}");
            continue;
        };
        let shown = |trap: &monban_rules::Trap| {
            let values: Vec<String> = trap.values().into_iter().map(|(_, value)| value).collect();
            format!("{}({})", trap.code(), values.join(", "))
        };
        let shown: Vec<String> = compiled.traps().iter().map(shown).collect();
        assert!(shown.join(" ").starts_with(expected), "{pattern}: {shown:?}");
        assert_eq!(shown.is_empty(), expected.is_empty(), "{pattern}: {shown:?}");
    }
    let with_value = reader("[kind, value]", "$value", None, &[]).unwrap();
    assert_eq!(with_value.traps(), []);
}

#[test]
fn how_a_pattern_is_read_is_told() {
    let of = |pattern: &str| MetricPattern::parse(pattern).unwrap().explain();
    assert_eq!(of(" "), Explanation::Everything);
    let Explanation::Terms { required, optional, excluded, ignored } = of("ERROR ?a -\"b c\" %d+%")
    else {
        panic!("terms");
    };
    assert_eq!(required, ["ERROR", "%d+%"]);
    assert_eq!((optional.len(), excluded, ignored), (0, vec!["b c".into()], vec!["a".into()]));
    let is = |subject: &str, relation, value: &str| Clause::Is {
        subject: subject.to_owned(),
        relation,
        value: value.to_owned(),
    };
    let json = of("{ $.a = 1 && ($.b != x* || $.c IS NULL) }");
    let inner =
        Clause::Any(vec![is("$.b", Relation::NotLike, "x*"), is("$.c", Relation::IsNull, "")]);
    let outer = Clause::All(vec![is("$.a", Relation::IsNumber, "1"), inner]);
    assert_eq!(json, Explanation::Json(outer));
    let Explanation::Fields { fields, gap } = of("[a, , ..., status = 404]") else {
        panic!("fields");
    };
    assert_eq!(gap, Some(2));
    assert_eq!(fields[1].name, None);
    assert_eq!(fields[2].clause, Some(is("status", Relation::IsText, "404")));
}
