//! How content is asked for and named over HTTP: ranges, conditions, file names. Pure functions.

mod charset;
mod conditional;
mod disposition;
mod range;

pub use charset::{HEAD, charset};
pub use conditional::{Condition, Validators, entity_tags, evaluate, has_range_date, matches_etag};
pub use disposition::{Disposition, content_disposition};
pub use range::{RangeAnswer, select};
