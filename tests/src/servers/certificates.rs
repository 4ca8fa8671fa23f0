//! Certificates of a private authority, for servers within TLS.

use std::path::Path;

use super::keeper::{CommandLine, Keeper};
use super::process::ServerError;

/// Creates an authority (`ca.pem`), and a certificate signed by it for 127.0.0.1 (`server.pem`).
pub(super) async fn make_certificates(
    keeper: &Keeper,
    openssl: &Path,
    folder: &Path,
) -> Result<(), ServerError> {
    let file = |name: &str| folder.join(name).display().to_string();
    let names = file("names.txt");
    std::fs::write(&names, "subjectAltName=IP:127.0.0.1\n").map_err(ServerError::Keeper)?;
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let authority = CommandLine::new(openssl)
        .words([
            "req",
            "-x509",
            "-days",
            "2",
            "-subj",
            "/CN=authority of a test",
        ])
        .words(key)
        .words(["-keyout", &file("ca.key"), "-out", &file("ca.pem")]);
    let request = CommandLine::new(openssl)
        .words(["req", "-subj", "/CN=127.0.0.1"])
        .words(key)
        .words(["-keyout", &file("server.key"), "-out", &file("server.csr")]);
    let certificate = CommandLine::new(openssl)
        .words(["x509", "-req", "-days", "2", "-CAcreateserial"])
        .words(["-in", &file("server.csr"), "-out", &file("server.pem")])
        .words(["-CA", &file("ca.pem"), "-CAkey", &file("ca.key")])
        .words(["-extfile", &names]);
    for command in [authority, request, certificate] {
        keeper.run(&command).await?;
    }
    Ok(())
}
