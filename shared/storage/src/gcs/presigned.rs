//! Presigned URLs of objects: V4 signatures of Google Cloud Storage.

use std::time::Duration;

use domain::{Clock as _, Sha256, SystemClock, Timestamp};
use url::Url;

use super::service_account::ServiceAccount;
use crate::Presented;
use crate::rest::BoxError;
use crate::signed_text::{compact, escaped};

const ALGORITHM: &str = "GOOG4-RSA-SHA256";

/// A request to be signed.
struct Request<'a> {
    method: &'a str,
    parameters: &'a [(&'a str, &'a str)],
    /// In the order of their names, which follow that of `host`.
    headers: &'a [(String, String)],
}

/// Signs the URL of an object in the XML interface, for reading. The object's own metadata have its
/// `Cache-Control`.
pub(super) fn presign(
    account: &ServiceAccount,
    object: Url,
    presented: &Presented,
    lifetime: Duration,
) -> Result<Url, BoxError> {
    let request = Request {
        method: "GET",
        parameters: &[
            ("response-content-disposition", &presented.disposition),
            ("response-content-type", &presented.media_type),
        ],
        headers: &[],
    };
    sign(account, object, SystemClock.now(), lifetime, &request)
}

/// Signs the URL of an object in the XML interface, for one that is written with these headers, whose
/// names sort behind `host`.
pub(super) fn presign_write(
    account: &ServiceAccount,
    object: Url,
    headers: &[(String, String)],
    lifetime: Duration,
) -> Result<Url, BoxError> {
    let request = Request {
        method: "PUT",
        parameters: &[],
        headers,
    };
    sign(account, object, SystemClock.now(), lifetime, &request)
}

fn sign(
    account: &ServiceAccount,
    mut object: Url,
    now: Timestamp,
    lifetime: Duration,
    request: &Request<'_>,
) -> Result<Url, BoxError> {
    let time = compact(now);
    let scope = format!("{}/auto/storage/goog4_request", &time[..8]);
    let credential = format!("{}/{scope}", account.email());
    let seconds = lifetime.as_secs().to_string();
    let names = request.headers.iter().map(|(name, _)| name.as_str());
    let signed = ["host"].into_iter().chain(names).collect::<Vec<_>>();
    let signed = signed.join(";");
    let mut query = vec![
        ("X-Goog-Algorithm", ALGORITHM),
        ("X-Goog-Credential", &credential),
        ("X-Goog-Date", &time),
        ("X-Goog-Expires", &seconds),
        ("X-Goog-SignedHeaders", &signed),
    ];
    query.extend_from_slice(request.parameters);
    query.sort_unstable();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    let query = query.join("&");
    let host = &object[url::Position::BeforeHost..url::Position::AfterPort];
    let lines = request.headers.iter();
    let lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let headers = format!("host:{host}\n{}", lines.concat());
    let text = format!(
        "{}\n{}\n{query}\n{headers}\n{signed}\nUNSIGNED-PAYLOAD",
        request.method,
        object.path()
    );
    let digest = Sha256::of(text.as_bytes());
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{digest}");
    let signature = hex::encode(account.sign(text.as_bytes())?);
    object.set_query(Some(&format!("{query}&X-Goog-Signature={signature}")));
    Ok(object)
}
