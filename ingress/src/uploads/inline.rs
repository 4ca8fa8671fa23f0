//! Memory for small uploads, which are in no place until they are accepted. There is little of it,
//! and nobody waits for it: an upload that gets none is staged like a large one.

use std::sync::Arc;
use std::time::Instant;

use domain::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all small uploads together that one process has in memory.
const ROOM: usize = 32 << 20;

/// The memory for small uploads; clones share it.
#[derive(Clone, Debug)]
pub struct InlineRoom {
    free: Arc<Semaphore>,
    most: usize,
    opens_at: Instant,
}

/// Memory for one upload, until this is dropped.
#[derive(Debug)]
pub struct InlinePermit {
    /// The most bytes of it.
    pub(super) most: usize,
    _taken: OwnedSemaphorePermit,
}

impl InlineRoom {
    /// Room for uploads of at most `most` bytes, from `opens_at` on.
    #[must_use]
    pub fn new(most: ByteSize, opens_at: Instant) -> Self {
        Self {
            opens_at,
            free: Arc::new(Semaphore::new(ROOM)),
            most: usize::try_from(most.bytes()).unwrap_or(ROOM),
        }
    }

    /// Memory for an upload of `declared` bytes, 0 if that is unknown; `None` if it is too large for
    /// that, if there is no memory left, or if workers of an older release may still be running.
    pub fn take(&self, declared: ByteSize) -> Option<InlinePermit> {
        let declared = usize::try_from(declared.bytes()).ok()?;
        if declared > self.most || Instant::now() < self.opens_at {
            return None;
        }
        let most = if declared == 0 { self.most } else { declared };
        if most == 0 {
            return None;
        }
        let needed = u32::try_from(most).ok()?;
        let taken = Arc::clone(&self.free).try_acquire_many_owned(needed).ok()?;
        Some(InlinePermit {
            most,
            _taken: taken,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn memory_is_lent_until_there_is_none() {
        let room = InlineRoom::new(ByteSize::new(ROOM as u64 / 2), Instant::now());
        let held = [(); 2].map(|()| room.take(ByteSize::ZERO).unwrap());
        assert!(room.take(ByteSize::new(1)).is_none());
        drop(held);
        assert!(room.take(ByteSize::ZERO).is_some());
    }

    #[test]
    fn what_is_large_gets_none() {
        let room = InlineRoom::new(ByteSize::new(10), Instant::now());
        assert!(room.take(ByteSize::new(10)).is_some());
        assert!(room.take(ByteSize::new(11)).is_none());
        assert!(
            InlineRoom::new(ByteSize::ZERO, Instant::now())
                .take(ByteSize::ZERO)
                .is_none()
        );
    }

    #[test]
    fn there_is_none_before_it_opens() {
        let opens_at = Instant::now() + Duration::from_mins(1);
        let room = InlineRoom::new(ByteSize::new(10), opens_at);
        assert!(room.take(ByteSize::new(1)).is_none());
    }
}
