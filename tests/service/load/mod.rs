//! Clients who ask for all that they can get, at once: bounded each, while others are served.

mod back_pressure;
mod costly_requests;
mod delivery_memory;
mod every_route;
mod import_memory;
mod memory;
mod saturation;
mod slow_senders;
mod soak;
