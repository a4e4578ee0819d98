//! Frames survive the way there and back, and hostile bytes are refused without harm.

use monban_model::limits::FRAME_MAX;
use monban_model::wire::{Command, Reply, Request, SiblingsOf, ToWarden, ToWatcher, Wire};
use monban_model::wire::{FrameError, Mode, Offered, Refusal, StatusReply, WireAct, WireOrder};
use monban_model::wire::{decode, encode};
use monban_model::{Notice, OrderId, Outcome, OutcomeResult, Scope, Stamp};

fn there_and_back<T: Wire + PartialEq + std::fmt::Debug>(frame: T) {
    let bytes = encode(&frame);
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(&frame));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(decode::<T>(&longer).is_err(), "a byte too many: {frame:?}");
    for cut in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..cut]).is_err(), "cut at {cut}: {frame:?}");
    }
}

fn notice() -> Notice {
    Notice { key: "source-gone".into(), values: vec![("path".into(), "/var/log/x".into())] }
}

#[test]
fn frames_to_the_watcher() {
    let offered = Offered {
        file: 3,
        path: "/var/log/a".into(),
        dev: 1,
        ino: 2,
        size: 9,
        later: true,
        watched: true,
        judged: false,
    };
    let ban =
        Command::Ban { subject: "192.0.2.1".parse().unwrap(), for_s: None, why: "too loud".into() };
    let outcomes = [
        OutcomeResult::Applied,
        OutcomeResult::Observed,
        OutcomeResult::Refused("allowed".into()),
        OutcomeResult::Failed("EBUSY".into()),
    ];
    let outcomes = outcomes
        .into_iter()
        .map(|result| Outcome {
            order: OrderId(7),
            subject: "2001:db8::/64".parse().unwrap(),
            result,
        })
        .collect();
    for frame in [
        ToWatcher::Brief { guards: true, reload: 4, again: false, journal: true },
        ToWatcher::Opened(offered.clone()),
        ToWatcher::Sibling(offered),
        ToWatcher::SiblingsEnd { path: "/var/log/a".into() },
        ToWatcher::Gone { path: "/var/log/a".into() },
        ToWatcher::Dropped { path: "/var/log/a".into() },
        ToWatcher::Wake { files: vec![1, 2] },
        ToWatcher::Allow { nets: vec!["10.0.0.0/8".parse().unwrap()], own: true, more: false },
        ToWatcher::Present {
            administrators: vec!["192.0.2.9".parse().unwrap()],
            guests: vec!["::1".parse().unwrap()],
        },
        ToWatcher::Command { id: 1, command: ban },
        ToWatcher::Command { id: 2, command: Command::FreeAll },
        ToWatcher::Command { id: 3, command: Command::Commit },
        ToWatcher::Outcomes(outcomes),
        ToWatcher::Tell(notice()),
        ToWatcher::Journal,
        ToWatcher::SendBlocks,
        ToWatcher::CheckJails,
        ToWatcher::JailDatabase,
        ToWatcher::JailsAhead,
        ToWatcher::AllOpened,
        ToWatcher::Stop,
    ] {
        there_and_back(frame);
    }
}

#[test]
fn frames_to_the_warden() {
    let order = |act| WireOrder { id: OrderId(1), subject: "192.0.2.0/24".parse().unwrap(), act };
    let ports = Scope::Ports(vec![22, 2222]);
    let block = order(WireAct::Block { scope: ports, left_ms: Some(5) });
    for frame in [
        ToWarden::Ready { reload: 0, lacks: vec![] },
        ToWarden::Refused { reload: 1, refusal: refusal() },
        ToWarden::Orders(vec![block.clone(), order(WireAct::Free)]),
        ToWarden::Restore { blocks: vec![block], more: true },
        ToWarden::Siblings(SiblingsOf { path: "/v".into(), dev: 1, ino: 2 }),
        ToWarden::Answer { id: 9, done: true, notices: vec![notice()] },
        ToWarden::CaughtUp,
        ToWarden::Flooded(true),
        ToWarden::Flooded(false),
        ToWarden::Journal { after: Some("s=1;i=2".into()), since: Some(Stamp(7)) },
    ] {
        there_and_back(frame);
    }
}

#[test]
fn frames_of_the_command_line() {
    let net = "2001:db8::/32".parse().unwrap();
    for frame in [
        Request::Status,
        Request::Ban { subject: "192.0.2.1".parse().unwrap(), for_s: Some(60), why: "x".into() },
        Request::Free { subject: "192.0.2.1".parse().unwrap() },
        Request::FreeAll,
        Request::Allow { net, for_s: None },
        Request::Disallow { net },
        Request::Reload,
        Request::JailLog { path: "/var/log/門番.log".into() },
    ] {
        there_and_back(frame);
    }
    let status = StatusReply {
        mode: Mode::Guard,
        ready: true,
        since: Stamp(5),
        firewall: "nftables".into(),
        dropped: Some(7),
        troubles: vec![notice()],
        unread: vec![notice()],
        files: 2,
    };
    there_and_back(Reply::Status(status));
    there_and_back(Reply::Done { done: false, notices: vec![notice(), notice()] });
    there_and_back(Reply::Refused(refusal()));
    // However much is wrong, as much of it is told as goes into a frame.
    let notice = refusal().problems.remove(0);
    let values = vec![("why".to_owned(), "x".repeat(1000)); 16];
    let large =
        Refusal { text: "誤".repeat(20_000), problems: vec![Notice { values, ..notice }; 100] };
    let bytes = encode(&Reply::Refused(large));
    assert!(bytes.len() <= FRAME_MAX, "{}", bytes.len());
    let Ok(Reply::Refused(read)) = decode(&bytes) else { panic!("a frame") };
    assert_eq!(read.problems.len(), 2);
}

#[test]
fn a_count_over_its_limit_allocates_nothing() {
    // Verb 6 (wake) with a count of four billion files.
    assert_eq!(decode::<ToWatcher>(&[6, 255, 255, 255, 255]), Err(FrameError::Limit));
    assert_eq!(decode::<ToWarden>(&[99]), Err(FrameError::Unknown));
    assert_eq!(decode::<ToWarden>(&vec![1; 70_000]), Err(FrameError::Limit));
}

#[test]
fn random_bytes_never_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..200_000 {
        let mut bytes = [0_u8; 48];
        for byte in &mut bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
        bytes[0] %= 16;
        let length = 1 + (state >> 32) as usize % 47;
        let _ = decode::<ToWatcher>(&bytes[..length]);
        let _ = decode::<ToWarden>(&bytes[..length]);
        let _ = decode::<Request>(&bytes[..length]);
        let _ = decode::<Reply>(&bytes[..length]);
    }
}

fn refusal() -> Refusal {
    let values = vec![("file".to_owned(), "/etc/monban.toml".to_owned())];
    let problems = vec![Notice { key: "config-problem".to_owned(), values }];
    Refusal { text: "門番".to_owned(), problems }
}
