//! Sends the comments of all streams of events that have a connection to themselves. One task of the
//! listener does: four times a second it walks those whose comment is due, without a timer of theirs, and
//! without waking their tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::shared_socket::SharedSocket;
use beat::beat_within;

/// How often a stream of events sends a comment, so that proxies keep it open.
pub const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// The time between two turns, in which the comments of a part of all streams are sent.
const TURN: Duration = Duration::from_millis(250);
/// The number of parts.
pub(super) const TURNS: usize = 60;
const _: () = assert!(TURN.as_millis() * TURNS as u128 == COMMENT_EVERY.as_millis());
/// Comments sent before yielding to other tasks, each about ten microseconds.
const AT_ONCE: usize = 32;

/// Marks a request whose connection sends the comments of a stream of events that answers it, between its
/// chunks: each must be whole blocks.
#[derive(Clone, Copy, Debug)]
pub struct SendsComments;

/// The streams of a listener.
#[derive(Default)]
pub(super) struct Comments {
    table: Mutex<Table>,
    /// Tells that there is a stream again.
    joined: Notify,
}

struct Table {
    parts: Vec<HashMap<u64, Arc<SharedSocket>>>,
    /// The part whose turn was last.
    last: usize,
    streams: usize,
    next_number: u64,
}

/// A stream that is sent comments, until dropped.
pub(super) struct Commented {
    comments: Arc<Comments>,
    part: usize,
    number: u64,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            parts: (0..TURNS).map(|_| HashMap::new()).collect(),
            last: 0,
            streams: 0,
            next_number: 0,
        }
    }
}

impl Comments {
    /// Has a stream be sent a comment once all others had theirs, and so on.
    pub(super) fn join(self: &Arc<Self>, socket: &Arc<SharedSocket>) -> Commented {
        let mut table = self.table();
        let (part, number) = (table.last, table.next_number);
        table.parts[part].insert(number, Arc::clone(socket));
        table.next_number += 1;
        table.streams += 1;
        if table.streams == 1 {
            self.joined.notify_one();
        }
        drop(table);
        Commented {
            comments: Arc::clone(self),
            part,
            number,
        }
    }

    /// Sends comments, forever.
    pub(super) async fn run(&self) {
        loop {
            self.joined.notified().await;
            let mut next = next_beat();
            while !self.is_vacant() {
                sleep_until(next).await;
                self.take_turn().await;
                // A late turn delays none after it. Of a pause of the whole process nothing is made up for.
                let is_far_behind = next.elapsed() > COMMENT_EVERY;
                next = if is_far_behind {
                    next_beat()
                } else {
                    next + TURN
                };
            }
        }
    }

    /// Sends the comments of the next part.
    pub(super) async fn take_turn(&self) {
        // Copied: sending takes long, and streams come and go meanwhile.
        let part: Vec<_> = {
            let mut table = self.table();
            table.last = (table.last + 1) % TURNS;
            table.parts[table.last].values().cloned().collect()
        };
        for (index, socket) in part.into_iter().enumerate() {
            socket.comment();
            if index % AT_ONCE == AT_ONCE - 1 {
                yield_now().await;
            }
        }
    }

    fn is_vacant(&self) -> bool {
        self.table().streams == 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns are when other idle timers of the process are due.
fn next_beat() -> Instant {
    beat_within(TURN + Duration::from_nanos(1))
}

impl Drop for Commented {
    fn drop(&mut self) {
        let mut table = self.comments.table();
        let socket = table.parts[self.part].remove(&self.number);
        table.streams -= 1;
        drop(table);
        // It may be the last owner, which closes the connection.
        drop(socket);
    }
}
