//! A letter as HTML, for the mail that is read on a phone or a screen, by day or by night.
//!
//! Mail readers know little of CSS: the page is one table, 600 points wide at most, with its styles
//! on the elements; the few rules in its head turn the colours for dark screens. It loads nothing:
//! no script, font, link or picture but the one that comes with the mail.

use monban_model::{Letter, Passage, Setting, Severity, Standing};

use super::{Words, shown, shown_lines};

/// The name by which the picture in the mail is found (RFC 2392).
pub const PICTURE_ID: &str = "picture@monban";

const FONT: &str = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Hiragino Sans',\
    'Noto Sans CJK JP','Noto Sans JP',Meiryo,sans-serif";
const MONO: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',\
    'Liberation Mono',monospace";

const STYLE: &str = "\
    :root{color-scheme:light dark;supported-color-schemes:light dark}\
    @media (prefers-color-scheme:dark){\
    .page{background:#111418 !important}\
    .card{background:#1b1f26 !important;border-left-color:#2c323c !important;\
    border-right-color:#2c323c !important;border-bottom-color:#2c323c !important}\
    .resolved{color:#4ade80 !important}.info{color:#9aa4b2 !important}\
    .notice{color:#60a5fa !important}.warning{color:#fbbf24 !important}\
    .critical{color:#f87171 !important}\
    .ink{color:#e6e9ee !important}\
    .pale{color:#9aa4b2 !important}\
    .line{border-color:#2c323c !important}\
    .code{background:#12161c !important;border-color:#2c323c !important;color:#d7dce3 !important}}\
    @media (max-width:480px){\
    .pad{padding-left:16px !important;padding-right:16px !important}\
    .label,.value{display:block !important;width:auto !important}\
    .label{padding-bottom:0 !important;border-bottom:0 !important}\
    .value{padding-top:2px !important}}";

/// The whole letter. Mail has no limit that a letter reaches; Gmail hides what is beyond 102 KB of
/// a page behind a link, which only a letter with hundreds of long lines reaches. All values are
/// escaped, and numbers and addresses in them are not made into links where readers ask for it.
pub fn html(letter: &Letter) -> String {
    let words = Words::of(letter);
    let (subject, kind) = (escape(&letter.subject), escape(&words.kind(letter)));
    let lang = if letter.lang.starts_with("ja") { "ja" } else { "en" };
    let (tone, color) = color(letter);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <meta name=\"format-detection\" \
         content=\"telephone=no,date=no,address=no,email=no,url=no\">\n\
         <title>{subject}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body class=\"page\" style=\"margin:0;padding:0;background:#f3f4f6\">\n\
         <table role=\"presentation\" class=\"page\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" border=\"0\" style=\"background:#f3f4f6\">\n\
         <tr><td align=\"center\" style=\"padding:16px 8px\">\n\
         <table role=\"presentation\" class=\"card\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" border=\"0\" style=\"max-width:600px;background:#ffffff;\
         border:1px solid #e5e7eb;border-top:4px solid {color};border-radius:6px;\
         font-family:{FONT};text-align:left\">\n\
         <tr><td class=\"pad\" style=\"padding:20px 24px 4px\">\n\
         <div class=\"{tone}\" style=\"font-size:13px;font-weight:600;color:{color}\">{kind}</div>\n\
         <div class=\"ink\" style=\"margin-top:6px;font-size:19px;line-height:1.4;font-weight:600;\
         color:#111827;overflow-wrap:anywhere\">{subject}</div>\n"
    );
    for line in shown_lines(&letter.lead) {
        out.push_str(&format!(
            "<div class=\"ink\" style=\"margin-top:10px;font-size:15px;line-height:1.6;\
             color:#1f2937;overflow-wrap:anywhere\">{}</div>\n",
            entities(&line)
        ));
    }
    out.push_str("</td></tr>\n");
    facts(letter, &mut out);
    picture(letter, &mut out);
    letter.passages.iter().for_each(|one| passage(one, &mut out));
    out.push_str(&format!(
        "<tr><td class=\"pad\" style=\"padding:16px 24px 20px\">\n\
         <div class=\"pale line\" style=\"border-top:1px solid #e5e7eb;padding-top:12px;\
         font-size:12px;line-height:1.5;color:#6b7280;overflow-wrap:anywhere\">{}</div>\n\
         </td></tr>\n</table>\n</td></tr>\n</table>\n</body>\n</html>\n",
        escape(&words.origin(letter))
    ));
    out
}

/// The name of a colour, by which it is another one on a dark screen, and the one on a light one.
fn color(letter: &Letter) -> (&'static str, &'static str) {
    match (letter.standing, letter.severity) {
        (Standing::Resolved, _) => ("resolved", "#15803d"),
        (_, Severity::Info) => ("info", "#6b7280"),
        (_, Severity::Notice) => ("notice", "#2563eb"),
        (_, Severity::Warning) => ("warning", "#b45309"),
        (_, Severity::Critical) => ("critical", "#dc2626"),
    }
}

fn facts(letter: &Letter, out: &mut String) {
    if letter.facts.is_empty() {
        return;
    }
    out.push_str(
        "<tr><td class=\"pad\" style=\"padding:14px 24px 4px\">\n\
         <table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"border-collapse:collapse\">\n",
    );
    for fact in &letter.facts {
        out.push_str(&format!(
            "<tr><td class=\"label pale line\" width=\"120\" valign=\"top\" \
             style=\"width:120px;padding:7px 12px 7px 0;border-bottom:1px solid #eef0f3;\
             font-size:13px;line-height:1.5;color:#6b7280;overflow-wrap:anywhere\">{}</td>\
             <td class=\"value ink line\" valign=\"top\" \
             style=\"padding:7px 0;border-bottom:1px solid #eef0f3;font-size:14px;\
             line-height:1.5;color:#111827;overflow-wrap:anywhere;word-break:break-word;\
             unicode-bidi:isolate\">{}</td></tr>\n",
            escape(&fact.label),
            escape(&fact.value)
        ));
    }
    out.push_str("</table>\n</td></tr>\n");
}

fn picture(letter: &Letter, out: &mut String) {
    let Some(picture) = letter.picture.as_ref().filter(|one| !one.png.is_empty()) else { return };
    out.push_str(&format!(
        "<tr><td class=\"pad\" style=\"padding:14px 24px 4px\">\
         <img src=\"cid:{PICTURE_ID}\" alt=\"{}\" style=\"display:block;max-width:100%;\
         height:auto;border:0\"></td></tr>\n",
        escape(&picture.alt)
    ));
}

fn passage(passage: &Passage, out: &mut String) {
    out.push_str(&format!(
        "<tr><td class=\"pad\" style=\"padding:16px 24px 4px\">\n\
         <div class=\"ink\" style=\"margin-bottom:6px;font-size:14px;font-weight:600;\
         color:#111827;overflow-wrap:anywhere\">{}</div>\n",
        escape(&passage.title)
    ));
    let pre = |text: &str, marked: &str| {
        format!(
            "<pre class=\"code\" style=\"margin:0 0 6px;padding:10px 12px;background:#f6f7f9;\
             border:1px solid #e5e7eb;border-radius:4px;font-family:{MONO};font-size:12.5px;\
             line-height:1.55;color:#1f2937;white-space:pre-wrap;overflow-wrap:anywhere;\
             unicode-bidi:isolate;{marked}\">{text}</pre>\n"
        )
    };
    match passage.setting {
        Setting::List => {
            for line in &passage.lines {
                out.push_str(&format!(
                    "<div class=\"ink\" style=\"padding:2px 0;font-size:14px;line-height:1.55;\
                     color:#1f2937;white-space:pre-wrap;overflow-wrap:anywhere;\
                     unicode-bidi:isolate\">{}</div>\n",
                    escape(line)
                ));
            }
        }
        Setting::Log => {
            // What goes on in a second row stands further in, so that each line is seen to begin.
            let line = |line: &String| {
                let text = escape(line);
                format!(
                    "<span style=\"display:block;padding-left:14px;text-indent:-14px\">\
                     {text}</span>"
                )
            };
            out.push_str(&pre(&passage.lines.iter().map(line).collect::<String>(), ""));
        }
        // Each by itself: one touch selects one command.
        Setting::Commands => {
            for line in &passage.lines {
                out.push_str(&pre(&escape(line), "-webkit-user-select:all;user-select:all"));
            }
        }
    }
    out.push_str("</td></tr>\n");
}

/// Visible, and harmless between tags and in quotes.
fn escape(text: &str) -> String {
    entities(&shown(text))
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// The tags of a page: what stands between `<` and `>`, without the picture's text.
    fn tags(page: &str) -> Vec<String> {
        let tag = |rest: &str| {
            let tag = rest.split('>').next().unwrap();
            let (head, alt) = tag.split_once(" alt=\"").unwrap_or((tag, "\""));
            format!("{head}{}", alt.split_once('"').unwrap().1)
        };
        page.split('<').skip(1).map(tag).collect()
    }

    #[test]
    fn a_stranger_adds_no_tag_and_no_attribute() {
        let (good, bad) = (html(&samples::alarm("en")), html(&samples::hostile()));
        let kinds = |page: &str| {
            let mut all: Vec<String> = tags(page)
                .iter()
                .map(|tag| tag.split([' ', '\n']).next().unwrap().to_owned())
                .collect();
            all.sort();
            all.dedup();
            all
        };
        assert_eq!(kinds(&good), kinds(&bad));
        for tag in tags(&bad) {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            assert!(!tag.contains("onerror"), "{tag}");
        }
        assert!(!bad.chars().any(|c| c.is_control() && c != '\n'), "control characters");
        assert!(!bad.contains('\u{202e}'));
    }

    /// A count and what it counts stand two spaces apart, which a page makes one by itself.
    #[test]
    fn columns_of_a_list_stay_apart() {
        let mut letter = samples::alarm("en");
        let lines = vec!["5  192.0.2.77 (RU)".to_owned()];
        let title = "Addresses".to_owned();
        letter.passages = vec![Passage { title, setting: Setting::List, lines }];
        let page = html(&letter);
        let (before, _) = page.split_once(">5  192.0.2.77 (RU)</div>").unwrap();
        assert!(before.rsplit('<').next().unwrap().contains("white-space:pre-wrap"), "{before}");
    }

    #[test]
    fn the_page_loads_nothing() {
        for page in [html(&samples::alarm("ja")), html(&samples::hostile())] {
            for tag in tags(&page) {
                assert!(!tag.contains("href="), "{tag}");
                assert!(!tag.contains("src=") || tag.contains("src=\"cid:picture@monban\""));
                assert!(!tag.contains("url("), "{tag}");
            }
        }
    }
}
