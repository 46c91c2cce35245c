//! Which rooms there are, and who is in them.

use std::sync::Arc;

use super::bed::{Bed, Node, Recorder, good, member, said};
use crate::broker::{Joined, RoomOptions};

/// `create`, `exists`, `rooms` and `destroy` agree, also among processes.
pub async fn rooms_exist_until_they_are_destroyed(bed: &Bed) {
    let (one, other) = (bed.first(), bed.last());
    let room = bed.name("room");
    let listed = async |node: &Node| good(node.broker.rooms().await).contains(&room);
    assert!(!one.exists(&room).await && !listed(one).await);
    assert!(!one.destroy(&room).await);
    assert!(one.create(&room).await);
    assert!(other.exists(&room).await && listed(other).await);
    assert!(!other.create(&room).await);
    assert!(other.destroy(&room).await);
    assert!(!one.exists(&room).await && !listed(one).await);
    assert!(!one.destroy(&room).await);
    assert!(one.create(&room).await);
    for at in 0..200 {
        assert!(one.create(&bed.name(&format!("many {at}"))).await);
    }
    let rooms = good(other.broker.rooms().await);
    let many = rooms
        .iter()
        .filter(|room| room.starts_with(&bed.name("many")));
    assert_eq!(many.count(), 200);
}

/// A name may hold anything, and means nothing.
pub async fn rooms_keep_their_names(bed: &Bed) {
    let long = "x".repeat(10_000);
    let names = [
        "",
        " ",
        "a",
        "A",
        "a ",
        "a:b",
        "a/b",
        "a*",
        "*",
        "?",
        "[ab]",
        "{a}",
        "\\",
        "\"'",
        "\r\n",
        "\0",
        "ü",
        "u\u{308}",
        "\u{1F600}",
        "%s",
        "a.b",
        "a>",
        "$",
        &long,
    ];
    for (at, name) in names.iter().enumerate() {
        let room = bed.name(name);
        assert!(bed.first().create(&room).await, "{name:?}");
        assert_eq!(
            bed.first().join(&room, &at.to_string()).await,
            Joined::Joined
        );
    }
    let rooms = good(bed.last().broker.rooms().await);
    for (at, name) in names.iter().enumerate() {
        let room = bed.name(name);
        assert!(rooms.contains(&room), "{name:?}");
        assert_eq!(
            bed.last().members(&room).await,
            Some(vec![at.to_string()]),
            "{name:?}"
        );
    }
    assert!(bed.first().destroy(&bed.name("*")).await);
    assert!(bed.first().exists(&bed.name("a")).await);
}

/// `join`, `leave` and `members` agree.
pub async fn members_come_and_go(bed: &Bed) {
    let node = bed.first();
    let room = bed.name("room");
    assert_eq!(node.join(&room, "a").await, Joined::NoRoom);
    assert!(!node.leave(&room, "a").await);
    assert_eq!(node.members(&room).await, None);
    node.create(&room).await;
    assert_eq!(node.members(&room).await, Some(vec![]));
    assert!(!node.leave(&room, "a").await);
    assert_eq!(node.join(&room, "a").await, Joined::Joined);
    assert_eq!(node.join(&room, "a").await, Joined::Already);
    assert_eq!(node.join(&room, "b:*\0ü").await, Joined::Joined);
    assert_eq!(
        node.members(&room).await,
        Some(vec!["a".into(), "b:*\0ü".into()])
    );
    assert!(node.leave(&room, "a").await);
    assert!(!node.leave(&room, "a").await);
    assert_eq!(node.members(&room).await, Some(vec!["b:*\0ü".into()]));
    assert!(node.leave(&room, "b:*\0ü").await);
    assert!(
        node.exists(&room).await,
        "a room is there without members too"
    );
    assert_eq!(node.join(&room, "a").await, Joined::Joined);
}

/// Each process sees the members of all, and only those of the room.
pub async fn members_are_the_same_for_all(bed: &Bed) {
    let (room, other) = (bed.room("room").await, bed.room("other").await);
    bed.first().join(&room, "x").await;
    bed.last().join(&other, "y").await;
    let all = |more: &str| {
        let mut ids: Vec<String> = (0..bed.nodes.len())
            .map(|at| format!("member {at}"))
            .collect();
        ids.push(more.to_owned());
        ids.sort();
        Some(ids)
    };
    for node in &bed.nodes {
        assert_eq!(node.members(&room).await, all("x"));
        assert_eq!(node.members(&other).await, all("y"));
    }
}

/// Of several joins of one member exactly one says [`Joined::Joined`].
pub async fn of_racing_joins_one_has_joined(bed: &Bed) {
    let room = bed.name("room");
    bed.first().create(&room).await;
    for turn in 0..20 {
        let id = format!("racer {turn}");
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (broker, room, id) = (bed.first().broker.clone(), room.clone(), id.clone());
                tokio::spawn(async move { good(broker.join(&room, member(&id)).await) })
            })
            .collect();
        let mut joined = 0;
        for task in tasks {
            match good(task.await) {
                Joined::Joined => joined += 1,
                Joined::Already => {}
                Joined::NoRoom | Joined::Full => panic!("the room is there, with places"),
            }
        }
        assert_eq!(joined, 1);
    }
}

/// Of several creations of one room exactly one says true, and so it is with destructions.
pub async fn of_racing_creations_one_has_created(bed: &Bed) {
    let room = bed.name("room");
    for _ in 0..20 {
        for create in [true, false] {
            let tasks: Vec<_> = (0..16)
                .map(|at| {
                    let node = &bed.nodes[at % bed.nodes.len()];
                    let (broker, room) = (node.broker.clone(), room.clone());
                    tokio::spawn(async move {
                        good(if create {
                            broker.create(&room, RoomOptions::default()).await
                        } else {
                            broker.destroy(&room).await
                        })
                    })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                done += usize::from(good(task.await));
            }
            assert_eq!(done, 1);
        }
    }
}

/// A room of the same name that is created afterwards is another one.
pub async fn a_destroyed_room_takes_its_members_along(bed: &Bed) {
    let room = bed.room("room").await;
    assert!(bed.last().destroy(&room).await);
    for node in &bed.nodes {
        assert_eq!(node.members(&room).await, None);
        assert!(!node.leave(&room, "member 0").await);
        assert_eq!(node.join(&room, "member 0").await, Joined::NoRoom);
    }
    assert!(bed.first().create(&room).await);
    assert_eq!(bed.last().members(&room).await, Some(vec![]));
    assert_eq!(bed.first().join(&room, "member 0").await, Joined::Joined);
}

/// Whoever joins while a room is destroyed is in no room afterwards.
pub async fn joins_that_race_a_destruction_leave_no_member(bed: &Bed) {
    let room = bed.name("room");
    for _ in 0..50 {
        bed.first().create(&room).await;
        let tasks: Vec<_> = (0..8)
            .map(|at| {
                let node = &bed.nodes[at % bed.nodes.len()];
                let (broker, room) = (node.broker.clone(), room.clone());
                tokio::spawn(async move {
                    good(broker.join(&room, member(&at.to_string())).await);
                })
            })
            .collect();
        assert!(bed.last().destroy(&room).await);
        for task in tasks {
            good(task.await);
        }
        assert_eq!(bed.first().members(&room).await, None);
        bed.first().create(&room).await;
        assert_eq!(bed.last().members(&room).await, Some(vec![]));
        bed.first().destroy(&room).await;
    }
}

/// Joins that race for the last places do not get more than there are, and who leaves makes room.
pub async fn a_room_has_no_more_members_than_places(bed: &Bed) {
    let room = bed.name("small");
    let options = RoomOptions::max_members(3);
    assert!(good(bed.first().broker.create(&room, options).await));
    let tasks: Vec<_> = (0..16)
        .map(|at| {
            let node = &bed.nodes[at % bed.nodes.len()];
            let (broker, room) = (node.broker.clone(), room.clone());
            tokio::spawn(async move { good(broker.join(&room, member(&at.to_string())).await) })
        })
        .collect();
    let mut joined = Vec::new();
    for (at, task) in tasks.into_iter().enumerate() {
        match good(task.await) {
            Joined::Joined => joined.push(at),
            other => assert_eq!(other, Joined::Full),
        }
    }
    assert_eq!(joined.len(), 3);
    assert_eq!(bed.last().members(&room).await.map(|m| m.len()), Some(3));
    let (at, id) = (joined[0] % bed.nodes.len(), joined[0].to_string());
    assert_eq!(bed.nodes[at].join(&room, &id).await, Joined::Already);
    assert!(bed.nodes[at].leave(&room, &id).await);
    assert_eq!(bed.last().join(&room, "late").await, Joined::Joined);
    assert_eq!(bed.first().join(&room, "later").await, Joined::Full);
    assert!(!bed.first().create(&room).await);
    assert_eq!(bed.first().join(&room, "later").await, Joined::Full);
}

/// A broker has one delivery.
pub async fn starting_twice_is_an_error(bed: &Bed) {
    let second = Arc::<Recorder>::default();
    assert!(bed.first().broker.start(second.clone()).await.is_err());
    let room = bed.room("room").await;
    bed.first().publish(said(&room, None, "1")).await;
    assert_eq!(bed.first().texts(&room, "1").await, ["1"]);
    assert!(second.delivered.lock().is_empty());
}
