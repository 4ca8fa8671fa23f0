//! Signed receipts: what the service vouches for of a version, and the keys that verify it.

use domain::{DocumentId, UserId};
use ledger::{LedgerSecretError, SigningError, find_version};
use poem::http::header::{CONTENT_TYPE, HeaderValue};
use poem::{IntoResponse, Request, Response};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi, ResponseContent};

use super::documents::readable;
use crate::auth::{Anyone, CurrentUser};
use crate::dto::{Id, KeySetBody, ReceiptBody, VersionNumber, issuer_name};
use crate::http::prefers;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Reading a receipt.
    ReceiptProblems { Unauthorized, NotFound, NotActive, Invalid }
    /// Reading the keys.
    KeySetProblems { Invalid }
}

/// How long caches may keep the keys. A client that meets a key that it doesn't know asks again.
const CACHED: &str = "public, max-age=300";
/// Caches keep the forms of an answer apart.
const VARY: &str = "Accept";

/// A receipt in the compact serialization.
struct Compact(String);

/// The keys, under the media type of key sets.
struct KeySet(KeySetBody);

#[derive(ResponseContent)]
enum ReceiptContent {
    /// As a line of text.
    Compact(Compact),
    /// As JSON.
    Json(Json<ReceiptBody>),
}

#[derive(ApiResponse)]
enum ReadReceipt {
    /// The receipt; with `Accept: application/json` as JSON.
    #[oai(status = 200)]
    Receipt(
        ReceiptContent,
        /// Always `Accept`.
        #[oai(header = "Vary")]
        String,
    ),
}

#[derive(ApiResponse)]
enum ReadKeys {
    /// The keys.
    #[oai(status = 200)]
    Keys(
        KeySet,
        /// Five minutes.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Database(error)
            | SigningError::Secret(LedgerSecretError::Database(error)) => error.into(),
            SigningError::Derive | SigningError::Secret(LedgerSecretError::Random) => {
                Self::from(Code::Internal).because(error)
            }
        }
    }
}

/// The route of receipts.
#[derive(Clone, Debug)]
pub struct ReceiptRoutes(pub Service);

/// The route of the keys.
#[derive(Clone, Debug)]
pub struct KeySetRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Versions")]
impl ReceiptRoutes {
    /// Read the signed receipt of a version
    ///
    /// A JSON Web Token that the service signs with Ed25519, and that anybody can verify with the keys at
    /// `/.well-known/jwks.json`, also long after the document is gone: this service accepted and
    /// stored a version of that size, digest and type. Its header has `typ` `dossier-receipt+jwt` and
    /// `kid`; its claims are `iss` (`urn:uuid:` and the id of the installation), `sub` (the id of the
    /// document), `iat`, `version`, `size_bytes`, `sha256`, `mime_type`, `accepted_at` and
    /// `activated_at`. Versions that aren't active have none.
    #[oai(
        path = "/documents/:id/versions/:number/receipt",
        method = "get",
        operation_id = "read_receipt"
    )]
    async fn read(
        &self,
        caller: CurrentUser,
        request: &Request,
        id: Path<Id<DocumentId>>,
        number: Path<VersionNumber>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<ReadReceipt, Documented<ReceiptProblems>> {
        let (db, now) = (&self.0.db, self.0.clock.now());
        let document = readable(db, caller.0, id.0.0, owner.0.map(|id| id.0)).await?;
        let found = find_version(db, document.id, number.0.0).await;
        let (version, _) = found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        let issuer = self.0.signer.issuer(db, now).await.map_err(Problem::from)?;
        let receipt = ReceiptBody::of(&version, issuer, now).ok_or(Code::NotActive)?;
        let content = if prefers(request.headers(), "application/json", "application/jose") {
            ReceiptContent::Json(Json(receipt))
        } else {
            ReceiptContent::Compact(Compact(receipt.compact()))
        };
        Ok(ReadReceipt::Receipt(content, VARY.to_owned()))
    }
}

#[OpenApi(tag = "Group::Service")]
impl KeySetRoutes {
    /// Read the keys that verify receipts
    ///
    /// A JSON Web Key Set (RFC 7517) of all keys that receipts were ever signed with, and the `iss` of all
    /// receipts as `issuer`.
    #[oai(
        path = "/.well-known/jwks.json",
        method = "get",
        operation_id = "read_key_set"
    )]
    async fn read(&self, _anyone: Anyone) -> Result<ReadKeys, Documented<KeySetProblems>> {
        let (db, now) = (&self.0.db, self.0.clock.now());
        let keys = self.0.signer.verifying_keys(db, now).await;
        let keys = keys.map_err(Problem::from)?.into_iter().map(Into::into);
        let issuer = self.0.signer.issuer(db, now).await.map_err(Problem::from)?;
        let keys = KeySetBody {
            issuer: issuer_name(issuer.ledger),
            keys: keys.collect(),
        };
        Ok(ReadKeys::Keys(KeySet(keys), CACHED.to_owned()))
    }
}

impl Payload for Compact {
    const CONTENT_TYPE: &'static str = "application/jose";

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            description: Some("Header, claims and signature in Base64 for URLs, joined by dots."),
            pattern: Some(r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$".to_owned()),
            ..MetaSchema::new("string")
        }))
    }

    fn register(_: &mut Registry) {}
}

impl IntoResponse for Compact {
    fn into_response(self) -> Response {
        Response::builder()
            .header(CONTENT_TYPE, Self::CONTENT_TYPE)
            .body(self.0)
    }
}

impl Payload for KeySet {
    const CONTENT_TYPE: &'static str = "application/jwk-set+json";

    fn schema_ref() -> MetaSchemaRef {
        KeySetBody::schema_ref()
    }

    fn register(registry: &mut Registry) {
        KeySetBody::register(registry);
    }
}

impl IntoResponse for KeySet {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        let media_type = HeaderValue::from_static(Self::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response
    }
}
