//! Archives beyond what the first form of the format can say: above 65,535 entries,
//! and above 4 GiB. The latter takes minutes and is asked for by name.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write as _};
use std::os::unix::fs::FileExt;

use archive::{
    Chunks, EntryHeader, EntryReader, Limits, Method, Source, SourceError, Writer, check,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt, stream};

use crate::fixtures::header;
use crate::other_programs::{others, python};

#[test]
fn more_entries_than_16_bits_can_count_are_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.zip");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let mut writer = Writer::new();
    for number in 0..70_000 {
        let name = format!("{number}.txt");
        file.write_all(&writer.whole(&header(&name, b"x"), b"x"))
            .unwrap();
    }
    file.write_all(&writer.finish()).unwrap();
    drop(file);
    assert_eq!(python(&path), "70000 70000\n0.txt\n1.txt\n2.txt\n");
    others(&path);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        crate::fixtures::contents(&bytes).unwrap().entries.len(),
        70_000
    );
}

/// Reads the holes of a sparse file without keeping them.
struct OnDisk(std::sync::Arc<File>);

#[async_trait]
impl Source for OnDisk {
    fn length(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Chunks, SourceError> {
        let file = std::sync::Arc::clone(&self.0);
        let pieces = (0..length).step_by(1 << 20).map(move |at| {
            let size = usize::try_from((length - at).min(1 << 20))?;
            let mut piece = vec![0; size];
            file.read_exact_at(&mut piece, offset + at)?;
            Ok(Bytes::from(piece))
        });
        Ok(stream::iter(pieces).boxed())
    }
}

/// Zeros take no room on a disk that knows holes: what is written of them is skipped.
#[test]
#[ignore = "moves 5 GiB several times: run it by ./test --long"]
fn entries_and_offsets_beyond_4_gib_are_written_and_read() {
    const LARGE: u64 = (4 << 30) + 12_345;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.zip");
    let mut file = File::create(&path).unwrap();
    let mut writer = Writer::new();
    let zeros = vec![0; 1 << 20];
    for (name, method) in [
        ("stored.bin", Method::Stored),
        ("deflated.bin", Method::Deflated),
    ] {
        let header = EntryHeader {
            method,
            size: LARGE,
            ..header(name, b"")
        };
        let (mut open, out) = writer.begin(&header);
        file.write_all(&out).unwrap();
        let mut left = LARGE;
        while left > 0 {
            let length = left.min(1 << 20);
            let out = writer.write(&mut open, &zeros[..usize::try_from(length).unwrap()]);
            if method == Method::Stored {
                file.seek(SeekFrom::Current(i64::try_from(length).unwrap()))
                    .unwrap();
            } else {
                file.write_all(&out).unwrap();
            }
            left -= length;
        }
        file.write_all(&writer.end(open).unwrap()).unwrap();
    }
    let last = b"behind it all";
    file.write_all(&writer.whole(&header("last.txt", last), last))
        .unwrap();
    file.write_all(&writer.finish()).unwrap();
    drop(file);

    let source = OnDisk(std::sync::Arc::new(File::open(&path).unwrap()));
    let limits = Limits {
        entries: 10,
        bytes: 1 << 40,
        ratio: 200,
    };
    let contents = block_on(check(&source, &limits)).unwrap();
    let sizes: Vec<_> = contents
        .entries
        .iter()
        .map(|entry| entry.extent.size)
        .collect();
    assert_eq!(sizes, [LARGE, LARGE, last.len() as u64]);
    for entry in &contents.entries {
        let length = block_on(async {
            let reader = EntryReader::open(&source, &entry.extent).await.unwrap();
            let add = |sum, piece: Bytes| async move { Ok(sum + piece.len() as u64) };
            reader.into_stream().try_fold(0, add).await.unwrap()
        });
        assert_eq!(length, entry.extent.size);
    }
    assert_eq!(
        python(&path),
        format!("3 {}\nstored.bin\ndeflated.bin\nlast.txt\n", 2 * LARGE + 13)
    );
    others(&path);
}
