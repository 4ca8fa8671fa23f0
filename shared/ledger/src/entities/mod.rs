//! The tables as SeaORM sees them; private to this room.

pub mod api_key;
pub mod discard;
pub mod document;
pub mod user;
pub mod version;
