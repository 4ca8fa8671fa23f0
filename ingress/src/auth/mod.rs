//! Who is calling: API keys and JWTs, behind one bearer scheme.

mod authenticator;
mod bearer;
mod jwks;
mod jwt;
mod key_ring;
mod who;

pub use authenticator::{Authenticator, UnknownSubject};
pub use jwt::{JwtAlgorithm, JwtRules, JwtSetupError};
pub use key_ring::KeySource;
pub use who::{Admin, Anyone, Who};
