//! Filter patterns against messages: what CloudWatch Logs was measured to answer, what its guide
//! says (marked `guide`), and what follows from these (marked `derived`).

use monban_rules::{MetricPattern, MetricScratch};

const A: &str =
    r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
const B: &str = r#"127.0.0.2 - jane [10/Oct/2000:13:25:16 -0700] "GET /index.html HTTP/1.0" 410 0"#;
const C: &str = r#"127.0.0.3 - frank [10/Oct/2000:13:25:17 -0700] "POST /api HTTP/1.0" 500 2048"#;
const D: &str =
    r#"127.0.0.4 - frank [10/Oct/2000:13:25:18 -0700] "GET /index.html HTTP/1.0" 200 100"#;
const E: &str =
    r#"127.0.0.5  -  frank [10/Oct/2000:13:25:19 -0700] "GET /index.html HTTP/1.0" 404 1534 extra"#;
const F: &str =
    "127.0.0.6\t-\tfrank\t[10/Oct/2000:13:25:20 -0700]\t\"GET /index.html HTTP/1.0\"\t404\t1534";

const CLOSED: &str = "sshd[9]: Connection closed by 203.0.113.9 port 4 [preauth]";
const ACCEPTED: &str = "sshd[9]: Accepted publickey for a";

/// A pattern, what it matches and what it does not.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const TERMS: &[Row] = &[
    ("", &["plain", " ", ""], &[]),
    ("\" \"", &["ERROR BAD REQUEST", " "], &["plain", "ERROR-REQUEST", "ERROR\nARGUMENTS"]),
    // The first is the guide's.
    (
        "ERROR",
        &["[ERROR 400] BAD REQUEST", "TERROR REQUEST", "ERROR_ARGUMENTS", "ERROR\nARGUMENTS"],
        &["error arguments request", "INFO REQUEST"],
    ),
    ("error", &["INTERNAL SERVER error"], &["ERROR BAD REQUEST"]),
    (
        "ERROR ARGUMENTS",
        &["[ERROR 419] MISSING ARGUMENTS", "ARGUMENTS ERROR", "ERROR_ARGUMENTS"],
        &["[ERROR 401] UNAUTHORIZED REQUEST"],
    ),
    (
        "?ERROR ?ARGUMENTS",
        &["INFO ARGUMENTS", "ERROR BAD REQUEST", "TERROR REQUEST"],
        &["INFO REQUEST", "error arguments request"],
    ),
    (
        "?ERROR ?ARGUMENTS REQUEST",
        &["[INFO] REQUEST FAILED", "INFO REQUEST", "ERROR-REQUEST"],
        &["INFO ARGUMENTS", "ARGUMENTS ERROR"],
    ),
    (
        "?ERROR ?ARGUMENTS -REQUEST",
        &["plain", "hello-world", "INFO ARGUMENTS"],
        &["INFO REQUEST", "ERROR BAD REQUEST"],
    ),
    (
        "ERROR -ARGUMENTS",
        &["[ERROR 400] BAD REQUEST", "TERROR REQUEST"],
        &["[ERROR 420] INVALID ARGUMENTS", "ERROR_ARGUMENTS"],
    ),
    ("-ERROR", &["plain", "INTERNAL SERVER error"], &["TERROR REQUEST", "[ERROR] REQUEST"]),
    (
        "\"INTERNAL SERVER ERROR\"",
        &["[ERROR 500] INTERNAL SERVER ERROR"],
        &["ERROR INTERNAL  SERVER ERROR", "INTERNAL SERVER error"],
    ),
    ("ERROR -\"BAD REQUEST\"", &["ERROR-REQUEST"], &["ERROR BAD REQUEST"]),
    ("\"hello-world\"", &["hello-world"], &["say \"hello world\" now"]),
    // guide
    (
        "\"[ERROR]\" Exception",
        &["x [ERROR] Unhanded exception: InvalidQueryException"],
        &["x [ERROR] Terminating the application"],
    ),
    // derived
    ("\"[preauth]\"", &[CLOSED], &[ACCEPTED]),
    ("[preauth]", &[CLOSED, ACCEPTED], &["", " \t"]),
    // derived: escapes
    (r#""a \"b\" \\ \c""#, &[r#"x a "b" \ \c y"#], &[r#"a \"b\""#]),
    ("  ERROR\t-DEBUG\n", &["ERROR"], &["ERROR DEBUG"]),
];

const REGEXES: &[Row] = &[
    // guide
    (
        "%AUTHORIZED%",
        &["[ERROR 401] UNAUTHORIZED REQUEST", "[SUCCESS 200] AUTHORIZED REQUEST"],
        &["authorized"],
    ),
    (
        r"%^ERROR\s[0-9]{3}$%",
        &["ERROR 500", "ERROR\n500"],
        &["ERROR 50", "ERROR 5000", "xERROR 500"],
    ),
    ("%ERROR|WARN%", &["WARN 404", "xERROR 500"], &["error 500"]),
    ("%^colou?r$%", &["color", "colour"], &["colouur"]),
    (r"%10\.10\.0\.1%", &["10.10.0.1"], &["10010,051"]),
    ("%10.10.0.1%", &["10.10.0.1", "10010,051"], &[]),
    (r"%\x21%", &["hello!"], &["hello("]),
    ("%^[^a-z]+$%", &["WARN 404", "10010,051", "ERROR\n500"], &["hello!", "xERROR 500"]),
    ("%^a*b$%", &["aaab"], &["abab"]),
    // guide
    ("%[hc]at$%", &["the cat"], &["cats"]),
    ("%^[hc]at%", &["hat trick"], &["a hat"]),
    ("%ab+c%", &["abbc"], &["ac"]),
    ("%ab*c%", &["ac"], &[]),
    (r"%\[.\]%", &["x [7]", "[]]"], &["[ab]"]),
    // derived
    ("%^a{,2}b%", &["b", "ab", "aab"], &["aaab"]),
    (r"%[\w-]+@[+--]% x", &["x a-b@,", "x --@-"], &["x a@.", "x a@*"]),
    (r"%^[]^]$%", &["]", "^"], &["a", "[]"]),
    ("%a b% -%c%", &["a b"], &["a b c", "ab"]),
    ("?%^a% ?%z$%", &["ax", "xz"], &["xax"]),
];

const JSON: &[Row] = &[
    (
        "{ $.v = 1 }",
        &[r#"{"v":1}"#, r#"{"v":1.0}"#, r#"{"v":1e0}"#, r#"{"v":"1"}"#, r#"{"v":2,"v":1}"#],
        &[r#"{"v":"1.0"}"#, r#"{"v":1,"v":2}"#, r#"{"v":true}"#, r#"[{"v":1}]"#],
    ),
    (
        "{ $.v != 1 }",
        &[
            r#"{"v":"null"}"#,
            r#"{"v":"true"}"#,
            r#"{"v":0}"#,
            r#"{"v":"1.0"}"#,
            r#"{"v":""}"#,
            r#"{"v":1,"v":2}"#,
        ],
        &["{}", r#"{"v":null}"#, r#"{"v":true}"#, r#"{"v":[]}"#, r#"{"v":{}}"#, "not JSON"],
    ),
    (
        "{ $.v > 1 }",
        &[r#"{"v":1.5}"#, r#"{"v":10}"#, r#"{"v":1,"v":2}"#],
        &[r#"{"v":"10"}"#, r#"{"v":1}"#],
    ),
    ("{ $.v = \"1\" }", &[r#"{"v":1}"#, r#"{"v":"1"}"#], &[r#"{"v":1.0}"#, r#"{"v":1e0}"#]),
    (
        "{ $.v = \"Alpha\" }",
        &[r#"{"v":"Alpha"}"#],
        &[r#"{"v":"alpha"}"#, r#"{"v":"Alphabet"}"#, r#"{"v":[1,"Alpha",null]}"#],
    ),
    ("{ $.v = \"Alpha*\" }", &[r#"{"v":"Alphabet"}"#, r#"{"v":"Alpha"}"#], &[r#"{"v":"xAlpha"}"#]),
    ("{ $.v = %^Al.*% }", &[r#"{"v":"Alphabet"}"#], &[r#"{"v":"alpha"}"#]),
    ("{ $.v = true }", &[r#"{"v":"true"}"#], &[r#"{"v":true}"#]),
    ("{ $.v IS TRUE }", &[r#"{"v":true}"#], &[r#"{"v":"true"}"#]),
    ("{ $.v IS FALSE }", &[r#"{"v":false}"#], &[r#"{"v":"false"}"#]),
    (
        "{ $.v IS NULL }",
        &[r#"{"v":null}"#, r#"{"v":[1,"Alpha",null]}"#],
        &["{}", r#"{"v":"null"}"#],
    ),
    ("{ $.v NOT EXISTS }", &["{}"], &[r#"{"v":null}"#, "not JSON", "{broken"]),
    (
        "{ $.v = * }",
        &[r#"{"v":""}"#, r#"{"v":0}"#, r#"{"v":"true"}"#],
        &["{}", r#"{"v":null}"#, r#"{"v":true}"#, r#"{"v":[]}"#],
    ),
    (
        "{ $.['cluster.name'] = \"flat\" }",
        &[r#"{"cluster.name":"flat","cluster":{"name":"nested"}}"#],
        &[r#"{"cluster.name":"nested","cluster":{"name":"flat"}}"#],
    ),
    (
        "{ $.arr[0] = \"hit\" }",
        &[r#"{"arr":["hit","miss"]}"#],
        &[r#"{"arr":["miss","hit"]}"#, r#"{"arr":{"0":"hit"}}"#, r#"{"arr":"hit"}"#],
    ),
    (
        "{ $.arr[*] = \"hit\" }",
        &[r#"{"arr":["miss","hit"]}"#, r#"{"arr":{"0":"hit"}}"#],
        &[r#"{"arr":"hit"}"#, r#"{"arr":[["hit"]]}"#, r#"{"arr":[]}"#],
    ),
    (
        "{ $.* = \"hit\" }",
        &[r#"{"nested.value":"hit","arr":[["hit"]]}"#],
        &[r#"{"arr":["hit","hit"]}"#, r#"{"a":"hit","a":"miss"}"#],
    ),
    (
        "{ $.items[*].a = 1 && $.items[*].b = 2 }",
        &[r#"{"items":[{"a":1},{"b":2}]}"#],
        &[r#"{"items":[]}"#],
    ),
    (
        "{ $.a = 1 || $.b = 2 && $.c = 3 }",
        &[r#"{"a":1,"b":0,"c":0}"#, r#"{"a":0,"b":2,"c":3}"#],
        &[r#"{"a":0,"b":2,"c":0}"#],
    ),
    (
        "{ ($.a = 1 || $.b = 2) && $.c = 3 }",
        &[r#"{"a":1,"b":2,"c":3}"#],
        &[r#"{"a":1,"b":0,"c":0}"#],
    ),
    // guide
    (
        "{ $.sourceIPAddress != 123.123.* }",
        &[r#"{"sourceIPAddress":"111.111.111.111"}"#],
        &[r#"{"sourceIPAddress":"123.123.1.1"}"#],
    ),
    (
        "{ $.objectList[1].id = 2 }",
        &[r#"{"objectList":[{"id":1},{"id":2}]}"#],
        &[r#"{"objectList":[{"id":2}]}"#],
    ),
    ("{ $.users = 1 }", &[], &[r#"{"users":[1,2,3]}"#]),
    ("{ $.users != 1 }", &[], &[r#"{"users":[1,2,3]}"#]),
    ("{ $.errorCode = 4* }", &[r#"{"errorCode":404}"#], &[r#"{"errorCode":500}"#]),
    ("{ $.number[0] = 1e+3 }", &[r#"{"number":[1000]}"#], &[r#"{"number":[100]}"#]),
    (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", &[r#"{"sourceIPAddress":"111.111.111.111"}"#], &[]),
    // derived
    (
        "{ ($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)}",
        &[r#"{"eventName":"DisableKey"}"#],
        &[r#"{"eventName":"EnableKey"}"#],
    ),
    (
        "{ $.x-y.a_b[\"c d\"] <= -1.5 }",
        &[r#"{"x-y":{"a_b":{"c d":-1.50}}}"#],
        &[r#"{"x-y":{"a_b":{"c d":-1.4}}}"#],
    ),
    ("{$.v=9007199254740993}", &[r#"{"v":9007199254740993}"#], &[r#"{"v":9007199254740992}"#]),
    ("{ $.v < 1e400 }", &[r#"{"v":1e399}"#], &[r#"{"v":1e401}"#]),
];

const FIELDS: &[Row] = &[
    ("[ip, id, user, ts, req, status, bytes]", &[A, B, C, D, E, F], &["ERROR request failed"]),
    ("[ip, id, user, ts, req, status >= 400, bytes > 1000]", &[A, C, F], &[B, D, E]),
    ("[..., request = *.html*, status = 4*, bytes]", &[A, B, F], &[C, D, E]),
    ("[..., status = 404 || status = 410, bytes]", &[A, B, F], &[C, D, E]),
    (r"[ip = %127\.0\.0\.[1-3]%, id, user, ts, req, status, bytes]", &[A, B, C], &[D, E, F]),
    ("[..., bytes]", &[A, "ERROR"], &["", "  "]),
    (
        "[ip, ..., status, bytes]",
        &["ERROR request failed", "ERROR \"unterminated words"],
        &["WARNING request", "ERROR \"two words\""],
    ),
    (
        "[w1=ERROR, w2]",
        &["ERROR request failed", "ERROR \"two words\""],
        &["ERROR", "INFO request accepted"],
    ),
    (
        "[w1!=ERROR && w1!=WARNING, w2]",
        &["INFO request accepted", A],
        &["WARNING request", "ERROR", "ERROR WARN message"],
    ),
    // guide
    (
        "[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, rt]",
        &["INFO 09/25/2014 12:00:00 GET /service/resource/67 1200"],
        &["INFO 09/25/2014 12:00:00 POST /service/resource/67/part/111 1310"],
    ),
    ("[]", &["ERROR", A], &["", " \r\n"]),
    // derived
    ("[ip, , user = (user)]", &[], &[]),
    ("[..., status_code =4*,]", &["x 404 1"], &["x 500 1", "404"]),
    ("[(a = x || a = y) && a != x*, ...]", &["y", "y z"], &["x", "z y"]),
];

/// Patterns that are refused, several in a line with ` ;; ` between them; those behind the empty
/// line are derived.
const WRONG: &str = r#"
ERR* ;; "ERROR ;; %^(A|B)% ;; %hello!% ;; %café% ;; %E(?=5)% ;; %[abc% ;; { $.v = null }
{ $.v == 1 } ;; { $.v EXISTS } ;; { $.v IS NOT NULL } ;; { !($.v=1) }
{ $.v>0 AND $.v<2 } ;; { $.v > "A" } ;; { $.items[*].* = 1 } ;; { $..v = 1 }
{ $.a[-1] = 1 } ;; { $.a[0:2] = 1 }
{ $.a[*] = 1 || $.b[*] = 1 || $.* = 1 || $.c[*] = 1 }
{ $.v = %a% || $.v = %b% || $.v = %c% } ;; %a% %b% %c% ;; [..., status, ...]
[word, word]

{ ;; {} ;; { $.v } ;; { $.v = 1 ;; { $.v = 1 } x ;; { "v": [1] } ;; { ($.v = 1 }
{ $.v = } ;; { $ = 1 } ;; { $.v = a/b } ;; { $.v not exists } ;; { v = 1 } ;; { $.v = %% }
[ ;; [a ;; [a b] ;; [a = ] ;; [a] b ;; [a = 1 || b = 2] ;; [a || a = 1] ;; [a = 1 &&] ;; -
? ;; - a ;; a"b" ;; $.a = 1 ;; café ;; a:b ;; %a ;; %a**% ;; %a{2}{3}% ;; %*a% ;; %a{%
%[z-a]% ;; %[[a]]% ;; %\b% ;; %\x2% ;; %\(% ;; %a\% ;; %a++% ;; %あ%
"#;

fn check(rows: &[Row]) {
    let mut scratch = MetricScratch::default();
    for (pattern, yes, no) in rows {
        let Ok(compiled) = MetricPattern::parse(pattern) else {
            assert!(yes.is_empty() && no.is_empty(), "{pattern}");
            continue;
        };
        for (messages, expected) in [(yes, true), (no, false)] {
            for message in *messages {
                let found = compiled.matches(message.as_bytes(), &mut scratch);
                assert_eq!(found, expected, "{pattern} on {message:?}");
                if found && let Some(needed) = compiled.needed_text() {
                    let needed = String::from_utf8_lossy(needed);
                    assert!(message.contains(&*needed), "{pattern} needs {needed}: {message:?}");
                }
            }
        }
    }
}

#[test]
fn terms_match_as_measured() {
    check(TERMS);
}

#[test]
fn regular_expressions_match_as_measured() {
    check(REGEXES);
}

#[test]
fn conditions_on_json_match_as_measured() {
    check(JSON);
}

#[test]
fn fields_match_as_measured() {
    check(FIELDS);
}

#[test]
fn what_is_wrong_is_refused_with_a_place_and_a_hint() {
    let rows = WRONG.lines().filter(|line| !line.is_empty());
    for pattern in rows.flat_map(|line| line.split(" ;; ")) {
        let error = MetricPattern::parse(pattern).expect_err(pattern);
        assert!(error.offset <= pattern.len(), "{pattern}: {error:?}");
        assert!(pattern.is_char_boundary(error.offset), "{pattern}: {error:?}");
        let speaks = error.message.contains("exceed") || !error.hint.is_empty();
        assert!(speaks, "{pattern}: {error:?}");
    }
}

/// The words that CloudWatch Logs answered with.
#[test]
fn errors_have_the_words_of_cloudwatch() {
    for (pattern, message) in [
        ("ERR*", "Invalid character(s) in term '*'"),
        ("\"ERROR", "Invalid character(s) in term '\"ERROR'"),
        ("{ $.v IS NOT NULL }", "Invalid character(s) in term 'NOT'"),
        ("{ $.v == 1 }", "Invalid metric filter pattern"),
        ("{ !($.v = 1) }", "Invalid character(s) in term '!('"),
        ("{ $.v > \"Alpha\" }", "Invalid character(s) in term '\"Alpha\"'"),
        ("{ $..value = 1 }", "Invalid character(s) in term '$..'"),
        ("{ $.arr[-1] = 1 }", "Invalid character(s) in term '[-'"),
        ("{ $.arr[0:2] = 1 }", "Invalid character(s) in term '[0:'"),
        ("[word, word]", "Duplicate field 'word'"),
        ("[..., status, ...]", "Duplicate field '...'"),
        ("%[abc%", "Failed to compile regular expression."),
        (
            "{ $.v = %Alpha% || $.v = %Beta% || $.v = %Gamma% }",
            "Your input has exceeded the maximum of 2 regular expressions per filter pattern.",
        ),
        (
            "{ $.arr[*] = 1 || $.items[*].a = 1 || $.* = 2 || $.matrix[*][0] = 0 }",
            "Your input has exceeded the maximum of 3 JSON wildcard selectors allowed per filter \
             pattern.",
        ),
        (
            "{ $.items[*].* = 1 }",
            "Your filter pattern has a JSON path selector that exceeds the maximum of 1 wildcard \
             allowed per json selector.",
        ),
    ] {
        assert_eq!(MetricPattern::parse(pattern).unwrap_err().message, message, "{pattern}");
    }
}

#[test]
fn what_editors_make_of_a_pattern_is_explained() {
    for (pattern, hint) in [
        ("ERROR\u{3000}WARN", "this is a full-width space: write a plain one"),
        ("{ $.a = 1\u{3000}}", "this is a full-width space: write a plain one"),
        ("[a,\u{3000}b]", "this is a full-width space: write a plain one"),
        ("\u{201c}[preauth]\u{201d}", "these are typographic quotes: write plain ones"),
        ("{ $.a = \u{201c}x\u{201d} }", "these are typographic quotes: write plain ones"),
    ] {
        assert_eq!(MetricPattern::parse(pattern).unwrap_err().hint, hint, "{pattern}");
    }
}

#[test]
fn a_pattern_has_at_most_1024_characters() {
    assert!(MetricPattern::parse(&"a".repeat(1024)).is_ok());
    assert!(MetricPattern::parse(&format!("\"{}\"", "\u{9580}".repeat(1022))).is_ok());
    let error = MetricPattern::parse(&"\u{9580}".repeat(1025)).unwrap_err();
    assert_eq!(error.offset, 1024 * 3);
}

#[test]
fn fields_are_captured_by_name_and_by_place() {
    let mut scratch = MetricScratch::default();
    for (pattern, line, expected) in [
        ("[w1=ERROR, w2]", "ERROR request failed", "$w1=ERROR $w2=request failed"),
        ("[w1, w2]", "ERROR \"two words\"", "$w1=ERROR $w2=two words"),
        ("[kind,value]", "SPACE 17", "$kind=SPACE $value=17"),
        ("[..., bytes]", "ERROR", "$bytes=ERROR"),
        ("[a, , b]", "1 2 3", "$a=1 $2=2 $b=3"),
        ("[a, ..., b]", "1 2 3 4", "$a=1 $2=2 $3=3 $b=4"),
        ("[preauth]", " a b  c \r\n", "$preauth=a b  c"),
        ("[a, b]", "x \"y z\" w ", "$a=x $b=\"y z\" w"),
        ("[]", "x y", ""),
        ("ERROR", "ERROR", ""),
        ("{ $.a = 1 }", "{\"a\":1}", ""),
        (
            "[ip, id, user, ts, req, status, bytes]",
            E,
            "$ip=127.0.0.5 $id=- $user=frank $ts=10/Oct/2000:13:25:19 -0700 \
             $req=GET /index.html HTTP/1.0 $status=404 $bytes=1534 extra",
        ),
    ] {
        let compiled = MetricPattern::parse(pattern).unwrap();
        let captures = compiled.captures(line.as_bytes(), &mut scratch).unwrap();
        let shown: Vec<String> = captures
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect();
        assert_eq!(shown.join(" "), expected, "{pattern}");
    }
}

/// Whole corpora that were put before CloudWatch Logs, with the numbers of what matched.
#[test]
fn whole_corpora_match_as_measured() {
    const WORDS: &[&str] = &[
        "ERROR ARGUMENTS REQUEST",
        "ERROR BAD REQUEST",
        "INFO ARGUMENTS",
        "INFO REQUEST",
        "error arguments request",
        "ERROR INTERNAL SERVER ERROR",
        "ERROR INTERNAL  SERVER ERROR",
        "INTERNAL SERVER error",
        "TERROR REQUEST",
        "[ERROR] REQUEST",
        "ERROR-REQUEST",
        "ERROR_ARGUMENTS",
        "ERROR\nARGUMENTS",
        "ARGUMENTS ERROR",
        "plain",
        "say \"hello world\" now",
        "hello-world",
        " ",
    ];
    const WAYS: &[&str] = &[
        r#"{"nested":{"value":"hit"},"cluster.name":"flat","cluster":{"name":"nested"},"items":[{"a":1,"b":0},{"a":0,"b":2}],"arr":["miss","hit"],"matrix":[[0,1],[2,3]],"a":1,"b":0,"c":0}"#,
        r#"{"nested":{"value":"miss"},"cluster.name":"nested","cluster":{"name":"flat"},"items":[{"a":1,"b":2}],"arr":["hit","miss"],"matrix":[[1,0]],"a":0,"b":2,"c":3}"#,
        r#"{"nested":null,"arr":[null],"items":[],"a":0,"b":2,"c":0}"#,
        r#"{"nested":{},"arr":[],"a":1,"b":2,"c":3}"#,
        r#"{"nested":{"value":null},"arr":"hit","a":0,"b":0,"c":3}"#,
        r#"{"nested":{"value":"null"},"other":"hit"}"#,
        r#"{"nested.value":"hit","arr":[["hit"]]}"#,
        r#"{"arr":["hit","hit"],"items":[{"a":1},{"b":2}]}"#,
        r#"{"arr":{"0":"hit"},"nested":[{"value":"hit"}]}"#,
        "{}",
    ];
    let mut scratch = MetricScratch::default();
    for (corpus, pattern, expected) in [
        (WORDS, "ERROR", &[0, 1, 5, 6, 8, 9, 10, 11, 12, 13][..]),
        (WORDS, "ERROR ARGUMENTS", &[0, 11, 12, 13]),
        (WORDS, "?ERROR ?ARGUMENTS", &[0, 1, 2, 5, 6, 8, 9, 10, 11, 12, 13]),
        (WORDS, "?ERROR ?ARGUMENTS REQUEST", &[0, 1, 3, 8, 9, 10]),
        (WORDS, "?ERROR ?ARGUMENTS -REQUEST", &[2, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17]),
        (WORDS, "ERROR -ARGUMENTS", &[1, 5, 6, 8, 9, 10]),
        (WORDS, "\"INTERNAL SERVER ERROR\"", &[5]),
        (WAYS, "{ $.nested.value = \"hit\" }", &[0]),
        (WAYS, "{ $.['cluster.name'] = \"flat\" }", &[0]),
        (WAYS, "{ $.arr[0] = \"hit\" }", &[1, 7]),
        (WAYS, "{ $.arr[*] = \"hit\" }", &[0, 1, 7, 8]),
        (WAYS, "{ $.* = \"hit\" }", &[4, 5, 6]),
        (WAYS, "{ $.items[*].a = 1 && $.items[*].b = 2 }", &[0, 1, 7]),
        (WAYS, "{ $.a = 1 || $.b = 2 && $.c = 3 }", &[0, 1, 3]),
        (WAYS, "{ ($.a = 1 || $.b = 2) && $.c = 3 }", &[1, 3]),
    ] {
        let compiled = MetricPattern::parse(pattern).unwrap();
        let matches = |at: &usize| compiled.matches(corpus[*at].as_bytes(), &mut scratch);
        let found: Vec<usize> = (0..corpus.len()).filter(matches).collect();
        assert_eq!(found, expected, "{pattern}");
    }
}
