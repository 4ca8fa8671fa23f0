//! Source code: by its first line where that settles it, else by tokens that
//! one language shows and prose does not.

mod by_first_line;
mod by_tokens;
mod languages;
mod prose;
mod sample;

pub(super) use by_first_line::judge_marked;
pub(crate) use by_tokens::shows;
pub(super) use by_tokens::{
    is_dialect, is_known, is_language, is_mostly, is_written, judge, sort_by_score, supports,
    supports_among,
};
