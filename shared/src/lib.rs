#![doc = include_str!("../../docs/ARCHITECTURE.md")]

pub mod crash;
pub mod db;
pub mod domain;
pub mod metrics;
pub mod ownership;
pub mod private_file;
pub mod queue;
pub mod settings;
pub mod storage;
