//! Jobs per second of Dossier's queue alone, beside other queues on the same PostgreSQL.

mod ledger_queue;
mod options;
mod program;
mod table;

pub use ledger_queue::run as run_ledger;
pub use options::Options;
pub use table::run;
