//! A row of the tables of extensions.

/// A type and the extensions that mean it, separated by blanks.
pub(super) type Row = (&'static str, &'static str);
