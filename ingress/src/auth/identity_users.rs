//! The users of identities: looked up by issuer and subject, never by name, and created for unknown ones
//! if the operator wants that.

use std::sync::Arc;

use domain::{Account, AuditEntry, AuditEvent, AuditOrigin, Clock, Identity, Role, User, UserName};
use ledger::{
    Audited, Database, IdentityHolder, UserNameTaken, add_user, add_user_of_provider,
    find_identity_holder,
};
use uuid::Uuid;

use super::jwt::{Bearer, RefusedToken};
use crate::problem::{Code, Problem};

/// The names tried for a new user before one is generated.
const NAMES: u32 = 20;

/// Who decides about the role of a new user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoleFrom {
    /// Admins of this service.
    Admins,
    /// The provider that they sign in with.
    Provider,
}

/// Finds and creates users by identity.
#[derive(Clone, Debug)]
pub(crate) struct IdentityUsers {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl IdentityUsers {
    /// The users of this ledger.
    pub(crate) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// Returns the account that is linked to an identity. That of a deleted user is refused.
    pub(crate) async fn known(&self, identity: &Identity) -> Result<Option<Account>, Problem> {
        match find_identity_holder(&self.database, identity).await? {
            Some(IdentityHolder::User(account)) => Ok(Some(account)),
            Some(IdentityHolder::Deleted) => Err(refused(RefusedToken::Deleted)),
            None => Ok(None),
        }
    }

    /// Creates a user with an unused name for an unknown identity.
    pub(crate) async fn add(
        &self,
        bearer: Bearer,
        (role, from): (Role, RoleFrom),
        whence: &AuditOrigin,
    ) -> Result<Account, Problem> {
        let base = label(&bearer.labels);
        for turn in 1..=NAMES {
            let name = match turn {
                1 => base.clone(),
                NAMES => Uuid::new_v4().to_string().parse().unwrap_or(base.clone()),
                turn => numbered(&base, turn),
            };
            let user = User {
                role,
                identities: vec![bearer.identity.clone()],
                ..User::new(name, self.clock.now())
            };
            match self.try_add(&user, from, whence).await {
                // Or another request has just created them.
                Ok(()) | Err(UserNameTaken::IdentityTaken) => {
                    let known = self.known(&bearer.identity).await?;
                    return known.ok_or_else(|| refused(RefusedToken::Stranger));
                }
                Err(UserNameTaken::Taken) => {}
                Err(UserNameTaken::Database(error)) => return Err(error.into()),
            }
        }
        Err(Problem::internal("found no unused name for a new user"))
    }

    async fn try_add(
        &self,
        user: &User,
        from: RoleFrom,
        whence: &AuditOrigin,
    ) -> Result<(), UserNameTaken> {
        let on = Audited {
            on: self.database.clone(),
            entries: |user: &User| {
                let events = AuditEvent::user_added(user).into_iter();
                let entry = |event| AuditEntry::single(whence.clone(), event, user.created_at);
                events.map(entry).collect()
            },
        };
        match from {
            RoleFrom::Admins => add_user(&on, user).await,
            RoleFrom::Provider => add_user_of_provider(&on, user).await,
        }
    }
}

/// Returns the first label that is a valid name.
fn label(labels: &[String]) -> UserName {
    let mut names = labels.iter().filter_map(|label| label.parse().ok());
    names.next().unwrap_or_else(UserName::of_nobody)
}

/// Returns the name with a number appended, cut to a valid length.
fn numbered(name: &UserName, number: u32) -> UserName {
    let stem: String = name.as_str().chars().take(240).collect();
    let text = format!("{stem} ({number})");
    text.parse().unwrap_or_else(|_| name.clone())
}

/// The answer to a refused token. Every refusal is the same.
pub(super) fn refused(token: RefusedToken) -> Problem {
    let code = if matches!(token, RefusedToken::Keys(_)) {
        Code::Unavailable
    } else {
        Code::Unauthorized
    };
    Problem::from(code).because(token)
}
