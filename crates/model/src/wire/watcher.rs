//! What the warden tells the watcher.

use super::{FrameError, HookState, NotifyRequest, PamEvent, Peer, Reader, Wire, Writer};
use crate::limits::{
    ALLOW_MAX, FAIL2BAN_JAILS_MAX, FILES_MAX, JAIL_OUTCOMES_PER_FRAME_MAX, ORDERS_PER_FRAME_MAX,
    PAM_NAME_MAX, PATH_MAX, PRESENT_MAX, SIBLINGS_MAX, WHY_MAX,
};
use crate::{Address, JailAnswer, JailOutcome, Net, Notice, Outcome, Subject, WhoAnswer};

/// What an operator wants, after the warden has checked who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Block a subject.
    Ban {
        /// Whom.
        subject: Subject,
        /// For how many seconds; `None` is forever.
        for_s: Option<u64>,
        /// The operator's words.
        why: String,
    },
    /// End the blocks of a subject, and of every single subject in it if it is a network.
    Free {
        /// Whom.
        subject: Subject,
    },
    /// End all blocks.
    FreeAll,
    /// The allow list has got this network: end the blocks it covers.
    Allowed {
        /// The network.
        net: Net,
    },
    /// Commit what was read so far, so that whoever looks into the ledger finds it.
    Commit,
    /// About messages to people; the answer comes in a memory file.
    Notify(NotifyRequest),
}

/// A log file that the warden opened; its descriptor comes with the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The warden's number of it, for [`ToWatcher::Wake`].
    pub file: u32,
    /// The path under which it was found.
    pub path: String,
    /// Device and inode.
    pub dev: u64,
    /// See `dev`.
    pub ino: u64,
    /// Its size at that moment.
    pub size: u64,
    /// Whether it came up after the start: then it is read from its first line.
    pub later: bool,
    /// Whether it is watched. Others are only sent to CloudWatch Logs.
    pub watched: bool,
    /// Whether rules look for attacks and logins in it. In others metrics count only: they may be
    /// written by whoever likes.
    pub judged: bool,
}

/// What the warden tells the watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToWatcher {
    /// A configuration to take over; its files come in a memory file with the frame.
    Brief {
        /// Whether blocks reach the firewall.
        guards: bool,
        /// 0 at the start, then the number of the reload.
        reload: u32,
        /// Whether a watcher ran under this warden before: then what it has no position of is
        /// read from its first line.
        again: bool,
        /// Whether the systemd journal is to be read.
        journal: bool,
    },
    /// The file that stands at a path now.
    Opened(Offered),
    /// An answer to [`super::ToWarden::Siblings`]: one rotated file, oldest first.
    Sibling(Offered),
    /// The answer is complete.
    SiblingsEnd {
        /// The path that was asked about.
        path: String,
    },
    /// Nothing stands at this path any more.
    Gone {
        /// The path.
        path: String,
    },
    /// The configuration names this path no more.
    Dropped {
        /// The path.
        path: String,
    },
    /// These files have changed.
    Wake {
        /// Their numbers.
        files: Vec<u32>,
    },
    /// The whole allow list: configuration, own addresses, gateways, an operator's additions.
    Allow {
        /// Its networks; the frame may be one of several.
        nets: Vec<Net>,
        /// Whether they stand on it because of this machine: its addresses and gateways.
        own: bool,
        /// Whether more frames of the list follow.
        more: bool,
    },
    /// Where people are logged in from at this moment, by sshd's own processes.
    Present {
        /// Addresses of sessions of accounts that may become root: never blocked.
        administrators: Vec<Address>,
        /// Addresses of other sessions: they need twice the failures.
        guests: Vec<Address>,
    },
    /// An operator's command, to be answered with this number.
    Command {
        /// The number.
        id: u32,
        /// The command.
        command: Command,
    },
    /// What became of orders.
    Outcomes(Vec<Outcome>),
    /// Something to be recorded and said.
    Tell(Notice),
    /// The standard output of `journalctl -o export`; its descriptor comes with the frame.
    Journal,
    /// The kernel lost blocks: say again which are in force.
    SendBlocks,
    /// Every file that is there at the start was passed on.
    AllOpened,
    /// The actions of these jails are not started: that is to be ordered, and their bans anew.
    /// Numbers are those of the configuration in force.
    Actions {
        /// The configuration that the numbers are of: see [`ToWatcher::Brief`].
        reload: u32,
        /// The numbers of the jails.
        fresh: Vec<u32>,
    },
    /// Tables of jails may be gone from the firewall: their actions are to be checked.
    CheckJails,
    /// Nobody carries out orders of jails until [`ToWatcher::Actions`] comes.
    NoActions,
    /// What became of orders to jails.
    Jailed(Vec<JailOutcome>),
    /// The answer to a question of a jail.
    JailAnswer {
        /// The question's number.
        id: u64,
        /// The answer.
        answer: JailAnswer,
    },
    /// A command of `fail2ban-client`. Its words come in a memory file with the frame, and so does
    /// the answer.
    Words {
        /// Its number.
        id: u32,
    },
    /// The log that is written in fail2ban's form. Its descriptor comes with the frame, unless it
    /// cannot be opened or none is wanted.
    JailLog {
        /// Its path.
        path: String,
    },
    /// The database that fail2ban kept its bans in, if there is one: then its descriptor comes
    /// with the frame.
    JailDatabase,
    /// Our end of a lane to somebody who delivers comes with the frame, if one could be had.
    Lane(Peer),
    /// The socket that the hook in PAM sends to comes with the frame.
    PamSocket,
    /// Who an address is, as far as somebody knows.
    Who {
        /// The address.
        address: Address,
        /// What is known.
        answer: Box<WhoAnswer>,
    },
    /// The database of places comes with the frame, if there is one.
    Geo,
    /// What the hook in PAM wrote down while nobody took it.
    Hooked(Box<PamEvent>),
    /// That was all of it, for now.
    SpoolEnds,
    /// How the hook in PAM stands.
    HookState(Box<HookState>),
    /// The files with the keys of an account come through a pipe with the frame, one behind the
    /// other, and end with it. Without one nobody may or can read them.
    Keys {
        /// The account.
        user: String,
    },
    /// Files that jails may come to be made of, in a memory file with the frame: they may be read
    /// while the warden's program still judges them. Nothing of them holds before a
    /// [`ToWatcher::Brief`] brings the same.
    JailsAhead,
    /// Commit and end.
    Stop,
}

impl Wire for Command {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Ban { subject, for_s, why } => {
                out.byte(1);
                subject.put(out);
                for_s.put(out);
                out.text(why, WHY_MAX);
            }
            Self::Free { subject } => {
                out.byte(2);
                subject.put(out);
            }
            Self::FreeAll => out.byte(3),
            Self::Allowed { net } => {
                out.byte(4);
                net.put(out);
            }
            Self::Commit => out.byte(5),
            Self::Notify(request) => {
                out.byte(6);
                request.put(out);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Ban {
                subject: Subject::take(from)?,
                for_s: Wire::take(from)?,
                why: from.text(WHY_MAX)?,
            },
            2 => Self::Free { subject: Subject::take(from)? },
            3 => Self::FreeAll,
            4 => Self::Allowed { net: Net::take(from)? },
            5 => Self::Commit,
            6 => Self::Notify(NotifyRequest::take(from)?),
            _ => return Err(FrameError::Unknown),
        })
    }
}

impl Wire for Offered {
    fn put(&self, out: &mut Writer) {
        self.file.put(out);
        self.path.put(out);
        for number in [self.dev, self.ino, self.size] {
            number.put(out);
        }
        self.later.put(out);
        self.watched.put(out);
        self.judged.put(out);
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            file: u32::take(from)?,
            path: String::take(from)?,
            dev: u64::take(from)?,
            ino: u64::take(from)?,
            size: u64::take(from)?,
            later: bool::take(from)?,
            watched: bool::take(from)?,
            judged: bool::take(from)?,
        })
    }
}

impl ToWatcher {
    /// What is said about jails.
    fn put_of_jails(&self, out: &mut Writer) {
        match self {
            Self::Actions { reload, fresh } => {
                out.byte(17);
                reload.put(out);
                out.list(fresh);
            }
            Self::Jailed(outcomes) => {
                out.byte(18);
                out.list(outcomes);
            }
            Self::JailAnswer { id, answer } => {
                out.byte(19);
                id.put(out);
                answer.put(out);
            }
            Self::Words { id } => {
                out.byte(20);
                id.put(out);
            }
            Self::JailLog { path } => {
                out.byte(21);
                out.text(path, PATH_MAX);
            }
            Self::JailDatabase => out.byte(22),
            Self::Lane(peer) => {
                out.byte(26);
                peer.put(out);
            }
            Self::PamSocket => out.byte(27),
            Self::SpoolEnds => out.byte(40),
            Self::Geo => out.byte(29),
            Self::Who { address, answer } => {
                out.byte(30);
                address.put(out);
                answer.put(out);
            }
            Self::Hooked(event) => {
                out.byte(28);
                event.put(out);
            }
            Self::HookState(state) => {
                out.byte(31);
                state.put(out);
            }
            Self::Keys { user } => {
                out.byte(32);
                out.text(user, PAM_NAME_MAX);
            }
            Self::CheckJails => out.byte(23),
            Self::NoActions => out.byte(24),
            Self::JailsAhead => out.byte(25),
            // Everything else is written by [`Wire::put`].
            _ => {}
        }
    }
}

impl Wire for ToWatcher {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Brief { guards, reload, again, journal } => {
                out.byte(1);
                guards.put(out);
                reload.put(out);
                again.put(out);
                journal.put(out);
            }
            Self::Opened(offered) => {
                out.byte(2);
                offered.put(out);
            }
            Self::Sibling(offered) => {
                out.byte(3);
                offered.put(out);
            }
            Self::SiblingsEnd { path } => {
                out.byte(4);
                path.put(out);
            }
            Self::Gone { path } => {
                out.byte(5);
                path.put(out);
            }
            Self::Wake { files } => {
                out.byte(6);
                out.list(files);
            }
            Self::Allow { nets, own, more } => {
                out.byte(7);
                out.list(nets);
                own.put(out);
                more.put(out);
            }
            Self::Present { administrators, guests } => {
                out.byte(8);
                out.list(administrators);
                out.list(guests);
            }
            Self::Command { id, command } => {
                out.byte(9);
                id.put(out);
                command.put(out);
            }
            Self::Outcomes(outcomes) => {
                out.byte(10);
                out.list(outcomes);
            }
            Self::Tell(notice) => {
                out.byte(11);
                notice.put(out);
            }
            Self::Journal => out.byte(12),
            Self::Stop => out.byte(13),
            Self::SendBlocks => out.byte(14),
            Self::AllOpened => out.byte(15),
            Self::Dropped { path } => {
                out.byte(16);
                path.put(out);
            }
            of_jails => of_jails.put_of_jails(out),
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match from.byte()? {
            1 => Self::Brief {
                guards: bool::take(from)?,
                reload: u32::take(from)?,
                again: bool::take(from)?,
                journal: bool::take(from)?,
            },
            2 => Self::Opened(Offered::take(from)?),
            3 => Self::Sibling(Offered::take(from)?),
            4 => Self::SiblingsEnd { path: String::take(from)? },
            5 => Self::Gone { path: String::take(from)? },
            6 => Self::Wake { files: from.list(FILES_MAX + SIBLINGS_MAX)? },
            7 => Self::Allow {
                nets: from.list(ALLOW_MAX)?,
                own: bool::take(from)?,
                more: bool::take(from)?,
            },
            8 => Self::Present {
                administrators: from.list(PRESENT_MAX)?,
                guests: from.list(PRESENT_MAX)?,
            },
            9 => Self::Command { id: u32::take(from)?, command: Command::take(from)? },
            10 => Self::Outcomes(from.list(ORDERS_PER_FRAME_MAX)?),
            11 => Self::Tell(Notice::take(from)?),
            12 => Self::Journal,
            13 => Self::Stop,
            14 => Self::SendBlocks,
            15 => Self::AllOpened,
            16 => Self::Dropped { path: String::take(from)? },
            17 => Self::Actions { reload: u32::take(from)?, fresh: from.list(FAIL2BAN_JAILS_MAX)? },
            18 => Self::Jailed(from.list(JAIL_OUTCOMES_PER_FRAME_MAX)?),
            19 => Self::JailAnswer { id: u64::take(from)?, answer: JailAnswer::take(from)? },
            20 => Self::Words { id: u32::take(from)? },
            21 => Self::JailLog { path: from.text(PATH_MAX)? },
            22 => Self::JailDatabase,
            26 => Self::Lane(Peer::take(from)?),
            27 => Self::PamSocket,
            40 => Self::SpoolEnds,
            29 => Self::Geo,
            30 => Self::Who {
                address: Address::take(from)?,
                answer: Box::new(WhoAnswer::take(from)?),
            },
            31 => Self::HookState(Box::new(HookState::take(from)?)),
            32 => Self::Keys { user: from.text(PAM_NAME_MAX)? },
            28 => Self::Hooked(Box::new(PamEvent::take(from)?)),
            23 => Self::CheckJails,
            24 => Self::NoActions,
            25 => Self::JailsAhead,
            _ => return Err(FrameError::Unknown),
        })
    }
}
