//! Turns a bearer token into a caller, by the ledger's keys and users.

use std::sync::Arc;

use poem::http::HeaderMap;
use shared::db::{Database, DbError, UserNameTaken, add_user, find_key_holder, find_subject};
use shared::domain::{Caller, Clock, Quota, Role, Sha256, User, UserId, UserName};
use shared::settings::JwtSettings;

use super::bearer::bearer_token;
use super::jwt::{JwtSetupError, JwtVerifier, RefusedToken};
use crate::problem::{Code, Problem};

/// What to do with a good token whose subject is no user yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownSubject {
    /// Add an ordinary user of that name.
    Add,
    /// Turn it away.
    Refuse,
}

/// Knows who is calling.
#[derive(Debug)]
pub struct Authenticator {
    database: Database,
    clock: Arc<dyn Clock>,
    tokens: Option<(JwtVerifier, UnknownSubject)>,
}

impl Authenticator {
    /// An authenticator for API keys, and for JWTs if they are on.
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
        })
    }

    /// Who sent a request with this header. Every refusal looks the same.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = bearer_token(headers).ok_or(Code::Unauthorized)?;
        let caller = match &self.tokens {
            Some((verifier, unknown)) if looks_like_jwt(token) => {
                let subject = verifier.subject(token).await.map_err(refused)?;
                self.subject(&subject, *unknown).await
            }
            _ => find_key_holder(&self.database, Sha256::of(token.as_bytes())).await,
        };
        caller?.ok_or_else(|| Code::Unauthorized.into())
    }

    async fn subject(
        &self,
        subject: &str,
        unknown: UnknownSubject,
    ) -> Result<Option<Caller>, DbError> {
        let known = find_subject(&self.database, subject).await?;
        match (known, unknown, name_of(subject)) {
            (None, UnknownSubject::Add, Some(name)) => self.add(name).await,
            (known, _, _) => Ok(known),
        }
    }

    async fn add(&self, name: UserName) -> Result<Option<Caller>, DbError> {
        let now = self.clock.now();
        let user = User {
            id: UserId::new(now),
            name,
            role: Role::User,
            quota: Quota::default(),
            created_at: now,
        };
        match add_user(&self.database, &user).await {
            Ok(()) => Ok(Some(Caller {
                user: user.id,
                role: user.role,
            })),
            // Another request of theirs was first.
            Err(UserNameTaken::Taken) => find_subject(&self.database, user.name.as_str()).await,
            Err(UserNameTaken::Database(error)) => Err(error),
        }
    }
}

/// Whether the token begins with the header of a signed token. An API key may
/// hold any printable characters, but not by chance those.
fn looks_like_jwt(token: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok()
}

/// The name that a user is added under: exactly the subject. One that had to be
/// trimmed could be taken for somebody else's.
fn name_of(subject: &str) -> Option<UserName> {
    let name: UserName = subject.parse().ok()?;
    (name.as_str() == subject).then_some(name)
}

fn refused(token: RefusedToken) -> Problem {
    let code = if matches!(token, RefusedToken::Keys(_)) {
        Code::Unavailable
    } else {
        Code::Unauthorized
    };
    Problem::from(code).because(token)
}
