//! `dossier storage`: manages places.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use domain::SystemClock;
use ledger::ownership::{Ownership, PlaceState};
use settings::Resolved;
use storage::Mark;

use crate::{cli, resources};

pub async fn run(resolved: &Resolved, command: cli::Storage) -> anyhow::Result<()> {
    let cli::Storage::Adopt { yes } = command;
    let db = resources::ledger(resolved).await?;
    let places = resources::places(resolved).await?;
    let ownership = Ownership::of(db.clone(), places, Arc::new(SystemClock));
    adopt(&ownership, yes).await?;
    db.close().await.context("failed to close the database")
}

async fn adopt(ownership: &Ownership, is_confirmed: bool) -> anyhow::Result<()> {
    let ours = ownership.installation().await?;
    println!("This ledger is installation {ours}.");
    let mut is_settled = true;
    for (storage, state) in ownership.states().await? {
        is_settled &= state == PlaceState::Ours;
        let words = match state {
            PlaceState::Ours => "belongs to it".to_owned(),
            PlaceState::Unmarked => "has no mark and is empty".to_owned(),
            PlaceState::Lost => "has lost its mark".to_owned(),
            PlaceState::Occupied => "has no mark and holds unknown objects".to_owned(),
            PlaceState::Foreign(Mark::Of(found)) => format!("belongs to installation {found}"),
            PlaceState::Foreign(Mark::Unknown) => "has a mark that can't be read".to_owned(),
        };
        println!("{}: {words}", storage.place());
    }
    if is_settled {
        return Ok(());
    }
    if !is_confirmed {
        bail!(
            "nothing was changed; with --yes, these places become this ledger's, and any service that uses \
             them with another ledger has to stop"
        );
    }
    ownership.adopt().await?;
    println!("All of them belong to installation {ours} now.");
    Ok(())
}
