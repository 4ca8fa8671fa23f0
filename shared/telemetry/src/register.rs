//! Registers a metric under its name.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

pub(super) type Labels<const N: usize> = [(&'static str, String); N];
pub(super) type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub(super) type Times<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

pub(super) fn keep<M: Metric + Clone + Default>(names: &mut Registry, name: &str, help: &str) -> M {
    keep_as(names, name, help, M::default())
}

pub(super) fn keep_as<M: Metric + Clone>(
    names: &mut Registry,
    name: &str,
    help: &str,
    meter: M,
) -> M {
    names.register(name, help, meter.clone());
    meter
}
