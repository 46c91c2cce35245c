use std::sync::Arc;

use http::Request;
use parking_lot::Mutex;
use tokio::time::{advance, sleep};

use super::*;
use crate::{Frame, Inlet, Message, Outlet, PushError, Server, Silent, Waiting};

const INTERVAL: Duration = Duration::from_secs(2);
/// A tick, and the timer's resolution.
const SLACK: Duration = Duration::from_millis(20);

/// A client that notes when it is pinged.
#[derive(Default)]
struct Client {
    pings: Mutex<Vec<Instant>>,
}

impl Client {
    fn count(&self) -> usize {
        self.pings.lock().len()
    }

    fn last(&self) -> Instant {
        *self.pings.lock().last().unwrap()
    }
}

struct ClientOutlet(Arc<Client>);

impl Outlet for ClientOutlet {
    fn push(&self, frame: Frame) -> Result<(), PushError> {
        if let Message::Text(text) = frame.as_message()
            && text.starts_with("\"primus::ping::")
        {
            self.0.pings.lock().push(Instant::now());
        }
        Ok(())
    }

    fn flush(&self) {}

    fn waiting(&self) -> Waiting {
        Waiting::default()
    }

    fn ping(&self) {}

    fn close(&self, _: &CloseReason) {}

    fn abort(&self) {}
}

fn server() -> Server {
    Server::builder()
        .handler(Silent)
        .configure(|config| config.ping_interval = INTERVAL.as_millis() as u64)
        .build()
}

async fn open(server: &Server) -> (Arc<Client>, Inlet) {
    let (mut parts, ()) = Request::new(()).into_parts();
    let admission = server.admit("test", &mut parts).await.unwrap();
    let client = Arc::new(Client::default());
    let inlet = server.open(admission, Arc::new(ClientOutlet(client.clone())));
    (client, inlet)
}

/// Waits for the next ping, which `inlet` answers.
async fn next_ping(client: &Client, inlet: &Inlet) -> Instant {
    let before = client.count();
    while client.count() == before {
        sleep(Duration::from_millis(1)).await;
    }
    inlet.alive();
    client.last()
}

/// Lets the wheel work off a whole turn, without moving the clock.
async fn settle() {
    for _ in 0..2 * SLOTS {
        tokio::task::yield_now().await;
    }
}

#[track_caller]
fn assert_near(what: &str, is: Duration, wanted: Duration) {
    let difference = is.abs_diff(wanted);
    assert!(difference <= SLACK, "{what}: {is:?} instead of {wanted:?}");
}

#[tokio::test(start_paused = true)]
async fn pings_come_each_interval() {
    let server = server();
    // Some are there already, so that the wheel is anywhere.
    let _others = open(&server).await;
    sleep(Duration::from_millis(777)).await;
    let (client, inlet) = open(&server).await;
    let mut before = Instant::now();
    for _ in 0..20 {
        let ping = next_ping(&client, &inlet).await;
        assert_near("a ping", ping - before, INTERVAL);
        before = ping;
    }
}

#[tokio::test(start_paused = true)]
async fn late_ticks_do_not_add_up() {
    let server = server();
    let (first, first_inlet) = open(&server).await;
    // A busy process, in which every timer is late.
    let busy = async |time: Duration, clients: &[&Inlet]| {
        let end = Instant::now() + time;
        while Instant::now() < end {
            advance(Duration::from_millis(39)).await;
            settle().await;
            clients.iter().for_each(|inlet| inlet.alive());
        }
    };
    busy(INTERVAL / 2, &[&first_inlet]).await;
    let opened = Instant::now();
    let (new, new_inlet) = open(&server).await;
    busy(INTERVAL * 5, &[&first_inlet, &new_inlet]).await;
    for (name, client) in [("the first", &first), ("the new one", &new)] {
        let times = client.pings.lock().clone();
        assert!(times.len() >= 4, "{name} had {} pings", times.len());
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(gap.abs_diff(INTERVAL) <= 3 * SLACK, "{name}: {gap:?}");
        }
    }
    let wait = new.pings.lock()[0] - opened;
    assert!(wait.abs_diff(INTERVAL) <= 3 * SLACK, "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_overdue_after_a_stop_is_pinged_at_once_and_who_is_new_in_time() {
    let server = server();
    let (old, old_inlet) = open(&server).await;
    let last = next_ping(&old, &old_inlet).await;
    sleep(INTERVAL / 4).await;

    advance(INTERVAL * 3).await;
    // This request waited in the kernel, and is read before the timer's task runs.
    let woke = Instant::now();
    let (new, new_inlet) = open(&server).await;

    let ping = next_ping(&old, &old_inlet).await;
    assert_near("the overdue ping", ping - woke, Duration::ZERO);
    // Where it would have been without the stop.
    let ping = next_ping(&old, &old_inlet).await;
    assert_near("the next ping", ping - last, INTERVAL * 4);
    assert_eq!(new.count(), 0, "it has only just come");
    let mut before = woke;
    for _ in 0..3 {
        let ping = next_ping(&new, &new_inlet).await;
        old_inlet.alive();
        assert_near("the new one's ping", ping - before, INTERVAL);
        before = ping;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_the_server_ends_nobody_who_answers_after_it() {
    for stop in [1, 2, 3, 10, 1_000] {
        for phase in 0..8 {
            let server = server();
            let (_other, other_inlet) = open(&server).await;
            sleep(INTERVAL * phase / 8).await;
            let (client, inlet) = open(&server).await;
            next_ping(&client, &inlet).await;
            other_inlet.alive();
            next_ping(&client, &inlet).await;
            other_inlet.alive();

            advance(INTERVAL * stop).await;
            // Its answers come with a delay that is long, and less than an interval.
            for _ in 0..4 {
                let before = client.count();
                while client.count() == before {
                    sleep(Duration::from_millis(1)).await;
                    assert!(inlet.spark().is_open(), "stop {stop}, phase {phase}");
                }
                sleep(INTERVAL * 3 / 4).await;
                inlet.alive();
                other_inlet.alive();
            }
            assert!(inlet.spark().is_open(), "stop {stop}, phase {phase}");
            assert!(other_inlet.spark().is_open(), "stop {stop}, phase {phase}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_is_ended_also_by_a_server_that_was_stopped() {
    let server = server();
    let (client, inlet) = open(&server).await;
    sleep(INTERVAL + SLACK).await;
    assert_eq!(client.count(), 1);
    advance(INTERVAL * 3).await;
    sleep(INTERVAL * 2 + SLACK).await;
    let reason = inlet.spark().close_reason();
    assert_eq!(reason, Some(&CloseReason::HeartbeatTimeout));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_always_late_still_ends_who_is_gone() {
    let server = server();
    let (client, inlet) = open(&server).await;
    for _ in 0..8 {
        advance(INTERVAL * 3 / 4).await;
        settle().await;
    }
    assert!(client.count() > 0 && client.count() <= 1 + usize::from(SPARED));
    let reason = inlet.spark().close_reason();
    assert_eq!(reason, Some(&CloseReason::HeartbeatTimeout));
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_for_an_interval_is_ended() {
    let server = server();
    let (client, inlet) = open(&server).await;
    sleep(INTERVAL * 2 - SLACK * 2).await;
    assert_eq!(client.count(), 1);
    assert!(inlet.spark().is_open());
    sleep(SLACK * 3).await;
    let reason = inlet.spark().close_reason();
    assert_eq!(reason, Some(&CloseReason::HeartbeatTimeout));
}

#[test]
fn ticks_that_were_missed_are_worked_off_once_for_each_slot() {
    let mut course = Course {
        slots: 128,
        last: 0,
        lenient_until: 0,
    };
    assert_eq!(course.advance(1), 1..2);
    assert_eq!(course.advance(1), 2..2);
    assert_eq!(course.advance(5), 2..6);
    assert!(!course.is_lenient(6));
    assert_eq!(course.advance(105), 6..106);
    assert!(course.is_lenient(232) && !course.is_lenient(233));
    assert_eq!(course.advance(1_000), 873..1_001);
    assert_eq!(course.advance(1_001), 1_001..1_002);
    // The clock does not go back, and if it did nothing would be done twice.
    assert_eq!(course.advance(900).count(), 0);
    assert_eq!(course.advance(1_002), 1_002..1_003);
}
