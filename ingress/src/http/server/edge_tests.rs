//! Requests that HTTP forbids, or that look like it, over real sockets.

use super::ServerLimits;
use super::tests::{Server, reader};

/// The status of the answer to `request`, and whether it is a problem document.
async fn answered(server: &Server, request: &str) -> (u16, bool) {
    let answer = server.exchange(request).await;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let is_problem = answer.contains("content-type: application/problem+json");
    (status.unwrap_or_default(), is_problem)
}

#[tokio::test]
async fn what_http_forbids_is_refused_with_a_problem() {
    let server = Server::start(ServerLimits::default(), reader()).await;
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(60_000));
    let long_field = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x/y\r\n\r\n", 400),
        ("GET http://x/ HTTP/1.1\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (long_target.as_str(), 414),
        (long_field.as_str(), 431),
    ] {
        let expected = (status, true);
        assert_eq!(answered(&server, request).await, expected, "{request:.80}");
    }
    // The library refuses these, before it knows of a request.
    for (request, status) in [
        (
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\nab",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n", 400),
        ("G\x01T / HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    ] {
        assert_eq!(answered(&server, request).await.0, status, "{request:.80}");
    }
}

#[tokio::test]
async fn a_coding_that_is_no_text_is_not_known() {
    let server = Server::start(ServerLimits::default(), reader()).await;
    for codings in [
        &b"transfer-encoding: \xff\r\ntransfer-encoding: chunked\r\n"[..],
        b"transfer-encoding: \xff, chunked\r\n",
        b"transfer-encoding: gzip\xe9\r\ntransfer-encoding: chunked\r\n",
    ] {
        let head = &b"POST / HTTP/1.1\r\nhost: x\r\n"[..];
        let request = [head, codings, b"\r\n0\r\n\r\n"].concat();
        let answer = server.exchange(&request).await;
        let is_refused = ["HTTP/1.1 501", "HTTP/1.1 400"].map(|line| answer.starts_with(line));
        assert!(is_refused.contains(&true), "{answer}");
    }
}

#[tokio::test]
async fn what_only_looks_like_it_is_answered() {
    let server = Server::start(ServerLimits::default(), reader()).await;
    for request in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: [::1]:8080\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
    ] {
        assert_eq!(answered(&server, request).await.0, 200, "{request:.80}");
    }
    let all = "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = server.exchange(all).await;
    assert!(
        answer.starts_with("HTTP/1.1 204") && answer.contains("allow: "),
        "{answer}"
    );
    let waits = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\na";
    let answer = server.exchange(waits).await;
    assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
    assert!(answer.contains("HTTP/1.1 200"), "{answer}");
}
