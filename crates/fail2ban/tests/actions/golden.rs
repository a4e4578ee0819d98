//! Specifications of shipped actions with what fail2ban 1.0.2 makes of them.
//!
//! The commands themselves are fail2ban's. What is kept here is how many there are, and a digest
//! of them that was recorded from fail2ban itself (`MONBAN_RECORD=1` prints the table anew).

use std::path::Path;

use monban_fail2ban::action::{Ticket, Time};
use monban_model::JailJob;

use super::oracle::{Answer, Oracle, Row, ours};
use super::stock::with_jails;
use super::values;

/// An action as a jail names it, its commands, and their digest.
const TABLE: &[(&str, usize, u64)] = &[
    (r#"nftables-multiport[port="80,443", protocol="tcp,sctp"]"#, 13, 0x5b39_039c_c78d_ac97),
    (r#"nftables-allports[protocol="udp"]"#, 13, 0xd4f3_9792_07af_372c),
    (r#"nftables[type=allports, protocol=icmp]"#, 13, 0x0461_db98_4f17_efd5),
    (
        r#"dummy[init="<family> <ip> for <bantime>, <bancount>", target="./noted"]"#,
        8,
        0x7cc9_fa3e_fb8b_a54f,
    ),
    (r#"hostsdeny[actionstop="true <file>", file="./deny"]"#, 6, 0x62c6_4144_094f_80e4),
    (
        r#"iptables-multiport[bantime=1h, port="80,443", protocol="tcp,udp", chain="<known/chain>"]"#,
        13,
        0x5351_aa47_e912_aed5,
    ),
    (r#"iptables-allports[bantime=1h, protocol="tcp", chain=FORWARD]"#, 13, 0xfdd5_55bb_425b_86b8),
    (r#"iptables-ipset-proto6[port=ssh, chain="<known/chain>"]"#, 13, 0xcd45_ba55_86af_8a8b),
    (r#"iptables-ipset-proto6-allports[chain=FORWARD]"#, 13, 0x64b6_80e4_4daf_fc8e),
    (
        r#"iptables-ipset[type=multiport, port="1,2", ipsettime="<timeout-bantime>"]"#,
        13,
        0x0965_5046_670a_986f,
    ),
    (r#"iptables[port=ssh, protocol=tcp, blocktype=DROP]"#, 13, 0xefcd_bf90_3833_1ad9),
    (r#"iptables-new[port=ssh, chain="<known/chain>"]"#, 13, 0x42d7_9e31_f471_c974),
    (r#"iptables-xt_recent-echo[chain="<known/chain>"]"#, 11, 0x39a7_541a_a68c_0ca9),
    (r#"pf[actionstart_on_demand=false]"#, 11, 0x8fb1_d7b6_27ad_327d),
    (r#"pf[actiontype=<multiport>][port="80,443"]"#, 11, 0x2898_0d50_1e6a_a8ee),
    (r#"pf[actiontype=<allports>, actionstart_on_demand=true]"#, 10, 0xd700_203a_5086_16c6),
    (r#"firewallcmd-multiport[port="80,443", chain="<known/chain>"]"#, 11, 0xc3f4_9f42_e09f_ab01),
    (r#"firewallcmd-allports[protocol=udp]"#, 11, 0x0931_0839_7851_754e),
    (r#"firewallcmd-ipset[port=ssh]"#, 11, 0xa7f1_77e0_0096_a3bf),
    (r#"firewallcmd-ipset[actiontype=<allports>, ipsettype=firewalld]"#, 9, 0x8e11_c3aa_7877_2746),
    (r#"firewallcmd-rich-rules[port="22:24"]"#, 5, 0xb03b_d507_3f2d_6324),
    (r#"firewallcmd-rich-logging[port="22:24", level=warning]"#, 5, 0xf7f9_a7db_629d_848b),
    (r#"mail-whois-lines[name="a mail", dest=you, logpath="/dev/null"]"#, 5, 0x1acf_bbd4_da45_9acd),
    (r#"sendmail-whois-lines[dest=you, sender=me, logpath="/dev/null"]"#, 5, 0xcd29_f5db_78a5_cdef),
    (r#"sendmail[dest=you]"#, 5, 0x4080_30b7_420f_e20c),
    (r#"complain[logpath="/dev/null", mailcmd="mail -s"]"#, 3, 0x55cd_a059_a88b_51d3),
];

fn row() -> Row {
    let nobody = Ticket::of_nobody(Time::Whole(1), values::COUNTERS);
    let four = Ticket::new(values::address("192.0.2.44"), Time::Whole(1_700_000_000));
    let six = Ticket::new(values::address("2001:db8:44::1"), Time::Whole(1_700_000_000));
    let steps = vec![
        (JailJob::Start, nobody.clone()),
        (JailJob::Ban, four.clone()),
        (JailJob::Unban, four.clone()),
        (JailJob::Ban, six.clone()),
        (JailJob::Unban, six.clone()),
        (JailJob::Check, nobody.clone()),
        (JailJob::Ban, four),
        (JailJob::Prolong, six),
        (JailJob::Flush { stopping: true }, nobody.clone()),
        (JailJob::Stop, nobody),
    ];
    Row { steps, fails: Vec::new() }
}

/// FNV-1a over all texts, each with its end.
fn digest(answers: &[Answer]) -> (usize, u64) {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut count = 0;
    for answer in answers {
        for byte in answer.commands.iter().flatten().flat_map(|t| t.bytes().chain([0])).chain([1]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        count += answer.commands.len();
    }
    (count, hash)
}

#[test]
fn the_recorded_specifications_have_the_same_commands() {
    let folder = Path::new("/etc/fail2ban");
    if !folder.join("jail.conf").is_file() {
        println!("left out: no configuration of fail2ban is installed");
        return;
    }
    let Some(mut oracle) = Oracle::start() else { return };
    let record = std::env::var_os("MONBAN_RECORD").is_some();
    for (at, (action, count, recorded)) in TABLE.iter().enumerate() {
        let found = with_jails(folder, &[(format!("gold-{at}"), (*action).to_owned())]);
        let jail = found.jail(&format!("gold-{at}")).expect("it can be read");
        let theirs = oracle.ask(jail, &row());
        if record {
            let (count, hash) = digest(&theirs);
            println!("    (r#\"{action}\"#, {count}, {hash:#018x}),");
            continue;
        }
        let ours = ours(jail, &row());
        assert_eq!(ours, theirs, "{action}");
        assert_eq!(digest(&ours), (*count, *recorded), "{action}: not fail2ban 1.0.2?");
    }
    println!("{} specifications", TABLE.len());
}
