//! What comes of a person whom the provider has let in: the user of their identity, with the role that the
//! provider gives them, and a key that ends soon. Users are never found by name.

use std::sync::Arc;

use domain::{
    Account, Actor, AuditEntry, AuditEvent, AuditKind, AuditOrigin, Clock, KeyName, KeySecret,
    Role, Scopes, Sha256,
};
use ledger::{
    ApiKey, Audited, ChangeUserError, ChangedUser, Database, SignedInKey, UserChanges,
    add_signed_in_key, change_user, decides_role,
};
use serde_json::json;
use settings::OidcProvider;

use super::claims::Person;
use crate::auth::{IdentityUsers, RoleFrom, Session};
use crate::problem::{Code, Problem};

/// A key that somebody got by signing in. Never shown by `Debug`.
pub(crate) struct SignedIn {
    /// The key.
    pub(crate) secret: KeySecret,
    /// What is kept of it.
    pub(crate) key: ApiKey,
    /// The role of its user.
    pub(crate) role: Role,
}

/// Signs people in.
pub(super) struct Accounts {
    db: Database,
    clock: Arc<dyn Clock>,
    users: IdentityUsers,
}

impl Accounts {
    /// The accounts of this ledger.
    pub(super) fn new(db: Database, clock: Arc<dyn Clock>) -> Self {
        Self {
            users: IdentityUsers::new(db.clone(), Arc::clone(&clock)),
            db,
            clock,
        }
    }

    /// Signs a person in; `name` labels their key.
    pub(super) async fn sign_in(
        &self,
        person: Person,
        provider: &OidcProvider,
        (session, name): (&Session, &str),
    ) -> Result<SignedIn, Problem> {
        let (identity, role) = (person.bearer.identity.clone(), person.role);
        let account = match self.users.known(&identity).await.map_err(deleted)? {
            Some(account) => account,
            None if provider.create_users => {
                let from = (role.unwrap_or(Role::User), RoleFrom::Provider);
                let whence = session.origin(Actor::Service);
                self.users.add(person.bearer, from, &whence).await?
            }
            None => {
                session.sign_in_refused("no user is linked to this identity");
                return Err(stranger());
            }
        };
        if account.disabled {
            session.sign_in_refused("the user is disabled");
            return Err(Code::Disabled.into());
        }
        let mut may = account.caller.role;
        if let Some(role) = role
            && role != may
            && decides_role(&self.db, &identity).await?
        {
            may = self.change_role(account, role, session).await?;
        }
        self.issue(account, (may, name, provider), session).await
    }

    /// Gives a user the role that the provider gives them. The last admin stays one, so that somebody
    /// can manage the service, but isn't signed in as one.
    async fn change_role(
        &self,
        account: Account,
        role: Role,
        session: &Session,
    ) -> Result<Role, Problem> {
        let (user, now) = (account.caller.user, self.clock.now());
        let origin = session.origin(Actor::Service);
        let on = Audited {
            on: self.db.clone(),
            entries: |changed: &ChangedUser| {
                let events = AuditEvent::user_changed(&changed.before, &changed.after);
                entries(&origin, events, now)
            },
        };
        let changes = UserChanges {
            role: Some(role),
            ..UserChanges::default()
        };
        match change_user(&on, user, &changes, now).await {
            Ok(Some(_)) => Ok(role),
            Ok(None) => Err(Code::Unauthorized.into()),
            Err(ChangeUserError::LastAdmin) => {
                tracing::warn!(
                    user.id = %user,
                    "the provider doesn't name the last admin as one any more; they keep the role"
                );
                Ok(role)
            }
            Err(ChangeUserError::Database(error)) => Err(error.into()),
            Err(error) => Err(Problem::internal(error)),
        }
    }

    async fn issue(
        &self,
        account: Account,
        (role, name, provider): (Role, &str, &OidcProvider),
        session: &Session,
    ) -> Result<SignedIn, Problem> {
        let (user, now) = (account.caller.user, self.clock.now());
        let secret = KeySecret::generate();
        let key = ApiKey {
            name: name.parse::<KeyName>().ok(),
            starts_with: Some(secret.beginning().to_owned()),
            scopes: (role == Role::User).then(|| Scopes::of_role(Role::User)),
            expires_at: Some(now.plus(provider.session)),
            ..ApiKey::new(user, now)
        };
        let origin = session.origin(Actor::User(user));
        let on = Audited {
            on: self.db.clone(),
            entries: |new: &SignedInKey| {
                let detail = json!({"key_id": new.key.id, "signed_in": true});
                let created = AuditEvent::new(AuditKind::KeyCreated, user, detail);
                let removed = new.replaces.iter().map(|key| {
                    let detail = json!({"key_id": key, "replaced_by": new.key.id});
                    AuditEvent::new(AuditKind::KeyRemoved, user, detail)
                });
                entries(&origin, [created].into_iter().chain(removed).collect(), now)
            },
        };
        let hash = Sha256::of(secret.as_str().as_bytes());
        add_signed_in_key(&on, key.clone(), hash).await?;
        Ok(SignedIn { secret, key, role })
    }
}

fn entries(
    origin: &AuditOrigin,
    events: Vec<AuditEvent>,
    at: domain::Timestamp,
) -> Vec<AuditEntry> {
    let events = events.into_iter();
    events
        .map(|event| AuditEntry::single(origin.clone(), event, at))
        .collect()
}

fn stranger() -> Problem {
    Problem::from(Code::Forbidden).with_detail(
        "No user of this service is linked to your account; ask an administrator to link one.",
    )
}

/// The identity of a deleted user is refused as such; other problems stay what they are.
fn deleted(problem: Problem) -> Problem {
    match problem.code() {
        Code::Unauthorized => Problem::from(Code::Forbidden)
            .with_detail("Your user of this service was deleted; ask an administrator."),
        _ => problem,
    }
}
