//! What lies on disk, or is about to: told by whoever watches disks, and uploads on their way.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::register::{Labels, keep};
use storage::DiskReading;

/// Meters that show what was told last.
pub(super) struct DiskLevels {
    bytes_in_flight: Gauge,
    free_bytes: Family<Labels<1>, Gauge>,
    storage_full: Gauge,
}

impl DiskLevels {
    /// Under their names.
    pub(super) fn named(names: &mut Registry) -> Self {
        Self {
            bytes_in_flight: keep(
                names,
                "upload_bytes_in_flight",
                "Bytes of uploads that are on their way into staging, as far as they are declared or have come",
            ),
            free_bytes: keep(names, "free_bytes", "Free bytes of local disks, by place"),
            storage_full: keep(
                names,
                "storage_full",
                "Whether nothing new is taken in because a local disk has too little room",
            ),
        }
    }

    /// So many more bytes of uploads are on their way.
    pub(super) fn holds(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes_in_flight.inc_by(bytes);
    }

    /// So many bytes of uploads are not on their way any more.
    pub(super) fn lets_go(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes_in_flight.dec_by(bytes);
    }

    /// A look at the local disks found this.
    pub(super) fn sees_disk(&self, reading: DiskReading) {
        match reading {
            DiskReading::Free { place, bytes } => {
                let name = [("place", place.to_owned())];
                let level = self.free_bytes.get_or_create(&name);
                level.set(i64::try_from(bytes).unwrap_or(i64::MAX));
            }
            DiskReading::Low(is_low) => {
                self.storage_full.set(i64::from(is_low));
            }
        }
    }
}
