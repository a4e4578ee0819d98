//! Files that `ignoreip` names with `file:`.

use std::collections::HashSet;
use std::path::Path;

use monban_model::limits::{FAIL2BAN_FILE_BYTES_MAX, FAIL2BAN_LISTS_BYTES_MAX};

use super::complaint::{Complaint, Complaints};
use super::files::{Files, Unread};
use super::resolved::Jail;

/// Reads the lists of these jails. One complaint for each line that names one which cannot be
/// read: a line of `[DEFAULT]` is of many jails.
pub(crate) fn read(files: &mut Files, jails: &[Jail], complaints: &mut Complaints) {
    let mut seen = HashSet::new();
    for entry in jails.iter().flat_map(|jail| &jail.ignoreip) {
        let Some(path) = entry.value.strip_prefix("file:") else { continue };
        if !seen.insert((path, &entry.from)) {
            continue;
        }
        let Err(unread) = files.read_list(Path::new(path)) else { continue };
        let complaint = |kind| Complaint::error(kind, entry.from.clone()).with("path", path);
        complaints.add(match unread {
            Unread::Io(error) => complaint("list-unreadable").with("error", error),
            Unread::NotUtf8(error) => {
                let at = error.utf8_error().valid_up_to();
                let good = error.as_bytes().get(..at).unwrap_or_default();
                let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
                complaint("list-no-text").with("at", line.to_string())
            }
            Unread::TooLarge => {
                complaint("list-too-large").with("limit", FAIL2BAN_FILE_BYTES_MAX.to_string())
            }
            Unread::NoRoom => {
                complaint("lists-too-large").with("limit", FAIL2BAN_LISTS_BYTES_MAX.to_string())
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Configuration, Reading};
    use super::*;

    #[test]
    fn each_list_that_cannot_be_read_is_told_once_with_its_line_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(folder.path().join("filter.d")).unwrap();
        fs::write(path("filter.d/x.conf"), "[Definition]\nfailregex = ^x <HOST>$\n").unwrap();
        fs::write(path("good"), "192.0.2.1\n").unwrap();
        fs::write(path("latin"), b"# a\n\xe9\n").unwrap();
        fs::write(path("large"), "1".repeat(FAIL2BAN_FILE_BYTES_MAX + 1)).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        let names =
            ["good", "latin", "gone", "large", "pipe"].map(path).map(|p| "file:".to_owned() + &p);
        let jail = |name: &str| format!("[{name}]\nenabled = yes\nfilter = x\nlogpath = /x\n");
        let text = format!("[DEFAULT]\nignoreip = {}\n", names.join("\n    "));
        fs::write(path("jail.conf"), text + &jail("a") + &jail("b")).unwrap();
        let reading = Reading::default();
        let (found, files) = Configuration::read_within(folder.path(), Files::of_disk(), &reading);
        let of_lists = found.complaints.list().iter().filter(|one| one.kind.starts_with("list"));
        let told: Vec<_> = of_lists.clone().map(|one| (one.kind, one.place.line)).collect();
        let wanted = [
            ("list-no-text", 3),
            ("list-unreadable", 4),
            ("list-too-large", 5),
            ("list-unreadable", 6),
        ];
        assert_eq!(told, wanted);
        assert_eq!(of_lists.clone().next().and_then(|one| one.value("at")), Some("2"));
        assert_eq!(files.text(Path::new(&path("good"))), Some("192.0.2.1\n"));
        let other = files.texts().filter(|(path, _)| !path.ends_with("good"));
        assert_eq!(files.configured_bytes(), other.map(|(_, text)| text.len()).sum::<usize>());
    }

    #[test]
    fn lists_have_a_bound_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::of_disk();
        let full = FAIL2BAN_LISTS_BYTES_MAX / FAIL2BAN_FILE_BYTES_MAX;
        for number in 0..=full {
            let path = folder.path().join(number.to_string());
            fs::write(&path, "#".repeat(FAIL2BAN_FILE_BYTES_MAX)).unwrap();
            let read = files.read_list(&path);
            assert_eq!(matches!(read, Err(Unread::NoRoom)), number == full, "{number}");
        }
        assert_eq!(files.configured_bytes(), 0);
    }
}
