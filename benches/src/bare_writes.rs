//! What the kernel alone takes to send a few bytes to many idle connections: the least that the comments
//! of streams can cost.

use std::fs::read_to_string;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};

/// As many bytes as a comment of a stream has as a chunk.
const BYTES: [u8; 9] = [b'.'; 9];

/// Every connection is written to once in so many turns, one every `TURN`, as the service does.
const TURNS: usize = 60;
const TURN: Duration = Duration::from_millis(250);

/// The microseconds of a thread's processor time for one write, where nothing else is done. Both ends of
/// the connections are files of this process; the other ends are read.
pub async fn microseconds_of_a_write(connections: usize, seconds: u64) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it listens");
    let (mut ours, mut clients) = (Vec::new(), JoinSet::new());
    for _ in 0..connections {
        let mut client = tokio::net::TcpStream::connect(address)
            .await
            .expect("it listens");
        let (accepted, _) = listener.accept().await.expect("a client has connected");
        accepted.set_nodelay(true).expect("it is open");
        ours.push(accepted.into_std().expect("it is open"));
        clients.spawn(async move {
            let mut buffer = [0; 64];
            while client.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        });
    }
    let turns = usize::try_from(seconds).expect("some seconds") * 4;
    let of_turn = connections.div_ceil(TURNS).max(1);
    let (mut spent, mut next) = (0, Instant::now());
    for turn in 0..turns {
        next += TURN;
        sleep_until(next).await;
        // One blocking thread after the other: each is measured for itself.
        let part: Vec<_> = (0..of_turn)
            .map(|index| ours[(turn * of_turn + index) % connections].try_clone())
            .collect::<Result<_, _>>()
            .expect("a file is left");
        spent += spawn_blocking(move || write(&part))
            .await
            .expect("it doesn't panic");
    }
    drop(ours);
    clients.join_all().await;
    spent as f64 / 1e3 / (turns * of_turn) as f64
}

/// The nanoseconds that this thread is on a processor while it writes to each.
fn write(sockets: &[TcpStream]) -> u64 {
    let before = nanoseconds();
    for mut socket in sockets {
        socket.write_all(&BYTES).expect("the client reads");
    }
    nanoseconds() - before
}

/// The processor time of this thread so far.
fn nanoseconds() -> u64 {
    let text = read_to_string("/proc/thread-self/schedstat").expect("the kernel counts");
    let first = text.split_whitespace().next();
    first
        .and_then(|text| text.parse().ok())
        .expect("it counts nanoseconds")
}
