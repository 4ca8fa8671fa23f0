//! `dossier storage move`: starts a move between places, and shows its progress.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::{AuditEvent, AuditKind, Clock as _, SystemClock, UserId};
use ledger::ownership::Ownership;
use ledger::{Database, MoveRefusal, MoveStatus, NewMove, StorageMove, find_move, start_move};
use serde_json::json;
use storage::StorageRouter;
use tokio::time::sleep;
use url::Url;
use uuid::Uuid;

use super::operator_log::logged;
use crate::cli;

/// How often the progress is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// The owner of jobs of the service itself.
const SERVICE: UserId = UserId(Uuid::from_u128(1));

pub async fn run(
    db: &Database,
    places: &StorageRouter,
    plan: &cli::StorageMove,
) -> anyhow::Result<()> {
    let (from, to) = (plan.from.place(), plan.to.place());
    for (flag, place) in [("--from", from), ("--to", to)] {
        if !places.is_store(place) {
            let configured = places.stores().map(|storage| storage.place());
            bail!("{flag}: {}", not_configured(place, configured));
        }
    }
    if from == to {
        bail!("--to: must be another place");
    }
    if plan.rate.is_some_and(|rate| rate.bytes() == 0) {
        bail!("--rate: must not be 0");
    }
    if plan.dry_run {
        let (objects, bytes) = ledger::movable_total(db, from).await?;
        println!("would move {objects} objects, {bytes} bytes");
        return Ok(());
    }
    check_owner(db, places, [from, to]).await?;
    let new = NewMove {
        from: from.clone(),
        to: to.clone(),
        rate: plan.rate,
        owner: SERVICE,
    };
    let on = logged(db, |started: &StorageMove| {
        let detail = json!({"from": started.from, "to": started.to});
        vec![AuditEvent::new(
            AuditKind::StorageMoveStarted,
            started.id,
            detail,
        )]
    });
    let started = match start_move(&on, &new, SystemClock.now()).await? {
        Ok(started) => started,
        Err(MoveRefusal::AnotherIsRunning) => bail!("another move is running"),
        Err(MoveRefusal::NotFound | MoveRefusal::Finished) => bail!("the move was not started"),
    };
    println!(
        "move {} of {} objects, {} bytes",
        started.id, started.objects, started.bytes
    );
    follow(db, started).await
}

/// What is said of a place that the settings don't have.
fn not_configured<'p>(place: &Url, configured: impl Iterator<Item = &'p Url>) -> String {
    let configured: Vec<_> = configured.map(Url::as_str).collect();
    format!(
        "{place} isn't configured as a place of documents; configured are {}; \
         DOSSIER_MORE_STORAGE_URLS adds one",
        configured.join(", ")
    )
}

/// Refuses places of another installation.
async fn check_owner(db: &Database, places: &StorageRouter, of: [&Url; 2]) -> anyhow::Result<()> {
    let ownership = Ownership::of(db.clone(), places.clone(), Arc::new(SystemClock));
    for storage in places.stores().filter(|one| of.contains(&one.place())) {
        ownership.verify_place(storage).await?;
    }
    Ok(())
}

async fn follow(db: &Database, mut moving: StorageMove) -> anyhow::Result<()> {
    let mut shown = 0;
    while moving.status == MoveStatus::Running {
        sleep(INTERVAL).await;
        let found = find_move(db, moving.id).await?;
        moving = found.context("the move is gone")?;
        if moving.moved != shown {
            shown = moving.moved;
            println!(
                "moved {} objects, {} bytes",
                moving.moved, moving.moved_bytes
            );
        }
    }
    println!(
        "{}: moved {} objects, {} bytes; {} failed",
        moving.status.as_str(),
        moving.moved,
        moving.moved_bytes,
        moving.failed
    );
    if moving.status != MoveStatus::Completed || moving.failed > 0 {
        bail!("not everything was moved");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_not_configured_is_told_with_those_that_are() {
        let url = |text: &str| Url::parse(text).unwrap();
        let configured = [url("file:///old/"), url("s3://bucket/new/")];
        let told = not_configured(&url("s3://bucket/other/"), configured.iter());
        for part in [
            "s3://bucket/other/ isn't",
            "file:///old/, s3://bucket/new/;",
            "DOSSIER_MORE_STORAGE_URLS",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
