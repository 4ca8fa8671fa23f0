//! HTTP: connections, routing, bodies, encodings and header fields. Knows nothing of documents.

mod accept;
mod body;
mod charset;
mod compression;
mod conditional;
mod cors;
mod disposition;
mod frame;
mod http_metrics;
mod prefer;
mod range;
mod required_scope;
mod route_table;
mod router;
mod server;
mod trace_context;

pub use accept::prefers;
#[cfg(test)]
pub use body::read_object;
pub use body::{
    Change, FromMembers, JsonBody, LARGEST, Many, Media, Members, MergePatch, Optional, ReadBody,
    extent, parsed, read_error,
};
pub use charset::{HEAD, charset};
pub use compression::{Compressed, PreparedPage};
pub use conditional::{
    Condition, Validators, depends_on_date, entity_tags, evaluate, matches_etag,
};
pub use cors::{AllowedOrigins, CrossOrigin, OriginGrant};
pub use disposition::{Disposition, content_disposition};
pub use frame::{Frame, answer_of, log_problem};
pub use http_metrics::HttpMetrics;
pub use prefer::{Prefer, Wait};
pub use range::{RangeAnswer, select};
pub use required_scope::required_scope;
pub use route_table::{Route, RouteMatch, RouteTable};
pub use router::Router;
pub use server::{COMMENT_EVERY, Door, SendsComments, ServerLimits, serve};
pub use trace_context::traceparent;
