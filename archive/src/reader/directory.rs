//! The directory of an archive: read once, in pieces, within limits, and judged
//! before anything in it is believed.

use bytes::{Buf, BytesMut};
use futures::TryStreamExt;
use zip_records::{CENTRAL, CENTRAL_LENGTH, Central, Decoder, central_length};

use super::contents::{Contents, Extent, Listed};
use super::end::locate;
use super::error::{ArchiveError, EntryProblem};
use super::judge::{Paths, folder_problem, is_folder, method_of, problem_of};
use super::limits::Limits;
use super::overlap::part;
use super::source::Source;
use crate::method::Method;

/// What is kept of the path of an entry that isn't taken, in bytes: to show it.
const SHOWN_PATH: usize = 1024;

/// Reads the directory and judges it. What is wrong with the archive as a whole is an
/// error; what is wrong with single entries is said of each.
pub async fn check(source: &dyn Source, limits: &Limits) -> Result<Contents, ArchiveError> {
    let place = locate(source, limits).await?;
    // Within the limit, and no more than the directory has room for.
    let mut entries = Vec::with_capacity(usize::try_from(place.entries).unwrap_or(0));
    let mut decoder = Decoder::new();
    let mut paths = Paths::default();
    let mut sums = Sums::default();
    let mut buffer = BytesMut::new();
    let mut chunks = None;
    if place.size > 0 {
        let read = source.read(place.start, place.size).await;
        chunks = Some(read.map_err(ArchiveError::Source)?);
    }
    let mut left = place.size;
    while let Some(chunk) = match &mut chunks {
        Some(chunks) => chunks.try_next().await.map_err(ArchiveError::Source)?,
        None => None,
    } {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        left -= wanted as u64;
        buffer.extend_from_slice(&chunk[..wanted]);
        while let Some(length) = whole_record(&buffer)? {
            let record = decoder.decode(&buffer[..length]);
            let record = record
                .filter(|record| record.is_complete)
                .ok_or(ArchiveError::Inconsistent("an entry's record is broken"))?;
            sums.add(&record, limits)?;
            entries.push(listed(&record, &mut paths)?);
            if entries.len() as u64 > place.entries {
                return Err(ArchiveError::Inconsistent(
                    "it has more entries than it says",
                ));
            }
            buffer.advance(length);
        }
    }
    if left > 0 {
        return Err(ArchiveError::Source("the archive ends early".into()));
    }
    if !buffer.is_empty() {
        return Err(ArchiveError::Inconsistent("something else stands in it"));
    }
    if entries.len() as u64 != place.entries {
        return Err(ArchiveError::Inconsistent(
            "it has fewer entries than it says",
        ));
    }
    part(&mut entries, place.start)?;
    sums.judge(limits)?;
    Ok(Contents { entries })
}

/// The length of the first record, if all of it is there.
fn whole_record(buffer: &[u8]) -> Result<Option<usize>, ArchiveError> {
    let seen = buffer.len().min(CENTRAL.len());
    if buffer[..seen] != CENTRAL[..seen] {
        return Err(ArchiveError::Inconsistent("something else stands in it"));
    }
    Ok(Some(buffer)
        .filter(|buffer| buffer.len() >= CENTRAL_LENGTH)
        .and_then(central_length)
        .filter(|length| *length <= buffer.len()))
}

fn listed(record: &Central<'_>, paths: &mut Paths) -> Result<Listed, ArchiveError> {
    if record.volume != 0 {
        return Err(ArchiveError::Split);
    }
    let entry = record.entry();
    let path = record.path();
    let is_folder = path.as_deref().is_some_and(|path| is_folder(entry, path));
    let problem = match &path {
        Some(path) if is_folder => folder_problem(entry, path),
        path => problem_of(record, path.as_deref()),
    };
    let path = path.unwrap_or_else(|| String::from_utf8_lossy(record.name));
    let mut path = path.into_owned();
    // A twin of one that has a problem of its own is a twin all the same.
    let is_new = paths.take(path.trim_end_matches('/'));
    let twin = Some(EntryProblem::Duplicate).filter(|_| !is_new && !is_folder);
    let problem = problem.or(twin);
    if problem.is_some() {
        path.truncate(path.floor_char_boundary(SHOWN_PATH));
    }
    path.shrink_to_fit();
    Ok(Listed {
        problem,
        path,
        is_folder,
        extent: Extent {
            offset: entry.header_start(),
            limit: entry.header_start(),
            packed: entry.compressed_size(),
            size: entry.size(),
            crc32: entry.crc32(),
            method: method_of(entry).unwrap_or(Method::Stored),
            name_crc32: crc32fast::hash(record.name),
            name_length: u16::try_from(record.name.len()).unwrap_or(u16::MAX),
        },
    })
}

/// How large all entries are together.
#[derive(Default)]
struct Sums {
    packed: u64,
    size: u64,
}

impl Sums {
    fn add(&mut self, record: &Central<'_>, limits: &Limits) -> Result<(), ArchiveError> {
        let entry = record.entry();
        self.packed = self.packed.saturating_add(entry.compressed_size());
        self.size = self.size.saturating_add(entry.size());
        if self.size > limits.bytes {
            return Err(ArchiveError::TooLarge);
        }
        Ok(())
    }

    /// Against what is packed, which is known to be there once nothing overlaps.
    fn judge(&self, limits: &Limits) -> Result<(), ArchiveError> {
        if self.size > self.packed.saturating_mul(limits.ratio) {
            return Err(ArchiveError::TooDense { most: limits.ratio });
        }
        Ok(())
    }
}
