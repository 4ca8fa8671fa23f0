//! Storage places and moves between them, for admins.

use std::time::Duration;

use client::{NewStorageMove, StorageMove, StorageMoveStatus, StoragePlace, Uuid};
use indicatif::HumanCount;

use super::listed::listed_all;
use crate::cli::StorageCommand;
use crate::failure::Failure;
use crate::output::{Column, moment, size};
use crate::progress::spinner;
use crate::session::Session;

const PLACES: [Column; 5] = [
    Column::text("ROLE"),
    Column::number("OBJECTS"),
    Column::number("SIZE"),
    Column::number("TO REMOVE"),
    Column::text("PLACE").whole(),
];

const MOVES: [Column; 5] = [
    Column::text("ID"),
    Column::text("STATUS"),
    Column::number("MOVED"),
    Column::text("CREATED (UTC)").when_wide(130),
    Column::text("FROM AND TO").whole(),
];

/// How often the progress of a move is asked for.
const LOOK: Duration = Duration::from_secs(1);

/// Runs one of the commands.
pub async fn storage(session: &Session<'_>, command: StorageCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        StorageCommand::Ls => {
            let places = client.storage_places().await?;
            listed_all(screen, places, &PLACES, place, "There are no places.").await
        }
        StorageCommand::Moves => {
            let moves = client.storage_moves().await?;
            listed_all(screen, moves, &MOVES, row, "Nothing was moved yet.").await
        }
        StorageCommand::Move {
            from,
            to,
            rate,
            wait,
        } => {
            let wanted = NewStorageMove {
                from,
                to,
                rate_bytes: rate,
            };
            let started = client.start_storage_move(&wanted).await?;
            if wait {
                return follow(session, started.id).await;
            }
            tell(session, &started)?;
            screen.note(&format!("Follow it with: dsr storage wait {}", started.id));
            Ok(())
        }
        StorageCommand::Show { id } => tell(session, &client.storage_move(id).await?),
        StorageCommand::Wait { id } => follow(session, id).await,
        StorageCommand::Cancel { id } => tell(session, &client.cancel_storage_move(id).await?),
    }
}

/// Waits until a move has ended, and fails if not everything was moved.
async fn follow(session: &Session<'_>, id: Uuid) -> Result<(), Failure> {
    let spinner = spinner(session.screen, &format!("move {id}"));
    let ended = loop {
        let now = session.client.storage_move(id).await?;
        if now.status != StorageMoveStatus::Running {
            break now;
        }
        spinner.set_message(line(&now));
        tokio::time::sleep(LOOK).await;
    };
    spinner.finish_and_clear();
    tell(session, &ended)?;
    if ended.status == StorageMoveStatus::Completed && ended.failed == 0 {
        return Ok(());
    }
    Err(Failure::InPart("not everything was moved".to_owned()))
}

fn tell(session: &Session<'_>, one: &StorageMove) -> Result<(), Failure> {
    session.screen.result(one, &line(one))
}

fn line(one: &StorageMove) -> String {
    format!(
        "{}  {}: {} of {} objects, {} of {}, {} failed",
        one.id,
        status(one.status),
        HumanCount(one.moved),
        HumanCount(one.objects),
        size(one.moved_bytes),
        size(one.bytes),
        HumanCount(one.failed),
    )
}

fn status(status: StorageMoveStatus) -> String {
    format!("{status:?}").to_lowercase()
}

fn place(place: StoragePlace) -> Vec<String> {
    vec![
        place.role,
        place.objects.to_string(),
        size(place.bytes),
        place.discarded.to_string(),
        place.url,
    ]
}

fn row(one: StorageMove) -> Vec<String> {
    vec![
        one.id.to_string(),
        status(one.status),
        format!("{}/{}", one.moved, one.objects),
        moment(one.created_at),
        [one.from, one.to].join(" to "),
    ]
}
