//! The machine, state by state.

use std::time::Duration;

use super::*;

const TIMING: Timing = Timing {
    interval: Duration::from_secs(25),
    timeout: Duration::from_secs(20),
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn begun(version: Version, transport: Transport) -> (Machine, Instant) {
    let now = Instant::now();
    let mut machine = Machine::new(version, transport, &TIMING, now);
    machine.opened();
    (machine, now)
}

fn polling() -> (Machine, Instant) {
    begun(Version::V4, Transport::Polling)
}

fn on_socket() -> (Machine, Instant) {
    begun(Version::V4, Transport::WebSocket)
}

fn upgrading() -> (Machine, Instant) {
    let (mut machine, now) = polling();
    assert!(machine.begin_upgrade());
    (machine, now)
}

fn probed() -> (Machine, Instant) {
    let (mut machine, now) = upgrading();
    let step = machine.packet(Source::WebSocket, &Packet::Probe);
    assert_eq!(step, Ok(Step::Probed));
    (machine, now)
}

fn closing() -> CloseReason {
    CloseReason::Ended { reconnect: true }
}

const LEFT: CloseReason = CloseReason::Client { code: 1005 };

#[test]
fn opening_takes_messages_and_may_be_closed() {
    let now = Instant::now();
    let mut machine = Machine::new(Version::V4, Transport::Polling, &TIMING, now);
    assert!(machine.takes_messages() && !machine.is_closing());
    assert!(machine.close(&closing(), now));
    // That it is open by then changes nothing.
    machine.opened();
    assert!(machine.is_closing() && !machine.takes_messages());
}

#[test]
fn polling_serves_one_poll_and_one_post_at_a_time() {
    let (mut machine, _) = polling();
    assert_eq!(machine.begin_poll(), Ok(()));
    assert_eq!(machine.begin_post(), Ok(()));
    assert_eq!(machine.begin_poll(), Err(Unserved::Overlapping));
    assert_eq!(machine.begin_post(), Err(Unserved::Overlapping));
    assert!(!machine.end_poll(true));
    machine.end_post();
    assert_eq!(machine.begin_poll(), Ok(()));
    assert_eq!(machine.begin_post(), Ok(()));
    // One that is broken off takes the session with it.
    assert!(machine.end_poll(false));
}

#[test]
fn polling_answers_with_what_waits_or_waits() {
    let (mut machine, now) = polling();
    machine.begin_poll().unwrap();
    assert_eq!(machine.answer_poll(false), PollAnswer::Wait);
    assert_eq!(
        machine.answer_poll(true),
        PollAnswer::Packets { closes: false }
    );
    machine.close(&closing(), now);
    assert_eq!(
        machine.answer_poll(true),
        PollAnswer::Packets { closes: true }
    );
    assert_eq!(machine.answer_poll(false), PollAnswer::Close);
}

#[test]
fn polling_takes_the_packets_of_posts() {
    let bytes = Packet::Binary([1][..].into());
    for version in [Version::V3, Version::V4] {
        let (mut machine, _) = begun(version, Transport::Polling);
        let mut post = |packet: &Packet<'_>| {
            machine
                .packet(Source::Post, packet)
                .map(|step| format!("{step:?}"))
        };
        for message in [&Packet::Text("a"), &bytes] {
            assert_eq!(post(message), Ok(format!("{:?}", Step::Message(message))));
        }
        let answer = version == Version::V3;
        assert_eq!(
            post(&Packet::Ping),
            Ok(format!("Signal {{ answer: {answer} }}"))
        );
        assert_eq!(post(&Packet::Pong), Ok("Signal { answer: false }".into()));
        assert_eq!(post(&Packet::Close), Ok("Left".into()));
        for packet in [Packet::Probe, Packet::Upgrade] {
            assert_eq!(post(&packet), Err(PacketError::Packet));
        }
    }
}

#[test]
fn upgrading_goes_on_by_polling() {
    let (mut machine, _) = upgrading();
    assert!(!machine.begin_upgrade(), "one at a time");
    machine.begin_poll().unwrap();
    assert_eq!(machine.answer_poll(false), PollAnswer::Wait);
    assert_eq!(
        machine.answer_poll(true),
        PollAnswer::Packets { closes: false }
    );
    assert!(machine.packet(Source::Post, &Packet::Text("a")).is_ok());
    // Over its WebSocket there is only the probe.
    for packet in [
        Packet::Upgrade,
        Packet::Text("a"),
        Packet::Ping,
        Packet::Close,
    ] {
        assert_eq!(
            machine.packet(Source::WebSocket, &packet),
            Err(PacketError::Upgrade)
        );
    }
    assert_eq!(machine.transport(), Transport::Upgrading);
}

#[test]
fn upgrading_that_fails_can_be_tried_again() {
    for (mut machine, _) in [upgrading(), probed()] {
        assert!(machine.socket_gone());
        assert_eq!(machine.transport(), Transport::Polling);
        assert!(machine.begin_upgrade());
    }
    // Where the session is over there is nothing to go back to.
    for (mut machine, now) in [upgrading(), probed()] {
        machine.abort(now);
        assert!(!machine.socket_gone());
    }
    for (mut machine, _) in [upgrading(), probed()] {
        machine.end(LEFT);
        assert!(!machine.socket_gone() && !machine.begin_upgrade());
    }
}

#[test]
fn probed_answers_polls_with_a_noop() {
    let (mut machine, now) = probed();
    machine.begin_poll().unwrap();
    for has_packets in [false, true] {
        assert_eq!(machine.answer_poll(has_packets), PollAnswer::Noop);
    }
    // A closing waits for the client to move, or for the upgrade to fail.
    machine.close(&closing(), now);
    assert_eq!(machine.answer_poll(false), PollAnswer::Noop);
    assert!(machine.socket_gone());
    assert_eq!(machine.answer_poll(false), PollAnswer::Close);
}

#[test]
fn probed_becomes_upgraded_and_a_post_from_before_comes_first() {
    let (mut machine, _) = probed();
    machine.begin_post().unwrap();
    let step = machine.packet(Source::WebSocket, &Packet::Upgrade);
    assert_eq!(step, Ok(Step::Upgraded));
    assert_eq!(machine.transport(), Transport::WebSocket);
    assert!(!machine.reads_socket());
    assert!(machine.packet(Source::Post, &Packet::Text("a")).is_ok());
    machine.end_post();
    assert!(machine.reads_socket());
}

#[test]
fn upgraded_serves_no_polls_and_no_posts() {
    let (mut machine, _) = probed();
    machine.begin_poll().unwrap();
    machine.packet(Source::WebSocket, &Packet::Upgrade).unwrap();
    assert_eq!(machine.answer_poll(true), PollAnswer::Noop);
    machine.end_poll(true);
    for mut machine in [machine, on_socket().0] {
        assert_eq!(machine.begin_poll(), Err(Unserved::Upgraded));
        assert_eq!(machine.begin_post(), Err(Unserved::Upgraded));
        assert!(!machine.begin_upgrade());
        assert!(!machine.socket_gone(), "that is its end");
        let message = Packet::Text("a");
        let step = machine.packet(Source::WebSocket, &message);
        assert_eq!(step, Ok(Step::Message(&message)));
        for packet in [Packet::Probe, Packet::Upgrade] {
            assert_eq!(
                machine.packet(Source::WebSocket, &packet),
                Err(PacketError::Packet)
            );
        }
    }
}

#[test]
fn closing_keeps_its_first_reason_and_has_a_deadline() {
    for (mut machine, now) in [polling(), upgrading(), probed(), on_socket()] {
        let at = now + seconds(5);
        assert!(machine.close(&closing(), at));
        assert!(!machine.close(&CloseReason::Panic, now));
        assert!(machine.may_say_close() && !machine.is_done());
        assert_eq!(machine.deadline(), Some(at));
        assert_eq!(machine.due(now + seconds(4), &TIMING), Due::Nothing);
        assert_eq!(machine.due(at, &TIMING), Due::End);
        machine.said_close();
        assert!(!machine.may_say_close() && machine.is_done());
        assert_eq!(machine.end(CloseReason::Gone), Some(closing()));
        assert_eq!(machine.end(CloseReason::Gone), None);
        assert!(machine.is_closed());
        assert_eq!(machine.deadline(), None);
    }
}

#[test]
fn an_abort_is_due_at_once() {
    for (mut machine, now) in [polling(), upgrading(), probed(), on_socket()] {
        machine.abort(now);
        assert!(machine.is_aborted() && !machine.takes_messages());
        assert_eq!(machine.deadline(), Some(now));
        assert_eq!(machine.due(now, &TIMING), Due::End);
        assert_eq!(machine.end(CloseReason::Gone), Some(CloseReason::Gone));
        machine.abort(now);
        assert!(machine.is_closed());
    }
}

#[test]
fn closed_answers_a_poll_and_serves_nothing_else() {
    // A client that has left gets no close packet.
    for (reason, answer) in [
        (LEFT, PollAnswer::Noop),
        (CloseReason::HeartbeatTimeout, PollAnswer::Close),
    ] {
        let (mut machine, _) = polling();
        machine.begin_poll().unwrap();
        machine.end(reason.clone());
        assert_eq!(machine.reason(), Some(&reason));
        assert_eq!(machine.answer_poll(true), answer);
        assert!(!machine.end_poll(false));
        assert_eq!(machine.begin_poll(), Err(Unserved::Closed));
        assert_eq!(machine.begin_post(), Err(Unserved::Closed));
    }
}

/// The client sends a packet, over its transport.
fn sends(machine: &mut Machine, packet: &Packet<'_>) {
    let source = match machine.transport() {
        Transport::WebSocket => Source::WebSocket,
        _ => Source::Post,
    };
    machine.packet(source, packet).unwrap();
}

/// Serves each deadline on time, for a span of time. Returns their effects, and the seconds.
fn beats(
    machine: &mut Machine,
    (start, span): (Instant, Duration),
    mut answers: impl FnMut(u64) -> bool,
) -> Vec<(u64, Due)> {
    let mut all = Vec::new();
    let mut last = start;
    while let Some(at) = machine.deadline() {
        assert!(at > last || at == start, "time goes on");
        if at > start + span {
            break;
        }
        last = at;
        let second = (at - start).as_secs();
        if answers(second) {
            sends(machine, &Packet::Pong);
        }
        match machine.due(at, &TIMING) {
            Due::Nothing => {}
            due => all.push((second, due)),
        }
        if matches!(all.last(), Some((_, Due::Silent))) {
            break;
        }
    }
    all
}

#[test]
fn a_client_that_answers_is_pinged_each_interval() {
    for (mut machine, now) in [polling(), on_socket()] {
        machine.begin_poll().ok();
        let all = beats(&mut machine, (now, seconds(100)), |_| true);
        let expected = [25, 50, 75, 100].map(|second| (second, Due::Ping));
        assert_eq!(all, expected);
    }
}

#[test]
fn a_client_that_does_not_answer_is_silent_after_the_timeout() {
    for (mut machine, now) in [polling(), on_socket()] {
        machine.begin_poll().ok();
        // It sends something before the second ping, and nothing after it.
        let all = beats(&mut machine, (now, seconds(1_000)), |second| second <= 50);
        assert_eq!(all, [(25, Due::Ping), (50, Due::Ping), (70, Due::Silent)]);
    }
}

#[test]
fn only_a_pong_answers_a_ping_and_in_protocol_3_anything_is_a_sign_of_life() {
    for (version, ends) in [(Version::V4, true), (Version::V3, false)] {
        for (mut machine, now) in [
            begun(version, Transport::Polling),
            begun(version, Transport::WebSocket),
        ] {
            machine.begin_poll().ok();
            let mut is_silent = false;
            while let Some(at) = machine.deadline().filter(|at| *at < now + seconds(300)) {
                sends(&mut machine, &Packet::Text("I am here"));
                is_silent = machine.due(at, &TIMING) == Due::Silent;
                if is_silent {
                    break;
                }
            }
            assert_eq!(is_silent, ends, "{version:?}");
        }
    }
}

#[test]
fn a_client_that_never_polls_is_silent() {
    for version in [Version::V3, Version::V4] {
        let (mut machine, now) = begun(version, Transport::Polling);
        let all = beats(&mut machine, (now, seconds(1_000)), |_| true);
        assert_eq!(all, [(20, Due::Silent)]);
    }
    // One that moves to a WebSocket without a poll does not have to.
    let (mut machine, now) = probed();
    machine.packet(Source::WebSocket, &Packet::Upgrade).unwrap();
    let all = beats(&mut machine, (now, seconds(30)), |_| true);
    assert_eq!(all, [(25, Due::Ping)]);
}

#[test]
fn a_client_of_protocol_3_is_not_pinged_and_may_be_silent_for_both_together() {
    let (mut machine, now) = begun(Version::V3, Transport::WebSocket);
    assert_eq!(beats(&mut machine, (now, seconds(300)), |_| true), []);
    let (mut machine, now) = begun(Version::V3, Transport::WebSocket);
    let all = beats(&mut machine, (now, seconds(300)), |_| false);
    assert_eq!(all, [(45, Due::Silent)]);
}

#[test]
fn a_process_that_was_stopped_ends_nobody_for_that() {
    for (version, transport) in [
        (Version::V4, Transport::Polling),
        (Version::V4, Transport::WebSocket),
        (Version::V3, Transport::WebSocket),
    ] {
        let (mut machine, now) = begun(version, transport);
        machine.begin_poll().ok();
        machine.due(now + seconds(25), &TIMING);
        // It is stopped for an hour, and what clients have sent is read after the timers are served.
        let back = now + seconds(3_600);
        assert_eq!(machine.due(back, &TIMING), Due::Nothing, "{version:?}");
        let until = machine.deadline().unwrap();
        assert!(until > back + seconds(10));
        // Those that have sent something in that time go on; the others are silent.
        sends(&mut machine, &Packet::Pong);
        let next = machine.due(until, &TIMING);
        assert_ne!(next, Due::Silent);
        let all = beats(&mut machine, (until, seconds(200)), |_| false);
        assert!(matches!(all.last(), Some((_, Due::Silent))), "{all:?}");
    }
}

#[test]
fn a_process_that_is_always_late_still_finds_the_silent() {
    let (mut machine, _) = on_socket();
    let mut now = machine.deadline().unwrap();
    for _ in 0..10 {
        if machine.due(now, &TIMING) == Due::Silent {
            return;
        }
        now = machine.deadline().unwrap() + seconds(60);
    }
    panic!("nobody is silent");
}
