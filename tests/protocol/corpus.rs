//! What is fuzzed, over a corpus and its mutations.

use std::{fs, path::PathBuf};

use crate::fuzz;

/// The inputs of a target, with their names.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
    files.into_iter().map(read).collect()
}

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Changes an input in a few places: bytes of its own, of another input, or of any value.
fn mutate(numbers: &mut Numbers, input: &[u8], other: &[u8]) -> Vec<u8> {
    const TELLING: &[u8] = b"{}[]\",:\\\n\0\x7f\x80\xff\xc1\xde\xdf0-.e";
    let mut out = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(out.len());
        match numbers.below(7) {
            0 if !out.is_empty() => out[at] ^= 1 << numbers.below(8),
            1 if !out.is_empty() => {
                let until = (at + numbers.below(9)).min(out.len());
                out.drain(at..until);
            }
            2 if !out.is_empty() => {
                let until = (at + numbers.below(33)).min(out.len());
                let piece = out[at..until].to_vec();
                let to = numbers.below(out.len());
                out.splice(to..to, piece);
            }
            3 if !other.is_empty() => {
                let from = numbers.below(other.len());
                let until = (from + numbers.below(65)).min(other.len());
                out.splice(at..at, other[from..until].iter().copied());
            }
            4 => out.truncate(at),
            5 => out.insert(at, numbers.below(256) as u8),
            _ => out.insert(at, TELLING[numbers.below(TELLING.len())]),
        }
    }
    out
}

fn run(target: &str, mutations: usize, entry: fn(&[u8])) {
    let corpus = corpus(target);
    for (path, bytes) in &corpus {
        eprintln!("{}", path.display());
        entry(bytes);
    }
    let mut numbers = Numbers(7);
    for _ in 0..mutations {
        let at = numbers.below(corpus.len());
        let other = numbers.below(corpus.len());
        let input = mutate(&mut numbers, &corpus[at].1, &corpus[other].1);
        let told = input.escape_ascii().to_string();
        let result = std::panic::catch_unwind(|| entry(&input));
        assert!(result.is_ok(), "for b\"{told}\"");
    }
}

#[test]
fn messages_of_any_kind_are_answered_once_and_do_no_harm() {
    run("dispatch", 4_000, fuzz::dispatch);
}

#[test]
fn payloads_come_back_as_they_were() {
    run("codecs", 20_000, fuzz::codecs);
}

#[test]
fn parameters_are_read_alike_whichever_way_they_come() {
    run("params", 4_000, fuzz::params);
}

#[test]
fn frames_are_read_as_the_specification_has_them() {
    run("websocket", 1_000, fuzz::websocket);
}

#[test]
fn compressed_frames_are_read_as_the_specification_has_them() {
    run("deflate", 500, fuzz::deflate);
}

#[test]
fn what_is_inflated_is_the_same_however_it_comes() {
    run("inflate", 2_000, fuzz::inflate);
}

#[test]
fn payloads_of_polling_hold_what_the_protocol_says() {
    run("engineio", 1_000, fuzz::engineio);
}

#[test]
fn events_are_the_same_over_both_transports() {
    run("socketio", 150, fuzz::socketio);
}

#[test]
fn bodies_and_frames_bring_the_same_messages() {
    run("sockjs", 400, fuzz::sockjs);
}

#[test]
fn forms_come_back_as_they_were_made() {
    run("multipart", 400, fuzz::multipart);
}

#[test]
fn no_path_leads_out_of_the_folder() {
    run("paths", 500, fuzz::paths);
}

#[test]
fn nobody_but_the_nearest_proxy_says_where_a_client_is() {
    run("proxies", 10_000, fuzz::proxies);
}

#[test]
fn cookies_and_queries_are_found_where_they_are() {
    run("cookies", 4_000, fuzz::cookies);
}
