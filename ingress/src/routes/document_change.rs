//! The argument of handlers that change one document: caller, `If-Match` and idempotency.

use domain::{Caller, DocumentId};
use ledger::{Commit, Database, Target};
use poem::{IntoResponse, Request, RequestBody, Result};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::if_match::IfMatch;
use crate::auth::CurrentUser;
use crate::idempotency::IdempotentRequest;

/// A change to a document of the caller, documented as the parameter `If-Match`.
#[derive(Clone, Debug)]
pub struct DocumentChange {
    caller: Caller,
    if_match: IfMatch,
    idempotent: IdempotentRequest,
}

impl DocumentChange {
    /// The caller.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        self.caller
    }

    /// Returns the target: the caller's document with the revision required by `If-Match`.
    #[must_use]
    pub fn target(&self, document: DocumentId) -> Target {
        self.if_match.clone().target(self.caller, document)
    }

    /// Returns the ledger for the change; see [`IdempotentRequest::on`].
    pub fn on<T, R, F>(&self, db: &Database, answer: F) -> impl Commit<T> + Send + use<T, R, F>
    where
        T: Clone + Send + Sync,
        R: IntoResponse,
        F: Fn(T) -> R + Send + Sync,
    {
        self.idempotent.on(db, answer)
    }
}

impl<'a> ApiExtractor<'a> for DocumentChange {
    const TYPES: &'static [ApiExtractorType] = &[
        ApiExtractorType::SecurityScheme,
        ApiExtractorType::Parameter,
    ];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        CurrentUser::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        CurrentUser::security_schemes()
    }

    fn param_in() -> Option<MetaParamIn> {
        IfMatch::param_in()
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        IfMatch::param_schema_ref()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let caller = CurrentUser::from_request(request, body, options.clone());
        let caller = caller.await?.0;
        let if_match = IfMatch::from_request(request, body, options.clone()).await?;
        let idempotent = IdempotentRequest::from_request(request, body, options).await?;
        Ok(Self {
            caller,
            if_match,
            idempotent,
        })
    }
}
