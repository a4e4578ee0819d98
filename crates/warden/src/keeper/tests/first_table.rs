use monban_model::wire::ToActor;

use super::acting::{Shared, to_actor};
use super::namespace::in_namespace;
use super::*;

#[test]
fn the_actor_is_told_its_work_when_the_logs_are_read_or_after_a_while() {
    let name = "the_actor_is_told_its_work_when_the_logs_are_read_or_after_a_while";
    in_namespace(&format!("keeper::tests::first_table::{name}"), || {
        let caught_up = |keeper: &mut Keeper<'_>, around: &Shared| {
            say(around, &ToWarden::CaughtUp);
            keeper.hear_watcher();
        };
        for way in ["read", "tick", "lost", "stop"] {
            let load = Load { jails: true, ..Load::default() };
            let wall = Wall::open().map_err(|error| error.to_string());
            beginning(load, wall, |keeper, around, folder| {
                std::fs::write(folder.join("jails-run"), "").unwrap();
                say(around, &ToWarden::Ready { reload: 0, lacks: vec![] });
                keeper.hear_watcher();
                assert!(around.borrow().actor.is_none(), "{way}");
                match way {
                    "read" => caught_up(keeper, around),
                    "tick" => keeper.tick(),
                    "lost" => {
                        keeper.lose_watcher();
                        keeper.tick();
                    }
                    _ => {
                        keeper.stopping = true;
                        caught_up(keeper, around);
                        assert!(around.borrow().actor.is_none(), "it would only have to end");
                        assert!(folder.join("jails-run").exists(), "for the next run");
                        return;
                    }
                }
                assert_eq!(to_actor(around), [ToActor::Table { reload: 0 }], "{way}");
                assert_eq!(around.borrow().again, [true]);
                if way != "lost" {
                    caught_up(keeper, around);
                }
                keeper.tick();
                assert_eq!(to_actor(around), [], "{way}: once");
            });
        }
    });
}
