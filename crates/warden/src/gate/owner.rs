//! Whose a file is, for the sentence that says why it cannot be read.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

/// Largest /etc/passwd or /etc/group that is searched, in bytes.
const ACCOUNTS_BYTES_MAX: u64 = 1024 * 1024;

/// Owner, group and permission bits of a path; empty and 0 if they cannot be seen.
pub(super) fn of(path: &str) -> (String, String, u32) {
    match fs::metadata(path) {
        Ok(data) => (
            name_of("/etc/passwd", data.uid()),
            name_of("/etc/group", data.gid()),
            data.mode() & 0o7777,
        ),
        Err(_) => (String::new(), String::new(), 0),
    }
}

/// The name of a number in a file of `name:x:number:...`, else the number. Accounts of other
/// sources (LDAP) show as numbers.
fn name_of(file: &str, number: u32) -> String {
    let mut text = Vec::new();
    if let Ok(file) = fs::File::open(file) {
        // What cannot be read is not searched.
        let _ = file.take(ACCOUNTS_BYTES_MAX).read_to_end(&mut text);
    }
    let number = number.to_string();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.split(':').nth(2) == Some(number.as_str()));
    let name = line.and_then(|line| line.split(':').next()).map(str::to_owned);
    name.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_number_has_a_name() {
        assert_eq!(name_of("/etc/passwd", 0), "root");
        assert_eq!(name_of("/etc/passwd", 4_000_000_000), "4000000000");
    }
}
