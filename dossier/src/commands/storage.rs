//! `dossier storage`: what operators do about places.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use domain::SystemClock;
use ledger::ownership::{Ownership, Standing};
use settings::Resolved;
use storage::Mark;

use crate::{cli, resources};

pub async fn run(resolved: &Resolved, command: cli::Storage) -> anyhow::Result<()> {
    let cli::Storage::Adopt { yes } = command;
    let db = resources::ledger(resolved).await?;
    let places = resources::places(resolved).await?;
    let ownership = Ownership::of(db.clone(), places, Arc::new(SystemClock));
    adopt(&ownership, yes).await?;
    db.close().await.context("the database could not be closed")
}

async fn adopt(ownership: &Ownership, is_confirmed: bool) -> anyhow::Result<()> {
    let ours = ownership.installation().await?;
    println!("This ledger is installation {ours}.");
    let mut is_settled = true;
    for (storage, standing) in ownership.standings().await? {
        is_settled &= standing == Standing::Ours;
        let words = match standing {
            Standing::Ours => "belongs to it".to_owned(),
            Standing::Unmarked => "has no mark, and is free".to_owned(),
            Standing::Lost => "has lost its mark".to_owned(),
            Standing::Occupied => "has no mark, and objects that it doesn't know".to_owned(),
            Standing::Foreign(Mark::Of(found)) => format!("belongs to installation {found}"),
            Standing::Foreign(Mark::Unknown) => "has a mark that can't be read".to_owned(),
        };
        println!("{}: {words}", storage.place());
    }
    if is_settled {
        return Ok(());
    }
    if !is_confirmed {
        bail!(
            "nothing was changed: with --yes, these places become this ledger's, and whoever uses \
             them with another ledger has to stop"
        );
    }
    ownership.adopt().await?;
    println!("All of them belong to installation {ours} now.");
    Ok(())
}
