//! What archives cost: directories and contents read by `archive` and by the crate `zip`, and
//! archives written by both. Each run does one thing, so that its time and memory can be
//! measured from outside:
//!
//! ```text
//! cargo build --release -p archive --example measure
//! /usr/bin/time -v target/release/examples/measure write many.zip 100000
//! /usr/bin/time -v target/release/examples/measure directory many.zip
//! /usr/bin/time -v target/release/examples/measure zip-directory many.zip
//! ```

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use archive::{
    Chunks, EntryHeader, EntryReader, Limits, Method, Source, SourceError, Writer, check,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt, stream};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

type Outcome = Result<u64, Box<dyn std::error::Error + Send + Sync>>;

const LIMITS: Limits = Limits {
    entries: 1_000_000,
    bytes: 1 << 40,
    ratio: 200,
};

/// Pieces like those that storage gives.
const PIECE: u64 = 256 << 10;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let count = match arguments.as_slice() {
        ["write", path, entries] => write(path, entries.parse()?)?,
        ["zip-write", path, entries] => zip_write(path, entries.parse()?)?,
        ["write-large", path, mebibytes] => write_large(path, mebibytes.parse()?)?,
        ["directory", path] => directory(path)?,
        ["zip-directory", path] => zip_directory(path)?,
        ["contents", path] => contents(path)?,
        ["zip-contents", path] => zip_contents(path)?,
        _ => return Err("what is to be measured, and the path of the archive".into()),
    };
    println!("{count}");
    Ok(())
}

struct OnDisk(Arc<File>, u64);

impl OnDisk {
    fn open(path: &str) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self(Arc::new(file), length))
    }
}

#[async_trait]
impl Source for OnDisk {
    fn length(&self) -> u64 {
        self.1
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Chunks, SourceError> {
        let file = Arc::clone(&self.0);
        let mut at = 0;
        let pieces = std::iter::from_fn(move || {
            let size = usize::try_from((length - at).min(PIECE)).ok()?;
            let mut piece = vec![0; size];
            let read = file.read_exact_at(&mut piece, offset + at);
            at += size as u64;
            (size > 0).then(|| read.map(|()| Bytes::from(piece)).map_err(SourceError::from))
        });
        Ok(stream::iter(pieces).boxed())
    }
}

fn name(number: u64) -> String {
    format!("documents/of a usual length/{number:08}.txt")
}

fn write(path: &str, entries: u64) -> Outcome {
    let mut file = BufWriter::new(File::create(path)?);
    let mut writer = Writer::new();
    for number in 0..entries {
        let name = name(number);
        let header = EntryHeader {
            name: &name,
            method: Method::Deflated,
            modified: 1_700_000_000,
            size: name.len() as u64,
        };
        file.write_all(&writer.whole(&header, name.as_bytes()))?;
    }
    file.write_all(&writer.finish())?;
    file.flush()?;
    Ok(entries)
}

fn zip_write(path: &str, entries: u64) -> Outcome {
    let mut writer = ZipWriter::new_stream(BufWriter::new(File::create(path)?));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for number in 0..entries {
        let name = name(number);
        writer.start_file(name.as_str(), options)?;
        writer.write_all(name.as_bytes())?;
    }
    writer.finish()?.into_inner().flush()?;
    Ok(entries)
}

/// Text that deflates to about a third, in one entry.
fn write_large(path: &str, mebibytes: u64) -> Outcome {
    let mut file = BufWriter::new(File::create(path)?);
    let mut writer = Writer::new();
    let header = EntryHeader {
        name: "large.txt",
        method: Method::Deflated,
        modified: 1_700_000_000,
        size: mebibytes << 20,
    };
    let (mut open, out) = writer.begin(&header);
    file.write_all(&out)?;
    let mut state = 1_u64;
    for _ in 0..mebibytes {
        let mut text = Vec::with_capacity((1 << 20) + 32);
        while text.len() < 1 << 20 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text.extend(format!("{} words and {}\n", state >> 40, state % 1000).bytes());
        }
        text.truncate(1 << 20);
        file.write_all(&writer.write(&mut open, &text))?;
    }
    file.write_all(&writer.end(open)?)?;
    file.write_all(&writer.finish())?;
    file.flush()?;
    Ok(mebibytes << 20)
}

fn directory(path: &str) -> Outcome {
    let source = OnDisk::open(path)?;
    let contents = block_on(check(&source, &LIMITS))?;
    Ok(contents.entries.len() as u64)
}

fn zip_directory(path: &str) -> Outcome {
    let archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
    Ok(archive.len() as u64)
}

fn contents(path: &str) -> Outcome {
    let source = OnDisk::open(path)?;
    block_on(async {
        let mut bytes = 0;
        for entry in check(&source, &LIMITS).await?.entries {
            let reader = EntryReader::open(&source, &entry.extent).await?;
            let mut pieces = Box::pin(reader.into_stream());
            while let Some(piece) = pieces.try_next().await? {
                bytes += piece.len() as u64;
            }
        }
        Ok(bytes)
    })
}

fn zip_contents(path: &str) -> Outcome {
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
    let mut bytes = 0;
    for index in 0..archive.len() {
        bytes += io::copy(&mut archive.by_index(index)?, &mut io::sink())?;
    }
    Ok(bytes)
}
