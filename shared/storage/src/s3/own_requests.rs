//! The requests that begin and complete the parts of an upload, signed and sent here: the S3 client takes
//! several times as long for each. What doesn't succeed at once is left to the client, which sends it again:
//! it knows when to retry, and what answers mean.

use std::borrow::Cow;
use std::time::Duration;

use aws_smithy_xml::decode::{Document, try_data};
use aws_smithy_xml::encode::XmlWriter;
use bytes::Bytes;
use domain::Sha256;
use http::Method;

use super::client::Bucket;
use super::signer::BODY_DIGEST;
use crate::rest::{Call, text};
use crate::signed_text::escaped;
use crate::{StorageError, WrittenPart};

/// How long the start of an answer may take before the client is asked.
const ANSWER: Duration = Duration::from_secs(20);

/// Begins an upload to `key`. Returns the service's name of it; `None` if the client has to.
pub(super) async fn begin(bucket: &Bucket, key: &str) -> Option<String> {
    let written = &bucket.written;
    let headers = [
        ("x-amz-server-side-encryption", &written.encryption),
        (
            "x-amz-server-side-encryption-aws-kms-key-id",
            &written.kms_key,
        ),
        ("x-amz-storage-class", &written.storage_class),
    ];
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let headers: Vec<_> = headers.collect();
    let answer = post(bucket, (key, "uploads="), &headers, String::new()).await?;
    found(&answer, "InitiateMultipartUploadResult", "UploadId")
}

/// Completes an upload with all its parts. Returns whether it has succeeded; if not, the client has to try.
pub(super) async fn complete(
    bucket: &Bucket,
    key: &str,
    upload: &str,
    parts: &[WrittenPart],
) -> bool {
    let query = format!("uploadId={}", escaped(upload));
    let answer = post(bucket, (key, &query), &[], list_of(parts)).await;
    // It may be an error although it has begun with 200.
    answer.is_some_and(|answer| found(&answer, "CompleteMultipartUploadResult", "ETag").is_some())
}

/// The list of parts in the order of their numbers, as XML.
fn list_of(parts: &[WrittenPart]) -> String {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_unstable_by_key(|part| part.number);
    let mut list = String::new();
    let mut writer = XmlWriter::new(&mut list);
    let root = writer.start_el("CompleteMultipartUpload");
    let root = root.write_ns("http://s3.amazonaws.com/doc/2006-03-01/", None);
    let mut root = root.finish();
    for part in parts {
        let mut element = root.start_el("Part").finish();
        let mut tag = element.start_el("ETag").finish();
        tag.data(&part.tag);
        tag.finish();
        let mut number = element.start_el("PartNumber").finish();
        number.data(&part.number.to_string());
        number.finish();
        element.finish();
    }
    root.finish();
    list
}

/// Sends a request once. Returns the body of an answer that says that it has succeeded.
async fn post(
    bucket: &Bucket,
    (key, query): (&str, &str),
    headers: &[(&'static str, &str)],
    body: String,
) -> Option<Bytes> {
    let signer = bucket.signer().await?;
    let http = bucket.http.as_ref()?;
    let mut url = signer.url_of(key)?;
    url.set_query(Some(query));
    let call = Call::new("write", Method::POST, url)
        .patience(ANSWER)
        .header(BODY_DIGEST, Sha256::of(body.as_bytes()).to_string());
    let call = headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, *value));
    let call = call.body(Bytes::from(body));
    let sent = async {
        let answer = http.send_once(&call, &*signer).await?;
        let status = answer.status();
        Ok::<_, StorageError>((status, text(call.action, answer).await?))
    };
    match sent.await {
        Ok((status, body)) if status.is_success() => Some(body),
        Ok((status, _)) => {
            tracing::debug!(%status, "a request to S3 is left to its client");
            None
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "a request to S3 is left to its client");
            None
        }
    }
}

/// Returns the text of the element `name` in an answer of this kind.
fn found(answer: &[u8], kind: &str, name: &str) -> Option<String> {
    let mut document = Document::new(std::str::from_utf8(answer).ok()?.trim_start());
    let mut root = document.root_element().ok()?;
    if !root.start_el().matches(kind) {
        return None;
    }
    while let Some(mut element) = root.next_tag() {
        if element.start_el().matches(name) {
            return try_data(&mut element).ok().map(Cow::into_owned);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_listed_in_their_order_and_escaped() {
        let part = |number, tag: &str| WrittenPart {
            number,
            tag: tag.to_owned(),
        };
        let list = list_of(&[part(2, "\"b<>&\""), part(1, "a")]);
        let expected = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Part><ETag>a</ETag><PartNumber>1</PartNumber></Part>\
             <Part><ETag>\"b&lt;&gt;&amp;\"</ETag><PartNumber>2</PartNumber></Part>\
             </CompleteMultipartUpload>";
        assert_eq!(list.replace("&quot;", "\""), expected);
    }

    #[test]
    fn an_error_that_begins_with_200_is_no_success() {
        let done = "<?xml version=\"1.0\"?>\n  <CompleteMultipartUploadResult><ETag>&quot;a-2&quot;</ETag>\
             </CompleteMultipartUploadResult>";
        let failed = "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>";
        let tag = |answer: &str| found(answer.as_bytes(), "CompleteMultipartUploadResult", "ETag");
        assert_eq!(tag(done).as_deref(), Some("\"a-2\""));
        for other in [failed, "", "<html>"] {
            assert_eq!(tag(other), None);
        }
    }
}
