//! Metrics of disk space and of uploads in progress.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::register::{Labels, keep};
use storage::DiskReading;

/// Gauges that show the last reported values.
pub(super) struct DiskLevels {
    bytes_in_flight: Gauge,
    free_bytes: Family<Labels<1>, Gauge>,
    storage_full: Gauge,
}

impl DiskLevels {
    /// Registers the metrics.
    pub(super) fn named(names: &mut Registry) -> Self {
        Self {
            bytes_in_flight: keep(
                names,
                "upload_bytes_in_flight",
                "Bytes of uploads in progress: declared, or received if that is more",
            ),
            free_bytes: keep(names, "free_bytes", "Free bytes of local disks, by place"),
            storage_full: keep(
                names,
                "storage_full",
                "Whether uploads are refused because a local disk has too little free space",
            ),
        }
    }

    /// Adds bytes of uploads in progress.
    pub(super) fn holds(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes_in_flight.inc_by(bytes);
    }

    /// Removes bytes of uploads in progress.
    pub(super) fn lets_go(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes_in_flight.dec_by(bytes);
    }

    /// Records a reading of the local disks.
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
