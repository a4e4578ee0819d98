//! Mails as people see them: both parts are there and say the same, and pictures of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::scene::{self, GUESSER, HOST, NEW, SECOND, Sshd, USUAL};
use super::trouble::PORT;
use crate::camera::{self, Light, Pane, photograph};
use crate::guard::Guard;
use crate::machine::Machine;
use crate::mail::base64;
use crate::mailbox::Mail;
use crate::runner::{Setting, Size};
use crate::sink::{Manner, Sink};
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until;

const ARRIVES: Duration = Duration::from_secs(20);
/// What came too often is told together after the time of the rate, and the report when it is due.
const GATHERED: Duration = Duration::from_secs(REPORT_S + 90);
/// The report comes with the full minute that is this far away at least.
const REPORT_S: u64 = 50;
/// Widths of windows, in points: a telephone, a screen, and lines of a terminal.
const PHONE: u32 = 420;
const SCREEN: u32 = 800;
const TERMINAL: u32 = 560;
/// Strangers who are blocked at once.
const STRANGERS: u8 = 90;

/// What is told, and what of it the reader of each language has to find.
struct Told {
    name: &'static str,
    theme: &'static str,
    words: &'static [&'static str],
}

const AT_ONCE: [Told; 3] = [
    Told { name: "login", theme: "login", words: &["alice", NEW, "NL", "Example Cloud B.V."] },
    Told { name: "alarm", theme: "alarm", words: &["[preauth]", GUESSER, SECOND, "OK -> ALARM"] },
    Told { name: "block", theme: "block", words: &[GUESSER, "RU", "sshd", "Failed password"] },
];
const LATER: [Told; 2] = [
    Told {
        name: "flood",
        theme: "digest",
        words: &["198.51.100.", "BR, Exemplo Telecom", "monban feed"],
    },
    Told { name: "report", theme: "digest", words: &["sshd", "alice", "AS64501"] },
];

/// Mails of a login, an alarm and a block in both languages; a full run has those of a flood and
/// of a day, too. Pictures of them are put into `target/mails`, or where `MONBAN_MAILS` says.
pub fn are_seen(setting: &Setting) -> Tried<String> {
    let server = Machine::new()?;
    server.call(HOST)?;
    let sink = Sink::start(&server, PORT, Manner::Good)?;
    let config = scene::config(&server, &report_at(&server)?)?;
    let mut sshd = Sshd::new(&server)?;
    let guard = Guard::start(&server, setting.plan(&server, &config, &["auth.log"]))?;
    let mut found = at_once(&sink, &mut sshd)
        .map_err(|trouble| Trouble(format!("{trouble}; {}", guard.said())))?;
    if setting.size == Size::Full {
        sshd.flood(STRANGERS)?;
        for told in &LATER {
            for lang in LANGS {
                found.push(Seen::wait(&sink, told, lang, GATHERED)?);
            }
        }
    }
    found.iter().try_for_each(Seen::is_whole)?;
    let told = format!("{} mails, of which both parts say the same lines", found.len());
    if setting.size == Size::Short {
        return Ok(told);
    }
    let folder = folder();
    fs::create_dir_all(&folder)?;
    found.iter().try_for_each(|seen| seen.keep(&folder))?;
    if !camera::is_there() {
        return Ok(format!("{told}; no pictures, since chromium is not installed"));
    }
    found.iter().try_for_each(|seen| seen.photograph(&server, &folder))?;
    Ok(format!("{told}; pictures of them in {}", folder.display()))
}

const LANGS: [&str; 2] = ["en", "ja"];

/// A login from a new place after wrong passwords, and two who try names.
fn at_once(sink: &Sink, sshd: &mut Sshd) -> Tried<Vec<Seen>> {
    sshd.login("alice", USUAL, true)?;
    Seen::wait_for(sink, "the usual login", ARRIVES, |mail| mail.subject().contains(USUAL))?;
    sshd.wrong("alice", NEW)?;
    sshd.wrong("alice", NEW)?;
    sshd.login("alice", NEW, false)?;
    sshd.unknown("postgres", SECOND)?;
    for user in ["admin", "oracle", "test", "ubuntu", "admin"] {
        sshd.unknown(user, GUESSER)?;
    }
    let each = AT_ONCE.iter().flat_map(|told| LANGS.map(|lang| (told, lang)));
    each.map(|(told, lang)| Seen::wait(sink, told, lang, ARRIVES)).collect()
}

/// The full minute at which the report of a day comes, in the machine's local time.
fn report_at(machine: &Machine) -> Tried<String> {
    let minute = machine.shell(&format!("date -d '+{} seconds' +%H:%M", REPORT_S + 60))?;
    Ok(format!("daily = \"{}\"", minute.trim()))
}

/// Where the pictures go.
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let usual = || here.ancestors().nth(2).unwrap_or(here).join("target/mails");
    std::env::var_os("MONBAN_MAILS").map_or_else(usual, PathBuf::from)
}

/// A mail that arrived, and what it is a mail of.
struct Seen {
    told: &'static Told,
    lang: &'static str,
    mail: Mail,
}

impl Seen {
    fn wait(sink: &Sink, told: &'static Told, lang: &'static str, within: Duration) -> Tried<Self> {
        let what = format!("the mail of a {} in {lang}", told.name);
        let mail = Self::wait_for(sink, &what, within, |mail| {
            let body = mail.body();
            mail.field("X-Monban-Theme") == told.theme
                && mail.page().contains(&format!("<html lang=\"{lang}\">"))
                && told.words.iter().all(|word| body.contains(word))
        });
        Ok(Self { told, lang, mail: mail? })
    }

    fn wait_for(
        sink: &Sink,
        what: &str,
        within: Duration,
        is_it: impl Fn(&Mail) -> bool,
    ) -> Tried<Mail> {
        let found = until(what, within, || Ok(sink.mails().into_iter().find(|mail| is_it(mail))));
        found.map(|(mail, _)| mail).map_err(|trouble| {
            let subjects: Vec<String> = sink.mails().iter().map(Mail::subject).collect();
            Trouble(format!("{trouble}: {subjects:?}"))
        })
    }

    /// Fails unless the page says every line that the text does, and loads nothing.
    fn is_whole(&self) -> Tried<()> {
        let (page, body) = (self.mail.page(), self.mail.body());
        let seen = seen_of(&page);
        let missing = body.lines().find(|line| !says(&seen, line));
        must(missing.is_none(), || format!("{missing:?} is not in {page}"))?;
        must(!page.contains("http") && !page.contains("url("), || format!("it loads: {page}"))?;
        let has_picture = !self.mail.picture().is_empty();
        let is_shown = page.contains(PICTURE);
        must(has_picture == is_shown, || format!("its picture is lost: {page}"))
    }

    /// The parts as files.
    fn keep(&self, folder: &Path) -> Tried<()> {
        let name = |end: &str| folder.join(format!("{}-{}.{end}", self.told.name, self.lang));
        fs::write(name("eml"), &self.mail.text)?;
        fs::write(name("html"), self.page())?;
        Ok(fs::write(name("txt"), self.mail.body())?)
    }

    fn photograph(&self, machine: &Machine, folder: &Path) -> Tried<()> {
        let name = format!("{}-{}", self.told.name, self.lang);
        let file = |name: &str| folder.join(format!("{name}.png"));
        let panes = [Pane::Page(self.page(), PHONE), Pane::Text(self.text(), TERMINAL)];
        photograph(machine, &panes, Light::Day, &file(&name))?;
        let wide = [Pane::Page(self.page(), SCREEN)];
        photograph(machine, &wide, Light::Night, &file(&format!("{name}-night")))
    }

    /// The page with its picture inside, as a browser can show it.
    fn page(&self) -> String {
        let data = base64(&self.mail.picture());
        self.mail.page().replace(PICTURE, &format!("data:image/png;base64,{data}"))
    }

    fn text(&self) -> String {
        format!("Subject: {}\n\n{}", self.mail.subject(), self.mail.body())
    }
}

/// How the page names the picture that comes with the mail.
const PICTURE: &str = "cid:picture@monban";

/// What a reader sees of a page, also in place of its picture, without spaces.
fn seen_of(page: &str) -> String {
    let mut seen = String::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let alt = tag.split_once(" alt=\"").and_then(|(_, rest)| rest.split('"').next());
        seen.extend(alt);
        seen.push_str(text);
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let seen = entities.iter().fold(seen, |seen, (entity, sign)| seen.replace(entity, sign));
    without_spaces(&seen)
}

/// Whether a line of the plain text is seen. There a label ends with a colon, an entry of a list
/// begins with a hyphen, and what is no sentence stands in brackets.
fn says(seen: &str, line: &str) -> bool {
    let line = line.trim_start_matches("- ");
    let inner = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).unwrap_or(line);
    let line = without_spaces(inner);
    line == "--" || seen.contains(&line) || seen.contains(&line.replacen(':', "", 1))
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_the_page_leaves_out_is_missed() {
        let page = "<title>x</title><td>User</td>\n<td>a&lt;b</td><img alt=\"Bars\"><p>5  it</p>";
        let seen = seen_of(page);
        for (line, is_there) in [
            ("User: a<b", true),
            ("User: alice", false),
            ("- 5  it", true),
            ("[Bars]", true),
            ("-- ", true),
            ("", true),
            ("  monban why", false),
        ] {
            assert_eq!(says(&seen, line), is_there, "{line}: {seen}");
        }
    }
}
