//! A broker whose every answer comes late, as over a network.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use stellarfw::{
    broker::{
        Broker, BrokerError, ErrorKind, Joined, Member, MemoryBroker, Publication, RoomOptions,
        Subscriber,
    },
    transport::Flow,
};
use tokio::{sync::mpsc, task::yield_now};

/// A [`MemoryBroker`] behind queues: what it is asked is done later, in the order in which it was
/// asked, and answered later still; what it delivers comes by a task of its own.
pub(crate) struct LateBroker {
    jobs: mpsc::UnboundedSender<Job>,
    inner: Arc<MemoryBroker>,
    turns: AtomicUsize,
}

type Job = Box<dyn FnOnce() + Send>;

struct Forward(mpsc::UnboundedSender<Publication>);

impl Subscriber for Forward {
    fn deliver(&self, publication: Publication) {
        self.0.send(publication).ok();
    }
}

impl LateBroker {
    pub(crate) fn new() -> Self {
        let (jobs, mut asked) = mpsc::unbounded_channel::<Job>();
        tokio::spawn(async move {
            while let Some(job) = asked.recv().await {
                yield_now().await;
                job();
            }
        });
        Self {
            jobs,
            inner: Arc::new(MemoryBroker::new()),
            turns: AtomicUsize::new(0),
        }
    }

    fn later<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&MemoryBroker) -> Flow<Result<T, BrokerError>> + Send + 'static,
    ) -> Flow<Result<T, BrokerError>> {
        let inner = self.inner.clone();
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job = move || match ask(&inner) {
            Flow::Ready(result) => drop(answer.send(result)),
            Flow::Wait(_) => unreachable!("the memory broker never waits"),
        };
        self.jobs.send(Box::new(job)).ok();
        // Answers take turns at being fast and slow.
        let turns = self.turns.fetch_add(1, Ordering::Relaxed) % 4;
        Flow::Wait(Box::pin(async move {
            let result = answered.await;
            for _ in 0..turns {
                yield_now().await;
            }
            result.unwrap_or_else(|_| Err(BrokerError::new(ErrorKind::Unavailable, "it is gone")))
        }))
    }
}

impl Broker for LateBroker {
    fn name(&self) -> &'static str {
        "late"
    }

    fn start(&self, subscriber: Arc<dyn Subscriber>) -> Flow<Result<(), BrokerError>> {
        let (send, mut receive) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(publication) = receive.recv().await {
                yield_now().await;
                subscriber.deliver(publication);
            }
        });
        self.inner.start(Arc::new(Forward(send)))
    }

    fn create(&self, room: &str, options: RoomOptions) -> Flow<Result<bool, BrokerError>> {
        let room = room.to_owned();
        self.later(move |inner| inner.create(&room, options))
    }

    fn destroy(&self, room: &str) -> Flow<Result<bool, BrokerError>> {
        let room = room.to_owned();
        self.later(move |inner| inner.destroy(&room))
    }

    fn exists(&self, room: &str) -> Flow<Result<bool, BrokerError>> {
        let room = room.to_owned();
        self.later(move |inner| inner.exists(&room))
    }

    fn rooms(&self) -> Flow<Result<Vec<String>, BrokerError>> {
        self.later(|inner| inner.rooms())
    }

    fn join(&self, room: &str, member: Member) -> Flow<Result<Joined, BrokerError>> {
        let room = room.to_owned();
        self.later(move |inner| inner.join(&room, member))
    }

    fn leave(&self, room: &str, id: &str) -> Flow<Result<bool, BrokerError>> {
        let (room, id) = (room.to_owned(), id.to_owned());
        self.later(move |inner| inner.leave(&room, &id))
    }

    fn members(&self, room: &str) -> Flow<Result<Option<Vec<Member>>, BrokerError>> {
        let room = room.to_owned();
        self.later(move |inner| inner.members(&room))
    }

    fn publish(&self, publication: Publication) -> Flow<Result<(), BrokerError>> {
        self.later(move |inner| inner.publish(publication))
    }
}
