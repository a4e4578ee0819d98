//! `[logins]`: which logins are told.

use monban_model::limits::LOGIN_RULES_MAX;
use monban_model::{LoginRule, Logins, Net, Tell};

use crate::words::word_of;
use crate::written::{Page, Table};

pub(super) fn read(root: &mut Table<'_>, page: &mut Page<'_>) -> Logins {
    let mut logins = Logins::default();
    let Some(mut table) = root.table("logins", page) else { return logins };
    logins.tell = table.text("tell", page, tell).unwrap_or_default();
    let rules = table.tables("rule", "[[logins.rule]]", page);
    if let Some((place, _)) = rules.get(LOGIN_RULES_MAX) {
        let what = format!("more than {LOGIN_RULES_MAX} rules for logins");
        page.problem(*place, what, "each login is compared with them", "use lists and `*`");
    }
    logins.rules = rules.into_iter().map(|(place, table)| rule(place, table, page)).collect();
    table.finish(page);
    logins
}

fn rule(place: usize, mut table: Table<'_>, page: &mut Page<'_>) -> LoginRule {
    let plain = |text: &str| match text.len() <= 128 {
        true => Ok(text.to_owned()),
        false => Err("more than 128 bytes".to_owned()),
    };
    let net = |text: &str| text.parse::<Net>().map_err(|error| error.to_string());
    let users = table.text_or_texts("user", page, plain).unwrap_or_default();
    let services = table.text_or_texts("service", page, plain).unwrap_or_default();
    let networks = table.text_or_texts("network", page, net).unwrap_or_default();
    let is_told = table.place("tell").is_some();
    let tell = table.text("tell", page, tell);
    if !is_told {
        let hint = "write tell = \"all\", \"new\", \"digest\" or \"none\"";
        page.problem(place, "a rule for logins has no `tell`".to_owned(), "", hint);
    }
    table.finish(page);
    LoginRule { users, services, networks, tell: tell.unwrap_or_default() }
}

fn tell(text: &str) -> Result<Tell, String> {
    word_of("answer", text, Tell::ALL, Tell::word)
}
