//! An upload of what a reader gives, whose length nobody knows before its end. So much of it as a
//! broken connection may lose is in memory.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::resumable::{Part, Place};
use super::{Source, Target, Transfer, Uploaded};
use crate::{Client, Error};

/// The most bytes that are in memory.
const BUFFER: u64 = 8 << 20;

impl Client {
    /// Uploads all that `reader` gives: in one request if that is little, else a buffer of 8 MiB after
    /// the other, each of which survives broken connections.
    pub async fn upload_all(
        &self,
        mut reader: impl AsyncRead + Unpin + Send,
        target: &Target,
        transfer: &Transfer,
    ) -> Result<Uploaded, Error> {
        let first = fill(&mut reader).await?;
        if first.length() < BUFFER {
            return self.upload_plainly(&first, target, transfer).await;
        }
        let place = self.begin(None, target, transfer).await?;
        let upload = place.upload;
        let sent = self.send_all(&mut reader, first, place, transfer).await;
        if matches!(sent, Err(Error::Reader(_))) {
            // Nobody goes on with it.
            drop(self.end_upload(upload).await);
        }
        self.uploaded(&sent?).await
    }

    async fn send_all(
        &self,
        reader: &mut (impl AsyncRead + Unpin + Send),
        mut source: Source,
        mut place: Place,
        transfer: &Transfer,
    ) -> Result<Place, Error> {
        let mut begins = 0;
        loop {
            let end = begins + source.length();
            // The reader has ended: the service learns the length.
            let is_last = source.length() < BUFFER;
            let part = Part {
                source: &source,
                begins,
                tells: is_last.then_some(end),
                is_last,
            };
            place = self.send_part(place, &part, transfer).await?;
            if place.became.is_some() {
                return Ok(place);
            }
            begins = end;
            source = fill(reader).await?;
        }
    }
}

/// The next bytes: a whole buffer of them, unless the reader ends.
async fn fill(reader: &mut (impl AsyncRead + Unpin + Send)) -> Result<Source, Error> {
    let mut bytes = BytesMut::new();
    let mut limited = reader.take(BUFFER);
    while limited.read_buf(&mut bytes).await.map_err(Error::Reader)? > 0 {}
    Ok(Source::bytes(bytes))
}
