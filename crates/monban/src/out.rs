//! Standard output of the commands. A reader that went away (`monban bans | head -1`) is no
//! error: the command ends as if it had been read to its end.

use std::io::Write;

/// Prints a text with a line end.
pub fn line(text: impl std::fmt::Display) {
    write(&format!("{text}\n"));
}

/// Prints JSON on a line of its own.
pub fn json(value: &impl serde::Serialize) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = monban_views::write_json(&mut out, value);
    if written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// The columns of the terminal that shows the output, if one does.
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Prints a text as it is.
pub fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}
