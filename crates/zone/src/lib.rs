//! The time zone of this machine.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;

use jiff::tz::TimeZone;

/// The rules of the machine's zone, in general a link to those of a named one.
const LOCALTIME: &str = "/etc/localtime";

/// Rules of a zone take some hundred to some thousand bytes.
const RULES_MAX: u64 = 1 << 18;

/// The zone of this process: the variable `TZ` (a name or a POSIX rule such as
/// `CET-01CEST-02,M3.5.0,M10.5.0`), else that of the machine, else UTC.
///
/// It is read once: a process that has left the folder with the rules of zones still knows it if it
/// asked before.
pub fn of_the_process() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(|| {
        // `TimeZone::system` lists all zones that there are, some 600 files, to find this one.
        let of_machine = match std::env::var_os("TZ") {
            None => read(Path::new(LOCALTIME)).ok(),
            Some(_) => None,
        };
        of_machine.unwrap_or_else(TimeZone::system)
    })
    .clone()
}

/// The zone whose rules are in a file (TZif, RFC 9636). It has the name that the file's link leads
/// to, if that is one of a zone.
fn read(path: &Path) -> io::Result<TimeZone> {
    let link = std::fs::read_link(path).unwrap_or_default();
    let name = link.to_str().and_then(|link| link.rsplit_once("zoneinfo/"));
    let mut rules = Vec::new();
    File::open(path)?.take(RULES_MAX).read_to_end(&mut rules)?;
    TimeZone::tzif(name.map_or("Local", |(_, name)| name), &rules).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    // A test that cannot go on ends.
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_link_gives_the_rules_and_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let zones = folder.path().join("zoneinfo/Here");
        std::fs::create_dir_all(&zones).unwrap();
        std::fs::write(zones.join("Now"), tzif_of_an_hour()).unwrap();
        let link = folder.path().join("localtime");
        std::os::unix::fs::symlink("zoneinfo/Here/Now", &link).unwrap();
        let zone = read(&link).unwrap();
        assert_eq!(zone.iana_name(), Some("Here/Now"));
        let offset = zone.to_offset(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(offset.seconds(), 3600);
    }

    #[test]
    fn what_are_no_rules_is_no_zone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("localtime");
        assert!(read(&file).is_err());
        for rules in [&b""[..], b"TZif", &tzif_of_an_hour()[..70], &[b'T'; 1 << 19]] {
            std::fs::write(&file, rules).unwrap();
            assert!(read(&file).is_err(), "{rules:?}");
        }
    }

    #[test]
    fn the_zone_of_the_machine_is_the_one_that_the_database_has() {
        let Ok(zone) = read(Path::new(LOCALTIME)) else { return };
        let known = TimeZone::system();
        for year in 0..60 {
            for part in 0..24 {
                let second = year * 31_556_952 + part * 1_314_873;
                let time = jiff::Timestamp::from_second(second).unwrap();
                assert_eq!(zone.to_offset(time), known.to_offset(time), "{time}");
            }
        }
    }

    /// A zone that is always an hour ahead.
    fn tzif_of_an_hour() -> Vec<u8> {
        let block = |version: &[u8]| {
            let mut out = [&b"TZif"[..], version, &[0; 15]].concat();
            for count in [0u32, 0, 0, 0, 1, 4] {
                out.extend(count.to_be_bytes());
            }
            out.extend(3600i32.to_be_bytes());
            out.extend(*b"\0\0HER\0");
            out
        };
        [block(b"2"), block(b"2"), b"\nHER-1\n".to_vec()].concat()
    }
}
