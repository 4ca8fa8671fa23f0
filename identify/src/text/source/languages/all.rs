//! All languages, from all tables.

use super::language::Language;
use super::{compiled, declared, notations, scripts};

/// All languages, in the order that settles a tie.
pub(in crate::text::source) fn all() -> impl Iterator<Item = &'static Language> {
    scripts::LANGUAGES
        .iter()
        .chain(compiled::LANGUAGES)
        .chain(notations::LANGUAGES)
        .chain(declared::LANGUAGES)
}
