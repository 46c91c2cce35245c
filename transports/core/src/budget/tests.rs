//! What sparks hold, and who is ended for it: on a server whose sparks have no network.

use std::{sync::Arc, time::Duration};

use http::Request;
use parking_lot::Mutex;

use crate::{
    Account, Budget, CloseReason, Frame, Held, Holding, Inlet, Outbox, Outlet, PushError, Server,
    Shutdown, Spark, Waiting, memory_limit,
};

const KIB: usize = 1 << 10;

/// An outlet whose peer reads when it is told to.
struct Hoard(Mutex<Outbox>);

impl Hoard {
    fn read(&self, frames: usize) {
        let mut outbox = self.0.lock();
        (0..frames).for_each(|_| drop(outbox.pop()));
        outbox.settle(Held::default());
    }
}

impl Outlet for Hoard {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        self.0.lock().push(frame)
    }

    fn flush(&self) {
        self.0.lock().settle(Held::default());
    }

    fn account(&self, account: Account) {
        self.0.lock().set_account(account);
    }

    fn waiting(&self) -> Waiting {
        self.0.lock().waiting()
    }

    fn ping(&self) {}

    fn close(&self, reason: &CloseReason) {
        if reason.drops_waiting() {
            self.abort();
        }
    }

    fn abort(&self) {
        let mut outbox = self.0.lock();
        outbox.clear();
        outbox.settle(Held::default());
    }
}

struct Peer {
    inlet: Inlet,
    hoard: Arc<Hoard>,
}

impl Peer {
    fn spark(&self) -> &Spark {
        self.inlet.spark()
    }

    fn send(&self, kib: usize) {
        let frame = Frame::binary(vec![0; kib * KIB]);
        self.spark()
            .send_frame(frame, crate::Delivery::Reliable)
            .unwrap();
    }

    fn reason(&self) -> Option<CloseReason> {
        self.spark().close_reason().cloned()
    }
}

fn server(kib: usize) -> Server {
    let config = |config: &mut crate::ServerConfig| {
        config.ping_interval = 0;
        config.memory_budget = Some(kib * KIB);
    };
    Server::builder().configure(config).build()
}

async fn open(server: &Server) -> Peer {
    let (mut parts, ()) = Request::new(()).into_parts();
    let admission = server.admit("hoard", &mut parts).await.unwrap();
    let outbox = Outbox::new(server.outbox_limits());
    let hoard = Arc::new(Hoard(Mutex::new(outbox)));
    Peer {
        inlet: server.open(admission, hoard.clone()),
        hoard,
    }
}

/// Lets the watch do what it has to.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn those_who_hold_most_are_ended_and_the_small_stay() {
    let server = server(1_000);
    let large = open(&server).await;
    let middle = open(&server).await;
    let small = open(&server).await;
    middle.send(500);
    small.send(20);
    large.send(300);
    large.send(150);
    settle().await;
    assert!(!server.budget().is_over());
    assert!(
        [&large, &middle, &small]
            .iter()
            .all(|p| p.spark().is_open())
    );

    large.send(150);
    settle().await;
    assert_eq!(large.reason(), Some(CloseReason::OverBudget));
    assert!(middle.spark().is_open() && small.spark().is_open());
    let uses = server.budget().uses();
    assert!((520 * KIB..521 * KIB).contains(&uses.outbound), "{uses:?}");
    assert_eq!(uses.outbound, server.budget().used());
    middle.hoard.read(1);
    small.hoard.read(1);
    assert_eq!(server.budget().used(), 0);
}

#[tokio::test]
async fn what_waits_for_many_counts_once() {
    let server = server(1_000);
    let mut peers = Vec::new();
    for _ in 0..50 {
        peers.push(open(&server).await);
    }
    server.write_frame(
        &Frame::binary(vec![0; 500 * KIB]),
        crate::Delivery::Reliable,
    );
    settle().await;
    let used = server.budget().used();
    assert!((500 * KIB..510 * KIB).contains(&used), "{used}");
    assert!(peers.iter().all(|peer| peer.spark().is_open()));
    // It is held as long as one of them waits.
    let last = peers.pop().unwrap();
    peers.iter().for_each(|peer| peer.hoard.read(1));
    assert!(server.budget().used() > 500 * KIB);
    last.hoard.read(1);
    assert_eq!(server.budget().used(), 0);

    // Who waits alone for a message to many stands for all of it.
    server.write_frame(
        &Frame::binary(vec![0; 700 * KIB]),
        crate::Delivery::Reliable,
    );
    peers.iter().for_each(|peer| peer.hoard.read(1));
    peers[0].send(350);
    settle().await;
    assert_eq!(peers[0].reason(), Some(CloseReason::OverBudget));
    assert!(peers[1..].iter().all(|peer| peer.spark().is_open()));
}

#[tokio::test]
async fn a_message_under_assembly_counts_with_all_else_of_its_spark() {
    let server = server(1_000);
    let (large, small) = (open(&server).await, open(&server).await);
    small.spark().assembling(300 * KIB, true);
    let lease = large.spark().lease(Holding::Inbound, 200 * KIB);
    large.spark().assembling(200 * KIB, true);
    large.spark().assembling(400 * KIB, false);
    settle().await;
    assert_eq!(server.budget().uses().inbound, 900 * KIB);
    assert!(large.spark().is_open());
    large.spark().assembling(510 * KIB, false);
    settle().await;
    assert_eq!(large.reason(), Some(CloseReason::OverBudget));
    assert!(small.spark().is_open());
    // The engine lets go of it, and then of the connection.
    large.spark().assembling(0, false);
    large.inlet.close(CloseReason::Gone);
    assert_eq!(server.budget().used(), 500 * KIB);
    // A lease is held for as long as it is.
    drop(lease);
    assert_eq!(server.budget().used(), 300 * KIB);
    small.inlet.close(CloseReason::Gone);
    assert_eq!(server.budget().used(), 0);
}

#[tokio::test]
async fn newcomers_are_refused_while_there_is_no_room() {
    let server = server(100);
    let held = server.budget().lease(101 * KIB);
    let (mut parts, ()) = Request::new(()).into_parts();
    let refusal = server.admit("hoard", &mut parts).await.unwrap_err();
    assert_eq!(refusal.status(), 503);
    drop(held);
    open(&server).await;
}

#[tokio::test]
async fn nobody_is_ended_for_what_others_than_sparks_hold() {
    let server = server(1_000);
    let peer = open(&server).await;
    peer.send(200);
    let _uploads = server.budget().lease(900 * KIB);
    settle().await;
    assert!(server.budget().is_over() && peer.spark().is_open());
    assert!(server.budget().try_lease(1).is_err());
    assert_eq!(server.budget().uses().refused, 1);
    settle().await;
    assert!(peer.spark().is_open());
}

#[tokio::test]
async fn who_fills_the_budget_makes_room_when_others_are_refused() {
    let server = server(1_000);
    let (large, small) = (open(&server).await, open(&server).await);
    large.send(900);
    small.send(10);
    settle().await;
    assert!(large.spark().is_open());
    assert!(server.budget().try_lease(100 * KIB).is_err());
    settle().await;
    assert_eq!(large.reason(), Some(CloseReason::OverBudget));
    assert!(small.spark().is_open());
    drop(server.budget().try_lease(100 * KIB).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_too_slowly_ends_its_spark() {
    let server = server(100_000);
    let (drip, steady) = (open(&server).await, open(&server).await);
    for second in 0..60 {
        drip.spark().assembling(10 << 20, second == 0);
        steady.spark().assembling(1 + second * KIB, second == 0);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(drip.reason(), Some(CloseReason::TooSlow));
    assert!(steady.spark().is_open());
    steady.spark().assembling(0, false);
    // Without a message there is nothing to wait for.
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(steady.spark().is_open());
}

#[tokio::test]
async fn the_watch_ends_with_its_server() {
    let server = server(100);
    let peer = open(&server).await;
    peer.send(1);
    drop(peer);
    server.shutdown(Shutdown::default()).await;
    let weak = Arc::downgrade(&server.0);
    drop(server);
    settle().await;
    assert!(weak.upgrade().is_none());
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(tasks, 0);
}

#[test]
fn a_lease_is_returned_when_it_is_dropped() {
    let budget = Budget::new(100);
    let mut first = budget.try_lease(60).unwrap();
    let refused = budget.try_lease(41).unwrap_err();
    assert_eq!((refused.wanted, refused.limit), (41, 100));
    assert_eq!(budget.used(), 60);
    assert!(first.try_grow(41).is_err());
    first.try_grow(40).unwrap();
    assert_eq!((first.bytes(), budget.used()), (100, 100));
    assert!(!budget.is_over());
    first.resize(30);
    assert_eq!((first.bytes(), budget.used()), (30, 30));
    drop(first);
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_cannot_be_refused_may_pass_the_limit() {
    let budget = Budget::new(100);
    let mut held = budget.lease(90);
    held.resize(150);
    assert!(budget.is_over());
    assert!(budget.try_lease(0).is_err());
    held.resize(100);
    assert!(!budget.is_over());
    assert!(budget.try_lease(0).is_ok());
}

#[test]
fn sums_that_overflow_are_refused() {
    let budget = Budget::unlimited();
    let _held = budget.lease(10);
    assert!(budget.try_lease(usize::MAX).is_err());
    assert_eq!(budget.used(), 10);
}

#[test]
fn a_setting_of_zero_is_no_limit_and_none_is_a_quarter() {
    assert_eq!(Budget::of_setting(Some(0)).limit(), usize::MAX);
    assert_eq!(Budget::of_setting(Some(7)).limit(), 7);
    assert_eq!(Budget::of_setting(None).limit(), memory_limit() / 4);
}

#[test]
fn threads_never_lease_more_than_the_limit() {
    let budget = Budget::new(1_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let lease = budget.try_lease(400);
                    assert!(budget.used() <= 1_000);
                    drop(lease);
                }
            });
        }
    });
    assert_eq!(budget.used(), 0);
}
