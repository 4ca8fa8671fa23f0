//! All languages, from all tables.

use super::language::Language;
use super::{compiled, declared, functional, notations, rarer, scripts, shells};

/// All languages, in the order that settles a tie.
pub(in crate::text::source) fn all() -> impl Iterator<Item = &'static Language> {
    common().chain(rarer::LANGUAGES)
}

/// Languages of which a name needs tells too.
pub(in crate::text::source) fn common() -> impl Iterator<Item = &'static Language> {
    scripts::LANGUAGES
        .iter()
        .chain(shells::LANGUAGES)
        .chain(compiled::LANGUAGES)
        .chain(functional::LANGUAGES)
        .chain(notations::LANGUAGES)
        .chain(declared::LANGUAGES)
}
