//! The book of the documentation has its pages.

use std::collections::BTreeSet;

use super::tables::{files, root};

#[test]
fn the_summary_names_pages_that_are_there_and_none_is_forgotten() {
    let docs = root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let links = summary.split("](").skip(1);
    let named: Vec<_> = links.filter_map(|rest| rest.split(')').next()).collect();
    let unique: BTreeSet<_> = named.iter().copied().collect();
    assert_eq!(unique.len(), named.len(), "{named:?}");
    for page in &named {
        assert!(docs.join(page).is_file(), "{page}");
    }
    for page in files(&docs, "md") {
        let page = page.strip_prefix(&docs).unwrap().display().to_string();
        // A decision may come before its line in the summary.
        let may_be_missing = page == "SUMMARY.md" || page.starts_with("adr/");
        assert!(may_be_missing || unique.contains(page.as_str()), "{page}");
    }
}
