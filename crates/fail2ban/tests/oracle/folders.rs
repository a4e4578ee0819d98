//! Whole folders made by chance: layers, interpolation, tags and parameters all at once.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::random::{Chance, python};
use super::{is_here, ours, sorted_paths};

const KEYS: [&str; 12] = [
    "x",
    "y",
    "z",
    "failregex",
    "ignoreregex",
    "datepattern",
    "usedns",
    "prefregex",
    "findtime",
    "logencoding",
    "ignoreip",
    "re-b",
];

const PIECES: [&str; 30] = [
    "a",
    "b",
    "c",
    " ",
    " d",
    "1",
    ",",
    "e\n  f",
    "\n  <HOST>",
    "\n  g",
    "%%",
    "%(x)s",
    "%(y)s",
    "%(z)s",
    "%(known/x)s",
    "%(default/y)s",
    "%(__name__)s",
    "<x>",
    "<y>",
    "<z>",
    "<known/x>",
    "<known/y>",
    "<Init/y>",
    "<default/x>",
    "<re-<y>>",
    "<re-b>",
    "<ip>",
    "<bantime>",
    "%(known/failregex)s",
    "h",
];

const FOLDERS: usize = 400;

fn section(chance: &mut Chance, name: &str) -> String {
    let mut text = format!("[{name}]\n");
    let mut left = KEYS.to_vec();
    for _ in 0..chance.below(4) {
        let key = left.remove(chance.below(left.len()));
        let value: String = (0..chance.below(4)).map(|_| *chance.one_of(&PIECES)).collect();
        text.push_str(&format!("{key} = {value}\n"));
    }
    // Names that everything refers to are there.
    for key in left.iter().filter(|key| name == "DEFAULT" && key.len() == 1) {
        text.push_str(&format!("{key} = D{key}\n"));
    }
    text
}

fn write(chance: &mut Chance, folder: &Path) {
    for below in ["filter.d", "action.d", "jail.d"] {
        fs::create_dir_all(folder.join(below)).expect("made");
    }
    let put = |name: &str, text: String| fs::write(folder.join(name), text).expect("written");
    put("fail2ban.conf", "[Definition]\nlogtarget = STDERR\n".to_owned());
    let filter = chance.one_of(&["f", "f[x=1]", "f[y=b, z=\"<x>\"]", "f[mode=\"a\", x='2'][y=c]"]);
    let action = chance.one_of(&[
        "a",
        "a[x=1]",
        "a[x=\"%(z)s\"]",
        "a[name=%(__name__)s, y='<x>'] a[name=n]",
    ]);
    let jail = section(chance, "j");
    put(
        "jail.conf",
        format!(
            "{}{jail}enabled = 1\nfilter = {filter}\naction = {action}\n",
            section(chance, "DEFAULT"),
        ),
    );
    for (name, sections) in [
        ("jail.local", &["DEFAULT", "j"][..]),
        ("jail.d/1.conf", &["j"]),
        ("filter.d/f.conf", &["DEFAULT", "Definition", "Init"]),
        ("filter.d/f.local", &["Definition"]),
        ("action.d/a.conf", &["Definition", "Init", "Init?family=inet6"]),
        ("action.d/a.local", &["Init"]),
    ] {
        if name.ends_with("conf") || chance.below(2) == 0 {
            let text: String = sections.iter().map(|name| section(chance, name)).collect();
            // What an action calls its commands.
            let is_action = name.starts_with("action.d");
            let text = if is_action { text.replace("failregex =", "actionban =") } else { text };
            put(name, text);
        }
    }
}

#[test]
fn any_folder_is_read_as_in_fail2ban() {
    if !is_here() {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let mut chance = Chance::new();
    let folders: Vec<String> = (0..FOLDERS)
        .map(|number| {
            let folder = root.path().join(number.to_string());
            write(&mut chance, &folder);
            folder.display().to_string()
        })
        .collect();
    let program = "import sys, json, logging; logging.disable(logging.CRITICAL)\n\
         from fail2ban.client.configurator import Configurator\n\
         for d in json.load(sys.stdin):\n    try:\n        c = Configurator(); c.setBaseDir(d)\n        \
         c.readAll(); c.getOptions(None); c.convertToProtocol(allow_no_files=True)\n        \
         print(json.dumps(c.getConfigStream()))\n    except Exception as e: print('null')\n";
    let mut accepted = 0;
    let mut differ = Vec::new();
    for (folder, theirs) in folders.iter().zip(python(program, &folders)) {
        let (ours, found) = ours(Path::new(folder));
        match theirs {
            Value::Array(theirs) => {
                accepted += 1;
                let theirs = sorted_paths(theirs);
                let at =
                    (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at));
                if let Some(at) = at {
                    differ.push((folder, format!("{:?}\n{:?}", ours.get(at), theirs.get(at))));
                }
            }
            _ if found.broken.is_empty() => differ.push((folder, "fail2ban refuses it".to_owned())),
            _ => {}
        }
    }
    println!("{FOLDERS} folders, {accepted} accepted, {} differ", differ.len());
    for (folder, why) in differ.iter().take(4) {
        println!("{why}");
        for name in [
            "jail.conf",
            "jail.d/1.conf",
            "jail.local",
            "filter.d/f.conf",
            "filter.d/f.local",
            "action.d/a.conf",
            "action.d/a.local",
        ] {
            if let Ok(text) = fs::read_to_string(Path::new(folder).join(name)) {
                println!("--- {name}\n{text}");
            }
        }
    }
    assert!(differ.is_empty(), "{} differ", differ.len());
    assert!(accepted > FOLDERS / 10, "too few mean something: {accepted}");
}
