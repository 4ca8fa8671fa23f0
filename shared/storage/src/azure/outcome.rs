//! Maps responses of Azure to results of storage.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_xml::decode::{Document, try_data};
use http::StatusCode;

use crate::rest::{Response, header, refused, text};
use crate::{Refusal, Stat, StorageError};
use domain::{ByteSize, Timestamp};

/// Returns the error of `action` that was refused with `answer`.
pub(super) async fn refusal(action: &'static str, answer: Response) -> StorageError {
    let status = answer.status().as_u16();
    let code = header(&answer, "x-ms-error-code").unwrap_or("without a code");
    let code = code.to_owned();
    let request = header(&answer, "x-ms-request-id").unwrap_or("without a number");
    let request = request.to_owned();
    let body = text(action, answer).await.unwrap_or_default();
    let message = message(&body).unwrap_or_else(|| "nothing more was said".to_owned());
    if code == "AccountStorageLimitExceeded" {
        return StorageError::Full;
    }
    let refusal = Refusal {
        status,
        code,
        request,
        message,
    };
    refused(action, refusal)
}

/// Returns whether the object does not exist. A missing container is another error.
pub(super) fn is_missing(answer: &Response) -> bool {
    answer.status() == StatusCode::NOT_FOUND
        && header(answer, "x-ms-error-code") != Some("ContainerNotFound")
}

/// Returns the metadata of an object from the headers of its response.
pub(super) fn stat_of(size: Option<u64>, modified: Option<&str>) -> Stat {
    Stat {
        size: ByteSize::new(size.unwrap_or_default()),
        modified_at: modified.map_or(Timestamp::from_micros(0), moment),
    }
}

/// Converts a date of HTTP.
fn moment(date: &str) -> Timestamp {
    let time = httpdate::parse_http_date(date).unwrap_or(UNIX_EPOCH);
    Timestamp::from_micros(micros(time))
}

fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Returns the first line of the message of an error body.
fn message(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body)
        .ok()?
        .trim_start_matches('\u{feff}');
    let mut document = Document::new(text);
    let mut root = document.root_element().ok()?;
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().matches("Message") {
            let message = try_data(&mut tag).ok()?;
            return message.lines().next().map(str::to_owned);
        }
    }
    None
}
