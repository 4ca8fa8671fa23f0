//! Shared state of authentication: the authenticator, rate limits, revocations and the security
//! log.

use std::sync::Arc;

use domain::{Actor, AuditEvent, AuditKind, AuditOrigin, DocumentId};
use settings::Network;

use super::Authenticator;
use super::key_uses::KeyUses;
use super::revocations::Revocations;
use crate::audit_log::AuditTrail;
use crate::rates::RateLimits;
use crate::service::Service;

/// Shared by all requests of a process.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(super) authenticator: Authenticator,
    pub(super) rates: RateLimits,
    pub(super) proxies: Arc<[Network]>,
    /// Long-running requests.
    pub(crate) revocations: Revocations,
    /// When keys were used.
    pub(crate) key_uses: KeyUses,
    /// Entries waiting to be written to the security log.
    pub(crate) trail: AuditTrail,
}

impl Guard {
    /// A guard for the requests of `service`.
    pub(crate) fn new(service: &Service, authenticator: Authenticator) -> Arc<Self> {
        Arc::new(Self {
            authenticator,
            rates: RateLimits::new(service.user_rate, service.refusal_rate),
            proxies: Arc::clone(&service.trusted_proxies),
            revocations: Revocations::default(),
            key_uses: KeyUses::new(Arc::clone(&service.clock)),
            trail: AuditTrail::new(Arc::clone(&service.clock)),
        })
    }

    /// Counts a refusal for the security log.
    pub(super) fn note_refusal(&self, origin: AuditOrigin, kind: AuditKind, reason: &str) {
        let subject = match origin.actor {
            Actor::User(user) => Some(user.to_string()),
            Actor::Operator | Actor::Service | Actor::Unknown => None,
        };
        let event = AuditEvent {
            subject,
            ..AuditEvent::new(kind, "", serde_json::json!({"reason": reason}))
        };
        self.trail.count(origin, event, None);
    }

    /// Counts a read of another user's data for the security log.
    pub(super) fn note_read(
        &self,
        origin: AuditOrigin,
        owner: domain::UserId,
        document: Option<DocumentId>,
    ) {
        let event = AuditEvent::of_documents(AuditKind::DocumentsRead, owner, []);
        self.trail.count(origin, event, document);
    }
}
