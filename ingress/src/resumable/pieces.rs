//! The body of a request, piece by piece, with its trailer.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use poem::http::HeaderMap;

use crate::http::read_error;
use crate::problem::Problem;

/// A piece of a body.
#[derive(Debug)]
pub enum Piece {
    /// Bytes.
    Data(Bytes),
    /// The fields behind the last of them.
    Trailer(HeaderMap),
}

/// A body, piece by piece.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Piece, Problem>> + Send>>;

/// The pieces of a request's body.
pub fn of_body(body: poem::Body) -> Pieces {
    let body: BoxBody<Bytes, std::io::Error> = body.into();
    Box::pin(futures::stream::unfold(body, |mut body| async move {
        loop {
            let piece = match body.frame().await? {
                Err(error) => Err(read_error(error)),
                Ok(frame) => match frame.into_data() {
                    Ok(data) => Ok(Piece::Data(data)),
                    Err(frame) => match frame.into_trailers() {
                        Ok(trailer) => Ok(Piece::Trailer(trailer)),
                        // A kind of frame that isn't known.
                        Err(_) => continue,
                    },
                },
            };
            return Some((piece, body));
        }
    }))
}

/// The pieces of stored bytes.
pub fn of_stored<E: Into<Problem> + 'static>(
    bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Pieces {
    Box::pin(bytes.map(|chunk| chunk.map(Piece::Data).map_err(Into::into)))
}
