//! Imports: the archive is read once, its entries are taken in chunk by chunk, and the
//! operation ends when the last version of them is settled.

mod contents;
mod import_entries;
mod items;
mod manifest;
mod read_archive;
mod settle_import;

use ledger::Outcome;

pub use import_entries::import_entries;
pub use read_archive::read_archive;
pub use settle_import::settle_import;

use crate::fault::Fault;
use crate::tools::Tools;
use crate::work::Work;

/// Ends a job that finds nothing to do.
async fn over(work: &Work, tools: &Tools) -> Result<(), Fault> {
    tools.settler.settle(work.settlement(Outcome::Done)).await?;
    Ok(())
}
