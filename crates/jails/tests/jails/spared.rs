//! Failures that are not counted.

use monban_jails::{Spared, Told};
use monban_model::JailRowKind;

use super::BOB;
use super::world::{TWO, World};

#[test]
fn what_was_spared_is_known_with_its_list_over_a_restart_and_forgotten_in_time() {
    let mut world = World::new(TWO);
    let net = |text: &str| text.parse().unwrap();
    let (own, listed) = (net("192.0.2.1"), net("198.51.100.0/24"));
    world.jails.allow(vec![own, listed], vec![own]);
    world.client("set two addignoreip 203.0.113.0/24");
    for _ in 0..3 {
        world.line("/one.log", BOB);
        world.line("/two.log", "no eve from 198.51.100.7");
        world.line("/two.log", "no eve from 203.0.113.9");
    }
    let told = world.told();
    assert!(told.len() == 9 && told.iter().all(|one| one.contains("spared")), "{told:?}");
    world.commit();
    world.restart();
    world.jails.allow(vec![own, listed], vec![own]);
    world.line("/one.log", BOB);
    world.commit();
    let spared = |world: &World, jail: &str, id: &str| {
        let known = world.spared(jail, id).expect("a row");
        (known.count, known.by)
    };
    assert_eq!(spared(&world, "one", "192.0.2.1"), (4, Spared::Own));
    assert_eq!(spared(&world, "two", "198.51.100.7"), (3, Spared::Allowed(listed)));
    assert_eq!(spared(&world, "two", "203.0.113.9"), (3, Spared::Address));
    assert_eq!(world.counted("one", "192.0.2.1"), None);
    // As long as fail2ban keeps bans that are over: `dbpurgeage`.
    world.tick(86_460);
    world.commit();
    assert_eq!(world.committed(JailRowKind::Spared), 0);
}

#[test]
fn a_flood_of_spared_addresses_stays_bounded() {
    let mut world = World::new(TWO);
    world.jails.allow(vec!["10.0.0.0/8".parse().unwrap()], vec![]);
    for number in 0..5000 {
        let (high, low) = (number / 256, number % 256);
        world.line("/one.log", &format!("no eve from 10.0.{high}.{low}"));
    }
    world.commit();
    let most = monban_model::limits::JAIL_SPARED_MAX;
    assert_eq!(world.committed(JailRowKind::Spared), most);
}

#[test]
fn a_network_that_holds_an_allowed_address_is_spared_and_not_banned_in_a_circle() {
    let mut world = World::new(TWO);
    let net = |text: &str| text.parse().unwrap();
    world.write("filter.d/x.conf", "[Definition]\nfailregex = ^ no \\S+ from <SUBNET>$\n");
    world.set_up();
    world.jails.allow(vec![net("192.0.2.1"), net("198.51.100.7")], vec![net("192.0.2.1")]);
    world.news();
    for _ in 0..2 {
        for wide in ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"] {
            world.line("/two.log", &format!("no eve from {wide}"));
        }
    }
    let told: Vec<Told> = world.news().into_iter().map(|one| one.told).collect();
    let spared = |by: Spared| told.iter().filter(|told| **told == Told::Ignored(by)).count();
    assert_eq!(spared(Spared::Own), 2, "{told:?}");
    assert_eq!(spared(Spared::Allowed(net("198.51.100.7"))), 2);
    let ordered = world.ordered();
    assert!(ordered.iter().all(|(_, _, address)| address == "203.0.113.0/24"), "{ordered:?}");
}

#[test]
fn a_list_that_a_reload_cannot_read_goes_on_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list").display().to_string();
    let listed = TWO.replace("[two]", &format!("[two]\nignoreip = file:{path}"));
    let lost = |world: &World| -> Vec<(String, bool)> {
        let lost = world.jails.lost_lists();
        lost.map(|(jail, list, goes_on)| (format!("{jail} {list}"), goes_on)).collect()
    };
    let named = format!("two {path}");
    // At a start there is nothing before.
    let mut world = World::new(&listed);
    assert_eq!(lost(&world), [(named.clone(), false)]);
    // What else is spared can be changed meanwhile.
    world.client("set two addignoreip 203.0.113.9");
    world.line("/two.log", "no eve from 203.0.113.9");
    assert_eq!(world.told(), ["two spared 203.0.113.9"]);
    std::fs::write(&path, "198.51.100.0/24\n").unwrap();
    world.set_up();
    assert_eq!(lost(&world), []);
    std::fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        world.set_up();
        assert_eq!(lost(&world), [(named.clone(), true)]);
        world.line("/two.log", "no eve from 198.51.100.7");
        assert_eq!(world.told(), ["two spared 198.51.100.7"]);
    }
    std::fs::write(&path, "").unwrap();
    world.set_up();
    world.line("/two.log", "no eve from 198.51.100.7");
    assert_eq!((lost(&world).len(), world.told().len()), (0, 1));
}
