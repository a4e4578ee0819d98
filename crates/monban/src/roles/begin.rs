//! What `monban run` says of itself before it begins.

use monban_config::Bundle;
use monban_model::Net;
use monban_views::Say;
use monban_warden::{AllowList, Load, Wall};
use serde_json::{Value, json};

use crate::place::Place;
use crate::{discover, out, shipped};

/// The first words of a run.
pub struct Beginning<'a> {
    /// Where things lie.
    pub place: &'a Place,
    /// What is watched, and who is never blocked.
    pub load: &'a Load,
    /// The firewall, or why there is none.
    pub wall: &'a Result<Wall, String>,
}

impl Beginning<'_> {
    /// For people. The watcher goes on with its rules and the logs that it reads.
    pub fn text(&self, say: &Say) {
        let line = |key: &str, name: &str, value: &str| out::line(say.text(key, &[(name, value)]));
        line("start-version", "version", env!("CARGO_PKG_VERSION"));
        match self.wall {
            Ok(_) => line("start-guards", "firewall", "nftables"),
            Err(why) => line("start-observes", "why", why),
        }
        let nets: Vec<String> =
            self.allowed().into_iter().map(|(net, _)| net.to_string()).collect();
        if !nets.is_empty() {
            line("start-allows", "nets", &nets.join(", "));
        }
        line("start-state", "path", &self.place.state.display().to_string());
        if self.load.journal {
            out::line(say.text("start-journal", &[]));
        }
    }

    /// The same for machines, as one object; `allow` says of each network why it is there.
    pub fn json(&self) -> Value {
        let allow = |(net, why): (Net, &str)| json!({"net": net.to_string(), "why": why});
        let bundle = Bundle::from_bytes(&self.load.bundle).unwrap_or_default();
        json!({
            "event": "start",
            "version": env!("CARGO_PKG_VERSION"),
            "mode": if self.wall.is_ok() { "guard" } else { "observe" },
            "firewall": self.wall.is_ok().then_some("nftables"),
            "why": self.wall.as_ref().err(),
            "state": self.place.state.to_string_lossy(),
            "sources": discover::present(&self.load.patterns),
            "journal": self.load.journal,
            "rules": shipped::rule_files(&bundle),
            "allow": self.allowed().into_iter().map(allow).collect::<Vec<_>>(),
        })
    }

    /// Who is never blocked, and by whose word.
    fn allowed(&self) -> Vec<(Net, &'static str)> {
        let Ok(list) = AllowList::open(&self.place.state, self.load.allow.clone()) else {
            return Vec::new();
        };
        let why = |net: &Net| match () {
            () if self.load.allow.contains(net) => "configuration",
            () if list.own().contains(net) => "this-machine",
            () => "operator",
        };
        list.nets().into_iter().map(|net| (net, why(&net))).collect()
    }
}
