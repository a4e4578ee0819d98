//! `-i`: one command a line.

use std::io::BufRead;

use monban_fail2ban::client::split_words;

use super::{Client, complain};
use crate::out;

/// Reads commands until `exit`, `quit` or the end of input, which counts as a failure.
pub fn run(client: &Client<'_>, first: &[String]) -> bool {
    if !first.is_empty() && !client.command(first) {
        return false;
    }
    out::line(client.say.text("client-interactive", &[]) + "\n");
    let mut lines = std::io::stdin().lock().lines();
    loop {
        out::write("fail2ban> ");
        let Some(Ok(line)) = lines.next() else {
            out::line("");
            complain("EOF when reading a line");
            return false;
        };
        match line.as_str() {
            "exit" | "quit" => return true,
            "" => {}
            "help" => out::write(&client.say.text("client-help", &[])),
            _ => match split_words(&line) {
                Some(words) if words.is_empty() => {}
                Some(words) => {
                    client.command(&words);
                }
                None => complain("No closing quotation"),
            },
        }
    }
}
