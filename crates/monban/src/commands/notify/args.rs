//! What can be asked about messages, as it is written on the command line.

use clap::{ArgGroup, Args, Subcommand};
use monban_model::parse_duration_s;

use crate::cli::{Length, length};

/// Conditions of a silence at most; a frame carries no more.
const CONDITIONS_MAX: usize = 16;

/// What to do with subscriptions.
#[derive(Debug, Subcommand)]
pub enum SubscriptionAction {
    /// Who is told, whether it arrives, and what waits
    List,
    /// Confirm a subscription by the code of its mail
    Confirm {
        /// The code, such as k3mh-9xwt-p2ra
        #[arg(value_name = "CODE")]
        code: String,
    },
    /// End a subscription by the code in its mails; without --yes it only says which
    Leave {
        /// The code, such as k3mh-9xwt-p2ra
        #[arg(value_name = "CODE")]
        code: String,
        /// Really end it
        #[arg(long)]
        yes: bool,
    },
    /// Send a new code to confirm a subscription
    Resend {
        /// Its name
        #[arg(value_name = "NAME")]
        subscription: String,
    },
    /// Hold back what goes to a subscription, but for what is critical
    Mute(MuteArgs),
}

/// `monban subscription mute`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("when").args(["seconds", "end"]))]
pub struct MuteArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub subscription: String,
    /// How long, such as 8h
    #[arg(long = "for", value_name = "TIME", default_value = "8h", value_parser = seconds)]
    pub seconds: u64,
    /// Tell again from now on
    #[arg(long)]
    pub end: bool,
}

/// What to do with silences.
#[derive(Debug, Subcommand)]
pub enum SilenceAction {
    /// What is not told, and until when
    List,
    /// Tell nothing of what fits all conditions
    Add {
        /// label=value or label!=value, where * stands for any text and ? for any character;
        /// several values have commas between them
        #[arg(value_name = "CONDITION", required = true, num_args = 1..=CONDITIONS_MAX)]
        conditions: Vec<String>,
        /// How long, such as 2h, or forever
        #[arg(long = "for", value_name = "TIME", default_value = "2h", value_parser = length)]
        length: Length,
        /// Why, for the list
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
    },
    /// End a silence
    End {
        /// Its number in the list
        #[arg(value_name = "NUMBER")]
        number: u32,
    },
}

/// What to do about messages.
#[derive(Debug, Subcommand)]
pub enum NotifyAction {
    /// Send a test, wait for it, and show what the servers said
    Test {
        /// Only to the subscriptions of this topic
        #[arg(value_name = "TOPIC")]
        topic: Option<String>,
    },
    /// Say that somebody looks after what is told: no repeats, nobody else is told
    Acknowledge {
        /// The key of what is told, where * and ? stand for any text and character
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Print the texts of messages, ready to be written anew in texts/en.toml or texts/ja.toml
    Texts {
        /// Only those whose key fits, where * and ? stand for any text and character
        #[arg(value_name = "PATTERN", default_value = "*")]
        pattern: String,
    },
}

/// A time that ends.
fn seconds(text: &str) -> Result<u64, String> {
    match length(text)? {
        Length(Some(seconds)) => Ok(seconds),
        Length(None) => parse_duration_s(text),
    }
}
