//! `dossier health`: asks a running process of this machine for its health.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use settings::{Resolved, Role};
use tokio::time::timeout;

/// The time limit of the whole check. Readiness is answered within four seconds, whatever hangs.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The size limit of an answer.
const MAX_ANSWER: usize = 64 << 10;

type Asker = Client<HttpConnector, Empty<Bytes>>;

/// Prints the answer of the first process that listens.
pub async fn run(resolved: &Resolved, live: bool) -> anyhow::Result<ExitCode> {
    let path = if live {
        "/health/live"
    } else {
        "/health/ready"
    };
    let addresses = addresses(resolved.settings.ops_listen);
    let asking = timeout(TIMEOUT, ask_first(&addresses, path));
    let (status, body) = asking
        .await
        .with_context(|| format!("no answer within {} s", TIMEOUT.as_secs()))??;
    println!("{}", String::from_utf8_lossy(&body));
    Ok(if status.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The addresses where a process may listen: a check knows the settings, but not the role.
fn addresses(configured: Option<SocketAddr>) -> Vec<SocketAddr> {
    let Some(configured) = configured else {
        let roles = [Role::Serve, Role::Worker];
        return roles
            .map(|role| (Ipv4Addr::LOCALHOST, role.ops_port()).into())
            .to_vec();
    };
    let reached = match configured {
        SocketAddr::V4(address) if address.ip().is_unspecified() => {
            (Ipv4Addr::LOCALHOST, address.port()).into()
        }
        SocketAddr::V6(address) if address.ip().is_unspecified() => {
            (Ipv6Addr::LOCALHOST, address.port()).into()
        }
        other => other,
    };
    vec![reached]
}

async fn ask_first(addresses: &[SocketAddr], path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let client: Asker = Client::builder(TokioExecutor::new()).build_http();
    for address in addresses {
        match ask(&client, *address, path).await {
            Ok(answer) => return Ok(answer),
            Err(error) if is_refused(&error) => {}
            Err(error) => return Err(error.context(format!("failed to ask {address}"))),
        }
    }
    let asked: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    bail!("nothing listens at {}", asked.join(" or "))
}

/// Whether nothing listens there.
fn is_refused(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<hyper_util::client::legacy::Error>();
    error.is_some_and(hyper_util::client::legacy::Error::is_connect)
}

async fn ask(
    client: &Asker,
    address: SocketAddr,
    path: &str,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let uri = Uri::builder()
        .scheme("http")
        .authority(address.to_string())
        .path_and_query(path)
        .build()?;
    let answer = client.get(uri).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER);
    let body = body.collect().await.map_err(anyhow::Error::from_boxed)?;
    Ok((status, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_everybody_is_asked_at_the_loopback_one() {
        let asked = |configured: &str| addresses(configured.parse().ok());
        let expected = |addresses: &[&str]| -> Vec<SocketAddr> {
            let parsed = addresses.iter().map(|address| address.parse());
            parsed.collect::<Result<_, _>>().unwrap()
        };
        for (configured, reached) in [
            ("0.0.0.0:1234", &["127.0.0.1:1234"][..]),
            ("[::]:1234", &["[::1]:1234"]),
            ("10.0.0.1:1234", &["10.0.0.1:1234"]),
            ("", &["127.0.0.1:9090", "127.0.0.1:9091"]),
        ] {
            assert_eq!(asked(configured), expected(reached), "{configured}");
        }
    }
}
