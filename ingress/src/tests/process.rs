//! A whole process's share, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::app::{ADMIN_KEY, App};
use crate::{Addresses, IngressError, run};

const ANYWHERE: Addresses = Addresses {
    api: SocketAddr::new(LOCALHOST, 0),
    ops: SocketAddr::new(LOCALHOST, 0),
};
const LOCALHOST: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(address: SocketAddr, path: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n"
    );
    exchange(address, &request).await
}

#[tokio::test]
async fn it_serves_from_the_first_connection_to_the_last() {
    let app = App::start().await;
    let shutdown = CancellationToken::new();
    let (tell, told) = oneshot::channel();
    let running = run(
        app.service.clone(),
        ANYWHERE,
        |bound| tell.send(bound).unwrap(),
        shutdown.clone(),
    );
    let running = tokio::spawn(running);
    let bound = told.await.unwrap();

    let list = get(bound.api, "/v1/documents").await;
    assert!(
        list.starts_with("HTTP/1.1 200") && list.contains("next_cursor"),
        "{list}"
    );
    assert!(
        get(bound.ops, "/health/ready")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        get(bound.ops, "/v1/documents")
            .await
            .starts_with("HTTP/1.1 404")
    );

    shutdown.cancel();
    running.await.unwrap().unwrap();
    assert!(TcpStream::connect(bound.api).await.is_err());
}

#[tokio::test]
async fn a_client_that_hangs_up_half_way_leaves_nothing() {
    let app = App::start().await;
    let shutdown = CancellationToken::new();
    let (tell, told) = oneshot::channel();
    let running = run(
        app.service.clone(),
        ANYWHERE,
        |bound| tell.send(bound).unwrap(),
        shutdown.clone(),
    );
    let running = tokio::spawn(running);
    let bound = told.await.unwrap();

    let mut client = TcpStream::connect(bound.api).await.unwrap();
    let head = format!(
        "POST /v1/documents?name=a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-length: 1000\r\n\r\nhalf"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    shutdown.cancel();
    running.await.unwrap().unwrap();

    let staging = app.service.places.staging();
    let left = futures::StreamExt::count(staging.list(None).await.unwrap()).await;
    assert_eq!(left, 0);
    assert!(
        app.admin().get("/v1/documents").await.json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let app = App::start().await;
    let taken = tokio::net::TcpListener::bind(ANYWHERE.api).await.unwrap();
    let addresses = Addresses {
        ops: taken.local_addr().unwrap(),
        ..ANYWHERE
    };
    let stop = CancellationToken::new();
    let error = run(app.service.clone(), addresses, |_| (), stop)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            IngressError::Bind {
                setting: "DOSSIER_OPS_LISTEN",
                ..
            }
        ),
        "{error}"
    );
}
