//! Resumable uploads: what their protocols have in common, and the sessions that write.

mod checksum;
mod ends;
mod fields;
mod finishing;
mod holders;
mod ietf;
mod joining;
mod layer;
mod metadata;
mod pieces;
mod privacy;
mod session;
mod sessions;
mod ticket_origins;
mod writing;

pub use checksum::Expected;
pub use fields::{Concat, Length, check_size, is_of_type, number, text};
pub use ietf::{
    Completeness, IetfCreations, PARTIAL_UPLOAD, check_complete, declared_length, file_name, limit,
    piece_digest, whole_digest,
};
pub use layer::{MethodOverride, TusAnswers, require_version, speaks_tus};
pub use metadata::UploadMetadata;
pub use pieces::{Piece, Pieces, of_body};
pub use privacy::TicketPrivacy;
pub use sessions::{Append, Checking, UploadSessions, Written, is_of_transfer};
pub use ticket_origins::{TicketOrigins, is_origin_of, secret_in};
