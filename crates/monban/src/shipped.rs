//! The shipped rules, and the set that a configuration makes of them and the operator's own.

use monban_config::{Bundle, Config};
use monban_model::Problem;
use monban_rules::{RuleSet, RuleText};
use monban_views::OwnTexts;

use crate::watch::Metrics;

/// Every file of `rules/`.
const SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped_rules.rs"));

/// A file of `rules/`.
struct Shipped {
    /// Its name for messages.
    file: &'static str,
    /// As it is.
    text: &'static str,
    /// Without what nobody matches with.
    brief: &'static str,
}

/// A configuration with its rules, both without a problem.
pub struct Loaded {
    /// What the configuration means.
    pub config: Config,
    /// The compiled rules.
    pub rules: RuleSet,
    /// The compiled metrics.
    pub metrics: Metrics,
    /// The operator's own texts of messages.
    pub texts: OwnTexts,
}

/// The names of the rule files that are in force: the shipped ones and the operator's own.
pub fn rule_files(bundle: &Bundle) -> Vec<String> {
    rule_texts(bundle, |shipped| shipped.brief).into_iter().map(|text| text.file).collect()
}

/// Whether only jails run: monban's own rules would only take memory, three quarters of the
/// watcher's.
fn rest(bundle: &Bundle) -> bool {
    bundle.fail2ban.as_ref().is_some_and(|fail2ban| !fail2ban.beside)
}

/// The shipped rules and these; a file of the same service takes the place of the shipped one.
fn rule_texts(bundle: &Bundle, which: fn(&Shipped) -> &'static str) -> Vec<RuleText> {
    if rest(bundle) {
        return Vec::new();
    }
    let own = bundle.rules.iter().map(|file| (file.file.as_str(), file.text.as_str()));
    let name = |file: &str| file.rsplit('/').next().unwrap_or(file).to_owned();
    let replaced: Vec<String> = own.clone().map(|(file, _)| name(file)).collect();
    SHIPPED
        .iter()
        .filter(|shipped| !replaced.contains(&name(shipped.file)))
        .map(|shipped| (shipped.file, which(shipped)))
        .chain(own)
        .map(|(file, text)| RuleText { file: file.to_owned(), text: text.to_owned() })
        .collect()
}

/// The rules of a configuration with their examples, for people.
///
/// # Errors
/// All problems of the operator's rules.
pub fn with_examples(bundle: &Bundle) -> Result<RuleSet, Vec<Problem>> {
    RuleSet::compile_unchecked(&rule_texts(bundle, |shipped| shipped.text))
}

/// The operator's own texts of messages.
///
/// # Errors
/// All their problems.
pub fn own_texts(bundle: &Bundle) -> Result<OwnTexts, Vec<Problem>> {
    OwnTexts::read(bundle.texts.iter().map(|file| (file.file.as_str(), file.text.as_str())))
}

/// Reads a configuration and compiles its rules. The examples of the operator's rules are tried
/// only if `examples`: it takes longer than a start may.
///
/// # Errors
/// All problems at once.
pub fn load(bundle: &Bundle, examples: bool) -> Result<Loaded, Vec<Problem>> {
    let (file, text) = match &bundle.config {
        Some(config) => (config.file.as_str(), config.text.as_str()),
        None => ("default.toml", ""),
    };
    let compiled = match examples {
        true => RuleSet::compile(&rule_texts(bundle, |shipped| shipped.text)),
        false => {
            let texts = rule_texts(bundle, |shipped| shipped.brief);
            let own = |text: &RuleText| bundle.rules.iter().any(|file| file.file == text.file);
            RuleSet::compile_where_needed(&texts, |text| !own(text)).map(RuleSet::without_examples)
        }
    };
    match (Config::parse(file, text), compiled, own_texts(bundle)) {
        (Ok(config), Ok(rules), Ok(texts)) => {
            let services: Vec<&str> = rules.services().map(|s| s.name.as_str()).collect();
            let names: Vec<&str> = config.metrics.iter().map(|one| one.name.as_str()).collect();
            let mut problems = match rest(bundle) {
                true => Vec::new(),
                false => config.unknown_services(file, text, &services),
            };
            problems.extend(config.unknown_in_aws(file, text, &services, &names));
            match Metrics::compile(&config, file, text) {
                Ok(metrics) if problems.is_empty() => Ok(Loaded { config, rules, metrics, texts }),
                metrics => {
                    problems.extend(metrics.err().unwrap_or_default());
                    Err(problems)
                }
            }
        }
        (config, rules, texts) => {
            let mut problems = config.err().unwrap_or_default();
            problems.extend(rules.err().unwrap_or_default());
            problems.extend(texts.err().unwrap_or_default());
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests {
    // A test that cannot go on ends.
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn brief_rules_are_the_rules() {
        let bundle = Bundle::default();
        let whole = with_examples(&bundle).unwrap();
        let brief = load(&bundle, false).unwrap().rules;
        let services = || whole.services().zip(brief.services());
        assert_eq!((services().count(), whole.services().count()), (SHIPPED.len(), SHIPPED.len()));
        for (whole, brief) in services() {
            let mut whole = whole.clone();
            assert!(whole.rules.iter().all(|rule| !rule.sees.is_empty()));
            for rule in &mut whole.rules {
                (rule.sees, rule.not, rule.cites) = Default::default();
            }
            assert_eq!(without_lines(&whole), without_lines(brief));
        }
    }

    /// The same file has other line numbers without its examples.
    fn without_lines(service: &monban_rules::Service) -> String {
        let text = format!("{service:#?}");
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("line: "));
        lines.collect::<Vec<_>>().join("\n")
    }
}
