//! Who is calling: API keys and JWTs, behind one bearer scheme.

mod authenticator;
mod bearer;
mod jwks;
mod jwt;
mod key_ring;
mod who;

pub use authenticator::Authenticator;
pub(crate) use bearer::bearer_token;
pub use jwks::KeySetError;
pub use jwt::JwtSetupError;
pub use who::{Admin, Anyone, Who};
