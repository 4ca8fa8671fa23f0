//! Maps all errors to HTTP: RFC 9457 problems.

mod causes;
mod code;
mod report;
mod request_id;
mod translate;
mod uploads;

pub use code::Code;
pub use report::{FieldError, Problem, ProblemBody};
pub(crate) use request_id::REQUEST_ID;
pub use request_id::RequestId;
pub use translate::{code_of, problem_of};
