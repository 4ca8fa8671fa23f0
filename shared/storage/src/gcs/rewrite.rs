//! Server-side copy of an object, from any bucket that our credentials can read.

use http::Method;
use serde::Deserialize;

use super::bucket::Bucket;
use super::outcome::{Answer, refusal};
use crate::StorageError;
use crate::rest::{COPY, Call, json};

/// The result of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// The object was copied.
    Done,
    /// The source can't be read from here; nothing was done.
    OutOfReach,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    done: bool,
    #[serde(default)]
    rewrite_token: String,
}

/// Copies `source`, a bucket and an object, to `name`. Between locations the service copies a part
/// with each request.
pub(super) async fn copy(
    bucket: &Bucket,
    source: (&str, &str),
    name: &str,
) -> Result<Copied, StorageError> {
    let mut token = String::new();
    loop {
        let mut parameters = vec![("fields", "done,rewriteToken")];
        if !token.is_empty() {
            parameters.push(("rewriteToken", &token));
        }
        let url = bucket.rewrite_url(source, name, &parameters);
        let call = Call::new("copy", Method::POST, url).patience(COPY);
        let answer = bucket.send(&call).await?;
        if matches!(answer.status().as_u16(), 401 | 403 | 404) && token.is_empty() {
            drop(Answer::read(call.action, answer).await);
            return Ok(Copied::OutOfReach);
        }
        if !answer.status().is_success() {
            return Err(refusal(call.action, answer).await);
        }
        let progress: Progress = json(call.action, answer).await?;
        if progress.done {
            return Ok(Copied::Done);
        }
        if progress.rewrite_token.is_empty() {
            return Err(call.failed("the service did not finish a copy"));
        }
        token = progress.rewrite_token;
    }
}
