//! Imports.

mod files;
mod interruptions;
mod manifests;
mod names;
