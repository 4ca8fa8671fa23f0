//! Peers of HTTP/2 who take nothing, or little, of what they asked for.

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Request, StatusCode};
use poem::{Body, Endpoint, EndpointExt, Response};
use tokio::net::TcpStream;

use super::ServerLimits;
use super::tests::{SHORT, Server};

/// Many times what a stream holds.
const LENGTH: usize = 1 << 20;

/// A long body, and none for HEAD.
fn long() -> impl Endpoint<Output = Response> {
    let bytes = Bytes::from(vec![7; LENGTH]);
    let answer = move |request: poem::Request| {
        let is_head = request.method() == poem::http::Method::HEAD;
        let body = if is_head { Bytes::new() } else { bytes.clone() };
        async move { Ok::<_, poem::Error>(Response::from(Body::from(body))) }
    };
    poem::endpoint::make(answer).map_to_response()
}

async fn connect(server: &Server, window: u32) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(server.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (sender, connection) = builder.handshake(socket).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

async fn ask(peer: &mut SendRequest<Bytes>, method: &str) -> (StatusCode, RecvStream) {
    let request = Request::builder().method(method).uri("http://x/");
    let request = request.body(()).unwrap();
    let (answer, _) = peer.send_request(request, true).unwrap();
    let (head, body) = answer.await.unwrap().into_parts();
    (head.status, body)
}

/// Takes what comes without ever making room for more, and tells how the stream ended.
async fn reset(mut body: RecvStream) -> (usize, Option<Reason>) {
    let mut taken = 0;
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => taken += data.len(),
            Err(error) => return (taken, error.reason()),
        }
    }
    (taken, None)
}

fn impatient() -> ServerLimits {
    ServerLimits {
        write_stall: SHORT,
        ..ServerLimits::default()
    }
}

#[tokio::test]
async fn a_stream_whose_peer_takes_nothing_is_reset_and_the_connection_goes_on() {
    let server = Server::start(impatient(), long()).await;
    for window in [0, 1, 20_000] {
        let mut peer = connect(&server, window).await;
        let (status, body) = ask(&mut peer, "GET").await;
        assert_eq!(status, StatusCode::OK);
        let expected = (window as usize, Some(Reason::CANCEL));
        assert_eq!(reset(body).await, expected, "{window}");
        assert_eq!(ask(&mut peer, "HEAD").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_taken_slowly_comes_whole() {
    // Less than all of it takes, and long enough for a pause of a busy machine.
    let limits = ServerLimits {
        write_stall: 6 * SHORT,
        ..ServerLimits::default()
    };
    let server = Server::start(limits, long()).await;
    let mut peer = connect(&server, 10_000).await;
    let (_, mut body) = ask(&mut peer, "GET").await;
    let mut taken = 0;
    while let Some(data) = body.data().await {
        let length = data.unwrap().len();
        taken += length;
        body.flow_control().release_capacity(length).unwrap();
        tokio::time::sleep(SHORT / 100).await;
    }
    assert_eq!(taken, LENGTH);
}

#[tokio::test]
async fn a_place_in_flight_is_held_until_the_answer_has_left() {
    // Where strangers hold all that they may have, patience with them is a twelfth.
    let limits = ServerLimits {
        write_stall: 12 * SHORT,
        ..ServerLimits::default()
    };
    let server = Server::start_for(1, limits, long()).await;
    let mut peer = connect(&server, 0).await;
    let (status, stuck) = ask(&mut peer, "GET").await;
    assert_eq!(status, StatusCode::OK);
    let (status, refused) = ask(&mut peer, "GET").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    for body in [refused, stuck] {
        assert_eq!(reset(body).await, (0, Some(Reason::CANCEL)));
    }
    // The reset is told before the place is given up.
    while ask(&mut peer, "HEAD").await.0 != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}

/// Asks again and again, takes nothing, and returns once the connection is closed.
async fn ask_until_closed(mut peer: SendRequest<Bytes>) {
    let mut bodies = Vec::new();
    loop {
        let Ok(mut ready) = peer.ready().await else {
            return;
        };
        let request = Request::get("http://x/").body(()).unwrap();
        let Ok((answer, _)) = ready.send_request(request, true) else {
            return;
        };
        let Ok(answer) = answer.await else {
            return;
        };
        bodies.push(answer.into_body());
        tokio::time::sleep(SHORT).await;
        peer = ready;
    }
}

#[tokio::test]
async fn a_connection_whose_requests_are_refused_makes_room() {
    let limits = ServerLimits {
        connections: 2,
        ..ServerLimits::default()
    };
    let server = Server::start_for(1, limits, long()).await;
    let mut first = connect(&server, 0).await;
    let (status, stuck) = ask(&mut first, "GET").await;
    assert_eq!(status, StatusCode::OK);
    let refused = tokio::spawn(ask_until_closed(connect(&server, 0).await));
    let mut third = connect(&server, 0).await;
    let (status, _) = ask(&mut third, "HEAD").await;
    refused.await.unwrap();
    assert_eq!(
        status,
        StatusCode::SERVICE_UNAVAILABLE,
        "the first holds its place"
    );
    assert!(!stuck.is_end_stream());
}
