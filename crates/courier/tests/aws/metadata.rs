//! Credentials of a role, from services like those of EC2 and ECS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use monban_courier::aws::{Cause, ContainerAt, Holder, Instance, KeysFrom, RENEW_AHEAD_S};
use monban_model::Stamp;

use crate::server::{Answer, Server};

const START: Stamp = Stamp(1_795_435_200_000);

/// Credentials that end at a time; their id counts how often they were asked for.
fn keys(number: u64, ends: Stamp) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"ASIA{number}","SecretAccessKey":"hidden",
        "Token":"veiled","Expiration":"{ends}"}}"#
    )
}

/// An instance: tokens are numbered, and one is good for so many pages.
fn instance(pages: u64) -> (Server, Arc<AtomicU64>) {
    let failing = Arc::new(AtomicU64::new(0));
    let fails = Arc::clone(&failing);
    let (tokens, left) = (AtomicU64::new(0), AtomicU64::new(0));
    let asked = AtomicU64::new(0);
    let server = Server::start(move |request| {
        let line = request.lines().next().unwrap_or_default();
        if fails.load(Ordering::SeqCst) > 0 {
            return Answer::new(503, "");
        }
        if line.starts_with("PUT /latest/api/token ") {
            assert!(request.contains("x-aws-ec2-metadata-token-ttl-seconds: 21600"), "{request}");
            left.store(pages, Ordering::SeqCst);
            return Answer::new(200, &format!("t{}", tokens.fetch_add(1, Ordering::SeqCst) + 1));
        }
        let token = format!("x-aws-ec2-metadata-token: t{}", tokens.load(Ordering::SeqCst));
        if !request.contains(&token) || left.load(Ordering::SeqCst) == 0 {
            return Answer::new(401, "");
        }
        left.fetch_sub(1, Ordering::SeqCst);
        let page = line.trim_start_matches("GET /latest/meta-data/").split(' ').next();
        match page.unwrap_or_default() {
            "placement/region" => Answer::new(200, "ap-northeast-1"),
            "instance-id" => Answer::new(200, "i-0123456789abcdef0\n"),
            "iam/security-credentials/" => Answer::new(200, "web-role"),
            "iam/security-credentials/web-role" => {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                let ends = START.plus_s(3600 * (number + 1));
                Answer::new(200, &keys(number, ends))
            }
            _ => Answer::new(404, ""),
        }
    });
    (server, failing)
}

#[test]
fn an_instance_tells_its_region_id_and_role() {
    // Each token is good for one page: the next is asked for without a word.
    for pages in [1, 100] {
        let (server, _) = instance(pages);
        let mut instance = Instance::new(&server.url);
        assert_eq!(instance.region().as_deref(), Ok("ap-northeast-1"));
        assert_eq!(instance.id().as_deref(), Ok("i-0123456789abcdef0"));
        assert_eq!(instance.keys().unwrap().id, "ASIA0");
        let tokens = server.asked().iter().filter(|asked| asked.starts_with("PUT")).count();
        assert_eq!(tokens, if pages == 1 { 4 } else { 1 });
        assert!(!format!("{instance:?}").contains("t1"), "{instance:?}");
    }
}

#[test]
fn keys_of_a_role_are_renewed_ahead_of_their_end() {
    let (server, failing) = instance(100);
    let mut holder = Holder::new(KeysFrom::Instance(Instance::new(&server.url)));
    let mut id = |now| holder.keys(now).map(|keys| keys.id.clone());
    assert_eq!(id(START).as_deref(), Ok("ASIA0"));
    assert_eq!(id(START.plus_s(3600 - RENEW_AHEAD_S - 1)).as_deref(), Ok("ASIA0"));
    // While nobody answers, the old ones serve until their end.
    failing.store(1, Ordering::SeqCst);
    assert_eq!(id(START.plus_s(3600 - RENEW_AHEAD_S)).as_deref(), Ok("ASIA0"));
    let asked = server.asked().len();
    assert_eq!(id(START.plus_s(3600 - RENEW_AHEAD_S + 1)).as_deref(), Ok("ASIA0"));
    assert_eq!(server.asked().len(), asked, "it is asked again at once");
    let fault = id(START.plus_s(3600)).unwrap_err();
    assert_eq!((fault.cause, fault.transient), (Cause::Server, true));
    failing.store(0, Ordering::SeqCst);
    assert_eq!(id(START.plus_s(3601)).as_deref(), Ok("ASIA1"));
    let shown = format!("{holder:?}");
    assert!(!shown.contains("hidden") && !shown.contains("veiled"), "{shown}");
}

#[test]
fn a_container_has_its_role_from_its_own_address() {
    let server = Server::start(|request| {
        assert!(request.contains("authorization: Bearer x"), "{request}");
        Answer::new(200, &keys(7, START.plus_s(3600)))
    });
    let url = format!("{}/creds", server.url);
    let look = |name: &str| match name {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI" => Some(url.clone()),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN" => Some("Bearer x".to_owned()),
        _ => None,
    };
    let at = ContainerAt::of_environment(&look, None).unwrap().unwrap();
    let mut holder = Holder::new(KeysFrom::Container(at));
    assert_eq!(holder.keys(START).unwrap().id, "ASIA7");
}

#[test]
fn a_machine_without_a_role_is_told_so() {
    let server = Server::start(|request| match request.starts_with("PUT") {
        true => Answer::new(200, "t"),
        false => Answer::new(404, "<html>"),
    });
    let fault = Instance::new(&server.url).keys().unwrap_err();
    assert_eq!((fault.cause, fault.transient), (Cause::Credentials, false));
    assert!(fault.text.contains("attach an instance profile"), "{fault}");
}

#[test]
fn hostile_metadata_is_no_region_and_no_path() {
    for word in ["a/../../b", "evil.example/", "", "a b", "<html>"] {
        let server = Server::start(move |request| match request.starts_with("PUT") {
            true => Answer::new(200, "t"),
            false => Answer::new(200, word),
        });
        let mut instance = Instance::new(&server.url);
        assert!(instance.region().is_err() && instance.keys().is_err(), "{word}");
    }
}
