//! The dependencies of the API, shared by all requests.

use std::fmt;
use std::sync::Arc;

use domain::{Clock, Limits, Rate, Retention, UserId};
use ledger::ownership::Ownership;
use ledger::{Database, ReceiptSigner, SecretSealer};
use queue::Feed;
use settings::{CorsOrigin, JwtSettings, Network, OidcProvider, RedirectSettings};
use storage::StorageRouter;
use telemetry::Meters;
use tokio_util::sync::CancellationToken;

use crate::capacity::{Capacity, Pressure};
use crate::http::ServerLimits;
use crate::problem::{Code, Problem};

/// The dependencies of the API.
#[derive(Clone, Debug)]
pub struct Service {
    /// The ledger.
    pub db: Database,
    /// Where bytes are stored.
    pub places: StorageRouter,
    /// Verifies that the places belong to this ledger.
    pub ownership: Ownership,
    /// Announces new jobs and settled documents.
    pub feed: Arc<dyn Feed>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Limits set by the operator.
    pub limits: Arc<Limits>,
    /// How long things are kept. Workers remove them; here it tells how often.
    pub retention: Retention,
    /// Which JWTs are accepted.
    pub jwt: JwtSettings,
    /// The provider that people sign in with, if there is one.
    pub oidc: Option<OidcProvider>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Arc<[Network]>,
    /// Rate limit for each user, if any.
    pub user_rate: Option<Rate>,
    /// Rate limit for each address on keys and tokens that are refused, if any.
    pub refusal_rate: Option<Rate>,
    /// Self-test of type detection.
    pub self_test: SelfTest,
    /// Origins whose scripts may use the API.
    pub cors_origins: Arc<[CorsOrigin]>,
    /// Which downloads are redirected to storage.
    pub redirects: RedirectSettings,
    /// Checks where webhooks lead.
    pub client: outbound::Client,
    /// Seals the secrets of webhooks.
    pub sealer: SecretSealer,
    /// Signs receipts of documents.
    pub signer: ReceiptSigner,
    /// Read the metrics of this process.
    pub meters: Meters,
    /// Back-pressure on uploads.
    pub pressure: Pressure,
    /// Limits on connections and their timeouts.
    pub server: ServerLimits,
    /// Budgets that the requests of this process share.
    pub capacity: Capacity,
    /// Cancelled when the process is stopping: from then on it isn't ready.
    pub stopping: CancellationToken,
}

impl Service {
    /// Refuses an upload of `owner` while there is back-pressure. Called before its body is read.
    pub(crate) fn admit(&self, owner: UserId) -> Result<(), Problem> {
        self.pressure.judge(owner).map_err(|overdue| {
            self.meters.turned_away(overdue);
            Code::Overloaded.into()
        })
    }

    /// Returns the URLs where bytes of a staged upload may exist, for removal.
    pub(crate) fn traces(&self) -> impl Fn(&str) -> Vec<String> + Send + Sync + use<> {
        let places = self.places.clone();
        move |staged| places.traces_of(staged)
    }
}

/// A check that readiness depends on, provided by the caller.
#[derive(Clone)]
pub struct SelfTest(Arc<dyn Fn() -> bool + Send + Sync>);

impl SelfTest {
    /// Creates a check. It runs with each readiness check, so it must be quick.
    pub fn new(passes: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(passes))
    }

    /// Runs the check.
    #[must_use]
    pub fn passes(&self) -> bool {
        (self.0)()
    }
}

/// A process without type detection has nothing to check.
impl Default for SelfTest {
    fn default() -> Self {
        Self::new(|| true)
    }
}

impl fmt::Debug for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelfTest")
    }
}
