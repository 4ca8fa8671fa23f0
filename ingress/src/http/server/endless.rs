//! Sends the body of an endless response, chunked, on a connection that is for nothing else. Between
//! chunks it holds no buffer.

use std::future::pending;
use std::io;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::response_body::ResponseBody;
use super::socket::Socket;

/// Bytes that a client may send meanwhile. They are no request: the response says that it is the last.
const IGNORED: usize = 64 << 10;

/// The chunk that ends a body (RFC 9112, section 7.1).
const END: &[u8] = b"0\r\n\r\n";

/// Sends the body to its end, or until the client leaves.
pub(super) async fn send(mut socket: Socket, mut body: ResponseBody) -> io::Result<()> {
    let mut received = 0;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            read = receive(&mut socket, &mut received) => return read,
        };
        let Some(frame) = frame else {
            break;
        };
        if let Ok(data) = frame?.into_data()
            && !data.is_empty()
        {
            send_chunk(&mut socket, data).await?;
        }
    }
    socket.write_all(END).await?;
    socket.shutdown().await
}

async fn send_chunk(socket: &mut Socket, data: Bytes) -> io::Result<()> {
    let length = format!("{:x}\r\n", data.len());
    let mut chunk = Buf::chain(Buf::chain(length.as_bytes(), data), &b"\r\n"[..]);
    // One packet, if it is short.
    socket.write_all_buf(&mut chunk).await
}

/// Reads until the client leaves. Cancelled between two reads, it has lost nothing.
async fn receive(socket: &mut Socket, received: &mut usize) -> io::Result<()> {
    let mut ignored = [0; 64];
    while *received < IGNORED {
        match socket.read(&mut ignored).await? {
            0 => return Ok(()),
            read => *received += read,
        }
    }
    pending().await
}
