//! One entry of a ZIP, as its central record or its local header describes it.

/// More entries than this say no more about the type.
pub(super) const MOST_ENTRIES: usize = 8192;

/// One entry as the directory describes it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) encrypted: bool,
    pub(super) packing: Packing,
    /// How long its packed bytes are.
    pub(super) packed: u64,
    /// Where its local header begins.
    pub(super) offset: u64,
}

/// How an entry's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Stored,
    Deflated,
    Unknown,
}

impl Packing {
    /// By the number that headers have for it.
    pub(super) const fn of(method: u16) -> Self {
        match method {
            0 => Self::Stored,
            8 => Self::Deflated,
            _ => Self::Unknown,
        }
    }
}

impl Entry {
    pub(super) fn is_stored(&self) -> bool {
        self.packing == Packing::Stored
    }
}

/// A path as it is compared.
pub(super) fn clean_name(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .replace('\\', "/")
        .trim_start_matches('/')
        .to_owned()
}
