//! From an order to what is asked of a jail's actions, and from what came of it to an outcome.

use std::time::{SystemTime, UNIX_EPOCH};

use monban_fail2ban::action::{Done, Outcome, Report, Request, Ticket, Time};
use monban_fail2ban::config::Jail;
use monban_fail2ban::filter::Id;
use monban_model::{ActionFailure, JailJob, JailOrder, JailOutcome, JailRepairs, JailResult, Net};

/// What an order asks for.
///
/// # Errors
/// Why it is not carried out: its ticket is none, or names another address than the order, which
/// the warden has compared with its allow list; or it names no address, and `jail` counts by
/// addresses only: what a command made of another text could be the address of anybody.
pub fn request(order: &JailOrder, jail: Option<&Jail>) -> Result<Request, &'static str> {
    let ticket = match (&order.ticket[..], order.address) {
        ([], Some(address)) => Ticket::new(Id::Net(address), now()),
        ([], None) => Ticket::of_nobody(now(), Default::default()),
        (bytes, _) => Ticket::from_bytes(bytes).ok_or("these bytes are no ticket")?,
    };
    let ticket = about(ticket, order.address);
    let bans = matches!(order.job, JailJob::Ban | JailJob::Reban { .. } | JailJob::Prolong);
    let is_other = |id: &Id| net(id).is_some_and(|net| Some(net) != order.address);
    if bans && (is_other(&ticket.id) || ticket.ip.as_ref().is_some_and(is_other)) {
        return Err("the ticket names an address that the order does not");
    }
    let is_address = matches!(ticket.id, Id::Net(_));
    if bans && !is_address && !jail.is_some_and(Jail::counts_by_ids) {
        return Err("the filter of this jail names addresses only");
    }
    let JailOrder { jail, job, .. } = *order;
    Ok(Request { jail, actions: order.actions.clone(), job, ticket })
}

/// The ticket with the address of the order.
fn about(mut ticket: Ticket, address: Option<Net>) -> Ticket {
    if let Some(address) = address {
        match &mut ticket.ip {
            Some(ip) => *ip = Id::Net(address),
            None => ticket.id = Id::Net(address),
        }
    }
    ticket
}

/// The address that an id is, or that a text of it would be for whatever reads it.
fn net(id: &Id) -> Option<Net> {
    match id {
        Id::Net(net) => Some(*net),
        Id::Name(text) | Id::Text(text) => match Id::of_text(text) {
            Id::Net(net) => Some(net),
            Id::Name(_) | Id::Text(_) => None,
        },
    }
}

/// What is told of a request.
pub fn outcome(report: &Report) -> JailOutcome {
    let Request { jail, job, .. } = report.request;
    let result = match &report.done {
        None => JailResult::Ended,
        Some(done) if done.failed.is_empty() => {
            JailResult::Done { singly: done.singly.clone(), repairs: repairs(done) }
        }
        Some(done) => {
            // What an action failed to flush is ended one by one as well.
            let unflushed = done.failed.iter().map(|(action, _)| *action);
            let singly = match job {
                JailJob::Flush { .. } => done.singly.iter().copied().chain(unflushed).collect(),
                _ => Vec::new(),
            };
            JailResult::Failed { failed: failures(report), singly, repairs: Some(repairs(done)) }
        }
    };
    JailOutcome { order: report.id, jail, job, result }
}

fn repairs(done: &Done) -> JailRepairs {
    JailRepairs { epoch: done.epoch, mended: done.mended }
}

/// An order that was not carried out.
pub fn failed(order: &JailOrder, why: String) -> JailOutcome {
    let result = JailResult::failed(why);
    JailOutcome { order: order.id, jail: order.jail, job: order.job, result }
}

/// Which actions failed, and what each one said.
fn failures(report: &Report) -> Vec<ActionFailure> {
    let failed = report.done.iter().flat_map(|done| &done.failed);
    let named = failed.zip(&report.names).map(|((number, failed), name)| ActionFailure {
        action: Some(name.clone()),
        what: failed.to_string(),
        how: report.failures.get(number).map(how),
    });
    named.collect()
}

fn how(outcome: &Outcome) -> String {
    let said = [&outcome.stderr, &outcome.stdout].into_iter().find(|text| !text.is_empty());
    // It is told in one line.
    let one_line = |text: &Vec<u8>| {
        let text = String::from_utf8_lossy(text);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" / ")
    };
    let said = said.map(one_line).unwrap_or_default();
    let how = match (outcome.code, outcome.signal, &outcome.not_started) {
        (.., Some(why)) => format!("not started: {why}"),
        _ if outcome.timed_out => timed_out(outcome),
        (Some(code), ..) => format!("exit code {code}"),
        (_, Some(signal), _) => format!("signal {signal}"),
        _ => "it hangs".to_owned(),
    };
    if said.is_empty() { how } else { format!("{how}: {said}") }
}

/// As fail2ban says it. The time itself, as the end of the command takes less than a second.
fn timed_out(outcome: &Outcome) -> String {
    let seconds = outcome.took.as_secs();
    let by = match outcome.signal {
        Some(9) => ", killed with SIGKILL",
        Some(15) => ", killed with SIGTERM",
        _ => "",
    };
    format!("timed out after {seconds} s{by}")
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::Whole(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use monban_fail2ban::config::{Configuration, Files, Reading};

    use super::*;

    fn order(job: JailJob, address: Option<&str>, ticket: &Ticket) -> JailOrder {
        let address = address.map(|text| text.parse().unwrap());
        JailOrder { id: 1, jail: 0, job, actions: Vec::new(), address, ticket: ticket.to_bytes() }
    }

    /// A jail whose filter has this expression.
    fn jail(failregex: &str) -> Jail {
        let text = |name: &str, text: &str| (PathBuf::from(format!("/f/{name}")), text.to_owned());
        let filter = format!("[Definition]\nfailregex = {failregex}\n");
        let files = Files::held([
            text("jail.conf", "[j]\nenabled = yes\nfilter = x\n"),
            text("filter.d/x.conf", &filter),
        ]);
        let found = Configuration::read_within(Path::new("/f"), files, &Reading::default()).0;
        found.jails.into_iter().next().unwrap()
    }

    fn ticket(id: &str) -> Ticket {
        Ticket::new(Id::of_text(id), Time::Whole(1))
    }

    #[test]
    fn the_address_of_the_order_is_banned_and_no_other() {
        let (other, users) = (ticket("192.0.2.9"), jail("^ <F-ID>\\S+</F-ID> <ADDR>$"));
        let asked = request(&order(JailJob::Ban, Some("192.0.2.1"), &other), None).unwrap();
        assert_eq!(asked.ticket.id, Id::of_text("192.0.2.1"));
        let by_user = Ticket { ip: Some(Id::of_text("192.0.2.9")), ..ticket("root") };
        let by_user = order(JailJob::Ban, Some("192.0.2.1"), &by_user);
        let asked = request(&by_user, Some(&users)).unwrap();
        assert_eq!(asked.ticket.ip, Some(Id::of_text("192.0.2.1")));
        assert!(request(&by_user, Some(&jail("^ <HOST>$"))).is_err());
    }

    #[test]
    fn an_address_that_the_warden_did_not_see_is_refused() {
        let hidden = Ticket { id: Id::Text("[192.0.2.9]".to_owned()), ..ticket("x") };
        let behind = Ticket { ip: Some(Id::of_text("192.0.2.1")), ..ticket("192.0.2.9") };
        let (users, hosts) = (jail("^ <F-ID>\\S+</F-ID>$"), jail("^ <HOST>$"));
        for job in [JailJob::Ban, JailJob::Reban { after: 0 }, JailJob::Prolong] {
            assert!(request(&order(job, None, &ticket("192.0.2.9")), Some(&users)).is_err());
            assert!(request(&order(job, None, &hidden), Some(&users)).is_err());
            assert!(request(&order(job, Some("192.0.2.1"), &behind), Some(&users)).is_err());
            assert!(request(&order(job, None, &ticket("root")), Some(&users)).is_ok());
            for nobody in ["root", "ALL", "3221225993", "0300.0.2.9", "admin.example.com"] {
                assert!(request(&order(job, None, &ticket(nobody)), Some(&hosts)).is_err());
            }
        }
        assert!(request(&order(JailJob::Unban, None, &ticket("192.0.2.9")), None).is_ok());
    }

    #[test]
    fn bytes_that_are_no_ticket_ban_nobody() {
        let mut order = order(JailJob::Ban, Some("192.0.2.1"), &ticket("x"));
        order.ticket.truncate(3);
        assert!(request(&order, None).is_err());
        order.ticket.clear();
        assert_eq!(request(&order, None).unwrap().ticket.id, Id::of_text("192.0.2.1"));
    }
}
