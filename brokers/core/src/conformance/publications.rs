//! What is published, and to whom it is delivered.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::fixture::{Fixture, said, succeeded, text, within_deadline};
use crate::{Content, Joined, Publication, PublicationKind, RoomOptions, Target};

/// A publication reaches each process once, its own included, with all that is in it.
pub async fn publications_are_delivered_once_and_untouched(fixture: &Fixture) {
    const LAST: &str = "\"the last\"";
    let room = fixture.room("room").await;
    let other = fixture.room("other").await;
    let long = format!("\"{}\"", "ü".repeat(100_000));
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let contents = [
        "null",
        "true",
        "0.1",
        "-0.0",
        "1e400",
        "123456789012345678901234567890",
        r#""""#,
        r#""\ud800 alone""#,
        r#""\u2028\u0000""#,
        "\"\u{2028}\u{1F600}\"",
        r#"{"b":1, "a":[ ],"b":2}"#,
        &long,
        &deep,
    ];
    let node = fixture.last();
    for (at, json) in contents.into_iter().enumerate() {
        let from = (at % 2 == 0).then_some("the publisher");
        node.publish(said(&room, from, json)).await;
    }
    for from in [None, Some("the publisher")] {
        node.publish(said(&room, from, LAST)).await;
    }
    for node in &fixture.nodes {
        let target = Target::Room(room.as_str().into());
        let mut expected: Vec<String> = contents.map(str::to_owned).to_vec();
        expected.extend([LAST.to_owned(), LAST.to_owned()]);
        expected.sort();
        // The connection and the server are two publishers, and each has its last.
        for from in [None, Some("the publisher")] {
            node.receives(&target, LAST, |p| {
                p.from.as_deref() == from && text(p) == Some(LAST)
            })
            .await;
        }
        let delivered = node.delivered(&target);
        let mut texts: Vec<&str> = delivered.iter().filter_map(text).collect();
        texts.sort_unstable();
        assert_eq!(texts, expected);
        for publication in delivered.iter().filter(|p| text(p) != Some(LAST)) {
            assert_eq!(publication.sent_at, 5_678);
            assert!(matches!(publication.kind, PublicationKind::Say(_)));
            let sent = text(publication);
            let at = contents.iter().position(|json| sent == Some(*json));
            let from = at.is_some_and(|at| at % 2 == 0).then_some("the publisher");
            assert_eq!(publication.from.as_deref(), from);
        }
        assert!(
            node.delivered(&Target::Room(other.as_str().into()))
                .is_empty()
        );
    }
}

/// What one publisher publishes to a room is delivered everywhere in that order.
pub async fn publications_of_a_publisher_keep_their_order(fixture: &Fixture) {
    const EACH: usize = 500;
    let rooms = [fixture.room("one").await, fixture.room("two").await];
    let tasks: Vec<_> = (0..4_usize)
        .map(|at| {
            let broker = fixture.nodes[at % fixture.nodes.len()].broker.clone();
            let rooms = rooms.clone();
            tokio::spawn(async move {
                let from = format!("publisher {at}");
                for n in 0..EACH {
                    let publication = said(&rooms[n % 2], Some(&from), &n.to_string());
                    succeeded(broker.publish(publication).await);
                }
            })
        })
        .collect();
    for task in tasks {
        succeeded(task.await);
    }
    for node in &fixture.nodes {
        for (at, room) in rooms.iter().enumerate() {
            let target = Target::Room(room.as_str().into());
            within_deadline("the publications", async {
                while node.delivered(&target).len() < 4 * EACH / 2 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
            let mut received: HashMap<String, Vec<String>> = HashMap::new();
            for publication in node.delivered(&target) {
                let from = publication.from.as_deref().unwrap_or_default().to_owned();
                let sent = text(&publication).unwrap_or_default().to_owned();
                received.entry(from).or_default().push(sent);
            }
            let expected: Vec<String> = (0..EACH)
                .filter(|n| n % 2 == at)
                .map(|n| n.to_string())
                .collect();
            assert_eq!(received.len(), 4);
            assert!(received.values().all(|sent| *sent == expected));
        }
    }
}

/// Publications that are not for a room reach every process, which knows its connections.
pub async fn one_connection_and_all_can_be_published_to(fixture: &Fixture) {
    let id: Arc<str> = fixture.name("connection").as_str().into();
    let one = Target::Connection(id);
    let push = |target: &Target, json: &str| {
        let kind = PublicationKind::Push(succeeded(Content::new(json)));
        Publication::new(target.clone(), kind)
    };
    let mark = succeeded(serde_json::to_string(&fixture.mark));
    fixture.first().publish(push(&one, "for one")).await;
    fixture
        .first()
        .publish(push(&Target::All, &fixture.mark))
        .await;
    for node in &fixture.nodes {
        node.receives(&one, "the push", |p| text(p) == Some("\"for one\""))
            .await;
        node.receives(&Target::All, "the push", |p| text(p) == Some(&mark))
            .await;
        assert_eq!(node.delivered(&one).len(), 1);
        let all = node.delivered(&Target::All);
        let mine: Vec<_> = all.iter().filter(|p| text(p) == Some(&mark)).collect();
        assert_eq!(mine.len(), 1);
        assert!(matches!(mine[0].kind, PublicationKind::Push(_)));
    }
}

/// What is for several rooms reaches each process once, whichever of them it has members of, with
/// whom it leaves out.
pub async fn several_rooms_are_published_to_once(fixture: &Fixture) {
    let (here, there) = (fixture.room("here").await, fixture.name("there"));
    assert!(fixture.first().create(&there).await);
    assert_eq!(
        fixture.last().join(&there, "one more").await,
        Joined::Joined
    );
    let names = [here.as_str(), there.as_str()].map(Arc::from);
    let target = Target::Rooms(names.into());
    let publication = said("", None, "\"to both\"")
        .to(target.clone())
        .except(Some("member 0".into()));
    fixture.first().publish(publication).await;
    fixture.first().publish(said(&here, None, "\"last\"")).await;
    for node in &fixture.nodes {
        let is_it = |p: &Publication| text(p) == Some("\"to both\"");
        node.receives(&target, "what is for both", is_it).await;
        node.texts(&here, "\"last\"").await;
        let delivered = node.delivered(&target);
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0].except.as_deref(), Some("member 0"));
    }
}

/// The members of a destroyed room are sent once, behind all that was said before.
pub async fn a_destruction_is_delivered_once_after_what_was_said_before(fixture: &Fixture) {
    let room = fixture.room("room").await;
    let target = Target::Room(room.as_str().into());
    for n in 0..50 {
        fixture
            .first()
            .publish(said(&room, None, &n.to_string()))
            .await;
    }
    assert!(fixture.first().destroy(&room).await);
    assert!(!fixture.first().destroy(&room).await);
    assert!(!fixture.last().destroy(&room).await);
    let is_end = |p: &Publication| matches!(p.kind, PublicationKind::Destroyed);
    for node in &fixture.nodes {
        node.receives(&target, "the destruction", is_end).await;
    }
    // Told behind it, in a room of the same name, so a second one would be known by now.
    let again = fixture.room("room").await;
    assert_eq!(again, room);
    fixture
        .first()
        .publish(said(&room, None, "\"again\""))
        .await;
    for node in &fixture.nodes {
        let texts = node.texts(&room, "\"again\"").await;
        let expected = (0..50)
            .map(|n| n.to_string())
            .chain(["\"again\"".to_owned()]);
        assert_eq!(texts, expected.collect::<Vec<_>>());
        let delivered = node.delivered(&target);
        assert_eq!(delivered.iter().filter(|p| is_end(p)).count(), 1);
        assert!(is_end(&delivered[50]));
    }
}

/// To a room that there is not, or not any more, nothing need be delivered, and all else is.
pub async fn publications_to_rooms_that_are_gone_do_no_harm(fixture: &Fixture) {
    let (gone, there) = (fixture.room("gone").await, fixture.room("there").await);
    fixture.first().destroy(&gone).await;
    for n in 0..100 {
        // Whether it is an error to say so is the broker's choice.
        fixture
            .first()
            .broker
            .publish(said(&gone, None, &n.to_string()))
            .await
            .ok();
        fixture
            .last()
            .broker
            .publish(said(&fixture.name("never"), None, "1"))
            .await
            .ok();
        fixture
            .first()
            .publish(said(&there, None, &n.to_string()))
            .await;
    }
    for node in &fixture.nodes {
        let expected: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(node.texts(&there, "99").await, expected);
        let late = node.delivered(&Target::Room(gone.as_str().into()));
        let mut texts: Vec<_> = late.iter().filter_map(text).collect();
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count, "at most once");
    }
    assert!(
        !fixture.last().exists(&gone).await,
        "publishing creates nothing"
    );
    assert!(!fixture.last().exists(&fixture.name("never")).await);
}

/// A delivery may call the broker, publish included: no lock is held meanwhile.
pub async fn deliveries_may_use_the_broker(fixture: &Fixture) {
    let node = fixture.first();
    let (ask, answer) = (fixture.room("ask").await, fixture.room("answer").await);
    let calls = Arc::new(AtomicUsize::new(0));
    let (broker, room, counter) = (node.broker.clone(), answer.clone(), calls.clone());
    let asked = Target::Room(ask.as_str().into());
    let hook = move |publication: &Publication| {
        if publication.target != asked || matches!(publication.kind, PublicationKind::Destroyed) {
            return;
        }
        counter.fetch_add(1, Ordering::AcqRel);
        let (broker, room) = (broker.clone(), room.clone());
        let flows = [
            broker.exists(&room),
            broker.create(&room, RoomOptions::default()),
            broker.leave(&room, "nobody"),
        ];
        let members = broker.members(&room);
        let answered = broker.publish(said(&room, None, "\"answer\""));
        tokio::spawn(async move {
            for flow in flows {
                succeeded(flow.await);
            }
            assert!(succeeded(members.await).is_some());
            succeeded(answered.await);
        });
    };
    if node.recorder.hook.set(Box::new(hook)).is_err() {
        panic!("the fixture was used before");
    }
    node.publish(said(&ask, None, "\"question\"")).await;
    assert_eq!(node.texts(&answer, "\"answer\"").await, ["\"answer\""]);
    assert_eq!(calls.load(Ordering::Acquire), 1);
}
