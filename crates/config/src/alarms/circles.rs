//! Alarms over alarms: whether those that they name are there, and none looks at itself.

use monban_model::{AlarmSpec, Watch};

use crate::words::meant;
use crate::written::Page;

/// How far one was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Not,
    Within,
    Done,
}

pub(super) fn check(alarms: &[(usize, AlarmSpec)], page: &mut Page<'_>) {
    let names = || alarms.iter().map(|(_, alarm)| alarm.name.as_str());
    let children = |at: usize| match &alarms[at].1.watch {
        Watch::Rule(rule) => rule.children(),
        Watch::Metric(_) => Vec::new(),
    };
    for (at, (place, alarm)) in alarms.iter().enumerate() {
        for name in children(at).into_iter().filter(|name| names().all(|known| known != *name)) {
            let what =
                format!("the rule of `{}` names `{name}`, and no alarm is called so", alarm.name);
            page.problem(*place, what, "its state would never be known", &meant(name, names()));
        }
    }
    let links: Vec<Vec<usize>> = (0..alarms.len())
        .map(|at| {
            let place = |name| names().position(|known| known == name);
            children(at).into_iter().filter_map(place).collect()
        })
        .collect();
    let mut looked = vec![Look::Not; alarms.len()];
    for start in 0..alarms.len() {
        if let Some(circle) = circle_from(start, &links, &mut looked) {
            let names: Vec<&str> = circle.iter().map(|at| alarms[*at].1.name.as_str()).collect();
            let what = format!("alarms look at each other in a circle: {}", names.join(", "));
            page.problem(alarms[circle[0]].0, what, "none of them could be evaluated first", "");
        }
    }
}

/// A circle that can be reached from there, if any. A stack of its own: 512 alarms may stand in a
/// row.
fn circle_from(start: usize, links: &[Vec<usize>], looked: &mut [Look]) -> Option<Vec<usize>> {
    if looked[start] != Look::Not {
        return None;
    }
    let mut path = vec![(start, 0)];
    looked[start] = Look::Within;
    while let Some((at, next)) = path.last_mut() {
        match links[*at].get(*next) {
            None => {
                looked[*at] = Look::Done;
                path.pop();
            }
            Some(&child) => {
                *next += 1;
                match looked[child] {
                    Look::Done => {}
                    Look::Not => {
                        looked[child] = Look::Within;
                        path.push((child, 0));
                    }
                    Look::Within => {
                        let from = path.iter().position(|(at, _)| *at == child).unwrap_or(0);
                        let circle = path[from..].iter().map(|(at, _)| *at).collect();
                        path.iter().for_each(|(at, _)| looked[*at] = Look::Done);
                        return Some(circle);
                    }
                }
            }
        }
    }
    None
}
