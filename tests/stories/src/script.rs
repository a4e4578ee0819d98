//! The text of a story as steps.

use monban_model::wire::Command;
use monban_model::{Address, Net, Origin, Stamp, Subject, parse_duration_s};

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// A line of a log.
    Line(String),
    /// The clock shows this time.
    At(Stamp),
    /// Seconds pass.
    Wait(u64),
    /// The clock is set by so many seconds.
    Set(i64),
    /// kill -9, and a new start.
    Restart,
    /// The whole allow list.
    Allow(Net),
    /// Who is logged in as an administrator.
    Administrator(Option<Address>),
    /// The addresses of a network are there.
    Place(Net, Origin),
    /// An operator's word.
    Command(Command),
    /// What becomes of orders.
    Firewall(Firewall),
    /// A reload.
    Config(String),
}

/// What becomes of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Firewall {
    /// They are applied.
    #[default]
    Works,
    /// The kernel fails.
    Fails,
    /// The warden refuses.
    Refuses,
}

/// The steps, each with the number of its line.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// In their order.
    pub steps: Vec<(usize, Step)>,
}

impl Script {
    /// Reads a story up to what is expected of it.
    ///
    /// # Errors
    /// The number of the first line that cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate();
        let mut script = Self::default();
        while let Some((at, line)) = lines.next() {
            let number = at + 1;
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            if line == super::DIVIDER.trim_end() {
                break;
            }
            let Some(step) = line.strip_prefix("> ") else {
                script.steps.push((number, Step::Line(line.to_owned())));
                continue;
            };
            let mut block = || -> Vec<String> {
                lines.by_ref().map(|(_, l)| l.to_owned()).take_while(|l| l != "> end").collect()
            };
            let words: Vec<&str> = step.split(' ').collect();
            if let ["repeat", times, apart] = words[..] {
                let (times, apart) = (number_of(times, number)?, duration(apart, number)?);
                let block = block();
                for _ in 0..times {
                    let lines = block.iter().map(|line| (number, Step::Line(line.clone())));
                    script.steps.extend(lines);
                    script.steps.push((number, Step::Wait(apart)));
                }
                continue;
            }
            let step = match words[..] {
                ["config"] => Step::Config(block().join("\n")),
                _ => read(step, &words).map_err(|error| format!("line {number}: {error}"))?,
            };
            script.steps.push((number, step));
        }
        Ok(script)
    }
}

fn read(step: &str, words: &[&str]) -> Result<Step, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let subject = |word: &str| word.parse::<Subject>().map_err(|error| text(&error));
    Ok(match words {
        ["at", date, time] => Step::At(stamp(&format!("{date}T{time}"))?),
        ["wait", length] => Step::Wait(parse_duration_s(length)?),
        ["set", length] => match length.strip_prefix('-') {
            Some(back) => Step::Set(-(parse_duration_s(back)? as i64)),
            None => Step::Set(parse_duration_s(length)? as i64),
        },
        ["restart"] => Step::Restart,
        ["allow", net] => Step::Allow(net.parse().map_err(|error| text(&error))?),
        ["admin", who] => Step::Administrator(Some(who.parse().map_err(|error| text(&error))?)),
        ["place", net, ..] => {
            let origin = words[2..].join(", ").parse()?;
            Step::Place(net.parse().map_err(|error| text(&error))?, origin)
        }
        ["nobody"] => Step::Administrator(None),
        ["ban", who, length] => Step::Command(Command::Ban {
            subject: subject(who)?,
            for_s: Some(parse_duration_s(length)?).filter(|_| *length != "forever"),
            why: "story".to_owned(),
        }),
        ["free", who] => Step::Command(Command::Free { subject: subject(who)? }),
        ["firewall", "works"] => Step::Firewall(Firewall::Works),
        ["firewall", "fails"] => Step::Firewall(Firewall::Fails),
        ["firewall", "refuses"] => Step::Firewall(Firewall::Refuses),
        _ => return Err(format!("`{step}` is no step of a story")),
    })
}

fn number_of(word: &str, line: usize) -> Result<usize, String> {
    word.parse().map_err(|_| format!("line {line}: `{word}` is no number"))
}

fn duration(word: &str, line: usize) -> Result<u64, String> {
    parse_duration_s(word).map_err(|error| format!("line {line}: {error}"))
}

/// `2026-08-10T14:25:00` in UTC, read by the rules' own clock.
fn stamp(text: &str) -> Result<Stamp, String> {
    let mut clock = monban_rules::Clock::new("UTC", Stamp::default()).ok_or("no zone UTC")?;
    clock.read(text.as_bytes()).ok_or_else(|| format!("`{text}` is no time"))
}
