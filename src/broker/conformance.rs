//! What every broker must do, as tests that any broker can run.
//!
//! ```
//! use std::sync::Arc;
//! use stellarfw::broker::{Broker, MemoryBroker};
//!
//! // Brokers that share one backend, each as a process of its own would have it. A broker that
//! // cannot share is alone.
//! async fn brokers() -> Vec<Arc<dyn Broker>> {
//!     vec![Arc::new(MemoryBroker::new())]
//! }
//!
//! stellarfw::broker_suite!(brokers().await);
//! # fn main() {}
//! ```
//!
//! Nothing here measures time: what is waited for has a deadline far above what a loaded machine
//! needs. The backend need not be empty, and rooms of other names are left alone.

use std::{
    collections::HashMap,
    fmt::Display,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::value::RawValue;
use stellarfw_transport::SparkId;

use super::{Broker, Content, Delivery, Joined, Kind, Member, Publication, RoomOptions, Target};

const DEADLINE: Duration = Duration::from_secs(60);

/// Makes a test of each behaviour; takes an expression that gives the brokers of one backend.
#[macro_export]
macro_rules! broker_suite {
    (@ $brokers:expr; $($behaviour:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let bed = $crate::broker::conformance::Bed::start($brokers).await;
                $crate::broker::conformance::$behaviour(&bed).await;
            }
        )*
    };
    ($brokers:expr) => {
        $crate::broker_suite! { @ $brokers;
            rooms_exist_until_they_are_destroyed
            rooms_keep_their_names
            members_come_and_go
            members_are_the_same_for_all
            of_racing_joins_one_has_joined
            of_racing_creations_one_has_created
            a_destroyed_room_takes_its_members_along
            joins_that_race_a_destruction_leave_no_member
            publications_are_delivered_once_and_untouched
            publications_of_a_publisher_keep_their_order
            one_connection_and_all_can_be_published_to
            several_rooms_are_published_to_once
            a_room_has_no_more_members_than_places
            a_destruction_is_delivered_once_after_what_was_said_before
            publications_to_rooms_that_are_gone_do_no_harm
            deliveries_may_use_the_broker
            starting_twice_is_an_error
        }
    };
}

/// Started brokers of one backend.
#[derive(Debug)]
pub struct Bed {
    nodes: Vec<Node>,
    /// Keeps this run's rooms apart from what else there is.
    mark: String,
}

struct Node {
    broker: Arc<dyn Broker>,
    recorder: Arc<Recorder>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("broker", &self.broker.name())
            .finish_non_exhaustive()
    }
}

type Hook = Box<dyn Fn(&Publication) + Send + Sync>;

/// Notes what is delivered.
#[derive(Default)]
struct Recorder {
    delivered: Mutex<Vec<Publication>>,
    hook: OnceLock<Hook>,
}

impl Delivery for Recorder {
    fn deliver(&self, publication: Publication) {
        if let Some(hook) = self.hook.get() {
            hook(&publication);
        }
        self.delivered.lock().push(publication);
    }
}

fn good<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("it failed: {error}"))
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, future).await;
    result.unwrap_or_else(|_| panic!("{what} did not come"))
}

fn member(id: &str) -> Member {
    Member {
        id: id.into(),
        joined_at: 1_234,
    }
}

fn said(room: &str, from: Option<&str>, json: &str) -> Publication {
    let raw = good(RawValue::from_string(json.to_owned()));
    Publication {
        target: Target::Room(room.into()),
        except: None,
        from: from.map(Into::into),
        sent_at: 5_678,
        kind: Kind::Say(Content::of_raw(&raw)),
    }
}

fn text(publication: &Publication) -> Option<&str> {
    match &publication.kind {
        Kind::Say(content) | Kind::Push(content) => Some(content.as_raw().get()),
        Kind::Destroyed => None,
    }
}

impl Node {
    async fn create(&self, room: &str) -> bool {
        good(self.broker.create(room, RoomOptions::default()).await)
    }

    async fn destroy(&self, room: &str) -> bool {
        good(self.broker.destroy(room).await)
    }

    async fn exists(&self, room: &str) -> bool {
        good(self.broker.exists(room).await)
    }

    async fn join(&self, room: &str, id: &str) -> Joined {
        good(self.broker.join(room, member(id)).await)
    }

    async fn leave(&self, room: &str, id: &str) -> bool {
        good(self.broker.leave(room, id).await)
    }

    /// The ids of a room's members, sorted; none when there is no such room.
    async fn members(&self, room: &str) -> Option<Vec<String>> {
        let members = good(self.broker.members(room).await)?;
        assert!(members.iter().all(|member| member.joined_at == 1_234));
        let mut ids: Vec<String> = members.iter().map(|member| member.id.to_string()).collect();
        ids.sort();
        Some(ids)
    }

    async fn publish(&self, publication: Publication) {
        good(self.broker.publish(publication).await);
    }

    /// What was delivered here for a target.
    fn delivered(&self, target: &Target) -> Vec<Publication> {
        let delivered = self.recorder.delivered.lock();
        let wanted = delivered.iter().filter(|p| p.target == *target);
        wanted.cloned().collect()
    }

    /// Waits until something was delivered here.
    async fn hears(&self, target: &Target, what: &str, is_it: impl Fn(&Publication) -> bool) {
        soon(what, async {
            while !self.delivered(target).iter().any(&is_it) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// The texts delivered here for a room, up to one that is told last.
    async fn texts(&self, room: &str, last: &str) -> Vec<String> {
        let target = Target::Room(room.into());
        self.hears(&target, last, |p| text(p) == Some(last)).await;
        let delivered = self.delivered(&target);
        delivered
            .iter()
            .filter_map(text)
            .map(str::to_owned)
            .collect()
    }
}

impl Bed {
    /// Starts brokers that share a backend.
    pub async fn start(brokers: Vec<Arc<dyn Broker>>) -> Self {
        assert!(!brokers.is_empty(), "there is no broker to try");
        let mut nodes = Vec::new();
        for broker in brokers {
            let recorder = Arc::<Recorder>::default();
            good(broker.start(recorder.clone()).await);
            nodes.push(Node { broker, recorder });
        }
        Self {
            nodes,
            mark: SparkId::random().to_string(),
        }
    }

    fn first(&self) -> &Node {
        &self.nodes[0]
    }

    /// Another one, if there is more than one.
    fn last(&self) -> &Node {
        &self.nodes[self.nodes.len() - 1]
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.mark)
    }

    /// A room with a member in each process, so that each has receivers.
    async fn room(&self, name: &str) -> String {
        let name = self.name(name);
        assert!(self.first().create(&name).await);
        for (at, node) in self.nodes.iter().enumerate() {
            assert_eq!(
                node.join(&name, &format!("member {at}")).await,
                Joined::Joined
            );
        }
        name
    }
}

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

/// A publication reaches each process once, its own included, with all that is in it.
pub async fn publications_are_delivered_once_and_untouched(bed: &Bed) {
    const LAST: &str = "\"the last\"";
    let room = bed.room("room").await;
    let other = bed.room("other").await;
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
    let node = bed.last();
    for (at, json) in contents.into_iter().enumerate() {
        let from = (at % 2 == 0).then_some("the publisher");
        node.publish(said(&room, from, json)).await;
    }
    for from in [None, Some("the publisher")] {
        node.publish(said(&room, from, LAST)).await;
    }
    for node in &bed.nodes {
        let target = Target::Room(room.as_str().into());
        let mut expected: Vec<String> = contents.map(str::to_owned).to_vec();
        expected.extend([LAST.to_owned(), LAST.to_owned()]);
        expected.sort();
        // The connection and the server are two publishers, and each has its last.
        for from in [None, Some("the publisher")] {
            node.hears(&target, LAST, |p| {
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
            assert!(matches!(publication.kind, Kind::Say(_)));
            let told = text(publication);
            let at = contents.iter().position(|json| told == Some(*json));
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
pub async fn publications_of_a_publisher_keep_their_order(bed: &Bed) {
    const EACH: usize = 500;
    let rooms = [bed.room("one").await, bed.room("two").await];
    let tasks: Vec<_> = (0..4_usize)
        .map(|at| {
            let broker = bed.nodes[at % bed.nodes.len()].broker.clone();
            let rooms = rooms.clone();
            tokio::spawn(async move {
                let from = format!("publisher {at}");
                for n in 0..EACH {
                    let publication = said(&rooms[n % 2], Some(&from), &n.to_string());
                    good(broker.publish(publication).await);
                }
            })
        })
        .collect();
    for task in tasks {
        good(task.await);
    }
    for node in &bed.nodes {
        for (at, room) in rooms.iter().enumerate() {
            let target = Target::Room(room.as_str().into());
            soon("the publications", async {
                while node.delivered(&target).len() < 4 * EACH / 2 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
            let mut heard: HashMap<String, Vec<String>> = HashMap::new();
            for publication in node.delivered(&target) {
                let from = publication.from.as_deref().unwrap_or_default().to_owned();
                let told = text(&publication).unwrap_or_default().to_owned();
                heard.entry(from).or_default().push(told);
            }
            let expected: Vec<String> = (0..EACH)
                .filter(|n| n % 2 == at)
                .map(|n| n.to_string())
                .collect();
            assert_eq!(heard.len(), 4);
            assert!(heard.values().all(|told| *told == expected));
        }
    }
}

/// Publications that are not for a room reach every process, which knows its connections.
pub async fn one_connection_and_all_can_be_published_to(bed: &Bed) {
    let id: Arc<str> = bed.name("connection").as_str().into();
    let one = Target::Connection(id);
    let push = |target: &Target, json: &str| Publication {
        target: target.clone(),
        kind: Kind::Push(good(Content::new(json))),
        ..said("", None, "0")
    };
    let mark = good(serde_json::to_string(&bed.mark));
    bed.first().publish(push(&one, "for one")).await;
    bed.first().publish(push(&Target::All, &bed.mark)).await;
    for node in &bed.nodes {
        node.hears(&one, "the push", |p| text(p) == Some("\"for one\""))
            .await;
        node.hears(&Target::All, "the push", |p| text(p) == Some(&mark))
            .await;
        assert_eq!(node.delivered(&one).len(), 1);
        let all = node.delivered(&Target::All);
        let mine: Vec<_> = all.iter().filter(|p| text(p) == Some(&mark)).collect();
        assert_eq!(mine.len(), 1);
        assert!(matches!(mine[0].kind, Kind::Push(_)));
    }
}

/// What is for several rooms reaches each process once, whichever of them it has members of, with
/// whom it leaves out.
pub async fn several_rooms_are_published_to_once(bed: &Bed) {
    let (here, there) = (bed.room("here").await, bed.name("there"));
    assert!(bed.first().create(&there).await);
    assert_eq!(bed.last().join(&there, "one more").await, Joined::Joined);
    let names = [here.as_str(), there.as_str()].map(Arc::from);
    let target = Target::Rooms(names.into());
    let publication = Publication {
        target: target.clone(),
        except: Some("member 0".into()),
        ..said("", None, "\"to both\"")
    };
    bed.first().publish(publication).await;
    bed.first().publish(said(&here, None, "\"last\"")).await;
    for node in &bed.nodes {
        let is_it = |p: &Publication| text(p) == Some("\"to both\"");
        node.hears(&target, "what is for both", is_it).await;
        node.texts(&here, "\"last\"").await;
        let delivered = node.delivered(&target);
        assert_eq!(delivered.len(), 1);
        assert_eq!(delivered[0].except.as_deref(), Some("member 0"));
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

/// The members of a destroyed room are told once, behind all that was said before.
pub async fn a_destruction_is_delivered_once_after_what_was_said_before(bed: &Bed) {
    let room = bed.room("room").await;
    let target = Target::Room(room.as_str().into());
    for n in 0..50 {
        bed.first().publish(said(&room, None, &n.to_string())).await;
    }
    assert!(bed.first().destroy(&room).await);
    assert!(!bed.first().destroy(&room).await);
    assert!(!bed.last().destroy(&room).await);
    let is_end = |p: &Publication| matches!(p.kind, Kind::Destroyed);
    for node in &bed.nodes {
        node.hears(&target, "the destruction", is_end).await;
    }
    // Told behind it, in a room of the same name, so a second one would be known by now.
    let again = bed.room("room").await;
    assert_eq!(again, room);
    bed.first().publish(said(&room, None, "\"again\"")).await;
    for node in &bed.nodes {
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
pub async fn publications_to_rooms_that_are_gone_do_no_harm(bed: &Bed) {
    let (gone, there) = (bed.room("gone").await, bed.room("there").await);
    bed.first().destroy(&gone).await;
    for n in 0..100 {
        // Whether it is an error to say so is the broker's choice.
        bed.first()
            .broker
            .publish(said(&gone, None, &n.to_string()))
            .await
            .ok();
        bed.last()
            .broker
            .publish(said(&bed.name("never"), None, "1"))
            .await
            .ok();
        bed.first()
            .publish(said(&there, None, &n.to_string()))
            .await;
    }
    for node in &bed.nodes {
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
        !bed.last().exists(&gone).await,
        "publishing creates nothing"
    );
    assert!(!bed.last().exists(&bed.name("never")).await);
}

/// A delivery may call the broker, publish included: no lock is held meanwhile.
pub async fn deliveries_may_use_the_broker(bed: &Bed) {
    let node = bed.first();
    let (ask, answer) = (bed.room("ask").await, bed.room("answer").await);
    let calls = Arc::new(AtomicUsize::new(0));
    let (broker, room, counter) = (node.broker.clone(), answer.clone(), calls.clone());
    let asked = Target::Room(ask.as_str().into());
    let hook = move |publication: &Publication| {
        if publication.target != asked || matches!(publication.kind, Kind::Destroyed) {
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
                good(flow.await);
            }
            assert!(good(members.await).is_some());
            good(answered.await);
        });
    };
    if node.recorder.hook.set(Box::new(hook)).is_err() {
        panic!("the bed was used before");
    }
    node.publish(said(&ask, None, "\"question\"")).await;
    assert_eq!(node.texts(&answer, "\"answer\"").await, ["\"answer\""]);
    assert_eq!(calls.load(Ordering::Acquire), 1);
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
