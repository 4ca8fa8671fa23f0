//! What is written is read again, in whatever pieces it comes.

use archive::{EntryHeader, EntryReader, Method, Writer, WrongLength, check};
use bytes::Bytes;
use futures::TryStreamExt;
use futures::executor::block_on;
use proptest::prelude::*;

use crate::fixtures::{InPieces, LIMITS, contents, header};

fn read_all(archive: &[u8], piece: usize) -> Vec<(String, Vec<u8>)> {
    let source = InPieces(Bytes::copy_from_slice(archive), piece);
    block_on(async {
        let mut limits = LIMITS;
        limits.ratio = 10_000;
        let mut read = Vec::new();
        for entry in check(&source, &limits).await.unwrap().entries {
            assert_eq!(entry.problem, None);
            let reader = EntryReader::open(&source, &entry.extent).await.unwrap();
            let pieces: Vec<Bytes> = reader.into_stream().try_collect().await.unwrap();
            read.push((entry.path, pieces.concat()));
        }
        read
    })
}

#[test]
fn an_entry_of_another_length_is_left_out() {
    let mut writer = Writer::new();
    let mut archive = writer.whole(&header("first", b"1"), b"1");
    for content in [&b"short"[..], b"much too long"] {
        let (mut open, out) = writer.begin(&header("wrong", &[0; 8]));
        archive.extend(out);
        archive.extend(writer.write(&mut open, content));
        let wrong = WrongLength {
            expected: 8,
            found: content.len() as u64,
        };
        assert_eq!(writer.end(open), Err(wrong));
    }
    let (open, out) = writer.begin(&header("abandoned", b"x"));
    archive.extend(out);
    writer.abandon(open);
    archive.extend(writer.whole(&header("last", b"2"), b"2"));
    assert_eq!(writer.entries(), 2);
    assert_eq!(writer.length(), archive.len() as u64);
    archive.extend(writer.finish());
    let read = read_all(&archive, 100);
    let names: Vec<_> = read.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["first", "last"]);
}

#[test]
fn what_is_streamed_is_never_taken_for_a_bomb() {
    let zeros = vec![0; 20 << 20];
    let words = b"some words, and many words more. ".repeat(100_000);
    let changing = [&words[..1 << 20], &zeros[..4 << 20], &words[..1 << 20]].concat();
    let contents = [&zeros, &zeros[..=(1 << 20)], &words, &changing];
    for piece in [1000, 64 << 10, 1 << 20, 32 << 20] {
        let mut writer = Writer::new();
        let mut archive = Vec::new();
        for (index, content) in contents.iter().enumerate() {
            let name = index.to_string();
            let (mut open, out) = writer.begin(&header(&name, content));
            archive.extend(out);
            for chunk in content.chunks(piece) {
                archive.extend(writer.write(&mut open, chunk));
            }
            archive.extend(writer.end(open).unwrap());
        }
        archive.extend(writer.finish());
        let read = read_all(&archive, 1 << 20);
        for ((_, read), content) in read.iter().zip(contents) {
            assert!(read == content);
        }
        let entries = crate::fixtures::contents(&archive).unwrap().entries;
        for entry in entries {
            let extent = entry.extent;
            let ratio = extent.size / extent.packed;
            assert!(
                (50..=100).contains(&ratio),
                "{piece}, {}: {ratio}",
                entry.path
            );
        }
    }
}

#[test]
fn names_of_old_archives_are_read_as_they_were_meant() {
    use crate::fixtures::{Forged, forged, honest};
    let old = Forged {
        name: b"gr\x81n.txt".to_vec(),
        local_name: b"gr\x81n.txt".to_vec(),
        ..honest("", b"x")
    };
    let beside = {
        let name = b"na#U00efve".to_vec();
        let mut extra = vec![0x75, 0x70, 11, 0, 1];
        // The checksum of the name beside which it stands.
        let mut crc = u32::MAX;
        for byte in &name {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        extra.extend((!crc).to_le_bytes());
        extra.extend("na\u{ef}ve".as_bytes());
        Forged {
            local_name: name.clone(),
            name,
            extra,
            ..honest("", b"y")
        }
    };
    let found = contents(&forged(&[old, beside])).unwrap();
    let names: Vec<_> = found
        .entries
        .iter()
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(names, ["grün.txt", "naïve"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(
        files in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..2000), 0_usize..40, any::<bool>(), any::<bool>()),
            0..12,
        ),
        piece in 1_usize..5000,
    ) {
        let mut writer = Writer::new();
        let (mut archive, mut expected) = (Vec::new(), Vec::new());
        for (index, (content, repeat, streamed, stored)) in files.iter().enumerate() {
            let content = content.repeat(*repeat);
            let name = format!("ordner/файл {index}.txt");
            let header = EntryHeader {
                method: if *stored { Method::Stored } else { Method::Deflated },
                ..header(&name, &content)
            };
            if *streamed {
                let (mut open, out) = writer.begin(&header);
                archive.extend(out);
                for chunk in content.chunks(777) {
                    archive.extend(writer.write(&mut open, chunk));
                }
                archive.extend(writer.end(open).unwrap());
            } else {
                archive.extend(writer.whole(&header, &content));
            }
            expected.push((name, content));
        }
        archive.extend(writer.finish());
        prop_assert_eq!(read_all(&archive, piece), expected);
    }
}
