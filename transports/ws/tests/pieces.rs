//! Messages whole and in pieces, in every mixture, cut wherever the network likes: what comes back
//! is what was sent, in order. Most are read as they lie, the others by tungstenite, and one must
//! take over from the other to the byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use support::{
    client::{BINARY, CONTINUATION, FIN, PING, PONG, TEXT, masked},
    site::{Site, within},
};

/// A linear congruential generator: the same numbers each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn length(&mut self) -> usize {
        let about = [
            0, 1, 60, 125, 126, 4_080, 4_096, 9_000, 65_535, 65_536, 140_000,
        ];
        about[self.below(about.len())] + self.below(3)
    }
}

/// A conversation: the bytes of a client, and the echoes of its messages.
fn conversation(chance: &mut Chance) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let (mut wire, mut echoes) = (Vec::new(), Vec::new());
    for number in 0..1 + chance.below(12) {
        let opcode = [TEXT, BINARY][chance.below(2)];
        let len = chance.length();
        let payload: Vec<u8> = (0..len)
            .map(|at| b'a' + ((at + number) % 26) as u8)
            .collect();
        let mut rest = &payload[..];
        let mut head = opcode;
        while chance.below(3) == 0 && !rest.is_empty() {
            let (part, others) = rest.split_at(chance.below(rest.len()));
            wire.extend(masked(head, part));
            (head, rest) = (CONTINUATION, others);
            if chance.below(3) == 0 {
                wire.extend(masked(FIN | PING, &payload[..payload.len().min(9)]));
            }
        }
        wire.extend(masked(FIN | head, rest));
        echoes.push((opcode, payload));
        match chance.below(6) {
            0 => wire.extend(masked(FIN | PONG, b"unasked")),
            1 => wire.extend(masked(FIN | PING, b"between")),
            _ => {}
        }
    }
    (wire, echoes)
}

#[tokio::test]
async fn pieces_and_whole_messages_take_turns() {
    let site = Site::new().await;
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let (wire, echoes) = conversation(&mut chance);
        let mut client = site.client().await;
        let mut rest = &wire[..];
        let mut heard = Vec::new();
        while heard.len() < echoes.len() {
            // Small cuts at first and then larger ones, or large ones from the beginning.
            let most = [1, 7, 100, 5_000, 200_000][chance.below(5)];
            let (part, others) = rest.split_at((1 + chance.below(most)).min(rest.len()));
            rest = others;
            within(client.write(part)).await.unwrap();
            while rest.is_empty() && heard.len() < echoes.len() {
                let (opcode, payload) = within(client.receive()).await.unwrap();
                if opcode != PONG {
                    heard.push((opcode, payload));
                }
            }
            tokio::task::yield_now().await;
        }
        let lengths = |list: &[(u8, Vec<u8>)]| -> Vec<_> {
            list.iter()
                .map(|(op, payload)| (*op, payload.len()))
                .collect()
        };
        assert_eq!(lengths(&heard), lengths(&echoes), "seed {seed}");
        assert!(heard == echoes, "seed {seed}: other bytes");
        within(client.goodbye(1000)).await;
    }
    site.is_well().await;
}
