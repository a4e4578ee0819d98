//! The rotated files beside a log.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use monban_model::limits::{DIR_ENTRIES_MAX, SIBLINGS_MAX};
use monban_model::{Rotation, Turn, sort_oldest_first};

use super::open::{Refused, key_of, open};
use super::{FileId, Opened};

/// How often a directory is listed again if it changes meanwhile. A rotation is over in some
/// milliseconds, and so is this.
const LISTINGS_MAX: u32 = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sibling {
    name: String,
    ino: u64,
    mtime_ns: i128,
    rotation: Rotation,
}

/// See [`super::Gate::siblings`].
pub(super) fn siblings(path: &str, file: FileId, key: (u64, u64)) -> io::Result<Vec<Opened>> {
    let at = Path::new(path);
    let (Some(directory), Some(name)) = (at.parent(), at.file_name().and_then(|n| n.to_str()))
    else {
        return Ok(Vec::new());
    };
    let mut opened = Vec::new();
    for attempt in 0..LISTINGS_MAX {
        if attempt > 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (all, found) = open_listed(directory, name, path, file, key)?;
        opened = found;
        if all {
            break;
        }
    }
    // Asked after the listing: what stood at the path before may be a rotated file by now.
    let current = key_of(path).ok();
    opened.retain(|o| Some((o.dev, o.ino)) != current);
    // Nothing is left out before the wanted inode: its number may have been given to a newer file.
    let over = opened.len().saturating_sub(SIBLINGS_MAX);
    opened.drain(..over);
    Ok(opened)
}

/// Opens what a listing shows; false if the directory changed meanwhile: a rotation was going on,
/// and a file may be missing or stand under another name than it was opened by.
fn open_listed(
    directory: &Path,
    name: &str,
    path: &str,
    file: FileId,
    key: (u64, u64),
) -> io::Result<(bool, Vec<Opened>)> {
    let found = list(directory, name, key)?;
    let mut opened = Vec::new();
    let mut all = true;
    for sibling in &found {
        let place = directory.join(&sibling.name);
        let Some(place) = place.to_str() else { continue };
        match open(place) {
            Ok((fd, stat)) => {
                all &= stat.ino == sibling.ino;
                opened.push(Opened {
                    file,
                    path: path.to_owned(),
                    dev: stat.dev,
                    ino: stat.ino,
                    size: stat.size,
                    appeared_later: true,
                    watched: true,
                    fd,
                });
            }
            Err(Refused::Missing) => all = false,
            Err(Refused::Because(_)) => {}
        }
    }
    let names = |list: &[Sibling]| -> Vec<(String, u64)> {
        list.iter().map(|s| (s.name.clone(), s.ino)).collect()
    };
    all &= names(&list(directory, name, key)?) == names(&found);
    Ok((all, opened))
}

/// The file of the inode and the rotated turns of `name`, oldest first.
fn list(directory: &Path, name: &str, key: (u64, u64)) -> io::Result<Vec<Sibling>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)?.take(DIR_ENTRIES_MAX) {
        let Ok(entry) = entry else { continue };
        let Ok(other) = entry.file_name().into_string() else { continue };
        let rotation = Rotation::of(&other);
        let is_turn = rotation.is_sibling_of(name);
        if other == name || !(is_turn || entry.ino() == key.1) {
            continue;
        }
        let Ok(data) = fs::symlink_metadata(entry.path()) else { continue };
        if data.is_file() && (is_turn || (data.dev(), data.ino()) == key) {
            let mtime_ns = i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec());
            found.push(Sibling { name: other, ino: data.ino(), mtime_ns, rotation });
        }
    }
    // While a file is being packed, both are there; the plain one is complete.
    let plain: HashSet<(String, String)> =
        found.iter().filter(|s| !s.rotation.packed).map(turn_key).collect();
    found.retain(|s| !s.rotation.packed || !plain.contains(&turn_key(s)));
    // A name that is no turn of this log (the file that a symlink led to) says nothing of age.
    let (mut named, mut other): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|sibling| sibling.rotation.is_sibling_of(name));
    sort_oldest_first(&mut named, |s| (s.rotation.clone(), s.mtime_ns));
    other.sort_by_key(|s| s.mtime_ns);
    other.extend(named);
    Ok(other)
}

fn turn_key(sibling: &Sibling) -> (String, String) {
    let turn = match &sibling.rotation.turn {
        Turn::Current => String::new(),
        Turn::Numbered(number) => number.to_string(),
        Turn::Dated(date) => format!("d{date}"),
    };
    (sibling.rotation.stem.clone(), turn)
}
