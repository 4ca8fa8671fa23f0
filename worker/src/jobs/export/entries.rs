//! Writes the entries of the archive, version by version, and determines the outcome of each item.

use archive::{EntryHeader, Method, Names, Writer};
use domain::{Document, ItemCode, MediaType, Timestamp};
use ledger::{ExportContent, Exported};
use tokio::sync::mpsc;

use super::pack::pack;
use super::pieces::{Piece, Pieces};
use super::read_ahead::{Content, Next, method_for};
use super::spool::Spool;
use crate::archives::{MANIFEST, ManifestDocument, ManifestVersion, VERSIONS};
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// The overhead of a document beside its bytes: headers and manifest entry.
const ENVELOPE: u64 = 64 << 10;

/// The archive being written.
pub struct Entries<'a> {
    tools: &'a Tools,
    pieces: Pieces,
    writer: Writer,
    names: Names,
    manifest: Spool<'a>,
    /// The document whose versions are being written.
    current: Option<Current>,
    /// A finished item whose remaining versions are skipped.
    closed: Option<i64>,
}

/// A document of which at least one version was written or failed.
struct Current {
    path: String,
    versions: Vec<ManifestVersion>,
    failure: Option<ItemCode>,
}

impl<'a> Entries<'a> {
    /// Creates an archive without entries.
    pub fn new(tools: &'a Tools, sender: mpsc::Sender<Piece>) -> Self {
        Self {
            tools,
            pieces: Pieces::new(sender),
            writer: Writer::new(),
            names: Names::reserving(&[MANIFEST, VERSIONS]),
            manifest: Spool::new(tools),
            current: None,
            closed: None,
        }
    }

    /// Returns the size of the archive so far.
    pub const fn length(&self) -> u64 {
        self.writer.length()
    }

    /// Returns an upper bound of the bytes of the archive and the spooled manifest once `next` is
    /// written.
    pub fn length_with(&self, next: &Next) -> u64 {
        let content = next.item.contents.get(next.index);
        let size = content.map_or(0, |content| content.size.bytes());
        self.length() + self.manifest.so_far() + size + ENVELOPE
    }

    /// Returns the same bound for the finished archive: the manifest is compressed into it while
    /// its spooled parts still exist.
    pub fn length_at_end(&self) -> u64 {
        self.length() + 3 * self.manifest.so_far() + ENVELOPE
    }

    /// Writes the next version. Returns the outcome of its item if this was the last one.
    pub async fn take(&mut self, next: Next) -> Result<Option<Exported>, AttemptError> {
        let Next {
            item,
            index,
            content,
        } = next;
        if self.closed == Some(item.position) {
            return Ok(None);
        }
        let document = match &item.document {
            Ok(document) => document,
            Err(code) => return Ok(Some(exported(item.position, Some(*code)))),
        };
        let mut current = match self.current.take() {
            Some(current) => current,
            None => Current {
                path: self.names.take(document.name.as_str()),
                versions: Vec::new(),
                failure: None,
            },
        };
        let failure = match content {
            Ok(bytes) => {
                let written = self.write(&item.contents[index], bytes, &mut current);
                written.await?.err()
            }
            Err(code) => Some(code),
        };
        current.failure = current.failure.or(failure);
        // The current version comes first: if it fails, the others are skipped.
        let is_last = index + 1 >= item.contents.len();
        if current.versions.is_empty() || is_last {
            self.closed = Some(item.position);
            return self.close(item.position, document, current).await.map(Some);
        }
        self.current = Some(current);
        Ok(None)
    }

    async fn write(
        &mut self,
        content: &ExportContent,
        bytes: Content,
        current: &mut Current,
    ) -> Result<Result<(), ItemCode>, AttemptError> {
        let path = if current.versions.is_empty() {
            current.path.clone()
        } else {
            format!("{VERSIONS}/{}/{}", content.number, current.path)
        };
        let header = EntryHeader {
            name: &path,
            method: method_for(content),
            modified: seconds(content.created_at),
            size: content.size.bytes(),
        };
        match bytes {
            Content::Packed(packed) => {
                let head = self.writer.packed(&header, &packed);
                self.pieces.send(head.into()).await?;
                self.pieces.send(packed.bytes().clone()).await?;
            }
            Content::InStorage => {
                let packed = pack(&mut self.writer, &header, content, self.tools, &self.pieces);
                if let Err(code) = packed.await? {
                    return Ok(Err(code));
                }
            }
        }
        current.versions.push(listed(content, path));
        Ok(Ok(()))
    }

    /// Finishes a document: its complete versions are listed in the manifest.
    async fn close(
        &mut self,
        position: i64,
        document: &Document,
        mut current: Current,
    ) -> Result<Exported, AttemptError> {
        if let Some(first) = current.versions.first().cloned() {
            current.versions.sort_by_key(|version| version.number);
            let is_alone = current.versions.len() == 1;
            let entry = ManifestDocument {
                path: first.path,
                name: document.name.as_str().to_owned(),
                mime_type: first.mime_type,
                declared_type: first.declared_type,
                sha256: first.sha256,
                size_bytes: first.size_bytes,
                metadata: document.metadata.as_object().clone().into(),
                versions: if is_alone {
                    Vec::new()
                } else {
                    current.versions
                },
            };
            self.manifest.add(&entry).await?;
        }
        Ok(exported(position, current.failure))
    }

    /// Writes the manifest and the directory.
    pub async fn finish(mut self) -> Result<(), AttemptError> {
        let header = EntryHeader {
            name: MANIFEST,
            method: Method::Deflated,
            modified: seconds(self.tools.clock.now()),
            size: self.manifest.end(),
        };
        let (mut open, out) = self.writer.begin(&header);
        self.pieces.send(out.into()).await?;
        let writer = &mut self.writer;
        let take = |chunk: &[u8]| writer.write(&mut open, chunk);
        self.manifest.replay(&self.pieces, take).await?;
        let out = self.writer.end(open).map_err(AttemptError::internal)?;
        self.pieces.send(out.into()).await?;
        self.pieces.send(self.writer.finish().into()).await?;
        self.pieces.pass(Piece::End).await
    }
}

const fn exported(position: i64, failure: Option<ItemCode>) -> Exported {
    Exported { position, failure }
}

fn listed(content: &ExportContent, path: String) -> ManifestVersion {
    ManifestVersion {
        number: content.number,
        path,
        mime_type: content.media_type.to_string(),
        declared_type: content.declared_type.as_ref().map(MediaType::to_string),
        sha256: content.sha256.to_string(),
        size_bytes: content.size.bytes(),
    }
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_micros().div_euclid(1_000_000)
}
