//! A response body that ends when the admission of its request is revoked.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::revocations::Watch;

/// Bodies up to this length are in memory and not watched.
const SHORT: u64 = 1 << 20;

/// How an incomplete body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an error, so that clients notice.
    Cut,
    /// Normally, as an event stream may at any time.
    Close,
}

/// A body that ends early if its admission is revoked.
pub(super) struct Revocable {
    inner: BoxBody<Bytes, io::Error>,
    end: End,
    over: Pin<Box<WaitForCancellationFutureOwned>>,
    is_over: bool,
    _watch: Watch,
}

impl Revocable {
    /// Wraps a long body; returns a short one unchanged.
    pub(super) fn wrap(body: poem::Body, end: End, watch: impl FnOnce() -> Watch) -> poem::Body {
        let inner: BoxBody<Bytes, io::Error> = body.into();
        let length = inner.size_hint().exact();
        if length.is_some_and(|length| length <= SHORT) {
            return inner.into();
        }
        let watch = watch();
        let body = Self {
            inner,
            end,
            over: Box::pin(watch.over()),
            is_over: false,
            _watch: watch,
        };
        BoxBody::new(body).into()
    }
}

impl Body for Revocable {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if !this.is_over && this.over.as_mut().poll(context).is_pending() {
            return Pin::new(&mut this.inner).poll_frame(context);
        }
        let first = !std::mem::replace(&mut this.is_over, true);
        Poll::Ready(match this.end {
            End::Cut if first => Some(Err(io::Error::other("access was revoked"))),
            End::Cut | End::Close => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Role, Sha256};
    use futures::StreamExt;
    use ledger::{Admission, Credential, Revocation};

    use super::*;
    use crate::auth::revocations::Revocations;

    /// What comes of a body that never ends once its admission is revoked.
    async fn rest(end: End) -> Option<Result<Bytes, io::Error>> {
        let revocations = Revocations::default();
        let admission = Admission {
            credential: Credential::Key(Sha256::of(b"a key")),
            role: Role::User,
        };
        let first = futures::stream::iter([Ok::<_, io::Error>("first")]);
        let body = poem::Body::from_bytes_stream(first.chain(futures::stream::pending()));
        let body = Revocable::wrap(body, end, || revocations.watch(admission));
        let mut chunks = std::pin::pin!(body.into_bytes_stream());
        assert_eq!(chunks.next().await.unwrap().unwrap(), "first");
        let (rest, ()) = futures::join!(chunks.next(), async {
            tokio::task::yield_now().await;
            revocations.end(&[(admission, Revocation::Gone)]);
        });
        rest
    }

    #[tokio::test]
    async fn a_body_ends_when_its_admission_is_revoked() {
        assert!(matches!(rest(End::Cut).await, Some(Err(_))));
        assert!(rest(End::Close).await.is_none());
    }

    #[tokio::test]
    async fn a_short_body_is_given_whole() {
        let watched = || -> Watch { unreachable!("it is at hand") };
        let body = Revocable::wrap(poem::Body::from("short"), End::Cut, watched);
        assert_eq!(body.into_vec().await.unwrap(), b"short");
    }
}
