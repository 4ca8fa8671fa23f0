//! Who is calling: API keys and JWTs, behind one bearer scheme.

mod authenticator;
mod bearer;
mod document;
mod guard;
mod jwks;
mod jwt;
mod key_ring;
mod revocable;
mod revocations;
mod session;
mod session_layer;
mod who;

pub use authenticator::Authenticator;
pub(crate) use bearer::bearer_token;
pub(crate) use document::document_sessions;
pub(crate) use guard::Guard;
pub use jwks::KeySetError;
pub use jwt::JwtSetupError;
pub(crate) use session::Session;
pub(crate) use session_layer::Sessions;
pub use who::{Admin, Anyone, Who};
