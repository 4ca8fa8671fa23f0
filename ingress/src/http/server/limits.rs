//! Limits on connections and timeouts, with their reasons.

use std::time::Duration;

use crate::capacity::FILES_OF_REQUEST;

/// Limits on connections and their timeouts.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// The most open connections; more wait in the kernel's queue, and idle ones are closed for
    /// them. Streams of events in place of one are as many as the files of a request.
    pub connections: usize,
    /// Requests in flight on one HTTP/2 connection.
    pub streams: u32,
    /// The timeout from the first byte of an HTTP/1.1 request to the end of its header. Also
    /// applies while a kept-alive connection waits for its next request.
    pub header: Duration,
    /// The timeout from accept to the first complete request header.
    pub first_request: Duration,
    /// How long a connection may stay open without a request.
    pub idle: Duration,
    /// The timeout of the next chunk of a request body, and of all waits beyond what `body_rate`
    /// allows.
    pub body_chunk: Duration,
    /// The timeout from the first byte of an upload to its transaction. Staged bytes without a row
    /// older than twice that are removed.
    pub upload: Duration,
    /// The least average rate of a request body, in bytes per second.
    pub body_rate: u32,
    /// How long a client may stall on a response: on its connection, and on each stream.
    pub write_stall: Duration,
    /// How long requests in flight may continue after shutdown starts.
    pub grace: Duration,
}

impl ServerLimits {
    /// A default that leaves each client plenty.
    pub const CONNECTIONS: usize = 8_192;
    /// The most connections of the operators' port.
    pub const OPERATIONS: usize = 64;
    /// File descriptors reserved for storage, queue, log and the operators' port.
    const RESERVED: u64 = 192;
    /// File descriptors of a database connection: for SQLite a file, its log, its shared memory.
    const OF_DATABASE: u64 = 3;
    /// The accept backlog, limited by `net.core.somaxconn`; a larger burst is reset. The usual 128
    /// is a burst of one client.
    pub const QUEUE: u32 = 4_096;
    /// The least that browsers and proxies expect.
    pub const STREAMS: u32 = 128;
    /// A header is a packet or two; slow mobile links need some seconds.
    pub const HEADER: Duration = Duration::from_secs(30);
    /// A client that connects is about to send a request.
    pub const FIRST_REQUEST: Duration = Duration::from_secs(20);
    /// Longer than the usual 60 s of proxies, so that they close first and never use a connection
    /// that we are closing.
    pub const IDLE: Duration = Duration::from_secs(75);
    /// A lost link is detected by then; a slow one still sends something.
    pub const BODY_CHUNK: Duration = Duration::from_secs(30);
    /// Half of the default age at which bytes count as orphaned.
    pub const UPLOAD: Duration = Duration::from_hours(12);
    /// The slowest links in use are ten times as fast; less only holds a connection open.
    pub const BODY_RATE: u32 = 256;
    /// A reader that stalls longer is gone, while memory and storage are held for it.
    pub const WRITE_STALL: Duration = Duration::from_mins(1);
    /// Below the usual 30 s of orchestrators.
    pub const GRACE: Duration = Duration::from_secs(25);
}

impl ServerLimits {
    /// Returns limits with `wanted` connections, or as many as `descriptors` allow beside
    /// `databases` database connections.
    #[must_use]
    pub fn connections_within(wanted: usize, descriptors: u64, databases: u32) -> usize {
        let reserved = Self::RESERVED + Self::OF_DATABASE * u64::from(databases);
        let room = descriptors.saturating_sub(reserved) / u64::from(FILES_OF_REQUEST);
        // A limit that leaves nothing is an operator's mistake; allow some connections.
        wanted
            .min(usize::try_from(room).unwrap_or(usize::MAX))
            .max(16)
    }

    /// Returns how many may read feeds, where `wanted` connections were asked for: half as many. With
    /// one file each, they leave a third of the files of `connections` to other requests.
    #[must_use]
    pub fn readers_within(wanted: usize, connections: usize) -> usize {
        (wanted / 2).min(2 * connections).max(1)
    }

    /// Returns the limits of the operators' port.
    #[must_use]
    pub fn of_operations(self) -> Self {
        Self {
            connections: Self::OPERATIONS,
            ..self
        }
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: Self::CONNECTIONS,
            streams: Self::STREAMS,
            header: Self::HEADER,
            first_request: Self::FIRST_REQUEST,
            idle: Self::IDLE,
            body_chunk: Self::BODY_CHUNK,
            upload: Self::UPLOAD,
            body_rate: Self::BODY_RATE,
            write_stall: Self::WRITE_STALL,
            grace: Self::GRACE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let within = |descriptors| ServerLimits::connections_within(8_192, descriptors, 16);
        assert_eq!(within(1_048_576), 8_192);
        assert_eq!(within(1_024), 261);
        assert_eq!(within(256), 16);
        assert_eq!(ServerLimits::connections_within(100, 1_024, 16), 100);
    }

    #[test]
    fn streams_leave_descriptors_for_other_requests() {
        let within = |wanted, descriptors| {
            let connections = ServerLimits::connections_within(wanted, descriptors, 16);
            ServerLimits::readers_within(wanted, connections)
        };
        assert_eq!(within(8_192, 1_048_576), 4_096);
        assert_eq!(within(20_000, 20_000), 10_000);
        assert_eq!(within(8_192, 1_024), 522);
        assert_eq!(within(1, 1_024), 1);
    }
}
