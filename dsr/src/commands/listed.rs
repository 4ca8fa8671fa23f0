//! Prints lists: an object a line for programs, a table for people.

use client::Error;
use futures::{Stream, TryStreamExt as _};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Column, Screen, Table};

/// Prints what a stream gives; `none` is said if that is nothing.
pub async fn listed<T: Serialize>(
    screen: &Screen,
    mut items: impl Stream<Item = Result<T, Error>> + Unpin,
    columns: &'static [Column],
    row: impl Fn(T) -> Vec<String>,
    none: &str,
) -> Result<(), Failure> {
    let mut table = Table::new(columns);
    let mut is_empty = true;
    while let Some(item) = items.try_next().await? {
        is_empty = false;
        if screen.is_json() {
            screen.result(&item, "")?;
        } else {
            table.row(row(item));
        }
    }
    if is_empty {
        screen.note(none);
    }
    if table.is_empty() {
        return Ok(());
    }
    screen.table(&table)
}

/// Prints what is there already.
pub async fn listed_all<T: Serialize>(
    screen: &Screen,
    items: Vec<T>,
    columns: &'static [Column],
    row: impl Fn(T) -> Vec<String>,
    none: &str,
) -> Result<(), Failure> {
    let items = futures::stream::iter(items.into_iter().map(Ok));
    listed(screen, items, columns, row, none).await
}
