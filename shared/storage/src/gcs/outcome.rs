//! Maps responses of Google Cloud Storage to results of storage.

use domain::{ByteSize, Timestamp, read_json};
use http::StatusCode;
use serde::Deserialize;

use crate::rest::{Response, header, refused, text};
use crate::{Refusal, Stat, StorageError};

/// The metadata of an object, as far as they are asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    /// Its name in the bucket.
    #[serde(default)]
    pub name: String,
    /// Its size, as text.
    size: Option<String>,
    /// When this content was written.
    time_created: Option<String>,
}

impl Object {
    /// Returns its metadata.
    pub(super) fn stat(&self) -> Stat {
        let size = self.size.as_ref().and_then(|size| size.parse().ok());
        let time = self.time_created.as_deref();
        let time = time.and_then(Timestamp::parse_rfc3339);
        Stat {
            size: ByteSize::new(size.unwrap_or_default()),
            modified_at: time.unwrap_or(Timestamp::from_micros(0)),
        }
    }
}

/// An answer that refuses a request.
pub(super) struct Answer(Refusal);

impl Answer {
    /// Reads the refusal in `answer`.
    pub(super) async fn read(action: &'static str, answer: Response) -> Self {
        let status = answer.status().as_u16();
        let request = header(&answer, "x-guploader-uploadid").unwrap_or("without a number");
        let request = request.to_owned();
        let body = text(action, answer).await.unwrap_or_default();
        let (code, message) = words(&body);
        Self(Refusal {
            status,
            code,
            request,
            message,
        })
    }

    /// Returns whether the object does not exist. A missing bucket is another error, where the
    /// service tells them apart.
    pub(super) fn is_missing(&self) -> bool {
        self.0.status == StatusCode::NOT_FOUND && !self.0.message.contains("bucket does not exist")
    }

    /// Returns the status.
    pub(super) const fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns it as the error of `action`.
    pub(super) fn into_error(self, action: &'static str) -> StorageError {
        refused(action, self.0)
    }
}

/// Returns the error of `action` that was refused with `answer`.
pub(super) async fn refusal(action: &'static str, answer: Response) -> StorageError {
    Answer::read(action, answer).await.into_error(action)
}

fn words(body: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    struct Outer {
        error: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(default)]
        message: String,
        #[serde(default)]
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        #[serde(default)]
        reason: String,
    }
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    if let Ok(Outer { error }) = read_json(body) {
        let reason = error.errors.into_iter().next();
        let code = reason.map(|reason| reason.reason).unwrap_or_default();
        return (code, first_line(&error.message));
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    ("without a code".to_owned(), first_line(&text))
}
