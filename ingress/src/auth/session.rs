//! Who sends one request, found out once whoever asks: the layer of idempotency keys and the
//! handler's extractor ask both.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use poem::http::HeaderMap;
use shared::db::Credential;
use shared::domain::Caller;

use super::Authenticator;
use crate::problem::{Code, Problem};

/// What a request carries with it among its data.
#[derive(Clone, Debug)]
pub(crate) struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    authenticator: Arc<Authenticator>,
    admitted: OnceLock<Admitted>,
    /// A refusal that whoever asked first hands on to whoever answers.
    refusal: Mutex<Option<Problem>>,
}

/// A caller who was let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) credential: Credential,
}

impl Session {
    pub(super) fn new(authenticator: Arc<Authenticator>) -> Self {
        Self(Arc::new(Inner {
            authenticator,
            admitted: OnceLock::new(),
            refusal: Mutex::default(),
        }))
    }

    /// Who sent the request with this header. A user who is disabled is told so.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let Some(admitted) = self.0.admitted.get() {
            return Ok(admitted.caller);
        }
        if let Some(refusal) = self.refusal().take() {
            return Err(refusal);
        }
        let (account, credential) = self.0.authenticator.account(headers).await?;
        if account.disabled {
            return Err(Code::Disabled.into());
        }
        let caller = account.caller;
        let admitted = Admitted { caller, credential };
        Ok(self.0.admitted.get_or_init(|| admitted).caller)
    }

    /// The caller, or a refusal that the next one who asks is given.
    pub(crate) async fn known(&self, headers: &HeaderMap) -> Option<Caller> {
        match self.caller(headers).await {
            Ok(caller) => Some(caller),
            Err(refusal) => {
                *self.refusal() = Some(refusal);
                None
            }
        }
    }

    /// The caller, if they were let in.
    pub(super) fn admitted(&self) -> Option<Admitted> {
        self.0.admitted.get().copied()
    }

    fn refusal(&self) -> std::sync::MutexGuard<'_, Option<Problem>> {
        self.0
            .refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
