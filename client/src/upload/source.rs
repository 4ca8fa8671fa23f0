//! Where the bytes of an upload come from. They are read again where a request is tried again.

use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::Error;

/// How many bytes are read at once.
const CHUNK: usize = 256 << 10;

/// The bytes of an upload.
#[derive(Clone, Debug)]
pub struct Source {
    kind: Kind,
    length: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Bytes(Bytes),
    File(PathBuf, Option<SystemTime>),
}

impl Source {
    /// Bytes in memory.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            length: bytes.len() as u64,
            kind: Kind::Bytes(bytes),
        }
    }

    /// A file as it is now. If it changes before it is uploaded, the upload fails.
    pub async fn file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let metadata = tokio::fs::metadata(&path).await;
        let metadata = metadata.and_then(|metadata| {
            if metadata.is_file() {
                Ok(metadata)
            } else {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"))
            }
        });
        match metadata {
            Ok(metadata) => Ok(Self {
                kind: Kind::File(path, metadata.modified().ok()),
                length: metadata.len(),
            }),
            Err(source) => Err(Error::File { path, source }),
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// All bytes, in memory.
    pub(crate) async fn whole(&self) -> Result<Bytes, Error> {
        match &self.kind {
            Kind::Bytes(bytes) => Ok(bytes.clone()),
            Kind::File(path, _) => {
                let read = async {
                    let mut bytes = Vec::new();
                    let file = File::open(path).await?;
                    file.take(self.length).read_to_end(&mut bytes).await?;
                    Ok::<Bytes, io::Error>(bytes.into())
                };
                read.await.map_err(|source| self.failed(source))
            }
        }
    }

    /// `length` bytes from `offset`.
    pub(crate) async fn read(
        &self,
        offset: u64,
        length: u64,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, Error> {
        match &self.kind {
            Kind::Bytes(bytes) => {
                let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
                let end = place(offset + length).min(bytes.len());
                let piece = bytes.slice(place(offset).min(end)..end);
                Ok(stream::iter([Ok(piece)]).boxed())
            }
            Kind::File(path, _) => {
                let open = async {
                    let mut file = File::open(path).await?;
                    file.seek(SeekFrom::Start(offset)).await?;
                    let chunks = ReaderStream::with_capacity(file.take(length), CHUNK);
                    Ok::<_, io::Error>(chunks.boxed())
                };
                open.await.map_err(|source| self.failed(source))
            }
        }
    }

    /// Fails if the file isn't as it was; `document` is what has become of it.
    pub(crate) async fn check(&self, document: Option<Uuid>) -> Result<(), Error> {
        let Kind::File(path, modified) = &self.kind else {
            return Ok(());
        };
        let is_same = match tokio::fs::metadata(path).await {
            Ok(now) => now.len() == self.length && now.modified().ok() == *modified,
            // What reads it next will tell.
            Err(_) => true,
        };
        if is_same {
            return Ok(());
        }
        Err(Error::Changed {
            path: path.clone(),
            document,
        })
    }

    fn failed(&self, source: io::Error) -> Error {
        let path = match &self.kind {
            Kind::Bytes(_) => PathBuf::new(),
            Kind::File(path, _) => path.clone(),
        };
        Error::File { path, source }
    }
}
