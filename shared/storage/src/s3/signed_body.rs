//! Digests of request bodies, which their signatures carry. The S3 client would compute them while it
//! sends, and keep a thread of the runtime for many milliseconds.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use bytes::Bytes;
use domain::Sha256;

/// A body that is hashed here: half a millisecond.
const SHORT: usize = 256 << 10;

/// The digest of a body, given to the client for its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyDigest(Option<Sha256>);

impl BodyDigest {
    /// Hashes a body on a thread for blocking work. Whatever fails there is left to the client.
    pub(super) async fn of(body: &Bytes) -> Self {
        if body.len() <= SHORT {
            return Self(Some(Sha256::of(body)));
        }
        let body = body.clone();
        let hashing = tokio::task::spawn_blocking(move || Sha256::of(&body));
        Self(hashing.await.ok())
    }
}

impl Intercept for BodyDigest {
    fn name(&self) -> &'static str {
        "BodyDigest"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Self(Some(digest)) = self {
            let digest = PayloadSigningOverride::Precomputed(digest.to_string());
            config.interceptor_state().store_put(digest);
        }
        Ok(())
    }
}
