//! The tokens of a `datepattern`, such as `%Y`: as regular expressions (of the C locale, as
//! CPython 3.11 and fail2ban define them) and as fail2ban's messages name them.

/// Token without its `%`, name, expression.
const TOKENS: &[(&str, &str, &str)] = &[
    ("d", "Day", r"(?P<d>[1-2]\d|[0 ]?[1-9]|3[0-1])"),
    ("f", "Microseconds", r"(?P<f>[0-9]{1,6})"),
    ("H", "24hour", r"(?P<H>[0-1]?\d|2[0-3])"),
    ("I", "12hour", r"(?P<I>1[0-2]|0[1-9]|[1-9])"),
    ("G", "%G", r"(?P<G>\d\d\d\d)"),
    ("j", "Yearday", r"(?P<j>36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])"),
    ("m", "Month", r"(?P<m>0?[1-9]|1[0-2])"),
    ("M", "Minute", r"(?P<M>[0-5]?\d)"),
    ("S", "Second", r"(?P<S>[0-5]?\d|6[0-1])"),
    ("U", "Yearweek", r"(?P<U>5[0-3]|[0-4]\d|\d)"),
    ("w", "Weekday", r"(?P<w>[0-6])"),
    ("u", "%u", r"(?P<u>[1-7])"),
    ("V", "%V", r"(?P<V>5[0-3]|0[1-9]|[1-4]\d|\d)"),
    ("y", "Year2", r"(?P<y>\d\d)"),
    ("Y", "Year", r"(?P<Y>\d{4})"),
    ("z", "Zone offset", r"(?P<z>Z|UTC|GMT|[+-][01]\d(?::?\d{2})?)"),
    ("A", "DAYNAME", r"(?P<A>wednesday|thursday|saturday|tuesday|monday|friday|sunday)"),
    ("a", "DAY", r"(?P<a>mon|tue|wed|thu|fri|sat|sun)"),
    (
        "B",
        "MONTH",
        r"(?P<B>september|february|november|december|january|october|august|march|april|june|july|may)",
    ),
    ("b", "MON", r"(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"),
    ("p", "AMPM", r"(?P<p>am|pm)"),
    ("Z", "Zone name", r"(?P<Z>Z|[A-Z]{3,5})"),
    ("%", "%", r"%"),
    ("W", "Yearweek", r"(?P<W>5[0-3]|[0-4]\d|\d)"),
    (
        "c",
        "%c",
        r"(?P<a>mon|tue|wed|thu|fri|sat|sun)\s+(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s+(?P<d>3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])\s+(?P<H>2[0-3]|[0-1]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[0-1]|[0-5]\d|\d)\s+(?P<Y>\d\d\d\d)",
    ),
    (
        "x",
        "%x",
        r"(?P<m>1[0-2]|0[1-9]|[1-9])/(?P<d>3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])/(?P<y>\d\d)",
    ),
    ("X", "%X", r"(?P<H>2[0-3]|[0-1]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[0-1]|[0-5]\d|\d)"),
    ("k", "%k", r" ?(?P<H>[0-2]?\d)"),
    ("l", "%l", r" ?(?P<I>1?\d)"),
    ("ExZ", "ExZone name", r"(?P<Z>[A-Z](?:[A-Z]{2,4})?)"),
    (
        "Exz",
        "ExZone offset",
        r"(?P<z>(?:[A-Z](?:[A-Z]{2,4})?)?[+-][01]\d(?::?\d{2})?|[A-Z](?:[A-Z]{2,4})?)",
    ),
    ("Exd", "ExDay", r"(?P<d>[1-2]\d|0[1-9]|3[0-1])"),
    ("Exm", "ExMonth", r"(?P<m>0[1-9]|1[0-2])"),
    ("ExH", "Ex24hour", r"(?P<H>[0-1]\d|2[0-3])"),
    ("Exk", "%Exk", r" ?(?P<H>[0-1]?\d|2[0-3])"),
    ("Exl", "%Exl", r" ?(?P<I>1[0-2]|\d)"),
    ("ExM", "ExMinute", r"(?P<M>[0-5]\d)"),
    ("ExS", "ExSecond", r"(?P<S>[0-5]\d|6[0-1])"),
    ("Exy", "ExYear2", r"(?P<y>\d{2})"),
];

/// A pattern with its tokens replaced.
pub struct Expanded {
    /// By their names.
    pub name: String,
    /// By their expressions.
    pub regex: String,
}

/// Replaces the tokens of a pattern; an error names the `%` that is none. `decade_max` is the
/// latest decade of `%ExY`, such as 202.
pub fn expand(pattern: &str, decade_max: u16) -> Result<Expanded, String> {
    let mut expanded = Expanded { name: String::new(), regex: String::new() };
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        expanded.name.push_str(before);
        expanded.regex.push_str(before);
        let token = after.get(1..).unwrap_or_default();
        let length = match token.strip_prefix("ExY") {
            Some(_) => {
                expanded.name.push_str("ExYear");
                expanded.regex.push_str(&year(decade_max));
                3
            }
            None => {
                let mut known = TOKENS.iter().filter(|(key, ..)| token.starts_with(key));
                let known = known.by_ref().max_by_key(|(key, ..)| key.len());
                let Some((key, name, regex)) = known else {
                    let sign: String = after.chars().take(2).collect();
                    return Err(format!("`{sign}` is no part of a date; a percent sign is `%%`"));
                };
                expanded.name.push_str(name);
                expanded.regex.push_str(regex);
                key.len()
            }
        };
        rest = token.get(length..).unwrap_or_default();
    }
    expanded.name.push_str(rest);
    expanded.regex.push_str(rest);
    Ok(expanded)
}

fn year(decade_max: u16) -> String {
    let decades: Vec<String> = (200..=decade_max).map(|decade| decade.to_string()).collect();
    format!(r"(?P<Y>(?:{})\d)", decades.join("|"))
}
