//! Whether entries share bytes, which is how a small archive pretends to hold much.

use super::contents::Listed;
use super::error::ArchiveError;

/// Gives each entry the bytes up to the next one, or to the directory at `end`. An entry
/// that doesn't fit in there shares bytes with something. It costs a sort.
pub(super) fn part(entries: &mut [Listed], end: u64) -> Result<(), ArchiveError> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_unstable_by_key(|index| entries[*index].extent.offset);
    let mut next = end;
    for index in order.into_iter().rev() {
        let extent = &mut entries[index].extent;
        extent.limit = next;
        if extent.least_end().is_none_or(|least| least > next) {
            return Err(ArchiveError::Overlap);
        }
        next = extent.offset;
    }
    Ok(())
}
