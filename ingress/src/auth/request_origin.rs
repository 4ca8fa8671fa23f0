//! Who makes a change, from where and by which request: for changes that the security log records.

use std::sync::Arc;

use domain::{Actor, AuditEntry, AuditEvent, AuditOrigin, Clock, Timestamp};
use ledger::{Audited, Commit};
use poem::{Request, RequestBody, Result};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::session::Session;
use crate::problem::Problem;

/// Who asks, from where and by which request. It stands behind the caller among a handler's
/// arguments, who is known by then.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin {
    origin: AuditOrigin,
    clock: Arc<dyn Clock>,
}

impl RequestOrigin {
    /// Has a change be written into the log.
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

    /// An entry about something that this request does.
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
