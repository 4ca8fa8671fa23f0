//! Errors of reading a request body.

use std::io;

use crate::http::server::BodyStalled;
use crate::problem::{Code, Problem};

/// Maps a failed read to a problem: the sender stalled or disconnected.
pub fn read_error(error: io::Error) -> Problem {
    let stalled = error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<BodyStalled>);
    let code = if stalled {
        Code::RequestTimeout
    } else {
        Code::UploadIncomplete
    };
    Problem::from(code).because(error)
}
