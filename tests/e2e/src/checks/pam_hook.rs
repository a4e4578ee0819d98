//! The hook in PAM: a login is told of by it, and does not wait for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use monban_model::limits::PAM_SPOOL_RECORDS_MAX;
use monban_model::wire::{PamEvent, PamType};
use monban_warden::pam::{Kept, PamSocket, Sent, Spool, send};

use crate::checks::ssh;
use crate::command::run;
use crate::guard::Plan;
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::sshd;
use crate::trouble::{Tried, Trouble, must};
use crate::waiting::until_true;

/// Where the program lies on the machine: in a folder that is root's from the top.
pub(super) const PROGRAM: &str = "/run/bin/monban";
const FROM: &str = "203.0.113.40";

/// Sessions without the hook and with it, while somebody listens, nobody does, nobody reads, and
/// nothing more can be kept; then many at once.
pub fn costs_no_time(setting: &Setting) -> Tried<String> {
    let server = Machine::new()?;
    let exec = "session optional pam_exec.so quiet seteuid type=open_session /bin/true";
    for (service, more) in [("bare", ""), ("true", exec), ("hooked", "")] {
        let text = format!("session required pam_permit.so\n{more}\n");
        server.shell(&format!("echo '{text}' >/etc/pam.d/{service}"))?;
    }
    install(setting, &server, "hooked")?;
    let count = setting.sized(100, 1000);
    let bare = sessions(&server, "bare", count)?;
    // What `pam_exec.so` takes by itself, whatever it runs.
    let least = sessions(&server, "true", count)?;
    let folder = run_folder(&server);
    let spool = Spool::of(&folder);

    let stopped = sessions(&server, "hooked", count)?;
    must(taken(&spool)? == (count, 0), || "not all are in the spool".to_owned())?;

    let socket = PamSocket::bind(&folder)?;
    let (listening, heard, socket) =
        while_listening(socket, || sessions(&server, "hooked", count))?;
    let spooled = taken(&spool)?.0;
    must(heard.len() + spooled == count, || format!("{} and {spooled}", heard.len()))?;
    let is_right = |event: &PamEvent| {
        let kind = event.kind == PamType::OpenSession;
        kind && event.service == "hooked" && event.user == "root" && event.rhost == FROM
    };
    must(heard.iter().all(is_right), || format!("{:?}", heard.first()))?;

    while send(&folder, b"nobody reads this") == Sent::Taken {}
    let full = sessions(&server, "hooked", count)?;
    must(taken(&spool)? == (count, 0), || "not all are beside a full socket".to_owned())?;
    drop(socket);

    let fill = |_| spool.append(&[0; 64]) == Kept::Spooled;
    must((0..PAM_SPOOL_RECORDS_MAX).all(fill), || "the spool is smaller".to_owned())?;
    let spool_full = sessions(&server, "hooked", count)?;
    let (kept, dropped) = taken(&spool)?;
    must(kept == 0 && dropped == count as u64, || format!("{kept} kept, {dropped} dropped"))?;

    let at_once =
        "for n in {1..200}; do pamtester hooked root open_session >/dev/null & done; wait";
    server.shell(at_once)?;
    let (kept, dropped) = taken(&spool)?;
    must(kept as u64 + dropped == 200, || format!("of 200 at once {kept} and {dropped}"))?;
    let told = [
        ("bare", &bare),
        ("/bin/true", &least),
        ("listening", &listening),
        ("stopped", &stopped),
        ("socket full", &full),
        ("spool full", &spool_full),
    ]
    .map(|(name, times)| format!("{name} {}", Times(times)));
    let slowest = [&listening, &stopped, &full, &spool_full].map(|times| median(times));
    let slower = slowest.into_iter().fold(0.0, f64::max) - median(&least);
    let all = format!(
        "median/max ms of open_session: {}; of 200 at once {kept} kept, {dropped} dropped",
        told.join(", ")
    );
    setting.goal(slower < 5.0, all)
}

/// Real logins: each is told of once, with the number of the process that sshd logs.
pub fn tells_of_logins(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let server = &world.server;
    server.shell("echo '%sudo ALL=(ALL:ALL) ALL' >/etc/sudoers; chmod 440 /etc/sudoers")?;
    install(setting, server, "sshd --service su --service sudo")?;
    let socket = PamSocket::bind(&run_folder(server))?;
    let ((), mut heard, _socket) = while_listening(socket, || logins(&world))?;
    heard.retain(|event| event.kind == PamType::OpenSession);
    let log = server.log_text("auth.log");
    let of = |service: &str| heard.iter().filter(|one| one.service == service).collect::<Vec<_>>();
    let by_ssh = of("sshd");
    // A command, sftp, a tunnel without a session of its own; none of the wrong password, and none
    // of an sshd that does not ask PAM.
    must(by_ssh.len() == 3, || format!("{} logins by sshd: {by_ssh:?}\n{log}", by_ssh.len()))?;
    for event in &by_ssh {
        let accepted =
            format!("sshd[{}]: Accepted password for {} from {FROM}", event.caller, event.user);
        let is_joined = log.contains(&accepted) && event.connection.starts_with(FROM);
        let methods: Vec<&str> = event.auth_methods().map(|method| method.method).collect();
        must(is_joined && event.rhost == FROM && event.tty == "ssh", || {
            format!("{event:?}\n{log}")
        })?;
        must(methods == ["password"], || format!("{event:?}"))?;
    }
    unused_pam_is_said(server)?;
    let (su, sudo) = (of("su"), of("sudo"));
    must(su.len() == 2 && sudo.len() == 1, || format!("{su:?}\n{sudo:?}\n{log}"))?;
    let visitor = server.shell("id -u visitor")?.trim().parse().ok();
    let (by_visitor, by_root) = (su[0], su[1]);
    must(by_visitor.user == "admin" && by_visitor.ruser == "visitor", || format!("{su:?}"))?;
    must(by_visitor.caller_uid == visitor && by_root.caller_uid == Some(0), || format!("{su:?}"))?;
    let line =
        format!("su[{}]: pam_unix(su:session): session opened for user admin", by_visitor.caller);
    must(log.contains(&line), || format!("no `{line}`\n{log}"))?;
    must(sudo[0].user == "root" && sudo[0].ruser == "admin", || format!("{sudo:?}"))?;
    Ok("ssh, sftp, ssh -N, su, su by root and sudo are told once, with the pid of their log lines; \
        ssh without PAM is not, and `pam check` says so"
        .to_owned())
}

/// Each service of Debian's that `pam install` puts the hook into by itself: the hook tells of its
/// session, with what PAM knows of it.
pub fn tells_of_each_service(setting: &Setting) -> Tried<String> {
    let server = Machine::new()?;
    server.shell("useradd -m -s /bin/bash visitor")?;
    install_usual(setting, &server)?;
    let services = ["sshd", "login", "su", "su-l", "sudo", "sudo-i"];
    let socket = PamSocket::bind(&run_folder(&server))?;
    let (opened, heard, _socket) = while_listening(socket, || {
        let mut opened = Vec::new();
        for service in services {
            let session = format!(
                "pamtester -I rhost={FROM} -I tty=tty7 -I ruser=root {service} visitor open_session"
            );
            opened.push(server.shell(&session)?);
        }
        Ok(opened)
    })?;
    let told: Vec<&str> = heard.iter().map(|event| event.service.as_str()).collect();
    must(told == services, || format!("{told:?}: {opened:?}"))?;
    for event in &heard {
        let is_right = event.user == "visitor"
            && event.tty == "tty7"
            && event.rhost == FROM
            && event.ruser == "root"
            && event.kind == PamType::OpenSession;
        must(is_right, || format!("{event:?}"))?;
    }
    Ok(format!("told once each: {}", services.join(", ")))
}

/// One after the other, so that the order is known.
fn logins(world: &World) -> Tried<()> {
    let (attacker, server) = (&world.attacker, &world.server);
    attacker.ssh_wrong(FROM, sshd::VISITOR)?;
    attacker.ssh(FROM, sshd::VISITOR, sshd::PASSWORD, "true")?.good()?;
    let mut sftp = attacker.ssh_command(FROM, sshd::ADMIN, sshd::PASSWORD, "-s")?;
    // As the client of sftp calls it; without input it ends at once.
    run(sftp.arg("sftp"))?;
    let accepted = || server.log_text("auth.log").matches("Accepted password").count();
    let before = accepted();
    let mut tunnel = attacker
        .ssh_command(FROM, sshd::VISITOR, sshd::PASSWORD, "-N")?
        .arg("-L7001:127.0.0.1:22")
        .spawn()?;
    until_true("the tunnel is open", Duration::from_secs(20), || Ok(accepted() > before))?;
    thread::sleep(Duration::from_millis(300));
    tunnel.kill()?;
    tunnel.wait()?;
    let without = ["-f", "/dev/null", "-p", "2222", "-o", "UsePAM=no", "-o", "PidFile=none"];
    run(server.command("/usr/sbin/sshd").args(without))?;
    let mut command = attacker.ssh_command(FROM, sshd::ADMIN, sshd::PASSWORD, "-p2222")?;
    run(command.arg("true"))?;
    server.shell(&format!(
        "as() {{ runuser -u \"$1\" -- bash -c \"$2\" >/dev/null 2>&1; }}\n\
         as visitor \"echo '{0}' | su admin -c id\"\n\
         su visitor -c id >/dev/null\n\
         as admin \"echo '{0}' | sudo -S -k -p '' id\"",
        sshd::PASSWORD
    ))?;
    Ok(())
}

/// The real `sshd -T` is understood.
fn unused_pam_is_said(server: &Machine) -> Tried<()> {
    let state = "--state /run/state --service sshd --sshd-config /run/sshd_config --json";
    for (text, expected) in [("UsePAM yes", ""), ("UsePAM no", "usepam-no"), ("", "usepam-unset")] {
        let check = format!("echo '{text}' >/run/sshd_config; {PROGRAM} pam check {state} || true");
        let said = server.shell(&check)?;
        let report: serde_json::Value =
            serde_json::from_str(&said).map_err(|error| Trouble(format!("{error}: {said}")))?;
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let codes: Vec<&str> = findings.iter().filter_map(|one| one["code"].as_str()).collect();
        must(codes.join(" ") == expected, || format!("{text}: {said}"))?;
    }
    Ok(())
}

/// Puts the hook into services of the machine, with the program in a folder that is fit for it.
pub(super) fn install(setting: &Setting, server: &Machine, services: &str) -> Tried<()> {
    install_with(setting, server, &format!("--service {services}"))
}

/// The same, into those that `pam install` takes by itself.
fn install_usual(setting: &Setting, server: &Machine) -> Tried<()> {
    install_with(setting, server, "")
}

fn install_with(setting: &Setting, server: &Machine, options: &str) -> Tried<()> {
    let binary = setting.binary.canonicalize()?;
    let binary = binary.display();
    server.shell(&format!(
        "mkdir -m 755 -p /run/bin /run/state; cp {binary} {PROGRAM}\n\
         {PROGRAM} pam install --state /run/state --yes {options} >/run/installed"
    ))?;
    Ok(())
}

/// Tells the guard of a plan what was put in: it has a state folder of its own.
pub(super) fn note_installed(server: &Machine, plan: &Plan) -> Tried<()> {
    let state = plan.state.display();
    server.shell(&format!("mkdir -p {state}; cp /run/state/pam-hook {state}/pam-hook"))?;
    Ok(())
}

/// The machine's `/run/monban`, as the outside reaches it.
pub(super) fn run_folder(server: &Machine) -> PathBuf {
    PathBuf::from(format!("/proc/{}", server.pid)).join("root").join("run/monban")
}

/// Does something while another thread takes what comes.
pub(super) fn while_listening<T>(
    mut socket: PamSocket,
    work: impl FnOnce() -> Tried<T>,
) -> Tried<(T, Vec<PamEvent>, PamSocket)> {
    let is_over = AtomicBool::new(false);
    let mut heard = Vec::new();
    let done = thread::scope(|scope| {
        let listener = scope.spawn(|| -> Tried<()> {
            loop {
                let was_over = is_over.load(Ordering::Acquire);
                while let Some((event, _)) = socket.receive()? {
                    heard.push(event);
                }
                if was_over {
                    return Ok(());
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        let done = work();
        is_over.store(true, Ordering::Release);
        let listened = listener.join().map_err(|_| Trouble("the listener panicked".to_owned()));
        listened.and_then(|listened| listened.and(done))
    })?;
    Ok((done, heard, socket))
}

/// How many events and how many dropped ones lie in the spool, which is empty afterwards.
fn taken(spool: &Spool) -> Tried<(usize, u64)> {
    let (mut events, mut dropped) = (0, 0);
    while let Some(taken) = spool.take()? {
        events += taken.spooled.events.len();
        dropped += taken.spooled.dropped;
        taken.done()?;
    }
    Ok((events, dropped))
}

/// How long so many sessions of a service took to open, each, in milliseconds.
fn sessions(server: &Machine, service: &str, count: usize) -> Tried<Vec<f64>> {
    let script = format!(
        "for n in $(seq {count}); do a=${{EPOCHREALTIME/./}}\n\
         pamtester -I rhost={FROM} {service} root open_session >/dev/null\n\
         b=${{EPOCHREALTIME/./}}; echo $((b - a)); done"
    );
    let out = run(server.command("bash").args(["-euc", &script]))?.out;
    let mut times: Vec<f64> =
        out.lines().filter_map(|us| us.parse::<f64>().ok()).map(|us| us / 1000.0).collect();
    must(times.len() == count, || format!("{} of {count} sessions: {out}", times.len()))?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

struct Times<'a>(&'a [f64]);

impl std::fmt::Display for Times<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = self.0.last().copied().unwrap_or_default();
        write!(f, "{:.1}/{most:.1}", median(self.0))
    }
}
