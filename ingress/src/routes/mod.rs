//! The routes: each handler reads who asks, parses, asks the domain once, and answers.

mod content;
mod content_answer;
mod documents;
mod health;
mod keys;
mod merged;
mod pages;
mod tags;
mod uploads;
mod users;

pub use content::ContentRoutes;
pub use documents::DocumentRoutes;
pub use health::HealthRoutes;
pub use keys::KeyRoutes;
pub use merged::Merged;
pub use pages::{PageRoutes, Pages};
pub use uploads::UploadRoutes;
pub use users::UserRoutes;
