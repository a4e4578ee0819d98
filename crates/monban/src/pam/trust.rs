//! Whether a program that root runs at each login can be changed by anybody but root.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Links that are followed, as many as the kernel follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// What is wrong with a program, or with what lies on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not there, or is no file.
    Missing,
    /// It may not be executed.
    NotExecutable,
    /// Somebody else owns this.
    Owner { path: PathBuf, uid: u32 },
    /// Others may write to this.
    Writable { path: PathBuf, mode: u32 },
}

/// Everything that is wrong with a program of an absolute path and with each folder and link on
/// the way to it. The group may have the right to write if it is root's.
pub fn flaws(program: &Path) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut here = PathBuf::from("/");
    judge(&here, &mut flaws);
    let mut rest: VecDeque<PathBuf> = parts(program);
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        if part.as_os_str() == ".." {
            here.pop();
            continue;
        }
        let next = here.join(part);
        let Ok(facts) = fs::symlink_metadata(&next) else {
            flaws.push(Flaw::Missing);
            return flaws;
        };
        if facts.is_symlink() && links < LINKS_MAX {
            links += 1;
            let target = fs::read_link(&next).unwrap_or_default();
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            parts(&target).into_iter().rev().for_each(|part| rest.push_front(part));
            continue;
        }
        here = next;
        judge(&here, &mut flaws);
    }
    match fs::metadata(&here) {
        Ok(facts) if facts.is_file() && facts.mode() & 0o111 == 0 => {
            flaws.push(Flaw::NotExecutable);
        }
        Ok(facts) if facts.is_file() => {}
        _ => flaws.push(Flaw::Missing),
    }
    flaws
}

fn parts(path: &Path) -> VecDeque<PathBuf> {
    let kept = |part: Component<'_>| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    };
    path.components().filter_map(kept).collect()
}

fn judge(path: &Path, flaws: &mut Vec<Flaw>) {
    let Ok(facts) = fs::symlink_metadata(path) else { return };
    if facts.uid() != 0 {
        flaws.push(Flaw::Owner { path: path.to_owned(), uid: facts.uid() });
    }
    let others = if facts.gid() == 0 { 0o002 } else { 0o022 };
    if facts.mode() & others != 0 {
        flaws.push(Flaw::Writable { path: path.to_owned(), mode: facts.mode() & 0o7777 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_program_of_the_system_is_fine_also_by_way_of_links() {
        assert_eq!(flaws(Path::new("/bin/sh")), []);
        assert_eq!(flaws(Path::new("/usr/bin/../bin/env")), []);
        assert_eq!(flaws(Path::new("/usr/bin/no-such-program")), [Flaw::Missing]);
        assert_eq!(flaws(Path::new("/etc/passwd")), [Flaw::NotExecutable]);
        assert_eq!(flaws(Path::new("/usr/bin")), [Flaw::Missing]);
    }

    #[test]
    fn what_others_may_change_is_named_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (program, link) = (folder.join("open/hook"), folder.join("link"));
        fs::create_dir(folder.join("open")).unwrap();
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o757)).unwrap();
        fs::set_permissions(folder.join("open"), fs::Permissions::from_mode(0o1777)).unwrap();
        symlink("open/hook", &link).unwrap();
        let found = flaws(&link);
        for (path, mode) in [(program, 0o757), (folder.join("open"), 0o1777)] {
            assert!(found.contains(&Flaw::Writable { path, mode }), "{found:?}");
        }
        symlink(folder.join("turn"), folder.join("turn")).unwrap();
        assert!(flaws(&folder.join("turn")).contains(&Flaw::Missing));
    }
}
