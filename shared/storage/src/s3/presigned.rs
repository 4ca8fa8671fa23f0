//! Presigned URLs of objects.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use url::Url;

use super::client::Bucket;
use super::outcome::failed;
use crate::port::PRESIGNED_CACHE;
use crate::{Presented, StorageError};

/// Signs a URL of the object `key`. Nothing is sent, except for credentials that must be fetched.
pub(super) async fn presign(
    bucket: &Bucket,
    key: &str,
    presented: &Presented,
    lifetime: Duration,
) -> Result<Url, StorageError> {
    let unsigned = |source: Box<dyn std::error::Error + Send + Sync>| StorageError::Unavailable {
        action: "sign a URL",
        source,
    };
    let config = PresigningConfig::expires_in(lifetime).map_err(|error| unsigned(error.into()))?;
    let request = bucket.client.get_object().bucket(&bucket.name).key(key);
    let signed = request
        .response_content_type(&presented.media_type)
        .response_content_disposition(&presented.disposition)
        .response_cache_control(PRESIGNED_CACHE)
        .presigned(config)
        .await
        .map_err(|error| failed("sign a URL", error))?;
    signed
        .uri()
        .parse()
        .map_err(|_| unsigned("it is no URL".into()))
}
