//! The extra fields of a record, of which two matter.

use zip::unstable::LittleEndianReadExt as _;

/// The field that says in 64 bits what the record has no room for.
pub(crate) const WIDE_FIELD: u16 = 1;

/// The field with a path in Unicode beside an older one.
pub(crate) const UNICODE_PATH_FIELD: u16 = 0x7075;

/// The content of the first field with this id.
pub(crate) fn field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let id = extra.read_u16_le().ok()?;
        let length = extra.read_u16_le().ok()?;
        let content = extra.split_off(..usize::from(length))?;
        if id == wanted {
            return Some(content);
        }
    }
}
