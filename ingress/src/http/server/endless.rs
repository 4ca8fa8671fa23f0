//! Sends the body of an endless response, chunked, on a connection that is for nothing else. Between
//! chunks it holds no buffer.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt as _;

use super::comments::Comments;
use super::response_body::ResponseBody;
use super::shared_socket::SharedSocket;
use super::socket::Socket;

/// The chunk that ends a body (RFC 9112, section 7.1).
const END: &[u8] = b"0\r\n\r\n";

/// Sends the body to its end, or until the client leaves. Between two of its chunks there may be
/// comments of a stream of events.
pub(super) async fn send(
    socket: Socket,
    mut body: ResponseBody,
    comments: &Arc<Comments>,
) -> io::Result<()> {
    let shared = Arc::new(SharedSocket::new(socket));
    let commented = comments.join(&shared);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            left = poll_fn(|context| shared.poll_left(context)) => return left,
        };
        let Some(frame) = frame else {
            break;
        };
        if let Ok(data) = frame?.into_data()
            && !data.is_empty()
        {
            send_chunk(&shared, data).await?;
        }
    }
    drop(commented);
    let mut end = END;
    poll_fn(|context| shared.poll_send(context, &mut end)).await?;
    poll_fn(|context| shared.poll_shutdown(context)).await
}

async fn send_chunk(shared: &SharedSocket, data: Bytes) -> io::Result<()> {
    let length = format!("{:x}\r\n", data.len());
    // One packet, if it is short.
    let mut chunk = Buf::chain(Buf::chain(length.as_bytes(), data), &b"\r\n"[..]);
    poll_fn(|context| shared.poll_send(context, &mut chunk)).await
}
