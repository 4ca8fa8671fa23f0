//! Archives made to deceive, one for each trick.

use archive::{ArchiveError, EntryError, EntryProblem, Limits, check};
use flate2::{Compress, Compression, FlushCompress, Status};
use futures::executor::block_on;
use proptest::prelude::*;

use crate::fixtures::{Forged, LIMITS, bytes_of, contents, forged, honest, parts, source, written};

/// Limits that let a bomb in.
const DENSE: Limits = Limits {
    ratio: 2000,
    ..LIMITS
};

fn problem(entry: Forged) -> Option<EntryProblem> {
    let archive = forged(&[honest("good.txt", b"good"), entry]);
    let contents = contents(&archive).unwrap();
    assert_eq!(contents.entries[0].problem, None);
    contents.entries[1].problem
}

fn broken(entry: Forged) -> &'static str {
    let archive = forged(&[entry]);
    let contents = block_on(check(&source(&archive), &DENSE)).unwrap();
    assert_eq!(contents.entries[0].problem, None);
    match bytes_of(&archive, &contents.entries[0]) {
        Err(EntryError::Broken(detail)) => detail,
        other => panic!("{other:?}"),
    }
}

fn lie(archive: &[u8]) -> &'static str {
    match contents(archive) {
        Err(ArchiveError::Inconsistent(detail)) => detail,
        other => panic!("{other:?}"),
    }
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut deflate = Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(data.len() + 64);
    let status = deflate.compress_vec(data, &mut out, FlushCompress::Finish);
    assert_eq!(status.unwrap(), Status::StreamEnd);
    out
}

#[test]
fn a_path_that_leads_elsewhere_is_told() {
    for path in [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../b",
        "..\\..\\b",
        "C:\\b",
        "C:b",
        "a\0b",
        "a//b",
        "",
        "a\u{202e}txt.exe",
    ] {
        let found = problem(honest(path, b"x"));
        assert_eq!(found, Some(EntryProblem::UnsafeName), "{path:?}");
    }
    let not_text = Forged {
        name: vec![0xff, 0xfe],
        local_name: vec![0xff, 0xfe],
        flags: 1 << 11,
        ..honest("", b"x")
    };
    assert_eq!(problem(not_text), Some(EntryProblem::UnsafeName));
}

#[test]
fn a_link_or_device_is_no_file() {
    for mode in [0o120_777_u32, 0o020_644, 0o060_644, 0o010_644, 0o140_644] {
        let link = Forged {
            attributes: mode << 16,
            ..honest("link", b"/etc/passwd")
        };
        assert_eq!(problem(link), Some(EntryProblem::NotAFile), "{mode:o}");
    }
    let file = Forged {
        attributes: 0o100_644 << 16,
        ..honest("file", b"x")
    };
    assert_eq!(problem(file), None);
}

#[test]
fn what_is_encrypted_or_packed_strangely_is_told() {
    for flags in [1, 1 | 1 << 6, 1 << 13] {
        let entry = Forged {
            flags,
            ..honest("secret", b"x")
        };
        assert_eq!(problem(entry), Some(EntryProblem::Encrypted));
    }
    for method in [1, 9, 12, 14, 93, 99] {
        let entry = Forged {
            method,
            ..honest("strange", b"x")
        };
        assert_eq!(problem(entry), Some(EntryProblem::UnknownMethod));
    }
}

#[test]
fn twins_are_told_however_they_are_written() {
    for twin in ["good.txt", "GOOD.txt", "Good.TXT"] {
        let found = problem(honest(twin, b"x"));
        assert_eq!(found, Some(EntryProblem::Duplicate), "{twin}");
    }
    assert_eq!(problem(honest("other/good.txt", b"x")), None);
}

#[test]
fn folders_are_no_files() {
    let archive = forged(&[honest("folder/", b""), honest("folder/a", b"x")]);
    let contents = contents(&archive).unwrap();
    let folders: Vec<_> = contents
        .entries
        .iter()
        .map(|entry| entry.is_folder)
        .collect();
    assert_eq!(folders, [true, false]);
    assert_eq!(problem(honest("../", b"")), Some(EntryProblem::UnsafeName));
    // A folder that holds bytes is a name that ends in nothing.
    assert_eq!(
        problem(honest("f/", b"abc")),
        Some(EntryProblem::UnsafeName)
    );
}

#[test]
fn a_lying_size_is_an_error_of_that_entry() {
    let zeros = vec![0; 100_000];
    let bomb = |said: u32| Forged {
        method: 8,
        size: said,
        local_size: said,
        data: deflated(&zeros),
        ..honest("bomb", &zeros)
    };
    assert_eq!(broken(bomb(1000)), "it is larger than it says");
    assert_eq!(broken(bomb(100_001)), "it is smaller than it says");
    assert_eq!(
        problem(Forged {
            size: 3,
            ..honest("stored", b"x")
        }),
        Some(EntryProblem::Broken)
    );
}

#[test]
fn broken_bytes_are_an_error_of_that_entry() {
    let good = b"some text that is long enough to be packed, packed, packed, packed";
    let packed = deflated(good);
    let deflate = |data: Vec<u8>| Forged {
        method: 8,
        data,
        ..honest("a", good)
    };
    let archive = forged(&[deflate(packed.clone())]);
    let entry = &contents(&archive).unwrap().entries[0];
    assert_eq!(bytes_of(&archive, entry).unwrap(), good);

    let cut = packed[..packed.len() - 3].to_vec();
    assert_eq!(broken(deflate(cut)), "its packed bytes are cut");
    let longer = [packed.as_slice(), b"more"].concat();
    assert_eq!(broken(deflate(longer)), "something stands behind its bytes");
    assert_eq!(
        broken(deflate(vec![0xff; 20])),
        "its packed bytes are not DEFLATE"
    );
    assert_eq!(
        broken(Forged {
            crc32: 1,
            ..honest("a", good)
        }),
        "its checksum is wrong"
    );
}

#[test]
fn a_header_that_says_something_else_is_an_error_of_that_entry() {
    let entry = honest("name.txt", b"some bytes");
    let other_name = Forged {
        local_name: b"name.exe".to_vec(),
        ..entry.clone()
    };
    assert_eq!(broken(other_name), "its header has another name");
    let other_size = Forged {
        local_size: 3,
        ..entry.clone()
    };
    assert_eq!(broken(other_size), "its header has other sizes");
    // The header's longer name makes the bytes reach into what follows.
    let mut archive = forged(&[entry.clone(), honest("b", b"x")]);
    archive[28] = 5;
    let contents = contents(&archive).unwrap();
    assert!(matches!(
        bytes_of(&archive, &contents.entries[0]),
        Err(EntryError::Broken("it overlaps with what follows it"))
    ));
    archive[0] = b'X';
    assert!(matches!(
        bytes_of(&archive, &contents.entries[0]),
        Err(EntryError::Broken("there is no header"))
    ));
}

#[test]
fn entries_that_share_bytes_refuse_the_archive() {
    let shared = Forged {
        offset: Some(0),
        ..honest("b", b"the same bytes")
    };
    let archive = forged(&[honest("a", b"the same bytes"), shared]);
    assert!(matches!(contents(&archive), Err(ArchiveError::Overlap)));
    let inside = Forged {
        offset: Some(5),
        ..honest("b", b"bytes")
    };
    let archive = forged(&[honest("a", b"the same bytes"), inside]);
    assert!(matches!(contents(&archive), Err(ArchiveError::Overlap)));
    // One that reaches into the directory.
    let late = Forged {
        offset: Some(40),
        ..honest("a", b"the same bytes")
    };
    assert!(matches!(
        contents(&forged(&[late])),
        Err(ArchiveError::Overlap)
    ));
}

#[test]
fn a_directory_that_is_not_what_it_says_refuses_the_archive() {
    let parts = parts(&[honest("a", b"x"), honest("b", b"y")]);
    let start = u32::try_from(parts.front.len()).unwrap();
    assert_eq!(
        lie(&parts.ending(1, start, b"")),
        "it has more entries than it says"
    );
    assert_eq!(
        lie(&parts.ending(5, start, b"")),
        "it is too short for its entries"
    );
    assert_eq!(
        lie(&parts.ending(2, 0, b"")),
        "it is not where the end says"
    );
    let mut padded = crate::fixtures::parts(&[honest("a", b"x")]);
    padded.directory.extend([0; 60]);
    assert_eq!(lie(&padded.joined()), "something else stands in it");
}

#[test]
fn what_stands_before_or_behind_an_archive_refuses_it() {
    let archive = forged(&[honest("a", b"x")]);
    assert_eq!(
        lie(&[b"#!/bin/sh\n", archive.as_slice()].concat()),
        "it is not where the end says"
    );
    assert!(matches!(
        contents(&[archive.as_slice(), b"\n"].concat()),
        Err(ArchiveError::NotAnArchive)
    ));
}

#[test]
fn of_two_ends_none_is_chosen() {
    let parts = parts(&[honest("a", b"x")]);
    let start = u32::try_from(parts.front.len()).unwrap();
    let second = crate::fixtures::parts(&[]).joined();
    assert_eq!(lie(&parts.ending(1, start, &second)), "there are two ends");
    let fine = parts.ending(1, start, b"a comment");
    assert_eq!(contents(&fine).unwrap().entries.len(), 1);
}

#[test]
fn split_archives_are_refused() {
    let elsewhere = Forged {
        volume: 1,
        ..honest("a", b"x")
    };
    assert!(matches!(
        contents(&forged(&[elsewhere])),
        Err(ArchiveError::Split)
    ));
    let mut archive = forged(&[honest("a", b"x")]);
    let end = archive.len() - 22;
    archive[end + 4] = 1;
    assert!(matches!(contents(&archive), Err(ArchiveError::Split)));
}

#[test]
fn a_zip64_end_that_disagrees_refuses_the_archive() {
    // Above 65,535 entries the writer makes one.
    let names: Vec<_> = (0..65_536).map(|number| number.to_string()).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let archive = written(&files);
    assert_eq!(contents(&archive).unwrap().entries.len(), 65_536);
    let end = archive.len() - 22;
    let changed = |at: usize, byte: u8| {
        let mut archive = archive.clone();
        archive[at] = byte;
        archive
    };
    assert_eq!(lie(&changed(end + 10, 7)), "its two ends disagree");
    assert_eq!(lie(&changed(end + 16, 1)), "its two ends disagree");
    assert_eq!(lie(&changed(end - 20 + 8, 1)), "its Zip64 end is broken");
    assert!(matches!(
        contents(&changed(end - 20 + 4, 1)),
        Err(ArchiveError::Split)
    ));
    let wide = end - 20 - 56;
    assert_eq!(lie(&changed(wide + 40, 1)), "its two ends disagree");
}

#[test]
fn limits_are_held_before_anything_is_believed() {
    let zeros = [0; 10_000];
    let bomb = Forged {
        method: 8,
        data: deflated(&zeros),
        ..honest("a", &zeros)
    };
    let archive = forged(&[bomb, honest("b", b"x")]);
    let with = |limits: Limits| block_on(check(&source(&archive), &limits));
    assert!(matches!(
        with(Limits {
            entries: 1,
            ..LIMITS
        }),
        Err(ArchiveError::TooManyEntries { found: 2, most: 1 })
    ));
    assert!(matches!(
        with(Limits {
            bytes: 10_000,
            ..LIMITS
        }),
        Err(ArchiveError::TooLarge)
    ));
    assert!(
        with(Limits {
            bytes: 10_001,
            ratio: 1000,
            ..LIMITS
        })
        .is_ok()
    );
    assert!(matches!(
        with(Limits {
            ratio: 100,
            ..LIMITS
        }),
        Err(ArchiveError::TooDense { most: 100 })
    ));
}

#[test]
fn nothing_else_is_an_archive() {
    for bytes in [&b""[..], b"PK", &[0; 100], b"%PDF-1.7 and so on and so on"] {
        assert!(matches!(contents(bytes), Err(ArchiveError::NotAnArchive)));
    }
    let empty = written(&[]);
    assert_eq!(contents(&empty).unwrap().entries, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_change_of_any_byte_makes_it_panic_or_give_more(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let text = b"text, text, text and text".repeat(40);
        let mut archive = written(&[("a.txt", &text), ("b/c.bin", b"\x01\x02\x03"), ("d/", b"")]);
        for (at, byte) in changes {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        if cuts {
            archive.truncate(cut.index(archive.len()));
        }
        if let Ok(found) = contents(&archive) {
            for entry in &found.entries {
                if let Ok(bytes) = bytes_of(&archive, entry) {
                    prop_assert!(bytes.len() as u64 == entry.extent.size);
                }
            }
        }
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = contents(&bytes);
        bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0\0\0\0\0\0\0");
        let _ = contents(&bytes);
    }
}
