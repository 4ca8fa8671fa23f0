//! Dossier beside other programs that take files over HTTP: one load, one machine, one run.

mod cost;
mod http;
mod load;
mod peers;
mod subject;

pub use load::{Amounts, run};
