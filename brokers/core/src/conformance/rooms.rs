//! Which rooms there are, and who is in them.

use std::sync::Arc;

use super::fixture::{Fixture, Node, Recorder, member, said, succeeded};
use crate::{Joined, RoomOptions};

/// `create`, `exists`, `rooms` and `destroy` agree, also among processes.
pub async fn rooms_exist_until_they_are_destroyed(fixture: &Fixture) {
    let (one, other) = (fixture.first(), fixture.last());
    let room = fixture.name("room");
    let listed = async |node: &Node| succeeded(node.broker.rooms().await).contains(&room);
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
        assert!(one.create(&fixture.name(&format!("many {at}"))).await);
    }
    let rooms = succeeded(other.broker.rooms().await);
    let many = rooms
        .iter()
        .filter(|room| room.starts_with(&fixture.name("many")));
    assert_eq!(many.count(), 200);
}

/// A name may hold anything, and means nothing.
pub async fn rooms_keep_their_names(fixture: &Fixture) {
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
        let room = fixture.name(name);
        assert!(fixture.first().create(&room).await, "{name:?}");
        assert_eq!(
            fixture.first().join(&room, &at.to_string()).await,
            Joined::Joined
        );
    }
    let rooms = succeeded(fixture.last().broker.rooms().await);
    for (at, name) in names.iter().enumerate() {
        let room = fixture.name(name);
        assert!(rooms.contains(&room), "{name:?}");
        assert_eq!(
            fixture.last().members(&room).await,
            Some(vec![at.to_string()]),
            "{name:?}"
        );
    }
    assert!(fixture.first().destroy(&fixture.name("*")).await);
    assert!(fixture.first().exists(&fixture.name("a")).await);
}

/// `join`, `leave` and `members` agree.
pub async fn members_come_and_go(fixture: &Fixture) {
    let node = fixture.first();
    let room = fixture.name("room");
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
pub async fn members_are_the_same_for_all(fixture: &Fixture) {
    let (room, other) = (fixture.room("room").await, fixture.room("other").await);
    fixture.first().join(&room, "x").await;
    fixture.last().join(&other, "y").await;
    let all = |more: &str| {
        let mut ids: Vec<String> = (0..fixture.nodes.len())
            .map(|at| format!("member {at}"))
            .collect();
        ids.push(more.to_owned());
        ids.sort();
        Some(ids)
    };
    for node in &fixture.nodes {
        assert_eq!(node.members(&room).await, all("x"));
        assert_eq!(node.members(&other).await, all("y"));
    }
}

/// Of several joins of one member exactly one says [`Joined::Joined`].
pub async fn of_racing_joins_one_has_joined(fixture: &Fixture) {
    let room = fixture.name("room");
    fixture.first().create(&room).await;
    for turn in 0..20 {
        let id = format!("racer {turn}");
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (broker, room, id) = (fixture.first().broker.clone(), room.clone(), id.clone());
                tokio::spawn(async move { succeeded(broker.join(&room, member(&id)).await) })
            })
            .collect();
        let mut joined = 0;
        for task in tasks {
            match succeeded(task.await) {
                Joined::Joined => joined += 1,
                Joined::Already => {}
                Joined::NoRoom | Joined::Full => panic!("the room is there, with places"),
            }
        }
        assert_eq!(joined, 1);
    }
}

/// Of several creations of one room exactly one says true, and so it is with destructions.
pub async fn of_racing_creations_one_has_created(fixture: &Fixture) {
    let room = fixture.name("room");
    for _ in 0..20 {
        for create in [true, false] {
            let tasks: Vec<_> = (0..16)
                .map(|at| {
                    let node = &fixture.nodes[at % fixture.nodes.len()];
                    let (broker, room) = (node.broker.clone(), room.clone());
                    tokio::spawn(async move {
                        succeeded(if create {
                            broker.create(&room, RoomOptions::default()).await
                        } else {
                            broker.destroy(&room).await
                        })
                    })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                done += usize::from(succeeded(task.await));
            }
            assert_eq!(done, 1);
        }
    }
}

/// A room of the same name that is created afterwards is another one.
pub async fn a_destroyed_room_takes_its_members_along(fixture: &Fixture) {
    let room = fixture.room("room").await;
    assert!(fixture.last().destroy(&room).await);
    for node in &fixture.nodes {
        assert_eq!(node.members(&room).await, None);
        assert!(!node.leave(&room, "member 0").await);
        assert_eq!(node.join(&room, "member 0").await, Joined::NoRoom);
    }
    assert!(fixture.first().create(&room).await);
    assert_eq!(fixture.last().members(&room).await, Some(vec![]));
    assert_eq!(
        fixture.first().join(&room, "member 0").await,
        Joined::Joined
    );
}

/// Whoever joins while a room is destroyed is in no room afterwards.
pub async fn joins_that_race_a_destruction_leave_no_member(fixture: &Fixture) {
    let room = fixture.name("room");
    for _ in 0..50 {
        fixture.first().create(&room).await;
        let tasks: Vec<_> = (0..8)
            .map(|at| {
                let node = &fixture.nodes[at % fixture.nodes.len()];
                let (broker, room) = (node.broker.clone(), room.clone());
                tokio::spawn(async move {
                    succeeded(broker.join(&room, member(&at.to_string())).await);
                })
            })
            .collect();
        assert!(fixture.last().destroy(&room).await);
        for task in tasks {
            succeeded(task.await);
        }
        assert_eq!(fixture.first().members(&room).await, None);
        fixture.first().create(&room).await;
        assert_eq!(fixture.last().members(&room).await, Some(vec![]));
        fixture.first().destroy(&room).await;
    }
}

/// Joins that race for the last places do not get more than there are, and who leaves makes room.
pub async fn a_room_has_no_more_members_than_places(fixture: &Fixture) {
    let room = fixture.name("small");
    let options = RoomOptions::max_members(3);
    assert!(succeeded(
        fixture.first().broker.create(&room, options).await
    ));
    let tasks: Vec<_> = (0..16)
        .map(|at| {
            let node = &fixture.nodes[at % fixture.nodes.len()];
            let (broker, room) = (node.broker.clone(), room.clone());
            tokio::spawn(
                async move { succeeded(broker.join(&room, member(&at.to_string())).await) },
            )
        })
        .collect();
    let mut joined = Vec::new();
    for (at, task) in tasks.into_iter().enumerate() {
        match succeeded(task.await) {
            Joined::Joined => joined.push(at),
            other => assert_eq!(other, Joined::Full),
        }
    }
    assert_eq!(joined.len(), 3);
    assert_eq!(
        fixture.last().members(&room).await.map(|m| m.len()),
        Some(3)
    );
    let (at, id) = (joined[0] % fixture.nodes.len(), joined[0].to_string());
    assert_eq!(fixture.nodes[at].join(&room, &id).await, Joined::Already);
    assert!(fixture.nodes[at].leave(&room, &id).await);
    assert_eq!(fixture.last().join(&room, "late").await, Joined::Joined);
    assert_eq!(fixture.first().join(&room, "later").await, Joined::Full);
    assert!(!fixture.first().create(&room).await);
    assert_eq!(fixture.first().join(&room, "later").await, Joined::Full);
}

/// A broker has one delivery.
pub async fn starting_twice_is_an_error(fixture: &Fixture) {
    let second = Arc::<Recorder>::default();
    assert!(fixture.first().broker.start(second.clone()).await.is_err());
    let room = fixture.room("room").await;
    fixture.first().publish(said(&room, None, "1")).await;
    assert_eq!(fixture.first().texts(&room, "1").await, ["1"]);
    assert!(second.delivered.lock().is_empty());
}
