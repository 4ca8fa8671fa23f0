//! What a client may hold open and for how long. The numbers and their reasons live here alone.

use std::time::Duration;

/// Bounds on connections and on the patience with them.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections open at once; more wait in the kernel's queue, and those without a request
    /// make room for them.
    pub connections: usize,
    /// Requests in flight on one HTTP/2 connection.
    pub streams: u32,
    /// From the first byte of an HTTP/1.1 request to the end of its header.
    /// It also runs while a kept-alive HTTP/1.1 connection waits for its next request.
    pub header: Duration,
    /// From the accepted connection to its first complete request header.
    pub first_request: Duration,
    /// How long a connection may stay open without a request.
    pub idle: Duration,
    /// How long the next chunk of a request body may take, and how long all of them may be
    /// waited for beyond what `body_rate` allows.
    pub body_chunk: Duration,
    /// From the first byte of an upload to the transaction that takes it in. Bytes that lie in
    /// staging for longer than twice that, and belong to nobody, are removed.
    pub upload: Duration,
    /// Bytes a second that a request body must come up to in the long run.
    pub body_rate: u32,
    /// How long a client may take no byte of an answer: on its connection, and on each stream.
    pub write_stall: Duration,
    /// How long requests in flight may go on after the server was told to stop.
    pub grace: Duration,
}

impl ServerLimits {
    /// A connection costs two file descriptors at most (socket, and the file that its request
    /// reads or writes) and little memory until it sends.
    pub const CONNECTIONS: usize = 8_192;
    /// On the operators' port, where orchestrators ask, and collectors of meters.
    pub const OPERATIONS: usize = 64;
    /// File descriptors beside connections: of storage, queue, log, and the operators' port.
    const RESERVED: u64 = 192;
    /// Those of one connection to the database: of SQLite a file, its log, its shared memory.
    const OF_DATABASE: u64 = 3;
    /// Connections that the kernel keeps until they are accepted, if `net.core.somaxconn` lets
    /// it; of a burst beyond that some are reset. What is usual, 128, is a burst of one client.
    pub const QUEUE: u32 = 4_096;
    /// What browsers and proxies expect to get at least.
    pub const STREAMS: u32 = 128;
    /// A header is one packet or two; slow mobile links need some seconds.
    pub const HEADER: Duration = Duration::from_secs(30);
    /// A client that connects has something to say.
    pub const FIRST_REQUEST: Duration = Duration::from_secs(20);
    /// Longer than the 60 s after which common proxies close their side, so
    /// that they, and not we, close a connection that is about to be used.
    pub const IDLE: Duration = Duration::from_secs(75);
    /// A lost link shows itself by then; a slow one still sends something.
    pub const BODY_CHUNK: Duration = Duration::from_secs(30);
    /// Half of the time after which the cleanup takes bytes for left behind, as it is unless
    /// the operator says otherwise.
    pub const UPLOAD: Duration = Duration::from_hours(12);
    /// The slowest links in use still do ten times as much; who sends less holds a connection open.
    pub const BODY_RATE: u32 = 256;
    /// A reader that pauses longer is gone, and memory and storage are kept for it.
    pub const WRITE_STALL: Duration = Duration::from_mins(1);
    /// Below the 30 s after which orchestrators kill.
    pub const GRACE: Duration = Duration::from_secs(25);
}

impl ServerLimits {
    /// As many connections as `wanted`, or as fit into `descriptors` that the process may open
    /// beside `databases` connections to the database.
    #[must_use]
    pub fn connections_within(wanted: usize, descriptors: u64, databases: u32) -> usize {
        let reserved = Self::RESERVED + Self::OF_DATABASE * u64::from(databases);
        let room = descriptors.saturating_sub(reserved) / 2;
        // A limit that leaves nothing over is an operator's mistake: some connections there must be.
        wanted
            .min(usize::try_from(room).unwrap_or(usize::MAX))
            .max(16)
    }

    /// Those of the operators' port.
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
        assert_eq!(within(1_024), 392);
        assert_eq!(within(256), 16);
        assert_eq!(ServerLimits::connections_within(100, 1_024, 16), 100);
    }
}
