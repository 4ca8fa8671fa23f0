//! The one place where errors become HTTP: RFC 9457 problems, for whatever goes wrong wherever.

mod code;
mod documented;
mod frame;
mod report;
mod request_id;
mod translate;

pub use code::Code;
pub(crate) use documented::problem_sets;
pub use documented::{Documented, ProblemSet};
pub use frame::Frame;
pub use report::{FieldError, Problem};
pub(crate) use request_id::REQUEST_ID;
pub use request_id::RequestId;
