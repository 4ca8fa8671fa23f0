//! The answer callers get: the type, how sure it is, and what to beware of.

/// How much stands behind an answer; later is surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Nothing was recognised.
    Unknown,
    /// The best of several readings, or the name within a family.
    Guess,
    /// A signature or a pattern that other types rarely show.
    Likely,
    /// The structure was followed and holds.
    Certain,
}

/// What a document is.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts, each independent of the others"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification {
    /// The canonical media type, lower case and without parameters:
    /// `application/x-empty` for no bytes, `application/octet-stream` for
    /// what nobody knows.
    pub media_type: &'static str,
    /// How much stands behind `media_type`.
    pub confidence: Confidence,
    /// What the bytes alone say, if they say anything.
    pub by_content: Option<&'static str>,
    /// What the name alone says, if its extension is known.
    pub by_name: Option<&'static str>,
    /// The name contradicts the content: no type that its extension means agrees.
    pub mismatch: bool,
    /// It can run: markup that holds scripts, programs, scripts, macros.
    pub active_content: bool,
    /// Some or all of it cannot be read without a key.
    pub encrypted: bool,
    /// It is valid as, or carries, a second type.
    pub polyglot: bool,
}
