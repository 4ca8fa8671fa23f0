//! What the API works with, handed in from outside and shared by all requests.

use std::fmt;
use std::sync::Arc;

use domain::{Clock, Limits, Rate, UserId};
use ledger::Database;
use ledger::ownership::Ownership;
use queue::Feed;
use settings::{CorsOrigin, JwtSettings, Network};
use storage::Places;
use telemetry::Meters;
use tokio_util::sync::CancellationToken;

use crate::capacity::{Capacity, Pressure};
use crate::http::ServerLimits;
use crate::problem::{Code, Problem};

/// What a process must be given to serve the API.
#[derive(Clone, Debug)]
pub struct Service {
    /// The ledger.
    pub db: Database,
    /// Where bytes are.
    pub places: Places,
    /// Whose these are.
    pub ownership: Ownership,
    /// Who is told of new jobs, and tells of settled documents.
    pub feed: Arc<dyn Feed>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// What the operator allows.
    pub limits: Arc<Limits>,
    /// Which JWTs are accepted.
    pub jwt: JwtSettings,
    /// Who may say, in `X-Forwarded-For`, where a client comes from.
    pub trusted_proxies: Arc<[Network]>,
    /// How often a user may ask, if that is limited.
    pub user_rate: Option<Rate>,
    /// How often an address may send keys and tokens that are refused, if that is limited.
    pub refusal_rate: Option<Rate>,
    /// Whether this process can tell types apart.
    pub self_test: SelfTest,
    /// Of which origins browsers may use the API.
    pub cors_origins: Arc<[CorsOrigin]>,
    /// What this process counts of itself.
    pub meters: Meters,
    /// Whether uploads are let in.
    pub pressure: Pressure,
    /// What clients may hold open.
    pub server: ServerLimits,
    /// What the requests of this process share.
    pub capacity: Capacity,
    /// Cancelled when the process was asked to stop: from then on it isn't ready.
    pub stopping: CancellationToken,
}

impl Service {
    /// Turns an upload of `owner` away, or lets it in. To be asked before its body is read.
    pub(crate) fn admit(&self, owner: UserId) -> Result<(), Problem> {
        self.pressure.judge(owner).map_err(|overdue| {
            self.meters.turned_away(overdue);
            Code::Overloaded.into()
        })
    }

    /// Where the bytes of a staged upload may lie, for those who take it out of the ledger.
    pub(crate) fn traces(&self) -> impl Fn(&str) -> Vec<String> + Send + Sync + use<> {
        let places = self.places.clone();
        move |staged| places.traces_of(staged)
    }
}

/// A test of something that readiness depends on but this crate doesn't know.
#[derive(Clone)]
pub struct SelfTest(Arc<dyn Fn() -> bool + Send + Sync>);

impl SelfTest {
    /// A test that is run whenever readiness is asked for: it must be quick.
    pub fn new(passes: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(passes))
    }

    /// Whether it passes now.
    #[must_use]
    pub fn passes(&self) -> bool {
        (self.0)()
    }
}

/// A process that detects nothing has nothing to test.
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
