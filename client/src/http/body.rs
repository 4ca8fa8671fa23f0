//! Bodies of requests: bytes in memory, or a reader whose progress is counted.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use crate::error::BoxError;

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// How many bytes of a body were taken to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moved(Arc<AtomicU64>);

impl Moved {
    /// Counts bytes.
    fn add(&self, bytes: usize) -> u64 {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64
    }

    /// The count.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body of bytes.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// A body that is read from a stream; tells its progress to `moved` and `tell`.
pub(crate) fn counted(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    moved: Moved,
    tell: impl Fn(u64) + Send + 'static,
) -> Body {
    let frames = stream.map(move |read| {
        let bytes = read?;
        tell(moved.add(bytes.len()));
        Ok::<_, BoxError>(Frame::data(bytes))
    });
    StreamBody::new(frames).boxed_unsync()
}
