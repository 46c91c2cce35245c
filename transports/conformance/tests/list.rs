//! Checks that the list names every behaviour.

use std::{collections::BTreeSet, fs, path::Path};

use stellarfw_conformance::ALL;

#[test]
fn every_behaviour_is_on_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/behaviours");
    let mut written = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let subject = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in fs::read_to_string(&path).unwrap().lines() {
            if let Some(rest) = line.strip_prefix("pub async fn ") {
                let (name, _) = rest.split_once('(').unwrap();
                written.insert(format!("{subject}::{name}"));
            }
        }
    }
    let listed: BTreeSet<_> = ALL
        .iter()
        .map(|behaviour| behaviour.name.to_owned())
        .collect();
    assert_eq!(listed.len(), ALL.len(), "a behaviour is listed twice");
    assert_eq!(written, listed);
}
