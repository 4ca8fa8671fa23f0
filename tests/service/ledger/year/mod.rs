//! A year of the service with its clock turned.

mod cleanup;
mod service;
mod tables;
