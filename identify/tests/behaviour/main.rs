//! What the crate promises, from outside, on fixtures made here by code.

mod adversarial;
mod binaries;
mod claims;
mod compounds;
mod contradictions;
mod corpus;
mod cut_zip;
mod fixtures;
mod grammars;
mod hostile_zip;
mod mails;
mod mutations;
mod names;
mod notations;
mod packages;
mod texts;
mod transcripts;
