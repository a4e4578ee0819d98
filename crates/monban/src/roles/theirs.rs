//! Whether fail2ban itself runs beside its jails: then both ban, and recidive counts twice.

use std::path::PathBuf;

use monban_model::Notice;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// Where fail2ban's server would be met.
#[derive(Clone, Debug, Default)]
pub struct Theirs {
    /// `socket` of fail2ban.conf.
    pub socket: Option<PathBuf>,
    /// `pidfile`.
    pub pidfile: Option<PathBuf>,
}

impl Theirs {
    /// What is to be said if it runs: somebody listens at its socket.
    pub fn notice(&self) -> Option<Notice> {
        let socket = self.socket.as_ref()?;
        let address = SocketAddrUnix::new(socket).ok()?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let own = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        // One that has too many callers to answer runs as well.
        let runs = matches!(rustix::net::connect(own.ok()?, &address), Ok(()) | Err(Errno::AGAIN));
        if !runs {
            return None;
        }
        let mut values = vec![("socket".to_owned(), socket.display().to_string())];
        let key = match self.pid() {
            Some(pid) => {
                values.push(("pid".to_owned(), pid.to_string()));
                "fail2ban-runs-as"
            }
            None => "fail2ban-runs",
        };
        Some(Notice { key: key.to_owned(), values })
    }

    fn pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.pidfile.as_ref()?).ok()?;
        text.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_server_is_met_at_its_socket_and_a_socket_that_was_left_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, pidfile) = (folder.path().join("f.sock"), folder.path().join("f.pid"));
        let theirs = Theirs { socket: Some(socket.clone()), pidfile: Some(pidfile.clone()) };
        assert_eq!(theirs.notice(), None);
        let listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(theirs.notice().unwrap().key, "fail2ban-runs");
        std::fs::write(&pidfile, "4711\n").unwrap();
        let notice = theirs.notice().unwrap();
        assert_eq!(
            (notice.key.as_str(), notice.values[1].1.as_str()),
            ("fail2ban-runs-as", "4711")
        );
        drop(listener);
        assert_eq!(theirs.notice(), None);
    }
}
