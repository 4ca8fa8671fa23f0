//! docs/OPERATIONS.md tells of every setting and of every meter.

use std::collections::BTreeSet;
use std::process::Command;

use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::servers::program;

pub fn manual() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    std::fs::read_to_string(file).unwrap()
}

/// Words of `text` that begin so.
pub fn words<'t>(text: &'t str, beginning: &str) -> BTreeSet<&'t str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = text.split(|character| !is_part(character));
    words.filter(|word| word.starts_with(beginning)).collect()
}

#[test]
fn every_setting_is_told_of() {
    let help = Command::new(program()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (known, manual) = (words(&help, "DOSSIER_"), manual());
    let told = words(&manual, "DOSSIER_");
    assert!(known.len() > 20);
    let difference: Vec<_> = known.symmetric_difference(&told).collect();
    assert!(difference.is_empty(), "{difference:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_meter_is_told_of() {
    let app = TestApp::start(Mode::Embedded).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    alice.settled(&pending).await;
    let text = reqwest::get(format!("{}/metrics", app.ingress().ops())).await;
    let text = text.unwrap().text().await.unwrap();
    let mut known = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = if kind == "counter" { "_total" } else { "" };
        known.insert(format!("{name}{suffix}"));
    }
    let manual = manual();
    let told: BTreeSet<_> = words(&manual, "dossier_")
        .into_iter()
        .map(str::to_owned)
        .collect();
    let difference: Vec<_> = known.symmetric_difference(&told).collect();
    assert!(known.len() > 10 && difference.is_empty(), "{difference:?}");
}
