//! The book of the documentation has its pages, and no link of it leads nowhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

/// A text without what stands in fences, where a `#` begins a comment.
fn prose(text: &str) -> String {
    let parts = text.split("\n```").step_by(2);
    // Behind a fence its line ends.
    let rests = parts.enumerate().map(|(index, part)| match index {
        0 => part,
        _ => part.split_once('\n').map_or("", |(_, rest)| rest),
    });
    rests.collect::<Vec<_>>().join("\n")
}

/// The anchors of the headings of a text, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|&character| {
            character.is_alphanumeric() || matches!(character, ' ' | '-' | '_')
        });
        kept.map(|character| if character == ' ' { '-' } else { character })
            .collect()
    };
    headings.map(anchor).collect()
}

/// Where a link of a file leads, if that is nowhere.
fn dead<'a>(file: &Path, text: &str, link: &'a str) -> Option<&'a str> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let aim = file.parent().unwrap().join(path);
    let there = if path.is_empty() {
        text.to_owned()
    } else if aim.is_dir() {
        String::new()
    } else if let Ok(bytes) = std::fs::read(&aim) {
        prose(&String::from_utf8_lossy(&bytes))
    } else {
        return Some(link);
    };
    let is_there = anchor.is_empty() || anchors(&there).contains(anchor);
    (!is_there).then_some(link)
}

/// Pages for readers, with their text but for what stands in fences.
pub fn pages() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut paths = files(&root.join("docs"), "md");
    for folder in [".", "deploy", "examples"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let found = entries.map(|entry| entry.unwrap().path());
        paths.extend(found.filter(|path| path.extension().is_some_and(|of| of == "md")));
    }
    let read = |path: PathBuf| {
        let text = prose(&std::fs::read_to_string(&path).unwrap());
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let (mut links, mut nowhere) = (0, Vec::new());
    for (page, text) in pages() {
        for link in text.split("](").skip(1) {
            let link = link.split([')', ' ']).next().unwrap();
            if link.contains("://") {
                continue;
            }
            links += 1;
            nowhere.extend(dead(&page, &text, link).map(|link| (page.clone(), link.to_owned())));
        }
    }
    assert!(links > 100 && nowhere.is_empty(), "{links} {nowhere:?}");
}
