//! What deliveries are sent with, created once per process.

use ledger::SecretSealer;
use outbound::Client;
use telemetry::Meters;

/// Sends deliveries.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The guarded client.
    pub client: Client,
    /// Opens the secrets that sign.
    pub sealer: SecretSealer,
    /// Counts attempts.
    pub meters: Meters,
}
