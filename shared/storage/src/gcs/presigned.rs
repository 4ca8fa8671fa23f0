//! Presigned URLs of objects: V4 signatures of Google Cloud Storage.

use std::time::Duration;

use domain::{Clock as _, Sha256, SystemClock, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::service_account::ServiceAccount;
use crate::Presented;
use crate::rest::BoxError;

/// What is escaped: everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const ALGORITHM: &str = "GOOG4-RSA-SHA256";

/// Signs the URL of an object in the XML interface. The object's own metadata have its
/// `Cache-Control`.
pub(super) fn presign(
    account: &ServiceAccount,
    object: Url,
    presented: &Presented,
    lifetime: Duration,
) -> Result<Url, BoxError> {
    sign(
        account,
        object,
        SystemClock.now(),
        lifetime,
        &[
            ("response-content-disposition", &presented.disposition),
            ("response-content-type", &presented.media_type),
        ],
    )
}

fn sign(
    account: &ServiceAccount,
    mut object: Url,
    now: Timestamp,
    lifetime: Duration,
    parameters: &[(&str, &str)],
) -> Result<Url, BoxError> {
    let time = compact(now);
    let scope = format!("{}/auto/storage/goog4_request", &time[..8]);
    let credential = format!("{}/{scope}", account.email());
    let seconds = lifetime.as_secs().to_string();
    let mut query = vec![
        ("X-Goog-Algorithm", ALGORITHM),
        ("X-Goog-Credential", &credential),
        ("X-Goog-Date", &time),
        ("X-Goog-Expires", &seconds),
        ("X-Goog-SignedHeaders", "host"),
    ];
    query.extend_from_slice(parameters);
    query.sort_unstable();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    let query = query.join("&");
    let host = &object[url::Position::BeforeHost..url::Position::AfterPort];
    let request = format!(
        "GET\n{}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD",
        object.path()
    );
    let digest = Sha256::of(request.as_bytes());
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{digest}");
    let signature = hex::encode(account.sign(text.as_bytes())?);
    object.set_query(Some(&format!("{query}&X-Goog-Signature={signature}")));
    Ok(object)
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// A time as `YYYYMMDD'T'HHMMSS'Z'`.
fn compact(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let digits: String = seconds
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("{digits}Z")
}
