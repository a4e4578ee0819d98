//! What the command line asks of the daemon, over its control socket.

use super::{FrameError, NotifyRequest, Reader, Wire, Writer};
use crate::limits::{PATH_MAX, STATUS_UNREAD_MAX, WHY_MAX};
use crate::{Net, Notice, Stamp, Subject};

/// Whether blocks reach the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    Guard,
    /// They do not; monban only finds and says.
    Observe,
}

impl Mode {
    /// `guard` or `observe`, as in `status --json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Observe => "observe",
        }
    }
}

/// What the command line asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// How it stands.
    Status,
    /// Block a subject.
    Ban {
        /// Whom.
        subject: Subject,
        /// For how many seconds; `None` is forever.
        for_s: Option<u64>,
        /// The operator's words, at most [`WHY_MAX`] bytes.
        why: String,
    },
    /// End the blocks of a subject.
    Free {
        /// Whom.
        subject: Subject,
    },
    /// End all blocks.
    FreeAll,
    /// Never block this network.
    Allow {
        /// The network.
        net: Net,
        /// For how many seconds; `None` is forever.
        for_s: Option<u64>,
    },
    /// Take a network off the list of `allow`.
    Disallow {
        /// The network.
        net: Net,
    },
    /// Take over the configuration anew.
    Reload,
    /// About messages to people; the answer, JSON, comes in a memory file.
    Notify(NotifyRequest),
    /// A command of `fail2ban-client`; its words come in a memory file with the frame.
    Words,
    /// Write the log in fail2ban's form to this file from now on.
    JailLog {
        /// Its path, at most [`PATH_MAX`] bytes.
        path: String,
    },
}

/// How the daemon stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReply {
    /// Whether blocks reach the firewall.
    pub mode: Mode,
    /// Whether the sources are open and the firewall is ready.
    pub ready: bool,
    /// Since when it runs.
    pub since: Stamp,
    /// The firewall in use, or why there is none; empty if monban observes as it was told to.
    pub firewall: String,
    /// Packets that the firewall has dropped for monban, where there is one.
    pub dropped: Option<u64>,
    /// What keeps the ledger behind what the daemon knows: a disk that takes nothing, a backlog,
    /// a watcher that is away.
    pub troubles: Vec<Notice>,
    /// Logs that are wanted and not read, and why; at most
    /// [`crate::limits::STATUS_UNREAD_MAX`] are named.
    pub unread: Vec<Notice>,
    /// Log files that are open.
    pub files: u32,
}

/// Why a configuration is not taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// All of it as text, in the daemon's language; cut at [`REFUSAL_TEXT_MAX`].
    pub text: String,
    /// The same as values, for whoever speaks another language or is a machine; as many as go
    /// into a frame.
    pub problems: Vec<Notice>,
}

/// Bytes of a refusal's text and of its problems in a frame.
const REFUSAL_TEXT_MAX: usize = 24 * 1024;
const REFUSAL_PROBLEMS_BYTES_MAX: usize = 32 * 1024;

/// Problems of a refusal in a frame at most.
const REFUSAL_PROBLEMS_MAX: usize = 64;

impl Wire for Refusal {
    fn put(&self, out: &mut Writer) {
        out.text(&self.text, REFUSAL_TEXT_MAX);
        let mut left = REFUSAL_PROBLEMS_BYTES_MAX;
        let fits = |problem: &&Notice| {
            let mut alone = Writer::default();
            problem.put(&mut alone);
            let size = alone.into_bytes().len();
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        };
        let problems = self.problems.iter().take(REFUSAL_PROBLEMS_MAX).take_while(fits);
        out.list(&problems.cloned().collect::<Vec<_>>());
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let text = from.text(REFUSAL_TEXT_MAX)?;
        Ok(Self { text, problems: from.list(REFUSAL_PROBLEMS_MAX)? })
    }
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To [`Request::Status`].
    Status(StatusReply),
    /// To everything else.
    Done {
        /// Whether it was done.
        done: bool,
        /// What to tell the operator.
        notices: Vec<Notice>,
    },
    /// The new configuration is refused.
    Refused(Refusal),
    /// The answer to [`Request::Words`]; it comes in a memory file with the frame.
    Words,
}

impl Wire for Request {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Status => out.byte(1),
            Self::Ban { subject, for_s, why } => {
                out.byte(2);
                subject.put(out);
                for_s.put(out);
                out.text(why, WHY_MAX);
            }
            Self::Free { subject } => {
                out.byte(3);
                subject.put(out);
            }
            Self::FreeAll => out.byte(4),
            Self::Allow { net, for_s } => {
                out.byte(5);
                net.put(out);
                for_s.put(out);
            }
            Self::Disallow { net } => {
                out.byte(6);
                net.put(out);
            }
            Self::Reload => out.byte(7),
            Self::Words => out.byte(8),
            Self::Notify(request) => {
                out.byte(10);
                request.put(out);
            }
            Self::JailLog { path } => {
                out.byte(9);
                out.text(path, PATH_MAX);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Status,
            2 => Self::Ban {
                subject: Subject::take(from)?,
                for_s: Wire::take(from)?,
                why: from.text(WHY_MAX)?,
            },
            3 => Self::Free { subject: Subject::take(from)? },
            4 => Self::FreeAll,
            5 => Self::Allow { net: Net::take(from)?, for_s: Wire::take(from)? },
            6 => Self::Disallow { net: Net::take(from)? },
            7 => Self::Reload,
            8 => Self::Words,
            10 => Self::Notify(NotifyRequest::take(from)?),
            9 => Self::JailLog { path: from.text(PATH_MAX)? },
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Reply {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Status(status) => {
                out.byte(1);
                (status.mode == Mode::Guard).put(out);
                status.ready.put(out);
                status.since.put(out);
                out.text(&status.firewall, 512);
                status.dropped.put(out);
                out.list(&status.troubles[..status.troubles.len().min(16)]);
                out.list(&status.unread[..status.unread.len().min(STATUS_UNREAD_MAX)]);
                status.files.put(out);
            }
            Self::Done { done, notices } => {
                out.byte(2);
                done.put(out);
                out.list(&notices[..notices.len().min(16)]);
            }
            Self::Refused(refusal) => {
                out.byte(3);
                refusal.put(out);
            }
            Self::Words => out.byte(4),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Status(StatusReply {
                mode: if bool::take(from)? { Mode::Guard } else { Mode::Observe },
                ready: bool::take(from)?,
                since: Stamp::take(from)?,
                firewall: from.text(512)?,
                dropped: Wire::take(from)?,
                troubles: from.list(16)?,
                unread: from.list(STATUS_UNREAD_MAX)?,
                files: u32::take(from)?,
            }),
            2 => Self::Done { done: bool::take(from)?, notices: from.list(16)? },
            3 => Self::Refused(Refusal::take(from)?),
            4 => Self::Words,
            _ => return Err(FrameError::Unknown),
        })
    }
}
