//! Authenticates bearer tokens: API keys by the ledger, JWTs by the identities of its users.

use std::sync::Arc;

use domain::{
    Account, AuditEntry, AuditEvent, AuditOrigin, Clock, Identity, Sha256, User, UserName,
};
use ledger::{
    Audited, Credential, Database, IdentityHolder, UserNameTaken, add_user, find_identity_holder,
    find_key_holder,
};
use poem::http::HeaderMap;
use settings::JwtSettings;
use uuid::Uuid;

use super::bearer::bearer_token;
use super::jwt::{Bearer, JwtSetupError, JwtVerifier, RefusedToken};
use super::token_header::header_of;
use crate::problem::{Code, Problem};
use crate::recent::Recent;

/// The names tried for a new user before one is generated.
const NAMES: u32 = 20;

/// An authenticated account and its credential.
pub(super) type Proved = (Account, Credential);

/// What to do with a valid token whose subject is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownSubject {
    /// Create a user linked to it.
    Add,
    /// Refuse it.
    Refuse,
}

/// A key that has expired.
#[derive(Debug, thiserror::Error)]
#[error("the key has expired")]
struct ExpiredKey;

/// Authenticates callers.
#[derive(Debug)]
pub struct Authenticator {
    database: Database,
    clock: Arc<dyn Clock>,
    tokens: Option<(JwtVerifier, UnknownSubject)>,
    /// Holders of keys. Only those are here who may do something, so a new key, and a user who is
    /// enabled again, is good immediately; one that was removed or disabled elsewhere is good for
    /// another tenth of a second.
    holders: Recent<Sha256, Account>,
}

impl Authenticator {
    /// Creates an authenticator for API keys, and for JWTs if enabled.
    pub async fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        jwt: &JwtSettings,
    ) -> Result<Self, JwtSetupError> {
        let unknown = if jwt.create_users {
            UnknownSubject::Add
        } else {
            UnknownSubject::Refuse
        };
        let tokens = if jwt.is_on() {
            Some((
                JwtVerifier::new(jwt.into(), Arc::clone(&clock)).await?,
                unknown,
            ))
        } else {
            None
        };
        Ok(Self {
            database,
            clock,
            tokens,
            holders: Recent::default(),
        })
    }

    /// Looks all keys up again: some of them, or their users, may have changed.
    pub(super) fn forget_holders(&self) {
        self.holders.clear();
    }

    /// Authenticates a request by its header. Every refusal is the same.
    pub(super) async fn account(
        &self,
        headers: &HeaderMap,
        whence: &AuditOrigin,
    ) -> Result<Proved, Problem> {
        let token = bearer_token(headers).ok_or(Code::Unauthorized)?;
        match &self.tokens {
            Some((verifier, unknown)) if looks_like_jwt(token) => {
                let bearer = verifier.bearer(token).await.map_err(refused)?;
                let account = self.holder(bearer, *unknown, whence).await?;
                Ok((account, Credential::Token(account.caller.user)))
            }
            _ => {
                let hash = Sha256::of(token.as_bytes());
                let account = match self.holders.get(hash) {
                    Ok(account) => account,
                    Err(lookup) => {
                        let found = find_key_holder(&self.database, hash).await?;
                        let account = found.ok_or(Code::Unauthorized)?;
                        if !account.disabled {
                            self.holders.insert(lookup, hash, account);
                        }
                        account
                    }
                };
                let now = self.clock.now();
                if account.expires_at.is_some_and(|end| end <= now) {
                    return Err(Problem::from(Code::Unauthorized).because(ExpiredKey));
                }
                Ok((account, Credential::Key(hash)))
            }
        }
    }

    async fn holder(
        &self,
        bearer: Bearer,
        unknown: UnknownSubject,
        whence: &AuditOrigin,
    ) -> Result<Account, Problem> {
        match (self.known(&bearer.identity).await?, unknown) {
            (Some(account), _) => Ok(account),
            (None, UnknownSubject::Add) => self.add(bearer, whence).await,
            (None, UnknownSubject::Refuse) => Err(refused(RefusedToken::Stranger)),
        }
    }

    async fn known(&self, identity: &Identity) -> Result<Option<Account>, Problem> {
        match find_identity_holder(&self.database, identity).await? {
            Some(IdentityHolder::User(account)) => Ok(Some(account)),
            Some(IdentityHolder::Deleted) => Err(refused(RefusedToken::Deleted)),
            None => Ok(None),
        }
    }

    /// Creates a user with an unused name for an unknown identity.
    async fn add(&self, bearer: Bearer, whence: &AuditOrigin) -> Result<Account, Problem> {
        let base = label(&bearer.labels);
        for turn in 1..=NAMES {
            let name = match turn {
                1 => base.clone(),
                NAMES => Uuid::new_v4().to_string().parse().unwrap_or(base.clone()),
                turn => numbered(&base, turn),
            };
            let user = User {
                identities: vec![bearer.identity.clone()],
                ..User::new(name, self.clock.now())
            };
            let on = Audited {
                on: self.database.clone(),
                entries: |user: &User| {
                    let events = AuditEvent::user_added(user).into_iter();
                    let entry = |event| AuditEntry::single(whence.clone(), event, user.created_at);
                    events.map(entry).collect()
                },
            };
            match add_user(&on, &user).await {
                // Or another request has just created them.
                Ok(()) | Err(UserNameTaken::IdentityTaken) => {
                    let known = self.known(&bearer.identity).await?;
                    return known.ok_or_else(|| refused(RefusedToken::Stranger));
                }
                Err(UserNameTaken::Taken) => {}
                Err(UserNameTaken::Database(error)) => return Err(error.into()),
            }
        }
        Err(Problem::internal(
            "found no unused name for the user of a token",
        ))
    }
}

/// Returns the first label that is a valid name.
fn label(labels: &[String]) -> UserName {
    let mut names = labels.iter().filter_map(|label| label.parse().ok());
    names.next().unwrap_or_else(UserName::of_nobody)
}

/// Returns whether the token begins like a signed JWT. An API key may hold any printable
/// characters, but is never like that by chance.
fn looks_like_jwt(token: &str) -> bool {
    header_of(token).is_ok()
}

/// Returns the name with a number appended, cut to a valid length.
fn numbered(name: &UserName, number: u32) -> UserName {
    let stem: String = name.as_str().chars().take(240).collect();
    let text = format!("{stem} ({number})");
    text.parse().unwrap_or_else(|_| name.clone())
}

fn refused(token: RefusedToken) -> Problem {
    let code = if matches!(token, RefusedToken::Keys(_)) {
        Code::Unavailable
    } else {
        Code::Unauthorized
    };
    Problem::from(code).because(token)
}
