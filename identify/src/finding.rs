//! What a layer found in the bytes: a type, how sure it is, and what a reader
//! has to beware of; the name has no part in it.

use crate::identification::Confidence;

/// A layer's verdict on the content alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) media_type: &'static str,
    pub(crate) confidence: Confidence,
    /// Carries macros or scripts although its type alone would not say so.
    pub(crate) active: bool,
    pub(crate) encrypted: bool,
    pub(crate) polyglot: bool,
    /// Types that the content shows evidence of, of which only a name can choose one.
    pub(crate) may_be: &'static [&'static str],
}

impl Finding {
    const fn new(media_type: &'static str, confidence: Confidence) -> Self {
        Self {
            media_type,
            confidence,
            active: false,
            encrypted: false,
            polyglot: false,
            may_be: &[],
        }
    }

    /// The structure was followed and holds.
    pub(crate) const fn certain(media_type: &'static str) -> Self {
        Self::new(media_type, Confidence::Certain)
    }

    /// A mark or a pattern that other types rarely show.
    pub(crate) const fn likely(media_type: &'static str) -> Self {
        Self::new(media_type, Confidence::Likely)
    }

    /// No more than the best of several readings.
    pub(crate) const fn guess(media_type: &'static str) -> Self {
        Self::new(media_type, Confidence::Guess)
    }

    /// Adds the types that a name may choose instead.
    pub(crate) const fn or_by_name(mut self, types: &'static [&'static str]) -> Self {
        self.may_be = types;
        self
    }

    pub(crate) const fn active_if(mut self, active: bool) -> Self {
        self.active = self.active || active;
        self
    }

    pub(crate) const fn encrypted_if(mut self, encrypted: bool) -> Self {
        self.encrypted = self.encrypted || encrypted;
        self
    }

    pub(crate) const fn polyglot_if(mut self, polyglot: bool) -> Self {
        self.polyglot = self.polyglot || polyglot;
        self
    }
}
