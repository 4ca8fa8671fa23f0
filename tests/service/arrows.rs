//! Which way the arrows go: read from the sources, so that a wrong one can't be drawn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The workspace's own crates that a manifest names outside its tests.
fn dependencies(member: &str) -> BTreeSet<String> {
    let members = [
        "shared",
        "casefold",
        "archive",
        "identify",
        "migrations",
        "ingress",
        "worker",
        "dossier",
        "tests",
    ];
    let manifest = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next());
    names
        .filter(|name| members.contains(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_point_one_way() {
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(dependencies("casefold"), set(&[]));
    assert_eq!(dependencies("shared"), set(&["casefold"]));
    assert_eq!(dependencies("archive"), set(&[]));
    assert_eq!(dependencies("identify"), set(&[]));
    assert_eq!(dependencies("migrations"), set(&["casefold"]));
    assert_eq!(dependencies("ingress"), set(&["shared"]));
    assert_eq!(
        dependencies("worker"),
        set(&["archive", "identify", "shared"])
    );
    assert!(dependencies("dossier").is_subset(&set(&[
        "archive",
        "identify",
        "ingress",
        "migrations",
        "shared",
        "worker"
    ])));
}

#[test]
fn rooms_of_shared_point_one_way() {
    // What each room may name; the rest of `shared` is closed to it.
    let allowed: [(&str, &[&str]); 7] = [
        ("domain", &["domain"]),
        ("storage", &["domain", "private_file", "storage"]),
        ("queue", &["domain", "queue"]),
        ("db", &["crash", "db", "domain", "queue", "storage"]),
        ("ownership", &["db", "domain", "ownership", "storage"]),
        ("metrics", &["db", "domain", "metrics", "queue", "storage"]),
        (
            "settings",
            &["db", "domain", "queue", "settings", "storage"],
        ),
    ];
    for (room, allowed) in allowed {
        for (path, text) in sources(&root().join("shared/src").join(room)) {
            for named in text.split("crate::").skip(1) {
                let named = named
                    .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
                    .next()
                    .unwrap();
                assert!(
                    allowed.contains(&named),
                    "{} names crate::{named}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_source_says_first_what_it_is_for() {
    for member in [
        "shared",
        "casefold",
        "archive",
        "identify",
        "migrations",
        "ingress",
        "worker",
        "dossier",
    ] {
        for (path, text) in sources(&root().join(member).join("src")) {
            assert!(
                text.starts_with("//!") || text.starts_with("#![doc"),
                "{}",
                path.display()
            );
        }
    }
}
