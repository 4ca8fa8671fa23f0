//! Why the body of a request could not be read to its end.

use std::io;

use crate::http::server::BodyStalled;
use crate::problem::{Code, Problem};

/// A request body that could not be read: its sender stalled or went away.
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
