//! Authentication: API keys and JWTs as bearer tokens.

mod authenticated;
mod authenticator;
mod bearer;
mod current_user;
mod guard;
mod identity_users;
mod issuer_http;
mod jwks;
mod jwt;
mod key_ring;
mod key_uses;
mod request_origin;
mod revocable;
mod revocations;
mod session;
mod session_layer;
mod token_header;

pub(crate) use authenticated::Authenticated;
pub use authenticator::Authenticator;
pub(crate) use bearer::bearer_token;
pub use current_user::{Admin, Anyone, CurrentUser};
pub(crate) use guard::Guard;
pub(crate) use identity_users::{IdentityUsers, RoleFrom};
pub(crate) use issuer_http::{IssuerAnswer, IssuerUnreachable, ask_issuer};
pub use jwks::KeySetError;
pub use jwt::JwtSetupError;
pub(crate) use jwt::{Bearer, JwtRules, JwtVerifier, RefusedToken};
pub(crate) use request_origin::RequestOrigin;
pub(crate) use session::{Admitted, Session, refused_ticket};
pub(crate) use session_layer::Sessions;
