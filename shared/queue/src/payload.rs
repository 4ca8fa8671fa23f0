//! What notifications of PostgreSQL carry: hints as short texts that are read back by every
//! process. A text that can't be read is passed by.

use std::str::FromStr;

use super::{Awaited, Queue};

/// The channel of new jobs.
pub const JOBS: &str = "dossier.jobs";

/// The channel of settled documents and ended operations.
pub const SETTLED: &str = "dossier.settled";

/// The most bytes of a payload; PostgreSQL refuses 8,000.
const ROOM: usize = 7_900;

/// The most jobs of one notification. More need no other claims.
const MOST: usize = 10_000;

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many new jobs of a queue.
    Jobs(Queue, usize),
    /// What has settled.
    Settled(Vec<Awaited>),
    /// Something else.
    Nothing,
}

/// Returns the statement that announces so many jobs.
pub fn announce_jobs(queue: Queue, jobs: usize) -> String {
    let jobs = jobs.min(MOST);
    format!("NOTIFY \"{JOBS}\", '{queue} {jobs}'")
}

/// Returns the statements that announce what has settled, which PostgreSQL runs as one transaction.
pub fn announce_settled(settled: &[Awaited]) -> String {
    let mut payloads = vec![String::new()];
    for word in settled.iter().map(Awaited::to_string) {
        match payloads.last_mut() {
            Some(last) if last.is_empty() => last.push_str(&word),
            Some(last) if last.len() + 1 + word.len() <= ROOM => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => payloads.push(word),
        }
    }
    let statement = |payload: &String| format!("NOTIFY \"{SETTLED}\", '{payload}'");
    let statements: Vec<_> = payloads.iter().map(statement).collect();
    statements.join("; ")
}

/// Reads a notification.
pub fn read(channel: &str, payload: &str) -> Heard {
    match channel {
        JOBS => jobs(payload).unwrap_or(Heard::Nothing),
        SETTLED => {
            let words = payload.split(' ');
            let settled = words.filter_map(|word| Awaited::from_str(word).ok());
            Heard::Settled(settled.collect())
        }
        _ => Heard::Nothing,
    }
}

fn jobs(payload: &str) -> Option<Heard> {
    let (queue, count) = payload.split_once(' ')?;
    let count = count.parse().ok().filter(|count| *count <= MOST)?;
    Some(Heard::Jobs(queue.parse().ok()?, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DocumentId, OperationId, Timestamp};

    /// Channel and payload of each statement.
    fn sent(statements: &str) -> Vec<(&str, &str)> {
        statements
            .split("; ")
            .map(|statement| {
                let rest = statement.strip_prefix("NOTIFY ").unwrap();
                let (channel, payload) = rest.split_once(", ").unwrap();
                (channel.trim_matches('"'), payload.trim_matches('\''))
            })
            .collect()
    }

    #[test]
    fn jobs_are_read_as_they_are_written() {
        for queue in Queue::ALL {
            let statement = announce_jobs(queue, 256);
            let sent = sent(&statement);
            assert_eq!(sent.len(), 1);
            assert_eq!(read(sent[0].0, sent[0].1), Heard::Jobs(queue, 256));
            let many = announce_jobs(queue, 1_000_000);
            let payload = format!("{queue} {MOST}");
            assert!(many.contains(&payload), "{many}");
        }
    }

    #[test]
    fn what_has_settled_is_divided_as_payloads_must_be() {
        let at = Timestamp::from_micros(0);
        let settled: Vec<_> = (0..1_000)
            .map(|number| match number % 2 {
                0 => Awaited::Document(DocumentId::new(at)),
                _ => Awaited::Operation(OperationId::new(at)),
            })
            .collect();
        let statements = announce_settled(&settled);
        let mut heard = Vec::new();
        for (channel, payload) in sent(&statements) {
            assert!(payload.len() < 8_000);
            match read(channel, payload) {
                Heard::Settled(some) => heard.extend(some),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heard, settled);
    }

    #[test]
    fn what_others_send_does_no_harm() {
        for (channel, payload) in [
            (JOBS, ""),
            (JOBS, "ingest"),
            (JOBS, "other 1"),
            (JOBS, "ingest -1"),
            (JOBS, "ingest 18446744073709551615"),
            ("another", "ingest 1"),
        ] {
            assert_eq!(read(channel, payload), Heard::Nothing, "{payload}");
        }
        assert_eq!(read(SETTLED, "x '; y"), Heard::Settled(vec![]));
    }
}
