//! Readiness: checks each dependency of this process, at most once a second.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ledger::ownership::{Ownership, OwnershipError};
use ledger::{Database, DbError};
use storage::StorageRouter;
use telemetry::Circuit;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::service::Service;

/// The timeout of a check.
const PATIENCE: Duration = Duration::from_secs(3);
/// If the runtime is this much later, the process is overloaded.
const LATE: Duration = Duration::from_secs(1);
/// How long a result is cached: anybody may ask, and some checks are costly.
const FRESH: Duration = Duration::from_secs(1);

/// A dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The ledger.
    Database,
    /// The feed of jobs.
    Queue,
    /// Where bytes are stored.
    Storage,
    /// Type detection.
    TypeDetection,
    /// The process itself, when it is stopping.
    Process,
}

impl Part {
    /// Returns its name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Queue => "queue",
            Self::Storage => "storage",
            Self::TypeDetection => "type_detection",
            Self::Process => "process",
        }
    }
}

/// A failing dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Which one.
    pub part: Part,
    /// The detail in the answer; causes that may name places are only logged.
    pub detail: String,
}

impl From<Part> for Failing {
    fn from(part: Part) -> Self {
        Self {
            part,
            detail: "is not ready".to_owned(),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The failing dependencies: with any of them, the process isn't ready.
    pub failing: Vec<Failing>,
    /// Further places whose documents can't be read now.
    pub places_down: Vec<String>,
}

/// When the dependencies were checked, and what was found.
type Look = (Instant, Report);

/// Checks dependencies on the runtime that uses them. Requests may come on another runtime, and
/// must be answered while that one is overloaded.
#[derive(Clone, Debug)]
pub struct Health {
    service: Service,
    runtime: Handle,
    last: Arc<Mutex<Option<Look>>>,
}

impl Health {
    /// Creates the health of a process that uses `service` on the caller's runtime.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self {
            service,
            runtime: Handle::current(),
            last: Arc::default(),
        }
    }

    /// Returns how the dependencies are.
    pub async fn report(&self) -> Report {
        if self.service.stopping.is_cancelled() {
            return Report::of(Part::Process);
        }
        let mut last = self.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = self.look().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    /// Checks the dependencies on their runtime.
    async fn look(&self) -> Report {
        let this = self.clone();
        let looking = self.runtime.spawn(async move {
            let Service {
                places, ownership, ..
            } = &this.service;
            let (failing, places_down) =
                tokio::join!(this.try_all(), places_down(places, ownership));
            Report {
                failing,
                places_down,
            }
        });
        match timeout(PATIENCE + LATE, looking).await {
            Ok(Ok(report)) => report,
            Ok(Err(_)) | Err(_) => Report::of(Part::Process),
        }
    }

    async fn try_all(&self) -> Vec<Failing> {
        let Service {
            db,
            places,
            ownership,
            feed,
            self_test,
            meters,
            ..
        } = &self.service;
        let (database, queue, storage) = tokio::join!(
            attempt_database(db),
            attempt(Part::Queue, feed.check()),
            storage(db, places, ownership),
        );
        let detection = if self_test.passes() {
            None
        } else {
            Some(Part::TypeDetection.into())
        };
        // Checks that need the ledger fail with it.
        let storage = storage.filter(|one| {
            database
                .as_ref()
                .is_none_or(|failing| failing.part != one.part)
        });
        let mut failing: Vec<_> = [database, queue, storage, detection]
            .into_iter()
            .flatten()
            .collect();
        for circuit in meters.open_circuits() {
            let part = match circuit {
                Circuit::Database => Part::Database,
                Circuit::Staging | Circuit::Store => Part::Storage,
            };
            if !failing.iter().any(|one: &Failing| one.part == part) {
                let detail = format!("jobs wait for the {}", circuit.as_str());
                failing.push(Failing { part, detail });
            }
        }
        failing
    }
}

impl Report {
    fn of(failing: Part) -> Self {
        Self {
            failing: vec![failing.into()],
            places_down: Vec::new(),
        }
    }
}

/// Names the further places that don't answer, or don't carry this installation's mark. Documents
/// elsewhere are served meanwhile.
async fn places_down(places: &StorageRouter, ownership: &Ownership) -> Vec<String> {
    let checks = places.more().iter().map(|storage| async move {
        let check = async {
            storage.check().await?;
            ownership.verify_place(storage).await
        };
        let outcome = timeout(PATIENCE, check).await;
        if let Ok(Ok(())) = outcome {
            return None;
        }
        let place = storage.place();
        if let Ok(Err(error)) = outcome {
            tracing::warn!(
                storage.place = %place,
                error = &error as &dyn std::error::Error,
                "a further place can't be used"
            );
        } else {
            tracing::warn!(storage.place = %place, "a further place doesn't answer");
        }
        Some(place.to_string())
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Names the expected and the actual schema, if that is what fails.
async fn attempt_database(db: &Database) -> Option<Failing> {
    let mut detail = None;
    let check = async {
        let checked = db.check().await;
        if let Err(error @ (DbError::Schema(_) | DbError::Unfit(_))) = &checked {
            detail = Some(error.to_string());
        }
        checked
    };
    let failing = attempt(Part::Database, check).await?;
    Some(match detail {
        Some(detail) => Failing { detail, ..failing },
        None => failing,
    })
}

/// Checks that storage is usable and carries this installation's mark.
async fn storage(db: &Database, places: &StorageRouter, ownership: &Ownership) -> Option<Failing> {
    let failing = attempt(Part::Storage, places.check_main()).await;
    if failing.is_some() {
        return failing;
    }
    let mut failing = Failing::from(Part::Storage);
    let verified = async {
        let verified = ownership.verify_main().await;
        match &verified {
            Err(OwnershipError::Ledger(_)) => failing = Part::Database.into(),
            // Only the log names the place and its owner, since anybody may ask.
            Err(refusal) if refusal.is_refusal() => {
                "does not carry the mark of this installation".clone_into(&mut failing.detail);
            }
            _ => {}
        }
        verified
    };
    if attempt(Part::Storage, verified).await.is_some() {
        return Some(failing);
    }
    unknown_places(db, places).await
}

/// Names the places that rows refer to and that aren't configured.
async fn unknown_places(db: &Database, places: &StorageRouter) -> Option<Failing> {
    let known: Vec<_> = places.distinct().map(|one| one.place().clone()).collect();
    let mut unknown = Vec::new();
    let search = async {
        unknown = ledger::unknown_places(db, &known).await?;
        Ok::<_, DbError>(())
    };
    if let Some(failing) = attempt(Part::Database, search).await {
        return Some(failing);
    }
    if unknown.is_empty() {
        return None;
    }
    let unknown = unknown.join(" ");
    tracing::warn!(
        storage.places = unknown,
        "not ready: documents lie in places that aren't configured"
    );
    Some(Failing {
        part: Part::Storage,
        detail: format!("documents lie in places that aren't configured: {unknown}"),
    })
}

async fn attempt<E>(part: Part, check: impl Future<Output = Result<(), E>>) -> Option<Failing>
where
    E: std::error::Error + 'static,
{
    match timeout(PATIENCE, check).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => {
            tracing::warn!(
                health.part = part.as_str(),
                error = &error as &dyn std::error::Error,
                "not ready"
            );
        }
        Err(_) => tracing::warn!(health.part = part.as_str(), "not ready: no answer"),
    }
    Some(part.into())
}
