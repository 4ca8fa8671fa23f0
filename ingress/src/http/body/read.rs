//! Reads JSON bodies into memory within a limit and the budget of all bodies, and parses long ones
//! on a blocking thread.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use poem::Request;
use poem::http::header::CONTENT_LENGTH;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::failed_read::read_error;
use crate::capacity::{Taken, Ticket};
use crate::problem::{Code, Problem};

/// The largest JSON body of any operation: the most ids of documents.
pub const LARGEST: usize = 5 << 20;
/// Bodies up to this length are not charged: the number of requests bounds them.
const SMALL: usize = 16 << 10;
/// Bodies up to this length are parsed on the request's task.
const QUICK: usize = 64 << 10;
/// How often a slow sender is checked.
const LOOK: Duration = Duration::from_secs(1);
/// Concurrent parses of longer bodies, whose decoded form is temporarily many times as large.
const AT_ONCE: usize = 2;

static LONG_ONES: Semaphore = Semaphore::const_new(AT_ONCE);

/// A complete body.
pub struct ReadBody {
    pub bytes: Bytes,
    /// Its share of the budget.
    room: Option<Taken>,
}

/// Marks a request whose body is already in memory and charged.
#[derive(Clone)]
struct HasRoom {
    _room: Arc<Option<Taken>>,
}

impl ReadBody {
    /// Reads the `body` of `request`, unless it has more than `most` bytes.
    pub async fn read(request: &Request, body: poem::Body, most: usize) -> Result<Self, Problem> {
        let expected = declared(request).unwrap_or(most);
        if expected > most {
            return Err(Code::TooLarge.into());
        }
        let ticket = if request.data::<HasRoom>().is_some() {
            None
        } else {
            Ticket::of(request)
        };
        let mut chunks = std::pin::pin!(body.into_bytes_stream());
        let mut read = Collected::default();
        let mut room = Room::new(ticket, expected);
        while let Some(chunk) = room.in_time(chunks.next()).await? {
            let chunk = chunk.map_err(read_error)?;
            let length = read.len() + chunk.len();
            if length > most {
                return Err(Code::TooLarge.into());
            }
            room.make(length).await?;
            read.push(chunk);
        }
        let (bytes, room) = (read.whole(), room.taken);
        Ok(Self { bytes, room })
    }

    /// Puts the body back into its request for the next reader.
    pub fn put_back(self, request: &mut Request) {
        request.set_body(poem::Body::from(self.bytes));
        let room = Arc::new(self.room);
        request.set_data(HasRoom { _room: room });
    }
}

/// The budget of a body, taken all at once: of several with partial budgets none might ever
/// complete. A slow sender loses it, sooner if others wait.
struct Room<'a> {
    ticket: Option<&'a Ticket>,
    expected: usize,
    length: usize,
    taken: Option<Taken>,
    /// When the body began, excluding time spent waiting for the budget.
    begun: Instant,
}

impl<'a> Room<'a> {
    fn new(ticket: Option<&'a Ticket>, expected: usize) -> Self {
        Self {
            ticket,
            expected,
            length: 0,
            taken: None,
            begun: Instant::now(),
        }
    }

    /// Charges a body of this length so far.
    async fn make(&mut self, length: usize) -> Result<(), Problem> {
        self.length = length;
        if let Some(ticket) = self.ticket
            && length > SMALL
            && self.taken.is_none()
        {
            let waiting = Instant::now();
            self.taken = Some(ticket.hold_body(self.expected as u64).await?);
            self.begun += waiting.elapsed();
        }
        Ok(())
    }

    /// Returns the next chunk, if it arrives before the sender's time is up.
    async fn in_time<T>(&self, next: impl Future<Output = T>) -> Result<T, Problem> {
        let Some(ticket) = self.ticket.filter(|_| self.taken.is_some()) else {
            return Ok(next.await);
        };
        let mut next = std::pin::pin!(next);
        loop {
            if let Ok(next) = timeout(LOOK, next.as_mut()).await {
                return Ok(next);
            }
            let patience = ticket.patience_with_body();
            let earned = (self.length as u64).saturating_mul(1_000) / u64::from(patience.rate);
            if self.begun.elapsed() > patience.stall + Duration::from_millis(earned) {
                return Err(Code::RequestTimeout.into());
            }
        }
    }
}

/// Parses the bytes with `parse`.
pub async fn parsed<T: Send + 'static>(
    bytes: Bytes,
    parse: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Problem> {
    if bytes.len() <= QUICK {
        return Ok(parse(&bytes));
    }
    let turn = LONG_ONES.acquire().await.map_err(Problem::internal)?;
    let parsing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        parse(&bytes)
    });
    parsing.await.map_err(Problem::internal)
}

fn declared(request: &Request) -> Option<usize> {
    let length = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    // A length that overflows is too long.
    Some(length.parse().unwrap_or(usize::MAX))
}

/// Joins chunks; a single one is not copied.
#[derive(Default)]
struct Collected {
    only: Bytes,
    several: BytesMut,
}

impl Collected {
    fn len(&self) -> usize {
        self.only.len() + self.several.len()
    }

    fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.only = chunk;
            return;
        }
        let only = std::mem::take(&mut self.only);
        self.several.extend_from_slice(&only);
        self.several.extend_from_slice(&chunk);
    }

    fn whole(self) -> Bytes {
        if self.several.is_empty() {
            self.only
        } else {
            self.several.freeze()
        }
    }
}

/// Estimates the number of values and the depth of a JSON text without decoding it.
pub fn extent(text: &[u8]) -> (usize, usize) {
    let (mut values, mut depth, mut deepest) = (1_usize, 0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b',' => values += 1,
            b'[' | b'{' => {
                values += 1;
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (values, deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_before_they_are_decoded() {
        for (text, expected) in [
            ("1", (1, 0)),
            ("[1,2]", (3, 1)),
            (r#"{"a":[[]],"b,[{":"\"[,"}"#, (5, 3)),
            ("]]]", (1, 0)),
            ("[[[", (4, 3)),
        ] {
            assert_eq!(extent(text.as_bytes()), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_bound_and_no_further() {
        let request = |length: &str| {
            let request = Request::builder().header("content-length", length);
            request.finish()
        };
        let chunks = || {
            let chunks = ["ab", "cd", "e"].map(Ok::<_, std::io::Error>);
            poem::Body::from_bytes_stream(futures::stream::iter(chunks))
        };
        let read = ReadBody::read(&Request::default(), chunks(), 5).await;
        assert_eq!(&read.unwrap_or_else(|_| unreachable!()).bytes[..], b"abcde");
        for (request, most) in [
            (Request::default(), 4),
            (request("6"), 5),
            (request("99999999999999999999"), 5),
        ] {
            let read = ReadBody::read(&request, chunks(), most).await;
            assert_eq!(
                read.err().map(|problem| problem.code()),
                Some(Code::TooLarge)
            );
        }
    }
}
