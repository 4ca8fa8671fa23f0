//! Entries of the security log. They never contain a secret.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{AuditId, DocumentId, JobId, Sha256, Timestamp, User, UserId};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum AuditKind {
            $($(#[$doc])* $name,)*
        }

        impl AuditKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the name of the kind, as stored in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A key or token was refused, or that of a disabled user; counted by address and minute.
    AuthenticationRefused = "authentication.refused";
    /// An ordinary user called an admin route; counted by user and minute.
    AdministrationRefused = "administration.refused";
    /// A key was created.
    KeyCreated = "key.created";
    /// A key was removed.
    KeyRemoved = "key.removed";
    /// The bootstrap key was replaced.
    BootstrapKeyChanged = "bootstrap_key.changed";
    /// A user was added.
    UserCreated = "user.created";
    /// A name or a quota of a user was changed.
    UserChanged = "user.changed";
    /// A user got another role.
    UserRoleChanged = "user.role_changed";
    /// A user was disabled.
    UserDisabled = "user.disabled";
    /// A user was enabled again.
    UserEnabled = "user.enabled";
    /// A user was deleted.
    UserDeleted = "user.deleted";
    /// An identity was linked to a user.
    IdentityLinked = "identity.linked";
    /// An identity was unlinked from a user.
    IdentityUnlinked = "identity.unlinked";
    /// An admin read another user's data; counted by owner and minute.
    DocumentsRead = "documents.read";
    /// Documents were deleted one by one; counted by owner and minute.
    DocumentDeleted = "document.deleted";
    /// Versions were deleted one by one; counted by owner and minute.
    VersionDeleted = "version.deleted";
    /// A bulk operation that deletes was started.
    DocumentsDeleted = "documents.deleted";
    /// The cleanup deleted documents that were archived long ago; counted by owner and minute.
    DocumentsPurged = "documents.purged";
    /// The cleanup deleted old versions; counted by owner and minute.
    VersionsPruned = "versions.pruned";
    /// Dead jobs were retried.
    JobsRetried = "jobs.retried";
    /// Waiting jobs were cancelled.
    JobsCancelled = "jobs.cancelled";
    /// A queue was paused.
    QueuePaused = "queue.paused";
    /// A queue was resumed.
    QueueResumed = "queue.resumed";
    /// A move of documents' bytes from one place to another was started.
    StorageMoveStarted = "storage_move.started";
    /// A move of documents' bytes was cancelled.
    StorageMoveCancelled = "storage_move.cancelled";
    /// A webhook was created: events of a user are sent elsewhere.
    WebhookCreated = "webhook.created";
    /// The URL, the types or the description of a webhook was changed.
    WebhookChanged = "webhook.changed";
    /// A webhook got another secret.
    WebhookRotated = "webhook.rotated";
    /// A webhook was disabled, by its owner or because its endpoint is gone or fails.
    WebhookDisabled = "webhook.disabled";
    /// A webhook was enabled again.
    WebhookEnabled = "webhook.enabled";
    /// A webhook was deleted.
    WebhookDeleted = "webhook.deleted";
    /// A process started, with these settings.
    ServiceStarted = "service.started";
}

impl AuditKind {
    /// What takes the access of keys or users away.
    pub const REVOKING: &[Self] = &[
        Self::KeyRemoved,
        Self::BootstrapKeyChanged,
        Self::UserDisabled,
        Self::UserRoleChanged,
        Self::UserDeleted,
        Self::IdentityUnlinked,
    ];
}

/// A text that is not a kind.
#[derive(Debug, thiserror::Error)]
#[error("is not a kind of the security log")]
pub struct UnknownAuditKind;

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditKind {
    type Err = UnknownAuditKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.as_str() == text)
            .ok_or(UnknownAuditKind)
    }
}

/// The actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// A user.
    User(UserId),
    /// An operator, by a command.
    Operator,
    /// The service itself, according to its settings.
    Service,
    /// Unknown.
    Unknown,
}

impl Actor {
    /// The text as it is stored; empty for an unknown actor.
    #[must_use]
    pub fn text(self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.to_string()),
            Self::Operator => Some("operator".to_owned()),
            Self::Service => Some("service".to_owned()),
            Self::Unknown => None,
        }
    }
}

/// The origin of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditOrigin {
    /// The actor.
    pub actor: Actor,
    /// Their address or network.
    pub address: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
}

impl AuditOrigin {
    /// A command of the program.
    pub const OPERATOR: Self = Self {
        actor: Actor::Operator,
        address: None,
        request_id: None,
    };

    /// The service by itself.
    pub const SERVICE: Self = Self {
        actor: Actor::Service,
        address: None,
        request_id: None,
    };
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The kind.
    pub kind: AuditKind,
    /// The id of the object.
    pub subject: Option<String>,
    /// Further details.
    pub detail: Map<String, Value>,
}

/// An entry of the security log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id, shared by entries that are counted together.
    pub id: AuditId,
    /// When it happened; the first time, if it is counted.
    pub at: Timestamp,
    /// Its origin.
    pub origin: AuditOrigin,
    /// Its event.
    pub event: AuditEvent,
    /// How often it happened.
    pub count: u64,
}

impl AuditEvent {
    /// Creates an event about `subject`; `detail` is a JSON object.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "subjects are ids: they are small, and read better so"
    )]
    pub fn new(kind: AuditKind, subject: impl ToString, detail: Value) -> Self {
        Self {
            kind,
            subject: Some(subject.to_string()),
            detail: match detail {
                Value::Object(detail) => detail,
                _ => Map::new(),
            },
        }
    }

    /// A user was added.
    #[must_use]
    pub fn user_added(user: &User) -> Vec<Self> {
        let detail = json!({"name": user.name, "role": user.role.as_str()});
        let added = Self::new(AuditKind::UserCreated, user.id, detail);
        let linked = user.identities.iter();
        let linked =
            linked.map(|identity| Self::new(AuditKind::IdentityLinked, user.id, json!(identity)));
        std::iter::once(added).chain(linked).collect()
    }

    /// Returns the events of a changed user.
    #[must_use]
    pub fn user_changed(before: &User, after: &User) -> Vec<Self> {
        let event = |kind, detail| Self::new(kind, after.id, detail);
        let mut events = Vec::new();
        if before.role != after.role {
            let detail = json!({"from": before.role.as_str(), "to": after.role.as_str()});
            events.push(event(AuditKind::UserRoleChanged, detail));
        }
        match (before.disabled, after.disabled) {
            (false, true) => events.push(event(AuditKind::UserDisabled, json!({}))),
            (true, false) => events.push(event(AuditKind::UserEnabled, json!({}))),
            _ => {}
        }
        for identity in &before.identities {
            if !after.identities.contains(identity) {
                events.push(event(AuditKind::IdentityUnlinked, json!(identity)));
            }
        }
        for identity in &after.identities {
            if !before.identities.contains(identity) {
                events.push(event(AuditKind::IdentityLinked, json!(identity)));
            }
        }
        if (&before.name, before.quota) != (&after.name, after.quota) {
            let told = |user: &User| {
                json!({
                    "name": user.name,
                    "quota_bytes": user.quota.bytes.map(super::ByteSize::bytes),
                    "quota_documents": user.quota.documents,
                })
            };
            let detail = json!({"from": told(before), "to": told(after)});
            events.push(event(AuditKind::UserChanged, detail));
        }
        events
    }

    /// Returns the event of retried jobs, if any; names some of them.
    #[must_use]
    pub fn jobs_retried(jobs: &[JobId]) -> Option<Self> {
        Self::of_jobs(AuditKind::JobsRetried, jobs)
    }

    /// Returns the event of cancelled jobs, if any; names some of them.
    #[must_use]
    pub fn jobs_cancelled(jobs: &[JobId]) -> Option<Self> {
        Self::of_jobs(AuditKind::JobsCancelled, jobs)
    }

    fn of_jobs(kind: AuditKind, jobs: &[JobId]) -> Option<Self> {
        let named: Vec<_> = jobs.iter().take(100).collect();
        let detail = json!({"jobs": jobs.len(), "job_ids": named});
        let event = match jobs {
            [] => return None,
            [job] => Self::new(kind, job, detail),
            _ => Self {
                subject: None,
                ..Self::new(kind, "", detail)
            },
        };
        Some(event)
    }

    /// An event about documents of an owner.
    #[must_use]
    pub fn of_documents(
        kind: AuditKind,
        owner: UserId,
        documents: impl IntoIterator<Item = DocumentId>,
    ) -> Self {
        let documents: Vec<_> = documents.into_iter().collect();
        Self::new(kind, owner, json!({"document_ids": documents}))
    }
}

impl AuditEntry {
    /// An entry of its own.
    #[must_use]
    pub fn single(origin: AuditOrigin, event: AuditEvent, at: Timestamp) -> Self {
        Self {
            id: AuditId::new(at),
            at,
            origin,
            event,
            count: 1,
        }
    }

    /// An entry counted with others of the same kind, actor, subject, address and minute, across
    /// processes, so that frequent events can't flood the log.
    #[must_use]
    pub fn counted(origin: AuditOrigin, event: AuditEvent, at: Timestamp) -> Self {
        let group = json!([
            event.kind.as_str(),
            origin.actor.text(),
            event.subject,
            origin.address
        ]);
        Self {
            id: AuditId::of_minute(at, &group.to_string()),
            ..Self::single(origin, event, at)
        }
    }

    /// Returns whether it is counted with others.
    #[must_use]
    pub const fn is_counted(kind: AuditKind) -> bool {
        matches!(
            kind,
            AuditKind::AuthenticationRefused
                | AuditKind::AdministrationRefused
                | AuditKind::DocumentsRead
                | AuditKind::DocumentDeleted
                | AuditKind::VersionDeleted
                | AuditKind::DocumentsPurged
                | AuditKind::VersionsPruned
                | AuditKind::ServiceStarted
        )
    }

    /// Logs it as one line with the target `audit`.
    pub fn log(&self) {
        let Self {
            origin,
            event,
            count,
            ..
        } = self;
        let detail = Value::Object(event.detail.clone());
        tracing::info!(
            target: "audit",
            {
                audit.kind = event.kind.as_str(),
                audit.actor = origin.actor.text(),
                audit.subject = event.subject,
                audit.detail = %detail,
                audit.count = count,
                client.address = origin.address,
                request.id = origin.request_id,
            },
            "{}",
            event.kind
        );
    }
}

const MINUTE: i64 = 60_000_000;

impl AuditId {
    /// The id of the entries of one group in the minute of `at`.
    #[must_use]
    pub fn of_minute(at: Timestamp, group: &str) -> Self {
        let minute = at.as_micros().div_euclid(MINUTE) * MINUTE;
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&Sha256::of(group.as_bytes()).as_bytes()[..10]);
        Self(uuid_at(minute, &bytes))
    }

    /// A lower bound of the ids of entries at `at` or later.
    #[must_use]
    pub fn lowest_at(at: Timestamp) -> Self {
        let minute = at.as_micros().div_euclid(MINUTE) * MINUTE;
        Self(uuid_at(minute, &[0; 10]))
    }
}

fn uuid_at(micros: i64, bytes: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(micros / 1_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn second(seconds: u64) -> Timestamp {
        AT.plus(std::time::Duration::from_secs(seconds))
    }

    fn refused(address: &str, at: Timestamp) -> AuditId {
        let origin = AuditOrigin {
            actor: Actor::Unknown,
            address: Some(address.to_owned()),
            request_id: None,
        };
        let event = AuditEvent {
            kind: AuditKind::AuthenticationRefused,
            subject: None,
            detail: Map::new(),
        };
        AuditEntry::counted(origin, event, at).id
    }

    #[test]
    fn those_of_one_minute_are_one() {
        assert_eq!(refused("a", second(0)), refused("a", second(59)));
        assert_ne!(refused("a", second(0)), refused("a", second(60)));
        assert_ne!(refused("a", second(0)), refused("b", second(0)));
        assert!(AuditId::lowest_at(second(59)) < refused("a", second(59)));
        assert!(refused("a", second(59)) < AuditId::lowest_at(second(60)));
        assert!(AuditId::lowest_at(second(60)) < AuditId::new(second(60)));
    }

    #[test]
    fn each_change_of_a_user_is_told_by_its_kind() {
        let before = User::new("alice".parse().unwrap(), AT);
        let after = User {
            role: Role::Admin,
            disabled: true,
            identities: vec![super::super::Identity::new("", "a").unwrap()],
            ..before.clone()
        };
        let kinds = |before: &User, after: &User| {
            let events = AuditEvent::user_changed(before, after).into_iter();
            events.map(|event| event.kind).collect::<Vec<_>>()
        };
        let expected = [
            AuditKind::UserRoleChanged,
            AuditKind::UserDisabled,
            AuditKind::IdentityLinked,
        ];
        assert_eq!(kinds(&before, &after), expected);
        assert_eq!(kinds(&before, &before), []);
        let renamed = User {
            name: "alicia".parse().unwrap(),
            ..before.clone()
        };
        assert_eq!(kinds(&before, &renamed), [AuditKind::UserChanged]);
    }
}
