//! An upload in one request, with a digest that the service verifies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, Method};
use sha2::{Digest as _, Sha256};

use super::{NewDocument, Source, Target, Transfer, Uploaded};
use crate::http::{Call, IDEMPOTENCY_KEY};
use crate::{Client, Error};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

impl Client {
    pub(super) async fn upload_plainly(
        &self,
        source: &Source,
        target: &Target,
        transfer: &Transfer,
    ) -> Result<Uploaded, Error> {
        let bytes = source.whole().await?;
        source.check(None).await?;
        let digest = STANDARD.encode(Sha256::digest(&bytes));
        let declared = target.declared_type().unwrap_or("application/octet-stream");
        let mut call = described(target)
            .header(CONTENT_TYPE, declared)
            .header(CONTENT_DIGEST, &format!("sha-256=:{digest}:"));
        if let Some(key) = &transfer.idempotency_key {
            call.set(IDEMPOTENCY_KEY, key);
        }
        call.body = bytes;
        let answer = self.send(call).await?;
        let number = answer.header(LOCATION.as_str()).and_then(version_of);
        let document = answer.json().await?;
        transfer.tell_progress(source.length());
        Ok(Uploaded {
            document,
            version: match target {
                Target::Document(_) => None,
                Target::Version { .. } => number,
            },
        })
    }
}

/// The request without its body.
fn described(target: &Target) -> Call {
    match target {
        Target::Document(new) => of_document(new),
        Target::Version { document, .. } => {
            let id = document.to_string();
            Call::new(Method::PUT, &["v1", "documents", &id, "content"])
        }
    }
}

fn of_document(new: &NewDocument) -> Call {
    let mut call = Call::post(&["v1", "documents"]).query("name", &new.name);
    if let Some(unique_name) = &new.unique_name {
        call = call.query("unique_name", unique_name);
    }
    if new.is_public {
        call = call.query("is_public", true);
    }
    if !new.metadata.is_empty() {
        call = call.query("metadata", serde_json::Value::from(new.metadata.clone()));
    }
    call
}

/// The number at the end of a version's path.
fn version_of(location: &str) -> Option<u32> {
    location.rsplit('/').next()?.parse().ok()
}
