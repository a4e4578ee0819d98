//! The command line in the reader's language. clap and `cli.rs` speak English; for another
//! language their texts are looked up in the table of those crates that know no language.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use monban_views::{Say, Tongue};

use crate::cli::Cli;

/// Reads the command line. Ends the process where it asks for help or cannot be understood.
pub fn cli() -> Cli {
    let args: Vec<OsString> = std::env::args_os().collect();
    let say = Say::new(tongue(&args));
    let matches = command(&say).try_get_matches_from(args);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.unwrap_or_else(|error| end(&error, &say))
}

/// The language that is named by `--lang`, wherever it stands, or by the environment.
fn tongue(args: &[OsString]) -> Tongue {
    let mut args = args.iter().map_while(|arg| Some(arg.to_str()).filter(|arg| *arg != Some("--")));
    let mut named = None;
    while let Some(arg) = args.next() {
        named = match arg {
            Some("--lang") => args.next().flatten(),
            Some(arg) => arg.strip_prefix("--lang=").or(named),
            None => named,
        };
    }
    named.and_then(Tongue::from_name).unwrap_or_else(Tongue::from_environment)
}

/// Shows what was asked for, or says what is wrong.
fn end(error: &clap::Error, say: &Say) -> ! {
    let is_answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_answer || say.tongue() == Tongue::English {
        error.exit();
    }
    eprint!("{}", translated(error, say));
    std::process::exit(error.exit_code());
}

/// What is wrong, line by line.
fn translated(error: &clap::Error, say: &Say) -> String {
    let text = error.render().to_string();
    text.lines().map(|line| say.sentence(line) + "\n").collect()
}

/// The commands with all their texts in this language.
fn command(say: &Say) -> Command {
    let mut command = Cli::command();
    if say.tongue() == Tongue::English {
        return command;
    }
    // So that clap's own commands and arguments are there as well.
    command.build();
    speak(command, say)
}

fn speak(command: Command, say: &Say) -> Command {
    let usage = command.clone().render_usage().to_string();
    let mut usage = usage.trim_start_matches("Usage: ").to_owned();
    for word in ["OPTIONS", "COMMAND"] {
        usage = usage.replace(word, &say.sentence(word));
    }
    let about = command.get_about().map(|about| say.sentence(&about.to_string()));
    let head = say.sentence("Usage: {usage}");
    let command = command
        .about(about.unwrap_or_default())
        .help_template(format!("{{about-with-newline}}\n{head}\n\n{{all-args}}"))
        .override_usage(usage)
        .subcommand_help_heading(say.sentence("Commands"))
        .mut_args(|arg| speak_of(arg, say));
    command.mut_subcommands(|command| speak(command, say))
}

fn speak_of(arg: Arg, say: &Say) -> Arg {
    let heading = if arg.is_positional() { "Arguments" } else { "Options" };
    let mut help = arg.get_help().map_or_else(String::new, |help| say.sentence(&help.to_string()));
    let takes_value = arg.get_action().takes_values();
    let defaults = arg.get_default_values().iter().filter(|_| takes_value);
    for value in defaults.filter_map(|value| value.to_str()).filter(|value| !value.is_empty()) {
        help.push_str(&format!(" [{}: {value}]", say.sentence("default")));
    }
    arg.help(help)
        .help_heading(say.sentence(heading))
        .hide_default_value(true)
        .hide_possible_values(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn japanese() -> Say {
        Say::new(Tongue::Japanese)
    }

    /// Texts below a command that are still in English.
    fn english(command: &Command, found: &mut Vec<String>) {
        let about = command.get_about().map(|about| (command.get_name(), about.to_string()));
        let helps = command.get_arguments().map(|arg| {
            (arg.get_id().as_str(), arg.get_help().map_or_else(String::new, ToString::to_string))
        });
        let missing = about.into_iter().chain(helps).filter(|(_, text)| text.is_ascii());
        found.extend(missing.map(|(name, text)| format!("{name}: {text}")));
        command.get_subcommands().for_each(|command| english(command, found));
    }

    #[test]
    fn every_command_and_argument_has_its_help_in_japanese() {
        let mut found = Vec::new();
        english(&command(&japanese()), &mut found);
        assert!(found.is_empty(), "{found:#?}");
        let help = command(&japanese()).render_help().to_string();
        assert!(help.contains("使い方: monban [オプション] [コマンド]\n\nコマンド:\n"), "{help}");
        for heading in ["Usage", "Options:", "Commands:", "default", "possible"] {
            assert!(!help.contains(heading), "{heading}: {help}");
        }
    }

    /// Lines of an error that carry no sentence: names of arguments, and nothing.
    fn is_name(line: &str) -> bool {
        line.is_empty() || line.starts_with("  <") || line.starts_with("  --")
    }

    #[test]
    fn a_wrong_command_line_is_told_in_japanese() {
        for wrong in [
            "ban 192.0.2.1 --for 0",
            "ban 192.0.2.1 --for soon",
            "ban 192.0.2.1 --for 200y",
            "ban 192.0.2.1 --for",
            "ban",
            "bann",
            "why foo",
            "why 192.0.2.1 192.0.2.2",
            "ban 192.0.2.0/99",
            "allow x",
            "--nope",
            "ban 192.0.2.1 --fro 1h",
            "allow 192.0.2.1 --for 1h --remove",
            "free --all 192.0.2.1",
            "free",
            "--lang xx",
            "--json=3 bans",
            "--json --json bans",
            "scan --top z a",
            "scan --top 99999999999999999999999 a",
            "scan --top -1 a",
            "scan",
            "feed --last 99999999999",
            "config x",
            "help nope",
        ] {
            let args = ["monban"].into_iter().chain(wrong.split(' '));
            let error = command(&japanese()).try_get_matches_from(args).unwrap_err();
            let told = translated(&error, &japanese());
            let mut lines = told.lines().filter(|line| !is_name(line));
            assert!(!lines.any(str::is_ascii), "{wrong}: {told}");
            assert!(told.starts_with("エラー: "), "{wrong}: {told}");
        }
    }

    #[test]
    fn the_language_is_known_before_the_command_line_is_understood() {
        let of = |line: &str| tongue(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("monban why --lang ja foo"), Tongue::Japanese);
        assert_eq!(of("monban --lang=ja --nope"), Tongue::Japanese);
        assert_eq!(of("monban --lang en --lang=ja"), Tongue::Japanese);
        assert_eq!(of("monban --lang=en -- --lang=ja"), Tongue::English);
    }
}
