//! Comments on the connections of endless responses, tried over real sockets.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use poem::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::ServerLimits;
use super::comments::{Comments, TURNS};
use super::endless;
use super::response_body::ResponseBody;
use super::shared_socket::{COMMENT, IGNORED, SharedSocket};
use super::socket::{Linger, Reader, Socket};
use super::tests::SHORT;

/// Bytes of a socket's buffer: the kernel makes more of them, but not many.
const TINY: u32 = 4 << 10;
/// Many times what both sockets of a connection hold.
const LONG: usize = 1 << 20;
/// Parts in which it is read.
const PARTS: usize = 16;

/// Counts how often a task is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Both ends of a connection with tiny buffers: the client's and the server's.
async fn connected() -> (TcpStream, TcpStream) {
    let tiny = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(TINY).unwrap();
        socket.set_recv_buffer_size(TINY).unwrap();
        socket
    };
    let listener = tiny();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let client = tiny().connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

fn socket(stream: TcpStream, patience: Duration) -> Socket {
    Socket::new(stream, patience, (Reader::default(), Linger::default()))
}

fn shared(stream: TcpStream, patience: Duration) -> Arc<SharedSocket> {
    Arc::new(SharedSocket::new(socket(stream, patience)))
}

/// What comes of a connection between two chunks.
async fn left(shared: &SharedSocket) -> io::Result<()> {
    poll_fn(|context| shared.poll_left(context)).await
}

/// Sends what the other end doesn't read, until the buffers of both are full.
async fn fill(stream: &TcpStream) -> usize {
    let mut filled = 0;
    // Nothing tells that a socket takes no more.
    while let Ok(ready) = timeout(SHORT, stream.writable()).await {
        ready.unwrap();
        filled += stream.try_write(&[b'x'; 1 << 10]).unwrap_or(0);
    }
    filled
}

async fn pass(comments: &Comments, turns: usize) {
    for _ in 0..turns {
        comments.take_turn().await;
    }
}

/// All streams have a turn.
async fn pass_period(comments: &Comments) {
    pass(comments, TURNS).await;
}

/// A stream of what is sent to it.
struct Served {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    comments: Arc<Comments>,
    client: TcpStream,
    task: JoinHandle<io::Result<()>>,
}

impl Served {
    async fn start() -> Self {
        let (client, stream) = connected().await;
        let (chunks, receiver) = mpsc::channel(1);
        let incoming = futures::stream::unfold(receiver, |mut receiver| async {
            Some((receiver.recv().await?, receiver))
        });
        let body: BoxBody<Bytes, io::Error> = Body::from_bytes_stream(incoming).into();
        let body = ResponseBody::without_request(body);
        let comments = Arc::new(Comments::default());
        let task = tokio::spawn({
            let comments = Arc::clone(&comments);
            let socket = socket(stream, ServerLimits::WRITE_STALL);
            async move { endless::send(socket, body, &comments).await }
        });
        Self {
            chunks,
            comments,
            client,
            task,
        }
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut read = vec![0; length];
        self.client.read_exact(&mut read).await.unwrap();
        read
    }

    /// Reads one comment. It isn't sent before the task waits for its next chunk.
    async fn read_comment(&mut self) {
        let mut read = vec![0; COMMENT.len()];
        let mut reading = pin!(self.client.read_exact(&mut read));
        loop {
            tokio::select! {
                biased;
                read = reading.as_mut() => {
                    read.unwrap();
                    break;
                }
                () = pass_period(&self.comments) => yield_now().await,
            }
        }
        assert_eq!(read, COMMENT);
    }
}

#[tokio::test]
async fn each_period_has_one_comment_which_wakes_nobody() {
    let (mut client, stream) = connected().await;
    let (shared, comments) = (
        shared(stream, ServerLimits::WRITE_STALL),
        Arc::new(Comments::default()),
    );
    let commented = comments.join(&shared);
    // The response has not begun.
    pass_period(&comments).await;
    let woken = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&woken));
    assert!(
        shared
            .poll_left(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let periods = 3;
    pass(&comments, periods * TURNS).await;
    assert_eq!(woken.count(), 0);
    drop(commented);
    pass_period(&comments).await;
    assert_eq!(Arc::strong_count(&shared), 1, "it is forgotten");
    drop(shared);
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, COMMENT.repeat(periods));
}

#[tokio::test]
async fn a_comment_is_due_a_period_after_the_one_before() {
    for (turns, sent) in [
        (TURNS - 1, 0),
        (TURNS, 1),
        (2 * TURNS - 1, 1),
        (2 * TURNS, 2),
    ] {
        let (mut client, stream) = connected().await;
        let (shared, comments) = (
            shared(stream, ServerLimits::WRITE_STALL),
            Arc::new(Comments::default()),
        );
        let commented = comments.join(&shared);
        let waiting = shared.poll_left(&mut Context::from_waker(Waker::noop()));
        assert!(waiting.is_pending());
        pass(&comments, turns).await;
        drop((commented, shared));
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, COMMENT.repeat(sent), "{turns}");
    }
}

#[tokio::test]
async fn none_is_sent_within_a_chunk_or_after_the_last() {
    let mut served = Served::start().await;
    served.read_comment().await;
    let long = Bytes::from(vec![b'x'; LONG]);
    served.chunks.send(Ok(long)).await.unwrap();
    // Further comments may be before it.
    while served.read(1).await == COMMENT[..1] {
        assert_eq!(served.read(COMMENT.len() - 1).await, COMMENT[1..]);
    }
    let head = format!("{LONG:x}\r\n");
    assert_eq!(served.read(head.len() - 1).await, head.as_bytes()[1..]);
    for _ in 0..PARTS {
        pass_period(&served.comments).await;
        let part = served.read(LONG / PARTS).await;
        assert!(part.iter().all(|byte| *byte == b'x'));
    }
    assert_eq!(served.read(2).await, b"\r\n");
    served.read_comment().await;
    let Served {
        chunks,
        comments,
        mut client,
        task,
    } = served;
    drop(chunks);
    let ended = async {
        while !task.is_finished() {
            pass_period(&comments).await;
            yield_now().await;
        }
        task.await.unwrap().unwrap();
    };
    let mut rest = String::new();
    let (read, ()) = tokio::join!(client.read_to_string(&mut rest), ended);
    read.unwrap();
    let comments = rest.strip_suffix("0\r\n\r\n").unwrap();
    let comment = str::from_utf8(COMMENT).unwrap();
    assert_eq!(comments.replace(comment, ""), "");
}

#[tokio::test]
async fn what_a_socket_does_not_take_is_sent_by_the_task_before_its_next_chunk() {
    let (mut client, stream) = connected().await;
    let filled = fill(&stream).await;
    let shared = shared(stream, ServerLimits::WRITE_STALL);
    let woken = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    assert!(shared.poll_left(&mut context).is_pending());
    // One at most is left behind.
    for _ in 0..3 {
        shared.comment();
        assert_eq!(woken.count(), 1);
    }
    assert!(shared.poll_left(&mut context).is_pending());
    let mut chunk = &b"1\r\nz\r\n"[..];
    let mut sending = pin!(poll_fn(|context| shared.poll_send(context, &mut chunk)));
    let mut read = vec![0; filled + COMMENT.len() + 6];
    let (sent, got) = tokio::join!(sending.as_mut(), client.read_exact(&mut read));
    sent.unwrap();
    got.unwrap();
    assert!(read[..filled].iter().all(|byte| *byte == b'x'));
    assert_eq!(read[filled..], [COMMENT, b"1\r\nz\r\n"].concat());
}

#[tokio::test]
async fn who_takes_no_comment_is_given_up() {
    let (_client, stream) = connected().await;
    fill(&stream).await;
    let shared = shared(stream, SHORT);
    let waiting = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { left(&shared).await }
    });
    // Sent as soon as the task waits.
    while !waiting.is_finished() {
        shared.comment();
        yield_now().await;
    }
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn who_has_left_is_noticed_even_if_nothing_is_read_any_more() {
    let mut served = Served::start().await;
    // It doesn't come to the end of what the client sent.
    let much = vec![0; IGNORED];
    served.client.write_all(&much).await.unwrap();
    drop(served.client);
    while !served.task.is_finished() {
        pass_period(&served.comments).await;
        yield_now().await;
    }
    served.task.await.unwrap().unwrap_err();
    assert!(served.chunks.is_closed());
}
