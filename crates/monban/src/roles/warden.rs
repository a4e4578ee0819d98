//! `monban run`: the warden's start-up. It makes the folders, takes the lock, opens the firewall
//! and the control socket, keeps the few capabilities it needs, and enters its loop.

mod host;
mod reads;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use monban_config::{Bundle, Config, JournalUse};
use monban_fail2ban::config::Complaint;
use monban_firewall::FirewallError;
use monban_model::Notice;
use monban_model::wire::Refusal;
use monban_views::{Say, notice_json, printable_lines};
use monban_warden::pam::PamSocket;
use monban_warden::{Keeper, Load, Start, Wall, may_have_left};
use rustix::thread::CapabilitySet;

use self::reads::Reads;
use super::ahead::Ahead;
use super::begin::Beginning;
use super::control;
use super::equipment::{self, Equipment};
use super::jails;
use super::lock::only_one;
use super::sandbox;
use super::signals;
use super::theirs::Theirs;
use crate::cli::{Common, RunArgs};
use crate::fail2ban::complaints;
use crate::pam::{KeyFiles, Watched};
use crate::place::{LOCK, Place, Unfit, is_at, is_root, watcher_uid};
use crate::{discover, out, problems};

/// What the warden needs after its start, and what each is for.
const KEPT: CapabilitySet = CapabilitySet::NET_ADMIN // the firewall
    .union(CapabilitySet::DAC_READ_SEARCH) // logs of any owner
    .union(CapabilitySet::SYS_PTRACE) // whose sockets sshd's sessions have
    .union(CapabilitySet::SETUID) // a new watcher drops to its user,
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SYS_CHROOT) // in its folder,
    .union(CapabilitySet::SETPCAP) // without capabilities
    .union(CapabilitySet::KILL) // and is ended when it hangs
    .union(CapabilitySet::CHOWN); // and its folder is its own

/// The program around the warden.
struct Program {
    place: Place,
    common: Common,
    args: RunArgs,
    say: Say,
    uid: Option<u32>,
    /// Where fail2ban itself would be met, if its jails act here.
    theirs: Theirs,
    /// What was wrong with the jails that were taken over last, if any run.
    complaints: Option<Vec<Complaint>>,
    /// Whether jails may act: the rights for it are kept at the start or not at all.
    may_act: Option<bool>,
    ahead: Ahead,
    /// Looks after the hook in PAM, if this is the guard that it tells.
    watched: Option<Watched>,
    key_files: KeyFiles,
}

/// What monban's own files say.
struct Own {
    bundle: Bundle,
    config: Config,
    observe: bool,
    /// The folder whose jails are to run, and whether monban's own rules run beside them.
    jails: Option<(PathBuf, bool)>,
}

/// Runs the warden until it is told to end.
pub fn main(common: &Common, args: &RunArgs, say: Say) -> ExitCode {
    // What the caller left open goes to none of the processes that are started here.
    close_fds::set_fds_cloexec(3, &[]);
    let place = Place::of(common);
    let mut program = Program {
        place,
        common: common.clone(),
        args: args.clone(),
        say,
        uid: watcher_uid(),
        theirs: Theirs::default(),
        complaints: None,
        may_act: None,
        ahead: Ahead::default(),
        watched: None,
        key_files: KeyFiles::default(),
    };
    let ended = program.run();
    // What was begun for a start that comes to nothing leaves nothing behind.
    program.ahead.give_up(&program.place);
    match ended {
        Ok(code) => code,
        Err(text) => {
            eprintln!("{}", printable_lines(&text));
            ExitCode::FAILURE
        }
    }
}

impl Program {
    /// Each step that fails says what was tried, with which path, and what helps.
    fn run(&mut self) -> Result<ExitCode, String> {
        let refused = |refusal: Refusal| {
            eprint!("{}", refusal.text);
            Ok(ExitCode::from(2))
        };
        let own = match self.own() {
            Ok(own) => own,
            Err(refusal) => return refused(refusal),
        };
        // It takes a while to read jails, and all else begins meanwhile. Without them it is known
        // at once whether there is anything to do.
        let (reads_jails, observe) = (own.jails.is_some(), own.observe);
        if reads_jails {
            self.begin(true, observe)?;
        }
        let load = match self.whole(own) {
            Ok(load) => load,
            Err(refusal) => return refused(refusal),
        };
        let usual = !load.patterns.is_empty() && discover::usual_logs_present();
        if load.named.is_empty() && !usual && !load.journal {
            let paths = discover::USUAL_LOGS.join(" ");
            eprintln!("{}", self.say.text("start-nothing", &[("paths", &paths)]));
            eprintln!("{}", self.say.text("start-demo", &[]));
            return Ok(ExitCode::FAILURE);
        }
        if !reads_jails {
            self.begin(false, observe)?;
        }
        let state = self.place.state.clone();
        let wall = self.wall(&load);
        if wall.is_err() {
            self.ahead.end_actor().map_err(self.failed("run-failed", &state))?;
        }
        self.tell_start(&load, &wall);
        let (control, signals) = match self.settle(load.jails || !load.runner.is_empty()) {
            Ok(ready) => ready,
            Err(text) => {
                let _ = wall.map(Wall::take_back);
                let _ = std::fs::remove_file(state.join(control::SOCKET));
                return Err(text);
            }
        };
        self.ahead.made.clear();
        let failed = self.failed("start-files-failed", &state);
        let ended = self.failed("run-failed", &state);
        let hook = self.hook();
        let start = Start { state, load, control, signals, wall, hook, host: self };
        Keeper::new(start).map_err(failed)?.run().map_err(ended)?;
        let told = Notice { key: "stopped".to_owned(), values: Vec::new() };
        match self.common.json {
            true => out::json(&notice_json(&told)),
            false => out::line(self.say.notice(&told)),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Opens the control socket, hears signals and gives up rights: what is left before the loop.
    fn settle(&mut self, jails: bool) -> Result<(OwnedFd, OwnedFd), String> {
        let state = self.place.state.clone();
        let socket = state.join(control::SOCKET);
        let control =
            control::socket(&state).map_err(self.failed("start-socket-failed", &socket))?;
        let signals = signals::heard().map_err(self.failed("start-signals-failed", &state))?;
        self.may_act = Some(jails);
        if is_root() {
            let keep = match jails {
                true => sandbox::keep_capabilities_of_this_process,
                false => sandbox::keep_capabilities,
            };
            keep(KEPT).map_err(self.failed("start-rights-failed", &state))?;
        }
        Ok((control, signals))
    }

    /// The socket that the hook in PAM sends to. Only one guard of a machine has it: that with the
    /// usual state folder, or one that is told so.
    fn hook(&mut self) -> Option<(PathBuf, Result<OwnedFd, String>)> {
        let usual = is_root() && self.common.state.is_none();
        let usual = usual.then(|| PathBuf::from(monban_warden::pam::FOLDER));
        let folder = self.args.hook_folder.clone().or(usual)?;
        let socket = PamSocket::bind(&folder).map_err(|error| error.to_string());
        self.watched = Some(Watched::of(&self.place.state));
        Some((folder, socket.map(PamSocket::into_fd)))
    }

    /// Takes the state folder and begins what takes time.
    fn begin(&mut self, jails: bool, observe: bool) -> Result<(), String> {
        let state = self.place.state.clone();
        while self.ahead.lock.is_none() {
            let made = self.place.prepare(self.uid).map_err(|unfit| self.unfit(&unfit))?;
            let lock = match only_one(&self.place, &self.say) {
                // Another start came to nothing, and took the folder back.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                lock => lock.map_err(self.failed("start-lock-failed", &state.join(LOCK)))?,
            };
            let Some(lock) = lock else {
                let path = state.display().to_string();
                return Err(self.say.text("running-already", &[("path", &path)]));
            };
            // A start that was refused takes its folders away again, with the lock in them that was
            // waited for; then this begins anew.
            if is_at(&lock, &state.join(LOCK)) {
                (self.ahead.made, self.ahead.lock) = (made, Some(lock));
            }
        }
        if !observe {
            self.ahead.open_wall();
        }
        // What cannot be started now is tried again, and told of, when it is needed.
        self.ahead.watcher = self.new_watcher().ok();
        if jails && !observe {
            let again = may_have_left(&state);
            self.ahead.actor = self.new_actor(again).ok().map(|running| (running, again));
        }
        Ok(())
    }

    /// Says what could not be done with a path.
    fn failed<E: std::fmt::Display>(
        &self,
        key: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> String + use<E> {
        let (say, path) = (self.say.clone(), path.display().to_string());
        move |error| {
            let error = say.sentence(&error.to_string());
            say.text(key, &[("path", &path), ("error", &error)])
        }
    }

    fn unfit(&self, unfit: &Unfit) -> String {
        let path = self.place.state.display().to_string();
        match unfit {
            Unfit::Owner(uid) => {
                let uid = uid.to_string();
                self.say.text("start-state-owner", &[("path", &path), ("uid", &uid)])
            }
            Unfit::Mode(mode) => {
                let mode = format!("{mode:04o}");
                self.say.text("start-state-mode", &[("path", &path), ("mode", &mode)])
            }
            Unfit::Io(error) => self.failed("start-state-failed", &self.place.state)(error),
        }
    }

    fn wall(&mut self, load: &Load) -> Result<Wall, String> {
        if load.observe {
            let key = if self.args.observe { "why-observe-flag" } else { "why-observe-config" };
            return Err(self.say.text(key, &[]));
        }
        self.ahead.wall().map_err(|error| self.no_wall(error))
    }

    fn no_wall(&self, error: FirewallError) -> String {
        match error {
            FirewallError::NotPermitted if !is_root() => self.say.text("why-no-root", &[]),
            error => self.say.sentence(&error.to_string()),
        }
    }

    fn tell_start(&self, load: &Load, wall: &Result<Wall, String>) {
        let beginning = Beginning { place: &self.place, load, wall };
        match self.common.json {
            true => out::json(&beginning.json()),
            false => beginning.text(&self.say),
        }
    }

    /// Tells what keeps single jails from running; the others run. A reload is refused if it would
    /// bring a mistake that all of them suffer from.
    fn take_complaints(&mut self, jails: &jails::Jails) -> Result<(), Refusal> {
        let text = |those: &[Complaint]| {
            complaints::show(&complaints::render(those, &self.say), 0, &self.say)
        };
        if let Some(before) = &self.complaints {
            let mistakes = jails.new_mistakes(before);
            if !mistakes.is_empty() {
                return Err(complaints::refusal(&mistakes, &self.say));
            }
        }
        eprint!("{}", text(&jails.complaints));
        self.complaints = Some(jails.complaints.clone());
        Ok(())
    }
}

impl Program {
    fn own(&self) -> Result<Own, Refusal> {
        let bundle = Bundle::read(&self.place.config, self.place.config_named)
            .map_err(|found| problems::refusal(&found, None, &self.say))?;
        let (file, text) = match &bundle.config {
            Some(config) => (config.file.as_str(), config.text.as_str()),
            None => ("", ""),
        };
        let config = Config::parse(file, text)
            .map_err(|found| problems::refusal(&found, Some(&bundle), &self.say))?;
        let observe = config.observe || self.args.observe;
        let jails = jails::wanted(&self.args, &config);
        Ok(Own { bundle, config, observe, jails })
    }

    /// All that is to be done, with the jails.
    fn whole(&mut self, own: Own) -> Result<Load, Refusal> {
        let Own { mut bundle, mut config, observe, jails } = own;
        equipment::sign(&mut config.notify);
        let file = bundle.config.as_ref().map_or("", |config| &config.file);
        let equipment = Equipment::of(&config, file)
            .map_err(|found| problems::refusal(&found, Some(&bundle), &self.say))?;
        // The rights that programs may need are kept at the start, or gone.
        if !equipment.runner.is_empty() && self.may_act == Some(false) && is_root() {
            return Err(jails::of_key("notify-run-restart", &[], &self.say));
        }
        let read = |(folder, beside): (PathBuf, bool)| {
            let files = self.ahead.read_jails(&folder, beside);
            jails::read(&folder, files, beside, &self.say)
        };
        let jails = jails.map(read).transpose()?;
        let own_rules = jails.as_ref().is_none_or(|jails| jails.fail2ban.beside);
        let Reads { mut patterns, counted, mut named, mut journal } =
            Reads::of(&self.args, &config, own_rules);
        let runs_jails = jails.is_some();
        if runs_jails && self.may_act == Some(false) && is_root() {
            return Err(jails::of_key("f2b-run-restart", &[], &self.say));
        }
        let sent: Vec<String> =
            config.aws.logs.iter().flat_map(|logs| logs.files.iter().cloned()).collect();
        named.extend(sent.iter().cloned());
        let mut hasher = DefaultHasher::new();
        format!("{:?}", config.aws.logs).hash(&mut hasher);
        let (mut jail_log, mut jail_database) = (None, None);
        self.theirs = Theirs::default();
        if let Some(jails) = jails {
            self.take_complaints(&jails)?;
            patterns.extend(jails.logs.iter().cloned());
            named.extend(jails.logs);
            journal |= jails.journal;
            // Another fail2ban that runs here must not read what is only observed.
            if jails.log.is_none() && !observe {
                eprintln!("{}", self.say.text("jail-log-elsewhere", &[]));
            }
            jail_log = jails.log.filter(|_| !observe);
            jail_database = jails.database;
            // Beside one that bans, jails may be tried.
            if !observe {
                self.theirs = jails.theirs;
            }
            bundle.fail2ban = Some(jails.fail2ban);
        }
        Ok(Load {
            bundle: bundle.to_bytes(),
            patterns,
            counted,
            sent,
            sent_by: hasher.finish(),
            named,
            observe,
            jails: runs_jails,
            jail_log,
            jail_database,
            courier: equipment.courier,
            runner: equipment.runner,
            journal,
            journal_folder: match config.journal {
                JournalUse::Folder(folder) => Some(folder),
                JournalUse::Auto | JournalUse::On | JournalUse::Off => None,
            },
            allow: config.allow,
            geo: config.geo.map(PathBuf::from),
        })
    }
}
