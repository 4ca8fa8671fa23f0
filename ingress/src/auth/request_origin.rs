//! The origin of a change that the security log records: user, address and request.

use std::sync::Arc;

use domain::{Actor, AuditEntry, AuditEvent, AuditOrigin, Clock, Timestamp};
use ledger::{Audited, Commit};
use poem::{Request, RequestBody, Result};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::session::Session;
use crate::problem::Problem;

/// User, address and request of a change. Comes after the caller among a handler's arguments.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin {
    origin: AuditOrigin,
    clock: Arc<dyn Clock>,
}

impl RequestOrigin {
    /// Adds a log entry to a change.
    pub(crate) fn log<T, C, F>(&self, on: C, events: F) -> impl Commit<T> + Send + use<T, C, F>
    where
        T: Sync,
        C: Commit<T> + Send,
        F: Fn(&T) -> Vec<AuditEvent> + Send + Sync,
    {
        let this = self.clone();
        let entries = move |made: &T| {
            let events = events(made).into_iter();
            events.map(|event| this.entry(event)).collect()
        };
        Audited { on, entries }
    }

    /// Creates an entry about an action of this request.
    pub(crate) fn entry(&self, event: AuditEvent) -> AuditEntry {
        entry(self.origin.clone(), event, self.clock.now())
    }
}

fn entry(origin: AuditOrigin, event: AuditEvent, at: Timestamp) -> AuditEntry {
    if AuditEntry::is_counted(event.kind) {
        AuditEntry::counted(origin, event, at)
    } else {
        AuditEntry::single(origin, event, at)
    }
}

impl<'a> ApiExtractor<'a> for RequestOrigin {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let session = request
            .data::<Session>()
            .ok_or_else(|| Problem::internal("no session is set up"))?;
        let actor = session.admitted().map(|one| Actor::User(one.caller.user));
        Ok(Self {
            origin: session.origin(actor.unwrap_or(Actor::Unknown)),
            clock: session.clock(),
        })
    }
}
