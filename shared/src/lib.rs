#![doc = include_str!("../../docs/ARCHITECTURE.md")]

pub mod domain;
pub mod storage;
