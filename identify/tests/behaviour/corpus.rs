//! The labelled files that lie beside the workspace where there are any: the
//! accuracy that was reached must not be lost again.

use std::fs;
use std::path::Path;

use crate::fixtures::{named, nameless};

#[test]
fn labelled_files_are_judged_rightly() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/mime");
    let (Ok(labels), Ok(aliases)) = (
        fs::read_to_string(folder.join("labels.tsv")),
        fs::read_to_string(folder.join("aliases.txt")),
    ) else {
        println!("skipped: there are no labelled files beside the workspace");
        return;
    };
    let same = |one: &str, other: &str| {
        one == other
            || aliases.lines().any(|class| {
                [one, other]
                    .iter()
                    .all(|name| class.split_whitespace().any(|known| known == *name))
            })
    };
    let (mut files, mut with_name, mut without) = (0, 0, 0);
    for line in labels.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, expected, also, ..] = fields.as_slice() else {
            continue;
        };
        let Ok(bytes) = fs::read(folder.join("files").join(path)) else {
            continue;
        };
        let right =
            |answer: &str| same(expected, answer) || also.split('|').any(|also| same(also, answer));
        files += 1;
        with_name += usize::from(right(named(&bytes, path).media_type));
        without += usize::from(right(nameless(&bytes).media_type));
    }
    println!("{files} files: {with_name} right with their names, {without} without");
    assert!(
        with_name * 1000 >= files * 990,
        "{with_name} of {files} with their names"
    );
    assert!(
        without * 1000 >= files * 960,
        "{without} of {files} without names"
    );
}
