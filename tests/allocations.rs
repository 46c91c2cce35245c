//! How often memory is asked for: the same pieces of work that `benches/` times.
//!
//! The numbers are exact, and docs/performance.md tells them. Fewer is better, and then the numbers
//! here and there want changing, too.

#[path = "../benches/work/mod.rs"]
mod work;

/// The work, how many messages or deliveries it is, and the allocations of all of them together.
const EXPECTED: &[(&str, usize, u64)] = &[
    ("decode/JSON, any value", 1, 11),
    ("decode/JSON, known fields", 1, 3),
    ("decode/MessagePack, any value", 1, 11),
    ("encode/JSON", 1, 1),
    ("encode/MessagePack", 1, 4),
    ("transport/echo, JSON", 1, 2),
    ("transport/echo, MessagePack", 1, 3),
    ("request/action", 1, 5),
    ("request/detailsView", 1, 1),
    ("request/unknown verb", 1, 2),
    ("say/1 member", 1, 6),
    ("say/10 members", 10, 6),
    ("say/100 members", 100, 6),
    ("say/1,000 members", 1_000, 6),
    ("say/10,000 members", 10_000, 19),
    ("ws/read 1 frame", 1, 0),
    ("ws/read 64 frames at once", 64, 0),
    ("ws/write 1 frame", 1, 0),
    ("ws/write 64 frames at once", 64, 0),
    ("ws/write 1 frame to 100", 100, 0),
];

#[test]
fn messages_take_as_many_allocations_as_documented() {
    let counted: Vec<_> = work::all()
        .iter()
        .map(|work| (work.name, work.units, allocations(work)))
        .collect();
    assert_eq!(counted, EXPECTED);
}

/// The rows of the guide, and the work whose number each tells.
const DOCUMENTED: &[(&str, &str)] = &[
    (
        "an echo through the transport layer, JSON",
        "transport/echo, JSON",
    ),
    ("a call of an action, with its response", "request/action"),
    (
        "a `say`, with its response and all deliveries",
        "say/1,000 members",
    ),
];

#[test]
fn the_guide_tells_these_numbers() {
    let guide = include_str!("../docs/performance.md");
    let of = |name: &str| {
        let found = EXPECTED.iter().find(|(work, ..)| *work == name);
        found.map(|(.., allocations)| *allocations).unwrap()
    };
    for (row, work) in DOCUMENTED {
        let row = format!("| {row} | {} |", of(work));
        assert!(guide.contains(&row), "docs/performance.md lacks {row}");
    }
    // A thousand deliveries take no more than one: each takes none.
    assert_eq!(of("say/1 member"), of("say/1,000 members"));
}

/// So many times each is done; what happens once in a while must not hide.
const REPETITIONS: u64 = 64;

fn allocations(work: &work::Work) -> u64 {
    let runtime = work::runtime();
    let _entered = runtime.enter();
    let mut repeat = work.prepare(&runtime);
    // Queues and tables grow to their size.
    for _ in 0..REPETITIONS {
        repeat();
    }
    let info = allocation_counter::measure(|| {
        for _ in 0..REPETITIONS {
            repeat();
        }
    });
    assert_eq!(
        info.count_total % REPETITIONS,
        0,
        "{}: not the same each time",
        work.name
    );
    info.count_total / REPETITIONS
}
