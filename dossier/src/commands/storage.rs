//! `dossier storage`: manages places.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use domain::SystemClock;
use ledger::ownership::{Ownership, PlaceState};
use ledger::{Database, ListedPlace, PlaceRole};
use serde_json::json;
use settings::Resolved;
use storage::{Mark, StorageRouter};

use super::{storage_cors, storage_move};
use crate::{cli, resources};

pub async fn run(resolved: &Resolved, command: cli::Storage) -> anyhow::Result<()> {
    let places = resources::places(resolved).await?;
    if matches!(command, cli::Storage::Cors) {
        return storage_cors::run(resolved, &places);
    }
    let db = resources::ledger(resolved).await?;
    match command {
        cli::Storage::Cors => {}
        cli::Storage::Ls { json } => list(&db, &places, json).await?,
        cli::Storage::Move(plan) => storage_move::run(&db, &places, &plan).await?,
        cli::Storage::Adopt { yes } => {
            let ownership = Ownership::of(db.clone(), places, Arc::new(SystemClock));
            adopt(&ownership, yes).await?;
        }
    }
    db.close().await.context("failed to close the database")
}

async fn list(db: &Database, places: &StorageRouter, json: bool) -> anyhow::Result<()> {
    let listed = ledger::list_places(db, places).await?;
    if json {
        let items = listed.iter().map(|place| {
            json!({
                "url": place.url, "role": place.role.as_str(),
                "configured": place.role != PlaceRole::Unknown,
                "objects": place.total.objects, "bytes": place.total.bytes,
                "discarded": place.discarded,
            })
        });
        println!("{}", json!({"items": items.collect::<Vec<_>>()}));
    } else {
        for ListedPlace {
            url,
            role,
            total,
            discarded,
        } in &listed
        {
            println!(
                "{url}\t{}\t{} objects\t{} bytes\t{discarded} objects to be removed",
                role.as_str(),
                total.objects,
                total.bytes
            );
        }
    }
    let unknown = listed
        .iter()
        .filter(|place| place.role == PlaceRole::Unknown);
    let unknown: Vec<_> = unknown.map(|place| place.url.as_str()).collect();
    if !unknown.is_empty() {
        bail!(
            "documents lie in places that aren't configured: {}",
            unknown.join(" ")
        );
    }
    Ok(())
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
