//! The routes: each handler reads who asks, parses, asks the domain once, and answers.

mod changes;
mod content;
mod content_answer;
mod documents;
mod health;
mod jobs;
mod keys;
mod listing;
mod merged;
mod metrics;
mod operations;
mod pages;
mod public;
mod tags;
mod upload_answer;
mod uploads;
mod usage;
mod users;
mod versions;

pub use changes::ChangeRoutes;
pub use content::ContentRoutes;
pub use documents::DocumentRoutes;
pub use health::HealthRoutes;
pub use jobs::JobRoutes;
pub use keys::KeyRoutes;
pub use listing::ListRoutes;
pub use merged::Merged;
pub use metrics::MetricsRoutes;
pub use operations::OperationRoutes;
pub use pages::{PageRoutes, Pages};
pub use public::PublicRoutes;
pub use uploads::UploadRoutes;
pub use usage::UsageRoutes;
pub use users::UserRoutes;
pub use versions::VersionRoutes;
