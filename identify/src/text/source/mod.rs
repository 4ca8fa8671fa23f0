//! Source code: by its first line where that settles it, else by tokens that
//! one language shows and prose does not.

mod by_first_line;
mod by_tokens;
mod languages;
mod sample;

pub(super) use by_first_line::judge_marked;
pub(super) use by_tokens::{is_known, judge, shows, supports};
