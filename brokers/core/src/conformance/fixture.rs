//! Started brokers, and a record of the publications that they deliver.

use std::{
    fmt::Display,
    future::Future,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    Broker, Content, Joined, Member, Publication, PublicationKind, RoomOptions, Subscriber, Target,
};
use parking_lot::Mutex;
use serde_json::value::RawValue;

const DEADLINE: Duration = Duration::from_secs(60);

/// Started brokers of one backend.
#[derive(Debug)]
pub struct Fixture {
    pub(super) nodes: Vec<Node>,
    /// Keeps this run's rooms apart from what else there is.
    pub(super) mark: String,
}

pub(super) struct Node {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) recorder: Arc<Recorder>,
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
pub(super) struct Recorder {
    pub(super) delivered: Mutex<Vec<Publication>>,
    pub(super) hook: OnceLock<Hook>,
}

impl Subscriber for Recorder {
    fn deliver(&self, publication: Publication) {
        if let Some(hook) = self.hook.get() {
            hook(&publication);
        }
        self.delivered.lock().push(publication);
    }
}

pub(super) fn succeeded<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("it failed: {error}"))
}

pub(super) async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, future).await;
    result.unwrap_or_else(|_| panic!("{what} did not come"))
}

pub(super) fn member(id: &str) -> Member {
    Member::new(id, 1_234)
}

pub(super) fn said(room: &str, from: Option<&str>, json: &str) -> Publication {
    let raw = succeeded(RawValue::from_string(json.to_owned()));
    let kind = PublicationKind::Say(Content::of_raw(&raw));
    Publication::new(Target::Room(room.into()), kind)
        .from(from.map(Into::into))
        .sent_at(5_678)
}

pub(super) fn text(publication: &Publication) -> Option<&str> {
    match &publication.kind {
        PublicationKind::Say(content) | PublicationKind::Push(content) => {
            Some(content.as_raw().get())
        }
        PublicationKind::Destroyed => None,
    }
}

impl Node {
    pub(super) async fn create(&self, room: &str) -> bool {
        succeeded(self.broker.create(room, RoomOptions::default()).await)
    }

    pub(super) async fn destroy(&self, room: &str) -> bool {
        succeeded(self.broker.destroy(room).await)
    }

    pub(super) async fn exists(&self, room: &str) -> bool {
        succeeded(self.broker.exists(room).await)
    }

    pub(super) async fn join(&self, room: &str, id: &str) -> Joined {
        succeeded(self.broker.join(room, member(id)).await)
    }

    pub(super) async fn leave(&self, room: &str, id: &str) -> bool {
        succeeded(self.broker.leave(room, id).await)
    }

    /// The ids of a room's members, sorted; none when there is no such room.
    pub(super) async fn members(&self, room: &str) -> Option<Vec<String>> {
        let members = succeeded(self.broker.members(room).await)?;
        assert!(members.iter().all(|member| member.joined_at == 1_234));
        let mut ids: Vec<String> = members.iter().map(|member| member.id.to_string()).collect();
        ids.sort();
        Some(ids)
    }

    pub(super) async fn publish(&self, publication: Publication) {
        succeeded(self.broker.publish(publication).await);
    }

    /// What was delivered here for a target.
    pub(super) fn delivered(&self, target: &Target) -> Vec<Publication> {
        let delivered = self.recorder.delivered.lock();
        let wanted = delivered.iter().filter(|p| p.target == *target);
        wanted.cloned().collect()
    }

    /// Waits until something was delivered here.
    pub(super) async fn receives(
        &self,
        target: &Target,
        what: &str,
        is_it: impl Fn(&Publication) -> bool,
    ) {
        within_deadline(what, async {
            while !self.delivered(target).iter().any(&is_it) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// The texts delivered here for a room, up to one that is sent last.
    pub(super) async fn texts(&self, room: &str, last: &str) -> Vec<String> {
        let target = Target::Room(room.into());
        self.receives(&target, last, |p| text(p) == Some(last))
            .await;
        let delivered = self.delivered(&target);
        delivered
            .iter()
            .filter_map(text)
            .map(str::to_owned)
            .collect()
    }
}

impl Fixture {
    /// Starts brokers that share a backend.
    pub async fn start(brokers: Vec<Arc<dyn Broker>>) -> Self {
        assert!(!brokers.is_empty(), "there is no broker to try");
        let mut nodes = Vec::new();
        for broker in brokers {
            let recorder = Arc::<Recorder>::default();
            succeeded(broker.start(recorder.clone()).await);
            nodes.push(Node { broker, recorder });
        }
        Self {
            nodes,
            mark: format!("{:016x} ", RandomState::new().hash_one(())),
        }
    }

    pub(super) fn first(&self) -> &Node {
        &self.nodes[0]
    }

    /// Another one, if there is more than one.
    pub(super) fn last(&self) -> &Node {
        &self.nodes[self.nodes.len() - 1]
    }

    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.mark)
    }

    /// A room with a member in each process, so that each has receivers.
    pub(super) async fn room(&self, name: &str) -> String {
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
