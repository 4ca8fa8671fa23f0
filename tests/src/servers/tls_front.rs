//! TLS in front of a server that doesn't speak it, with a certificate of a private authority.

use std::path::Path;

use super::certificates::make_certificates;
use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{ServerError, find_program, free_port, granted, wait_for_answer};

/// Forwards connections: certificate, key, port, and the port of the server. In one line, as the
/// keeper reads.
const SCRIPT: &str = "const [cert, key, port, server] = process.argv.slice(1); \
     const read = require('fs').readFileSync; \
     require('tls').createServer({cert: read(cert), key: read(key)}, near => { \
       const far = require('net').connect(server, '127.0.0.1'); \
       near.on('error', () => far.destroy()); far.on('error', () => near.destroy()); \
       near.pipe(far).pipe(near); \
     }).on('tlsClientError', () => {}).listen(port, '127.0.0.1');";

/// A front on a port of 127.0.0.1. It closes when it is dropped.
#[derive(Debug)]
pub struct TlsFront {
    _keeper: Keeper,
    port: u16,
}

impl TlsFront {
    /// Starts a front of the server on `port`. `folder` gets the authority, `ca.pem`.
    pub async fn before(port: u16, folder: &Path) -> Self {
        granted(Self::begin(port, folder).await)
    }

    /// The port of the front.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    async fn begin(server: u16, folder: &Path) -> Result<Self, ServerError> {
        let (node, openssl) = (find_program("node", &[])?, find_program("openssl", &[])?);
        let keeper = Keeper::new(Signal::Kill)?;
        make_certificates(&keeper, &openssl, folder).await?;
        let port = free_port();
        let command = CommandLine::new(&node)
            .words(["-e", SCRIPT])
            .word(folder.join("server.pem"))
            .word(folder.join("server.key"))
            .words([port.to_string(), server.to_string()]);
        keeper.start(&command).await?;
        wait_for_answer(&keeper, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .map(drop)
        })
        .await?;
        Ok(Self {
            _keeper: keeper,
            port,
        })
    }
}
