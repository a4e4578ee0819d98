//! Which filter is tested: one of a fail2ban configuration, or an expression.

use std::path::Path;

use monban_fail2ban::config::{Complaints, Sourced, Version, read_filter};
use monban_fail2ban::dates::{DateFinder, Zone};
use monban_fail2ban::filter::{Filter, Misfit, Problem, Texts, Use, UseDns};
use monban_views::{Say, printable};

use super::report::Facts;
use crate::cli::FilterTestArgs;
use crate::fail2ban::complaints;

/// Names count as they are: a test resolves nothing.
const RAW: UseDns = UseDns::Raw;

/// The texts of what is tested, with where they were written.
#[derive(Default)]
struct Written {
    failregex: Vec<String>,
    ignoreregex: Vec<String>,
    prefregex: Option<String>,
    datepattern: Option<String>,
    maxlines: usize,
    files: Vec<String>,
    /// `file:line` by list and number.
    places: Vec<(&'static str, String)>,
}

/// Compiles it.
pub fn filter(
    args: &FilterTestArgs,
    real_now: i64,
    zone: &Zone,
    say: &Say,
) -> Result<(Filter, Facts), String> {
    if let Some((name, folder)) = named_file(&args.filter) {
        let path = printable(args.filter.as_bytes());
        let folder = folder.map_or_else(|| args.fail2ban.display().to_string(), str::to_owned);
        let folder = printable(folder.as_bytes());
        let values = [("path", path.as_str()), ("name", name), ("dir", &folder)];
        return Err(say.text("filter-is-file", &values));
    }
    if Path::new(&args.filter).is_file() {
        // fail2ban-regex has them the other way round.
        let filter = named_file(&args.input).map_or(args.input.as_str(), |(name, _)| name);
        let values = [printable(args.filter.as_bytes()), printable(filter.as_bytes())];
        let values = [("path", values[0].as_str()), ("filter", &values[1])];
        return Err(say.text("filter-swapped", &values));
    }
    let written = match is_reference(&args.filter) {
        true => of_configuration(args, say)?,
        false => {
            Written { failregex: vec![args.filter.clone()], maxlines: 1, ..Written::default() }
        }
    };
    let pattern = args.datepattern.as_deref().or(written.datepattern.as_deref());
    let dates = DateFinder::new(pattern, real_now, zone.clone(), None)
        .map_err(|error| format!("datepattern: {error}"))?;
    let texts = Texts {
        prefregex: written.prefregex.as_deref(),
        failregex: &written.failregex,
        ignoreregex: &written.ignoreregex,
        maxlines: written.maxlines,
        usedns: RAW,
    };
    let filter = Filter::new(&texts, dates, Use { all: true }).map_err(|misfits| {
        let sentences: Vec<String> =
            misfits.iter().map(|misfit| written.sentence(misfit, say)).collect();
        sentences.join("\n")
    })?;
    let facts =
        Facts { name: args.filter.clone(), files: written.files, failregex: written.failregex };
    Ok((filter, facts))
}

fn of_configuration(args: &FilterTestArgs, say: &Say) -> Result<Written, String> {
    let backend = if args.journal { "systemd" } else { "auto" };
    let mut odd = Complaints::default();
    let spec = read_filter(&args.fail2ban, &args.filter, backend, Version::default(), &mut odd)
        .map_err(|complaint| complaints::show(&complaints::render(&[complaint], say), 0, say))?;
    let mut places = Vec::new();
    for (list, texts) in [("failregex", &spec.failregex), ("ignoreregex", &spec.ignoreregex)] {
        places.extend(texts.iter().map(|text| (list, text.from.to_string())));
    }
    places.extend(spec.prefregex.iter().map(|text| ("prefregex", text.from.to_string())));
    let texts = |list: Vec<Sourced<String>>| list.into_iter().map(|text| text.value).collect();
    Ok(Written {
        failregex: texts(spec.failregex),
        ignoreregex: texts(spec.ignoreregex),
        prefregex: spec.prefregex.map(|text| text.value),
        datepattern: spec.datepattern.map(|text| text.value),
        maxlines: spec.maxlines.value as usize,
        files: spec.files.iter().map(|file| file.to_string()).collect(),
        places,
    })
}

impl Written {
    fn sentence(&self, (what, number, problem): &Misfit, say: &Say) -> String {
        let place = self.places.iter().filter(|(list, _)| list == what).nth(*number);
        let place = place.map_or_else(String::new, |(_, place)| format!("{place}: "));
        let number = (number + 1).to_string();
        let (key, reason) = match problem {
            Problem::Regex(error) => ("filter-wrong", error.to_string()),
            Problem::Empty => ("filter-empty", String::new()),
            Problem::NamesNobody => ("filter-names-nobody", String::new()),
        };
        let values = [("what", *what), ("number", number.as_str()), ("error", &reason)];
        place + &say.text(key, &values)
    }
}

/// The filter that a path of its file means, and the folder of its configuration, if the path
/// tells.
fn named_file(text: &str) -> Option<(&str, Option<&str>)> {
    let stem = text.strip_suffix(".conf").or_else(|| text.strip_suffix(".local"))?;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !stem.chars().all(is_plain) {
        return None;
    }
    let (folder, name) = stem.rsplit_once('/').map_or((None, stem), |(f, name)| (Some(f), name));
    let folder = folder.and_then(|folder| folder.strip_suffix("/filter.d"));
    (!name.is_empty()).then_some((name, folder))
}

/// Whether it is `name` or `name[option=value]`, and no expression.
fn is_reference(text: &str) -> bool {
    let name = text.split_once('[').map_or(text, |(name, _)| name);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_filter_is_no_expression() {
        for (text, meant) in [
            ("/etc/fail2ban/filter.d/sshd.conf", Some(("sshd", Some("/etc/fail2ban")))),
            ("sshd.conf", Some(("sshd", None))),
            ("./x.local", Some(("x", None))),
            ("sshd", None),
            ("sshd[mode=aggressive]", None),
            ("^x <HOST> /a.conf", None),
            (".conf", None),
        ] {
            assert_eq!(named_file(text), meant, "{text}");
        }
    }
}
