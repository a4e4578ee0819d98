//! Pictures of pages, by chromium without a screen and without a network.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::command::{is_installed, run_within};
use crate::machine::Machine;
use crate::trouble::{Tried, must};

/// How long a browser may take to start, draw and end.
const PATIENCE: Duration = Duration::from_secs(60);
/// The edge of the page, in points.
const EDGE: u32 = 12;
/// The height of a window that is only there to be measured.
const MEASURED: u32 = 600;

/// What stands in a picture, from the left.
pub enum Pane {
    /// A page, in a window of this width.
    Page(String, u32),
    /// Plain text with letters of one width, in a window of this width.
    Text(String, u32),
}

/// By day or by night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// The usual colours.
    Day,
    /// Those of a reader who asked for dark ones.
    Night,
}

/// Whether there is a browser.
pub fn is_there() -> bool {
    is_installed("chromium")
}

/// Photographs the panes side by side, each as high as it is, into a PNG file. The browser runs on
/// the machine, whose network leads nowhere.
pub fn photograph(machine: &Machine, panes: &[Pane], light: Light, to: &Path) -> Tried<()> {
    let page = machine.folder().join("pictured.html");
    fs::write(&page, page_of(panes, light))?;
    let url = format!("file://{}", page.display());
    let width = EDGE + panes.iter().map(|pane| pane.width() + EDGE).sum::<u32>();
    let window = |height: u32| format!("--window-size={width},{height}");
    let browse = |more: &[&str]| {
        let mut command = machine.command("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        command.args(["--no-first-run", "--disable-background-networking", "--disable-sync"]);
        command.arg(format!("--user-data-dir={}", machine.folder().join("browser").display()));
        if light == Light::Night {
            command.arg("--blink-settings=preferredColorScheme=0");
        }
        run_within(command.args(more).arg(&url), PATIENCE)?.good()
    };
    let drawn = browse(&["--dump-dom", &window(MEASURED)])?.out;
    let height = height_in(&drawn).ok_or("chromium does not say how high the page is")?;
    let shot = machine.folder().join("picture.png");
    browse(&[&format!("--screenshot={}", shot.display()), &window(height)])?;
    let bytes = fs::read(&shot)?;
    must(bytes.starts_with(b"\x89PNG"), || "chromium made no picture".to_owned())?;
    Ok(fs::write(to, bytes)?)
}

impl Pane {
    const fn width(&self) -> u32 {
        match self {
            Self::Page(_, width) | Self::Text(_, width) => *width,
        }
    }

    fn html(&self) -> String {
        match self {
            Self::Page(page, width) => {
                format!("<iframe style=\"width:{width}px\" srcdoc=\"{}\"></iframe>\n", escape(page))
            }
            Self::Text(text, width) => {
                format!("<pre style=\"width:{width}px\">{}</pre>\n", escape(text))
            }
        }
    }
}

/// A page of all panes, which writes down how high it has become.
fn page_of(panes: &[Pane], light: Light) -> String {
    let (back, ink) = match light {
        Light::Day => ("#ffffff", "#111111"),
        Light::Night => ("#111418", "#e6e9ee"),
    };
    let panes: String = panes.iter().map(Pane::html).collect();
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><style>\
         body{{margin:0;padding:{EDGE}px;display:flex;gap:{EDGE}px;align-items:flex-start;\
         background:{back};color:{ink}}}\
         iframe{{border:0;flex:none;display:block}}\
         pre{{margin:0;padding:16px;box-sizing:border-box;flex:none;white-space:pre-wrap;\
         overflow-wrap:anywhere;border:1px solid #c8ccd2;\
         font:12.5px/1.5 'DejaVu Sans Mono','Noto Sans Mono CJK JP',monospace}}\
         </style></head>\n<body>\n{panes}<script>\
         addEventListener('load',()=>{{\
         for(const frame of document.querySelectorAll('iframe'))\
         frame.style.height=frame.contentDocument.documentElement.scrollHeight+'px';\
         document.documentElement.dataset.height=document.body.offsetHeight}})\
         </script></body></html>\n"
    )
}

/// The height that the page wrote down.
fn height_in(drawn: &str) -> Option<u32> {
    let (_, rest) = drawn.split_once("data-height=\"")?;
    rest.split('"').next()?.parse().ok()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_stays_within_its_frame() {
        let panes = [
            Pane::Page("<p class=\"a\">&lt;</p>".to_owned(), 420),
            Pane::Text("</pre><script>".to_owned(), 500),
        ];
        let page = page_of(&panes, Light::Day);
        assert!(page.contains("srcdoc=\"&lt;p class=&quot;a&quot;>&amp;lt;&lt;/p>\""), "{page}");
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(page.matches("</pre>").count(), 1);
    }

    #[test]
    fn the_height_is_read() {
        assert_eq!(height_in("<html data-height=\"1204\"><body>"), Some(1204));
        assert_eq!(height_in("<html><body>"), None);
    }
}
