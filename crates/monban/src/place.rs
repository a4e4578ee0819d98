//! Where things lie: the state folder, the configuration, the watcher's corner.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::cli::Common;

/// The uid and gid of the watcher where there is no user `monban`, and of journalctl. They belong
/// to nobody: adduser gives numbers up to 59999, and systemd's table of uids (`UIDS-GIDS.md`) says
/// of 60706 to 61183 that nothing uses them.
const WATCHER_UID: u32 = 60_911;

/// Not the watcher's, so that neither can signal or trace the other.
pub const JOURNAL_UID: u32 = 60_912;

/// Uid and gid of the courier, for the same reason.
pub const COURIER_UID: u32 = 60_913;

/// The file in state folder and watcher's folder that whoever uses it has locked.
pub const LOCK: &str = "lock";

/// The folders and files of one monban.
#[derive(Clone, Debug)]
pub struct Place {
    /// Socket, lock and allow list lie here, and the watcher's folder.
    pub state: PathBuf,
    /// The configuration.
    pub config: PathBuf,
    /// Whether the configuration was named on the command line.
    pub config_named: bool,
}

impl Place {
    /// By the command line, or the defaults of this user.
    pub fn of(common: &Common) -> Self {
        let root = is_root();
        let state = common.state.clone().unwrap_or_else(|| match root {
            true => PathBuf::from("/var/lib/monban"),
            false => user_folder("XDG_STATE_HOME", ".local/state"),
        });
        let config = common.config.clone().unwrap_or_else(|| match root {
            true => PathBuf::from("/etc/monban/monban.toml"),
            false => user_folder("XDG_CONFIG_HOME", ".config").join("monban.toml"),
        });
        let state = std::path::absolute(&state).unwrap_or(state);
        Self { state, config, config_named: common.config.is_some() }
    }

    /// The watcher's own folder: the ledger lies in it.
    pub fn watcher(&self) -> PathBuf {
        self.state.join("watcher")
    }

    /// Makes the folders. The state folder is readable for all (its socket asks who speaks); the
    /// watcher's is the watcher's alone. Gives back those that were not there before, inner ones
    /// last.
    ///
    /// # Errors
    /// If they cannot be made, or if strangers could put files of their own there.
    pub fn prepare(&self, uid: Option<u32>) -> Result<Vec<PathBuf>, Unfit> {
        let corner = self.watcher();
        let missing = corner.ancestors().take_while(|folder| !folder.exists());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        missing.reverse();
        match self.prepare_all(uid) {
            Ok(()) => Ok(missing),
            Err(unfit) => {
                // Empty ones only, and none of a start beside this one.
                if !self.state.join(LOCK).exists() {
                    missing.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
                }
                Err(unfit)
            }
        }
    }

    fn prepare_all(&self, uid: Option<u32>) -> Result<(), Unfit> {
        self.prepare_state()?;
        Ok(self.prepare_corner(uid)?)
    }

    /// Makes the state folder alone.
    ///
    /// # Errors
    /// As [`Place::prepare`].
    pub fn prepare_state(&self) -> Result<(), Unfit> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&self.state)?;
        let facts = fs::metadata(&self.state)?;
        let me = rustix::process::geteuid().as_raw();
        if facts.uid() != me && facts.uid() != 0 {
            return Err(Unfit::Owner(facts.uid()));
        }
        if facts.mode() & 0o022 != 0 {
            return Err(Unfit::Mode(facts.mode() & 0o7777));
        }
        Ok(())
    }

    /// The database of places that was installed.
    pub fn geo(&self) -> PathBuf {
        self.state.join("geo.mmdb")
    }

    /// Removes folders that [`Place::prepare`] made and in which nothing but locks was put since,
    /// by who has locked them.
    pub fn take_back(&self, made: &[PathBuf]) {
        let is_lock =
            |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|it| it.file_name() == LOCK);
        for folder in made.iter().rev() {
            if fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_lock)) {
                // What is not removed stays where the next start finds it.
                let _ = fs::remove_file(folder.join(LOCK));
                let _ = fs::remove_dir(folder);
            }
        }
    }

    fn prepare_corner(&self, uid: Option<u32>) -> io::Result<()> {
        let corner = self.watcher();
        if !corner.exists() {
            fs::DirBuilder::new().mode(0o700).create(&corner)?;
        }
        fs::set_permissions(&corner, fs::Permissions::from_mode(0o700))?;
        if let Some(uid) = uid {
            let gid = watcher_gid(uid);
            let own = |path: &Path| std::os::unix::fs::lchown(path, Some(uid), Some(gid));
            own(&corner)?;
            for entry in fs::read_dir(&corner)?.flatten() {
                own(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Why the state folder cannot be used.
#[derive(Debug)]
pub enum Unfit {
    /// It belongs to this user, who is a stranger.
    Owner(u32),
    /// Its mode lets others than its owner make files in it.
    Mode(u32),
    /// It, or the watcher's folder in it, cannot be made or read.
    Io(io::Error),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether an open file is the one that stands at a path now.
pub fn is_at(file: impl AsFd, path: &Path) -> bool {
    let here = rustix::fs::fstat(file).ok().map(|found| (found.st_dev, found.st_ino));
    let there = fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
    here.is_some() && here == there
}

/// Whether this process may do what root may.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The uid that the watcher gets, when root starts it.
pub fn watcher_uid() -> Option<u32> {
    is_root().then(|| named_user().map_or(WATCHER_UID, |(uid, _)| uid))
}

/// The group of the watcher with this uid: that of the user `monban` if it is this one, else the
/// number of the uid.
fn watcher_gid(uid: u32) -> u32 {
    named_user().filter(|(named, _)| *named == uid).map_or(uid, |(_, gid)| gid)
}

/// Uid and gid of the user `monban`, unless they are root's.
fn named_user() -> Option<(u32, u32)> {
    user_of(&fs::read_to_string("/etc/passwd").unwrap_or_default())
}

fn user_of(passwd: &str) -> Option<(u32, u32)> {
    let entry = passwd.lines().find_map(|line| line.strip_prefix("monban:"))?;
    let mut numbers = entry.split(':').skip(1).take(2).map(|field| field.parse().ok());
    let (uid, gid) = (numbers.next()??, numbers.next()??);
    (uid != 0 && gid != 0).then_some((uid, gid))
}

fn user_folder(variable: &str, below_home: &str) -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set(variable).map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(set("HOME")?).join(below_home)));
    base.unwrap_or_else(std::env::temp_dir).join("monban")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let place = Place { state: state.clone(), config: PathBuf::new(), config_named: false };
        place.prepare(None).unwrap();
        for mode in [0o775, 0o757, 0o1777] {
            fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
            let refused = place.prepare(None);
            assert!(matches!(refused, Err(Unfit::Mode(m)) if m == mode), "{refused:?}");
        }
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        place.prepare(None).unwrap();
    }

    #[test]
    fn what_a_start_made_goes_unless_something_was_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/state");
        let place = Place { state: state.clone(), config: PathBuf::new(), config_named: false };
        let begin = || {
            let made = place.prepare(None).unwrap();
            fs::write(state.join(LOCK), "").unwrap();
            fs::write(place.watcher().join(LOCK), "").unwrap();
            made
        };
        let made = begin();
        fs::write(state.join("ledger"), "").unwrap();
        place.take_back(&made);
        assert!(!place.watcher().exists() && state.join(LOCK).exists());
        fs::remove_file(state.join("ledger")).unwrap();
        fs::remove_file(state.join(LOCK)).unwrap();
        fs::remove_dir_all(folder.path().join("deep")).unwrap();
        place.take_back(&begin());
        assert!(!folder.path().join("deep").exists());
    }

    #[test]
    fn a_place_that_cannot_be_made_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // So long that the state folder can be made, and the watcher's in it cannot.
        let (most, mut state) = (4090, folder.path().to_owned());
        while state.as_os_str().len() + 2 < most {
            let room = most - state.as_os_str().len() - 1;
            state.push("x".repeat(room.min(200)));
        }
        let place = Place { state, config: PathBuf::new(), config_named: false };
        let refused = place.prepare(None);
        assert!(matches!(refused, Err(Unfit::Io(_))), "{refused:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_user_monban_is_found_with_its_group_unless_it_is_root() {
        let line = "root:x:0:0::/:\nmonban:x:991:985::/var/lib/monban:/usr/sbin/nologin\n";
        assert_eq!(user_of(line), Some((991, 985)));
        assert_eq!(user_of("monban:x:0:985::/:\n"), None);
        assert_eq!(user_of("monban:x:991\nmonbana:x:991:985::/:\n"), None);
    }
}
