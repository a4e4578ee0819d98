//! The command line of `fail2ban-client`, as `getopt` reads it: options end at the first word that
//! is none, and long ones may be cut short.

use std::path::PathBuf;

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-c`: the folder of the configuration.
    pub conf: Option<PathBuf>,
    /// `-s`: the state folder of the monban that is asked. Other paths are passed over: they are
    /// those of fail2ban's socket.
    pub socket: Option<PathBuf>,
    /// `-d`, `--dp`.
    pub dump: Option<Dump>,
    /// `-t`.
    pub test: bool,
    /// `-i`.
    pub interactive: bool,
    /// `--str2sec`, `-h`, `-V`, `--version`: this alone.
    pub only: Option<Only>,
    /// The command.
    pub words: Vec<String>,
}

/// How a configuration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// One command a line.
    Plain,
    /// Long ones on several lines.
    Pretty,
}

/// What is done instead of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// The help.
    Help,
    /// The version, as a number alone or with a name.
    Version {
        /// The number alone.
        short: bool,
    },
    /// How many seconds a length of time has.
    Seconds(String),
}

/// Long options, and whether they have a value.
const LONG: &[(&str, bool)] = &[
    ("loglevel", true),
    ("logtarget", true),
    ("syslogsocket", true),
    ("test", false),
    ("async", false),
    ("conf", true),
    ("pidfile", true),
    ("pname", true),
    ("socket", true),
    ("timeout", true),
    ("str2sec", true),
    ("help", false),
    ("version", false),
    ("dp", false),
    ("dump-pretty", false),
];

impl Options {
    /// Reads the words behind the program's name; `None` if an option is not known or has no
    /// value.
    pub fn parse(args: &[String]) -> Option<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                options.words.extend(args.by_ref().cloned());
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let (name, wants) = long_option(name)?;
                let value = match (wants, value) {
                    (true, None) => args.next()?.clone(),
                    (false, Some(_)) => return None,
                    (_, value) => value.unwrap_or_default(),
                };
                options.take(name, value);
            } else if let Some(letters) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                let mut letters = letters.chars();
                while let Some(letter) = letters.next() {
                    let name = short_option(letter)?;
                    let mut value = String::new();
                    if matches!(letter, 'c' | 's' | 'p') {
                        value = letters.by_ref().collect();
                        if value.is_empty() {
                            value.clone_from(args.next()?);
                        }
                    }
                    options.take(name, value);
                }
            } else {
                options.words.push(arg.clone());
                options.words.extend(args.by_ref().cloned());
            }
        }
        Some(options)
    }

    fn take(&mut self, name: &str, value: String) {
        match name {
            "conf" => self.conf = Some(PathBuf::from(value)),
            "socket" => self.socket = Some(PathBuf::from(value)),
            "d" => self.dump = Some(Dump::Plain),
            "dp" | "dump-pretty" => self.dump = Some(Dump::Pretty),
            "test" => self.test = true,
            "i" => self.interactive = true,
            // Of these the first one counts.
            "help" => self.only = self.only.take().or(Some(Only::Help)),
            "version" => self.only = self.only.take().or(Some(Only::Version { short: false })),
            "V" => self.only = self.only.take().or(Some(Only::Version { short: true })),
            "str2sec" => self.only = self.only.take().or(Some(Only::Seconds(value))),
            // How a server is started and how much is told: monban has its own ways.
            _ => {}
        }
    }
}

/// An option by its name or by a part of it that fits no other.
fn long_option(name: &str) -> Option<(&'static str, bool)> {
    if let Some(exact) = LONG.iter().find(|(known, _)| *known == name) {
        return Some(*exact);
    }
    let mut fitting = LONG.iter().filter(|(known, _)| known.starts_with(name));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(*first)
}

fn short_option(letter: char) -> Option<&'static str> {
    Some(match letter {
        'h' => "help",
        'c' => "conf",
        's' => "socket",
        'p' => "pidfile",
        'd' => "d",
        't' => "test",
        'i' => "i",
        'V' => "V",
        'x' | 'f' | 'b' | 'v' | 'q' => "passed over",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Options> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args)
    }

    #[test]
    fn options_end_at_the_first_word() {
        let read = parse("-vqc /etc/f2b -s/run/x --timeout 3 status --all -t").unwrap();
        assert_eq!(read.conf, Some(PathBuf::from("/etc/f2b")));
        assert_eq!(read.socket, Some(PathBuf::from("/run/x")));
        assert_eq!(read.words, ["status", "--all", "-t"]);
        assert!(!read.test);
        assert_eq!(parse("-- -t").unwrap().words, ["-t"]);
        assert_eq!(parse("- x").unwrap().words, ["-", "x"]);
    }

    #[test]
    fn long_options_may_be_short() {
        assert!(parse("--te").unwrap().test);
        assert_eq!(parse("--dump").unwrap().dump, Some(Dump::Pretty));
        assert_eq!(parse("--str=1h").unwrap().only, Some(Only::Seconds("1h".to_owned())));
        assert_eq!(parse("-V --help").unwrap().only, Some(Only::Version { short: true }));
        for wrong in ["--p x", "--nope", "-z", "--test=1", "-c", "--conf"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
