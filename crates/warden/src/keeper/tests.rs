//! The warden against a watcher that says what it likes: the test sits at its end of the channel.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;

use monban_model::wire::{FromCourier, Reply, Request, ToCourier, Wire, WireAct, WireOrder};
use monban_model::{JailAnswer, OrderId, OutcomeResult, Scope};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::*;

#[path = "../../../firewall/tests/namespace/mod.rs"]
mod namespace;

/// Jails and who acts for them.
mod acting;
mod first_table;
mod hook;

/// What the program around did and will do.
#[derive(Default)]
struct Around {
    watcher: Option<Channel>,
    couriers: Vec<Channel>,
    actor: Option<Channel>,
    again: Vec<bool>,
    journals: u32,
    load: Load,
    /// Whose databases of places were asked for.
    places: Vec<Option<PathBuf>>,
    told: Vec<String>,
    rival: Option<Notice>,
    /// No courier and no runner can be started.
    is_poor: bool,
}

struct TestHost(Rc<RefCell<Around>>);

impl Host for TestHost {
    fn start_watcher(&mut self) -> io::Result<(Child, OwnedFd)> {
        let (here, there) = Channel::pair()?;
        self.0.borrow_mut().watcher = Some(Channel::over(there));
        Ok((Command::new("sleep").arg("60").spawn()?, here))
    }
    fn start_courier(&mut self, channel: OwnedFd, _delivers: bool) -> io::Result<Child> {
        let mut around = self.0.borrow_mut();
        around.couriers.push(Channel::over(channel));
        let program = if around.is_poor { "/nonexistent" } else { "sleep" };
        Command::new(program).arg("60").spawn()
    }

    fn start_runner(&mut self, _channel: OwnedFd) -> io::Result<Child> {
        let program = if self.0.borrow().is_poor { "/nonexistent" } else { "sleep" };
        Command::new(program).arg("60").spawn()
    }

    fn open_geo(&mut self, load: &Load) -> Option<OwnedFd> {
        self.0.borrow_mut().places.push(load.geo.clone());
        None
    }

    fn start_actor(&mut self, again: bool) -> io::Result<(Child, OwnedFd)> {
        let (here, there) = Channel::pair()?;
        let mut around = self.0.borrow_mut();
        around.actor = Some(Channel::over(there));
        around.again.push(again);
        Ok((Command::new("sleep").arg("1").spawn()?, here))
    }
    fn start_journal(
        &mut self,
        _: Option<&str>,
        _: Option<&str>,
        _: Option<monban_model::Stamp>,
    ) -> io::Result<(Child, OwnedFd)> {
        self.0.borrow_mut().journals += 1;
        let (output, _) = Channel::pair()?;
        Ok((Command::new("sleep").arg("60").spawn()?, output))
    }
    fn open_wall(&mut self) -> Result<Wall, String> {
        Err("none in a test".to_owned())
    }
    fn load(&mut self) -> Result<Load, monban_model::wire::Refusal> {
        Ok(self.0.borrow().load.clone())
    }
    fn rival(&mut self) -> Option<Notice> {
        self.0.borrow().rival.clone()
    }
    fn hook_state(&mut self) -> Option<monban_model::wire::HookState> {
        None
    }
    fn key_file_names(&mut self, _: &str, _: Option<monban_model::Address>) -> crate::KeyFileNames {
        Box::new(Vec::new)
    }
    fn tell(&mut self, notice: &Notice) {
        self.0.borrow_mut().told.push(notice.key.clone());
    }
}

/// Runs a test with a keeper whose watcher was started, and whose control socket listens in the
/// folder.
fn with_keeper(load: Load, test: impl FnOnce(&mut Keeper<'_>, &Rc<RefCell<Around>>, &Path)) {
    with_wall(load, Err("none in a test".to_owned()), test);
}

fn with_wall(
    load: Load,
    wall: Result<Wall, String>,
    test: impl FnOnce(&mut Keeper<'_>, &Rc<RefCell<Around>>, &Path),
) {
    beginning(load, wall, |keeper, around, path| {
        keeper.settle_actor();
        test(keeper, around, path);
    });
}

/// With a keeper whose watcher has not said anything yet.
fn beginning(
    load: Load,
    wall: Result<Wall, String>,
    test: impl FnOnce(&mut Keeper<'_>, &Rc<RefCell<Around>>, &Path),
) {
    let folder = tempfile::tempdir().unwrap();
    let around = Rc::new(RefCell::new(Around::default()));
    let mut host = TestHost(around.clone());
    let control = seqpacket(SocketFlags::NONBLOCK);
    rustix::net::bind(&control, &SocketAddrUnix::new(folder.path().join("control")).unwrap())
        .unwrap();
    rustix::net::listen(&control, 4).unwrap();
    let (signals, _kept) = Channel::pair().unwrap();
    let state = folder.path().to_owned();
    let start = Start { state, load, control, signals, wall, hook: None, host: &mut host };
    let mut keeper = Keeper::new(start).unwrap();
    keeper.start_watcher();
    test(&mut keeper, &around, folder.path());
    keeper.stopping = true;
    keeper.lose_watcher();
    keeper.lose_actor();
}

fn seqpacket(more: SocketFlags) -> OwnedFd {
    let flags = SocketFlags::CLOEXEC | more;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

/// An operator who has asked something.
fn ask(keeper: &mut Keeper<'_>, folder: &Path, request: &Request) -> Channel {
    let socket = seqpacket(SocketFlags::empty());
    rustix::net::connect(&socket, &SocketAddrUnix::new(folder.join("control")).unwrap()).unwrap();
    let mut channel = Channel::over(socket);
    channel.send(request, None).unwrap();
    keeper.serve_clients();
    keeper.serve_clients();
    channel
}

/// An operator who has said the words that lie in a memory file.
fn say_words(keeper: &mut Keeper<'_>, folder: &Path, words: Option<&[u8]>) -> Channel {
    let socket = seqpacket(SocketFlags::empty());
    rustix::net::connect(&socket, &SocketAddrUnix::new(folder.join("control")).unwrap()).unwrap();
    let mut channel = Channel::over(socket);
    let file = words.map(|words| crate::memory_file(words).unwrap());
    channel.send(&Request::Words, file.as_ref().map(AsFd::as_fd)).unwrap();
    keeper.serve_clients();
    keeper.serve_clients();
    channel
}

#[test]
fn words_and_their_answer_are_passed_on_unread() {
    with_keeper(Load::default(), |keeper, around, folder| {
        to_watcher(around);
        let mut operator = say_words(keeper, folder, Some(b"status"));
        let mut watcher = around.borrow_mut().watcher.take().unwrap();
        let Received::Frame(ToWatcher::Words { id }, Some(fd)) = watcher.receive().unwrap() else {
            panic!("words with their file")
        };
        assert_eq!(crate::read_memory_file(fd, 100).unwrap(), b"status");
        let reply = crate::memory_file(b"two jails").unwrap();
        for id in [id + 1, id] {
            watcher.send(&ToWarden::Words { id, after: Some(77) }, Some(reply.as_fd())).unwrap();
        }
        keeper.hear_watcher();
        let Received::Frame(Reply::Words, Some(fd)) = operator.receive().unwrap() else {
            panic!("an answer with its file")
        };
        assert_eq!(crate::read_memory_file(fd, 100).unwrap(), b"two jails");

        let failed = Some((false, vec!["watcher-away".to_owned()]));
        let mut without = say_words(keeper, folder, None);
        assert_eq!(answer(&mut without), failed);
        let mut unanswered = say_words(keeper, folder, Some(b"status"));
        watcher.send(&ToWarden::Words { id: id + 2, after: None }, None).unwrap();
        keeper.hear_watcher();
        assert_eq!(answer(&mut unanswered), failed);
        let mut waiting = say_words(keeper, folder, Some(b"status"));
        around.borrow_mut().watcher = Some(watcher);
        keeper.lose_watcher();
        assert_eq!(answer(&mut waiting), failed);
    });
}

/// All that waits at an end of a channel.
fn heard<T: Wire>(channel: &mut Channel) -> Vec<T> {
    let mut frames = Vec::new();
    while let Ok(Received::Frame(frame, _)) = channel.receive() {
        frames.push(frame);
    }
    frames
}

fn answer(channel: &mut Channel) -> Option<(bool, Vec<String>)> {
    match heard(channel).pop()? {
        Reply::Done { done, notices } => {
            Some((done, notices.into_iter().map(|notice| notice.key).collect()))
        }
        other => panic!("{other:?}"),
    }
}

fn say(around: &Rc<RefCell<Around>>, frame: &ToWarden) {
    around.borrow_mut().watcher.as_mut().unwrap().send(frame, None).unwrap();
}

fn to_watcher(around: &Rc<RefCell<Around>>) -> Vec<ToWatcher> {
    heard(around.borrow_mut().watcher.as_mut().unwrap())
}

#[test]
fn a_watcher_that_talks_without_end_gets_a_bounded_turn() {
    with_keeper(Load { journal: true, ..Load::default() }, |keeper, around, _| {
        // Each would start the journal anew; the answers that nobody asked for are passed over.
        for _ in 0..40 {
            say(around, &ToWarden::Journal { after: None, since: None });
        }
        keeper.hear_watcher();
        assert_eq!(around.borrow().journals, 1, "at most once in 2 s");
        keeper.start_journal_if_due();
        assert_eq!(around.borrow().journals, 1);
        let frame = ToWarden::Answer { id: 99, done: true, notices: vec![] };
        for _ in 0..FRAMES_A_TURN {
            say(around, &frame);
        }
        say(around, &ToWarden::CaughtUp);
        keeper.hear_watcher();
        assert!(!keeper.ready);
        keeper.hear_watcher();
        assert!(keeper.ready);
    });
}

#[test]
fn a_journal_that_is_not_configured_is_not_opened() {
    with_keeper(Load::default(), |keeper, around, _| {
        say(around, &ToWarden::Journal { after: None, since: None });
        keeper.hear_watcher();
        assert_eq!(around.borrow().journals, 0);
    });
}

#[test]
fn a_wide_network_is_refused_unless_an_operator_named_it() {
    with_keeper(Load::default(), |keeper, around, folder| {
        let subject: monban_model::Subject = "203.0.0.0/9".parse().unwrap();
        let act = WireAct::Block { scope: Scope::All, left_ms: None };
        let orders = ToWarden::Orders(vec![WireOrder { id: OrderId(1), subject, act }]);
        let result = |keeper: &mut Keeper<'_>| {
            say(around, &orders);
            keeper.hear_watcher();
            to_watcher(around)
                .into_iter()
                .find_map(|frame| match frame {
                    ToWatcher::Outcomes(mut outcomes) => Some(outcomes.remove(0).result),
                    _ => None,
                })
                .unwrap()
        };
        assert!(matches!(result(keeper), OutcomeResult::Refused(_)));
        ask(keeper, folder, &Request::Ban { subject, for_s: None, why: String::new() });
        assert_eq!(result(keeper), OutcomeResult::Observed);
    });
}

#[test]
fn a_second_reload_comes_after_the_first_and_a_lost_watcher_answers_all() {
    with_keeper(Load::default(), |keeper, around, folder| {
        around.borrow_mut().load.observe = true;
        let mut first = ask(keeper, folder, &Request::Reload);
        let mut second = ask(keeper, folder, &Request::Reload);
        say(around, &ToWarden::Ready { reload: 1, lacks: vec![] });
        keeper.hear_watcher();
        assert!(keeper.load.observe);
        assert_eq!(answer(&mut first), Some((true, vec!["reloaded".to_owned()])));
        assert_eq!(answer(&mut second), None);
        keeper.propose_reload();
        say(around, &ToWarden::Ready { reload: 2, lacks: vec![] });
        keeper.hear_watcher();
        assert!(keeper.load.observe);
        assert_eq!(answer(&mut second), Some((true, vec!["reloaded".to_owned()])));
        around.borrow_mut().load.observe = false;
        let mut third = ask(keeper, folder, &Request::Reload);
        let net = "192.0.2.0/24".parse().unwrap();
        let mut allow = ask(keeper, folder, &Request::Allow { net, for_s: None });
        keeper.lose_watcher();
        assert_eq!(answer(&mut third), Some((false, vec!["watcher-away".to_owned()])));
        assert_eq!(answer(&mut allow), Some((true, vec![])), "it is kept and in force");
        let mut fourth = ask(keeper, folder, &Request::Reload);
        assert_eq!(answer(&mut fourth), Some((false, vec!["watcher-away".to_owned()])));
        let mut allow = ask(keeper, folder, &Request::Allow { net, for_s: None });
        assert_eq!(answer(&mut allow), Some((true, vec![])));
        assert!(keeper.load.observe, "the configuration stays as it was");
    });
}

#[test]
fn log_paths_that_a_new_configuration_drops_are_told_as_dropped() {
    let logs = tempfile::tempdir().unwrap();
    let path = |name: &str| logs.path().join(name).to_str().unwrap().to_owned();
    for name in ["a.log", "b.log"] {
        std::fs::write(path(name), "line\n").unwrap();
    }
    let patterns = vec![path("a.log"), path("b.log"), path("none*.log")];
    let load = Load { patterns: patterns.clone(), named: patterns, ..Load::default() };
    with_keeper(load, |keeper, around, folder| {
        let missing = |frame: &ToWatcher| match frame {
            ToWatcher::Tell(notice) if notice.key == "source-missing" => {
                Some(notice.values[0].1.clone())
            }
            _ => None,
        };
        let told: Vec<String> = to_watcher(around).iter().filter_map(missing).collect();
        assert_eq!(told, [path("none*.log")]);
        assert_eq!(keeper.open_files(), 2);
        around.borrow_mut().load = Load { patterns: vec![path("b.log")], ..Load::default() };
        ask(keeper, folder, &Request::Reload);
        say(around, &ToWarden::Ready { reload: 1, lacks: vec![] });
        keeper.hear_watcher();
        let dropped: Vec<ToWatcher> = to_watcher(around)
            .into_iter()
            .filter(|frame| matches!(frame, ToWatcher::Gone { .. } | ToWatcher::Dropped { .. }))
            .collect();
        assert_eq!(dropped, [ToWatcher::Dropped { path: path("a.log") }]);
        assert_eq!(keeper.open_files(), 1);
        around.borrow_mut().load = Load { patterns: vec!["/**".to_owned()], ..Load::default() };
        let mut refused = ask(keeper, folder, &Request::Reload);
        let replies = heard::<Reply>(&mut refused);
        assert!(matches!(replies[..], [Reply::Refused(_)]), "{replies:?}");
        assert_eq!(keeper.open_files(), 1);
    });
}

#[test]
fn a_refused_reload_leaves_the_database_of_places() {
    let of = |geo: &str| Load { geo: Some(PathBuf::from(geo)), ..Load::default() };
    with_keeper(of("a.mmdb"), |keeper, around, folder| {
        around.borrow_mut().load = of("b.mmdb");
        ask(keeper, folder, &Request::Reload);
        to_watcher(around);
        let refusal = monban_model::wire::Refusal { text: "no".to_owned(), problems: Vec::new() };
        say(around, &ToWarden::Refused { reload: 1, refusal });
        keeper.hear_watcher();
        let sent = to_watcher(around);
        assert!(sent.contains(&ToWatcher::Geo), "{sent:?}");
        let places = around.borrow().places.clone();
        assert_eq!(places, ["a.mmdb", "b.mmdb", "a.mmdb"].map(|geo| Some(PathBuf::from(geo))));
    });
}

/// Answers about names that the watcher got since: the question, and how many addresses.
fn named(around: &Rc<RefCell<Around>>) -> Vec<(u64, usize)> {
    let frames = to_watcher(around).into_iter();
    let answer = |frame| match frame {
        ToWatcher::JailAnswer { id, answer: JailAnswer::Addresses(found) } => {
            Some((id, found.len()))
        }
        _ => None,
    };
    frames.filter_map(answer).collect()
}

fn ask_name(keeper: &mut Keeper<'_>, around: &Rc<RefCell<Around>>, id: u64) {
    let name = format!("host{id}.example");
    say(around, &ToWarden::AskName { id, name });
    keeper.hear_watcher();
}

#[test]
fn names_are_asked_of_a_courier_that_comes_when_needed_and_goes_when_idle() {
    with_keeper(Load::default(), |keeper, around, _| {
        let address: monban_model::Address = "192.0.2.1".parse().unwrap();
        let found = |id| FromCourier::Addresses { id, addresses: vec![address], late: false };
        ask_name(keeper, around, 40);
        ask_name(keeper, around, 41);
        say(around, &ToWarden::AskName { id: 42, name: "10.1".to_owned() });
        keeper.hear_watcher();
        assert_eq!(named(around), [(42, 0)], "not a name");
        let mut courier = around.borrow_mut().couriers.pop().unwrap();
        let number = |asked| match asked {
            ToCourier::Resolve { id, .. } => id,
            other => panic!("{other:?}"),
        };
        let numbers: Vec<u64> = heard(&mut courier).into_iter().map(number).collect();
        courier.send(&FromCourier::Idle, None).unwrap();
        courier.send(&found(numbers[1]), None).unwrap();
        courier.send(&found(numbers[1]), None).unwrap();
        courier.send(&found(9999), None).unwrap();
        keeper.hear_courier();
        assert_eq!(named(around), [(41, 1)], "once, and nothing that was not asked for");
        drop(courier);
        // A child that another test just starts may hold its end for an instant.
        while keeper.courier.channel().is_some() {
            keeper.hear_courier();
        }
        assert_eq!(named(around), [(40, 0)], "it crashed");
        ask_name(keeper, around, 43);
        assert_eq!(named(around), [(43, 0)], "another is started after a pause only");
        std::thread::sleep(Duration::from_millis(1100));
        ask_name(keeper, around, 44);
        let mut courier = around.borrow_mut().couriers.pop().unwrap();
        let asked = heard::<ToCourier>(&mut courier).remove(0);
        let ToCourier::Resolve { id, .. } = asked else { panic!("{asked:?}") };
        courier.send(&found(id), None).unwrap();
        courier.send(&FromCourier::Idle, None).unwrap();
        keeper.hear_courier();
        assert_eq!(named(around), [(44, 1)]);
        assert!(matches!(courier.wait::<ToCourier>().unwrap(), Received::End), "let go");
        ask_name(keeper, around, 45);
        assert_eq!(around.borrow().couriers.len(), 1, "and comes again at once");
        keeper.courier.forget_questions();
    });
}

#[test]
fn only_so_many_names_wait_and_the_rest_is_told_once() {
    with_keeper(Load::default(), |keeper, around, _| {
        let most = monban_model::limits::NAMES_ASKED_MAX as u64;
        for id in 0..most + 3 {
            ask_name(keeper, around, id);
        }
        assert_eq!(named(around), [(most, 0), (most + 1, 0), (most + 2, 0)]);
        keeper.look_after_courier();
        keeper.look_after_courier();
        let told = |frame: &ToWatcher| match frame {
            ToWatcher::Tell(notice) => Some(notice.clone()),
            _ => None,
        };
        let told: Vec<Notice> = to_watcher(around).iter().filter_map(told).collect();
        let values = vec![("late", "0".to_owned()), ("busy", "3".to_owned())];
        assert_eq!(told, [notice("names-unanswered", values)]);
    });
}

#[test]
fn what_keeps_logins_or_messages_back_is_told_once() {
    let told = |around: &Rc<RefCell<Around>>| -> Vec<String> {
        let key = |frame| match frame {
            ToWatcher::Tell(notice) => Some(notice.key),
            _ => None,
        };
        to_watcher(around).into_iter().filter_map(key).collect()
    };
    with_keeper(Load::default(), |keeper, around, _| {
        keeper.hook = Hook::new(Some((PathBuf::from("/nowhere"), Err("in use".to_owned()))));
        told(around);
        keeper.pass_hook();
        keeper.pass_hook();
        assert_eq!(told(around), ["hook-socket-failed"]);
    });
    with_keeper(Load::default(), |keeper, around, _| {
        around.borrow_mut().is_poor = true;
        told(around);
        for _ in 0..2 {
            keeper.start_courier_that_delivers();
            keeper.start_runner();
            std::thread::sleep(std::time::Duration::from_millis(1050));
        }
        assert_eq!(told(around), ["courier-failed", "runner-failed"]);
    });
}
