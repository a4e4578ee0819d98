//! What a user writes into `~/.pam_environment`, which Debian's sshd reads for his session.

use monban_model::wire::PamType;
use monban_warden::pam::PamSocket;

use crate::checks::pam_hook::{PROGRAM, install, run_folder, while_listening};
use crate::checks::ssh;
use crate::machine::{Machine, World};
use crate::runner::Setting;
use crate::sshd;
use crate::trouble::{Tried, must};

const FROM: &str = "203.0.113.41";

/// The dynamic loader does as it is told by the user where the hook stands behind Debian's rule,
/// and `pam check` says that it is `critical`. Put in by `pam install` it stands before.
pub fn reaches_no_hook(setting: &Setting) -> Tried<String> {
    let world = ssh::server()?;
    let server = &world.server;
    // What `LD_PRELOAD` would do needs a compiler; `LD_DEBUG` is obeyed in the same cases.
    server.shell(&format!(
        "mkdir -m 1777 /run/loader\n\
         cat >~{0}/.pam_environment <<'END'\n\
         PAM_TYPE DEFAULT=close_session\n\
         LD_DEBUG DEFAULT=files\n\
         LD_DEBUG_OUTPUT DEFAULT=/run/loader/said\n\
         END\n\
         chown {0}: ~{0}/.pam_environment\n\
         cp /etc/pam.d/sshd /run/sshd.before",
        sshd::VISITOR
    ))?;
    install(setting, server, "sshd")?;
    let (said, kinds) = login(&world)?;
    let is_safe = said == 0 && kinds == [PamType::OpenSession];
    must(is_safe, || format!("the loader said {said}, the hook {kinds:?}"))?;
    must(codes(server)?.is_empty(), || format!("pam check: {:?}", codes(server)))?;

    let at_end = format!(
        "grep pam-hook /etc/pam.d/sshd >/run/line; cat /run/sshd.before /run/line >/etc/pam.d/sshd; \
         {PROGRAM} pam install --state /run/state --service sshd --dry-run >/run/moved || true"
    );
    server.shell(&at_end)?;
    let (said, kinds) = login(&world)?;
    let is_open = said > 0 && kinds == [PamType::OpenSession];
    must(is_open, || format!("behind the rule: the loader said {said}, the hook {kinds:?}"))?;
    let found = codes(server)?;
    must(found == ["hook-user-environment"], || format!("pam check: {found:?}"))?;

    install(setting, server, "sshd")?;
    let (said, kinds) = login(&world)?;
    must(said == 0 && kinds.len() == 1, || format!("moved: {said}, {kinds:?}"))?;
    Ok("put in by `pam install`, nothing of it reaches the hook; behind Debian's rule the loader \
        obeys it, `pam check` says so, and `pam install` moves the line"
        .to_owned())
}

/// How many files the loader wrote in the course of a login, and what the hook told of.
fn login(world: &World) -> Tried<(usize, Vec<PamType>)> {
    let server = &world.server;
    let socket = PamSocket::bind(&run_folder(server))?;
    let (_, heard, _socket) = while_listening(socket, || {
        world.attacker.ssh(FROM, sshd::VISITOR, sshd::PASSWORD, "true")?.good()
    })?;
    // The shell of the login is the user's own and may say what it likes.
    let of_root = "find /run/loader -type f -user root | wc -l; rm -f /run/loader/*";
    let said = server.shell(of_root)?.trim().parse().unwrap_or(usize::MAX);
    Ok((said, heard.iter().map(|event| event.kind).collect()))
}

/// What `pam check` finds critical.
fn codes(server: &Machine) -> Tried<Vec<String>> {
    let json = format!("{PROGRAM} pam check --state /run/state --service sshd --json || true");
    let report: serde_json::Value = serde_json::from_str(&server.shell(&json)?).unwrap_or_default();
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let critical = findings.iter().filter(|one| one["severity"] == "critical");
    Ok(critical.filter_map(|one| one["code"].as_str()).map(str::to_owned).collect())
}
