//! Which way the arrows go: read from the sources, so that a wrong one can't be drawn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tests::sources::{Sources, circles};

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

/// The folders of the product's own crates.
const CRATES: [&str; 19] = [
    "casefold",
    "zip-records",
    "shared/domain",
    "shared/storage",
    "shared/queue",
    "shared/ledger",
    "shared/outbound",
    "shared/settings",
    "shared/telemetry",
    "shared/crash-points",
    "shared/beat",
    "archive",
    "identify",
    "migrations",
    "ingress",
    "worker",
    "dossier",
    "client",
    "dsr",
];

fn name_of(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

/// Of our own crates, those that a manifest names outside its tests.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next());
    names
        .filter(|name| {
            name.starts_with("test") || CRATES.iter().any(|folder| name_of(folder) == *name)
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_point_one_way() {
    let allowed = |folder| -> &[&str] {
        match folder {
            "casefold" | "zip-records" | "shared/crash-points" | "shared/beat" | "client" => &[],
            "dsr" => &["client"],
            "archive" | "identify" => &["zip-records"],
            "migrations" | "shared/domain" => &["casefold"],
            "shared/storage" => &["beat", "domain"],
            "shared/queue" | "shared/outbound" => &["domain"],
            "shared/ledger" => &["crash-points", "domain", "queue", "storage"],
            "shared/settings" | "shared/telemetry" => &["domain", "ledger", "queue", "storage"],
            "ingress" => &[
                "beat",
                "crash-points",
                "domain",
                "ledger",
                "outbound",
                "queue",
                "settings",
                "storage",
                "telemetry",
            ],
            "worker" => &[
                "archive",
                "beat",
                "crash-points",
                "domain",
                "identify",
                "ledger",
                "outbound",
                "queue",
                "storage",
                "telemetry",
            ],
            "dossier" => &[
                "domain",
                "identify",
                "ingress",
                "ledger",
                "migrations",
                "outbound",
                "queue",
                "settings",
                "storage",
                "telemetry",
                "worker",
            ],
            _ => panic!("{folder} isn't known"),
        }
    };
    for folder in CRATES {
        let allowed = allowed(folder).iter().map(|name| (*name).to_owned());
        assert_eq!(dependencies(folder), allowed.collect(), "{folder}");
    }
}

/// What tests alone may use is a feature that no program is built with.
#[test]
fn no_program_is_built_with_what_is_for_tests() {
    for folder in CRATES {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let product = manifest.split("[dev-dependencies]").next().unwrap();
        assert!(!product.contains("\"test-support\""), "{folder}");
    }
}

/// What stands under `shared/` is crates, and each of them is known here.
#[test]
fn shared_holds_crates_alone() {
    let found = std::fs::read_dir(root().join("shared")).unwrap();
    let found: BTreeSet<_> = found
        .map(|entry| format!("shared/{}", entry.unwrap().file_name().display()))
        .collect();
    let known = CRATES.iter().filter(|folder| folder.starts_with("shared/"));
    assert_eq!(found, known.map(|folder| (*folder).to_owned()).collect());
}

/// Who destroys an object asks the adapter of its place. One room does; the others ask that room,
/// which looks at the mark of the place.
#[test]
fn bytes_are_destroyed_by_one_door() {
    let decorates = |path: &Path| path.ends_with("telemetry/src/storage.rs");
    let is_door = |path: &Path| path.ends_with("storage/src/removal.rs");
    let adapters = ["storage", "staging()", "store()", "adapter", "inner"];
    let calls: Vec<_> = adapters
        .iter()
        .flat_map(|adapter| [format!("{adapter}.delete("), format!("{adapter}.sweep(")])
        .collect();
    let mut doors = 0;
    for member in ["shared", "ingress", "worker", "dossier"] {
        for (path, text) in sources(&root().join(member)) {
            let is_test = path.components().any(|part| part.as_os_str() == "tests")
                || path.ends_with("tests.rs")
                || path.ends_with("contract.rs")
                || path.ends_with("contract_growing.rs");
            if is_test || decorates(&path) {
                continue;
            }
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in text.lines() {
                let asks = calls.iter().any(|call| line.contains(call.as_str()));
                let is_of_places = line.contains("places.");
                doors += usize::from(asks && is_door(&path));
                assert!(
                    !asks || is_of_places || is_door(&path),
                    "{}: {line}",
                    path.display()
                );
            }
        }
    }
    assert_eq!(doors, 2);
}

/// The lint knows functions by their paths: it can't see that a text is parsed as a value, or is
/// read by a reader of JSON itself.
#[test]
fn json_is_read_by_one_door() {
    let kinds = ["Value", "Number", "Map<"];
    let reads = |line: &str| {
        let parses = kinds.iter().any(|kind| {
            line.contains(&format!("parse::<{kind}"))
                || line.contains(&format!("parse::<serde_json::{kind}"))
                || line.contains(&format!(": {kind}")) && line.contains(".parse()")
        });
        parses || line.contains("serde_json::Deserializer::from_")
    };
    // It reads no member as a value: each document of a manifest comes as it is written.
    let is_manifest = |path: &Path| path.ends_with("worker/src/jobs/import/manifest.rs");
    let mut manifests = 0;
    for folder in CRATES {
        for (path, text) in sources(&root().join(folder).join("src")) {
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in text.lines().filter(|line| reads(line)) {
                assert!(is_manifest(&path), "{}: {line}", path.display());
                manifests += 1;
            }
        }
    }
    assert_eq!(manifests, 1);
}

/// PostgreSQL and SQLite are told apart in one room of the ledger, and one file of the migrations.
#[test]
fn databases_differ_in_one_place() {
    let is_dialect = |path: &Path| {
        path.components().any(|part| part.as_os_str() == "dialect")
            || path.ends_with("migrations/src/dialect.rs")
    };
    let words = ["DbBackend::", "Dialect::Postgres", "Dialect::Sqlite"];
    let mut told = 0;
    for folder in CRATES {
        for (path, text) in sources(&root().join(folder).join("src")) {
            let is_told = words.iter().any(|word| text.contains(word));
            assert!(!is_told || is_dialect(&path), "{}", path.display());
            told += usize::from(is_told);
        }
    }
    assert_eq!(told, 2);
}

#[test]
fn every_source_says_first_what_it_is_for() {
    for folder in CRATES {
        for (path, text) in sources(&root().join(folder).join("src")) {
            assert!(
                text.starts_with("//!") || text.starts_with("#![doc"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn files_name_each_other_in_no_circle() {
    for folder in CRATES {
        let arrows = Sources::read(&root().join(folder).join("src")).arrows();
        assert_eq!(circles(&arrows), Vec::<BTreeSet<_>>::new(), "{folder}");
    }
}

#[test]
fn a_folder_s_own_file_is_a_table_of_contents() {
    for folder in CRATES {
        let sources = Sources::read(&root().join(folder).join("src"));
        let mut defining = sources.tables_that_define();
        match folder {
            // Here the root is a program, or the list of migrations.
            "dossier" | "dsr" | "migrations" => drop(defining.remove("")),
            _ => {}
        }
        assert_eq!(defining, BTreeSet::new(), "{folder}");
    }
}
