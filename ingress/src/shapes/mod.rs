//! How things look as JSON. Private to this crate: the domain knows nothing of it.

mod document;
mod key;
mod page;
mod text;
mod user;

pub use document::{DocumentBody, DocumentPageBody};
pub use key::{ApiKeyPageBody, NewKeyBody, NewKeyRequest};
pub use page::{Binding, Limit, cursor, cut, position};
pub use text::{Id, Moment};
pub use user::{NewUser, UserBody, UserPageBody};
