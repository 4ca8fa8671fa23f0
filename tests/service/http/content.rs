//! Content: whole and in part, in the state that was asked for, with its charset.

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;

#[in_both_modes]
async fn content_is_read_in_part(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, 10_000_000);
    let pending = alice.uploads("large.bin", bytes.clone()).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    let ranged = |range: &str| alice.send(alice.request(Method::GET, &path).header("range", range));
    for (range, expected, header) in [
        ("bytes=0-0", &bytes[..1], "bytes 0-0/10000000"),
        (
            "bytes=5000000-5999999",
            &bytes[5_000_000..6_000_000],
            "bytes 5000000-5999999/10000000",
        ),
        (
            "bytes=9999990-",
            &bytes[9_999_990..],
            "bytes 9999990-9999999/10000000",
        ),
        (
            "bytes=-7",
            &bytes[9_999_993..],
            "bytes 9999993-9999999/10000000",
        ),
    ] {
        let answer = ranged(range).await;
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.header("content-range"), header);
        assert!(answer.body == expected, "{range}");
    }
    let outside = ranged("bytes=10000000-").await;
    outside.expect_problem(416, "range_not_satisfiable");
    assert_eq!(outside.header("content-range"), "bytes */10000000");
    assert_eq!(ranged("bytes=oops").await.status, 200);

    let head = alice
        .send(
            alice
                .request(Method::HEAD, &path)
                .header("range", "bytes=0-0"),
        )
        .await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-length")),
        (200, "10000000")
    );
    assert_eq!(head.header("accept-ranges"), "bytes");
    assert_eq!(head.header("x-content-type-options"), "nosniff");
    assert_eq!(
        head.header("content-security-policy"),
        "sandbox; default-src 'none'"
    );
    assert_eq!(head.header("cache-control"), "private, no-cache");
    assert!(head.header("content-disposition").starts_with("attachment"));
    let etag = format!("\"{}\"", document["sha256"].as_str().unwrap());
    assert_eq!(head.header("etag"), etag);
    let request = alice
        .request(Method::GET, &path)
        .header("if-none-match", &etag);
    assert_eq!(alice.send(request).await.status, 304);
}

#[in_both_modes]
async fn content_in_another_state_than_asked_for_is_not_sent(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let changes = json!({"unique_name": "report", "is_public": true});
    alice.patch_json(&path, &changes).await.expecting(200);
    let etag = format!("\"{}\"", document["sha256"].as_str().unwrap());
    for path in [
        format!("{path}/content"),
        format!("{path}/versions/1/content"),
        "/public/report/content".to_owned(),
    ] {
        for (list, status) in [
            (etag.as_str(), 200),
            ("*", 200),
            ("\"x\"", 412),
            (&format!("W/{etag}"), 412),
        ] {
            let ask = |method| alice.send(alice.request(method, &path).header("if-match", list));
            let (read, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
            assert_eq!(
                (read.status.as_u16(), head.status.as_u16()),
                (status, status),
                "{path} {list}"
            );
            if status == 412 {
                read.expect_problem(412, "revision_mismatch");
            }
        }
    }
    let unknown = "/v1/documents/0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60/content";
    let request = alice
        .request(Method::GET, unknown)
        .header("if-match", "\"x\"");
    alice.send(request).await.expect_problem(404, "not_found");
}

#[in_both_modes]
async fn text_that_is_shown_has_its_charset(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let text = "Grüße aus Köln, wie immer\n".repeat(4000);
    let wide: Vec<u8> = "\u{feff}Grüße aus Köln\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let latin: Vec<u8> = "Grüße aus Köln\n"
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    for (bytes, expected) in [
        (text.into_bytes(), "text/plain; charset=utf-8"),
        (wide, "text/plain; charset=utf-16"),
        (latin, "text/plain"),
    ] {
        let document = alice
            .settled(&alice.uploads("words.txt", bytes).await)
            .await;
        assert_eq!(document["mime_type"], "text/plain");
        let id = document["id"].as_str().unwrap();
        for path in [
            format!("/v1/documents/{id}/content"),
            format!("/v1/documents/{id}/versions/1/content"),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let shown = alice
                    .send(alice.request(method.clone(), &format!("{path}?inline=true")))
                    .await;
                assert_eq!(
                    (shown.status.as_u16(), shown.header("content-type")),
                    (200, expected),
                    "{method} {path}"
                );
                let saved = alice.send(alice.request(method, &path)).await;
                assert_eq!(saved.header("content-type"), "text/plain");
            }
            let part = alice
                .request(Method::GET, &format!("{path}?inline=true"))
                .header("range", "bytes=3-5");
            let part = alice.send(part).await;
            assert_eq!(
                (part.status.as_u16(), part.header("content-type")),
                (206, expected)
            );
        }
    }
}

#[in_both_modes]
async fn text_is_shown_with_a_charset_that_holds_for_all_of_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let long =
        |length: usize, end: &[u8]| [vec![b'a'; length], b"\n".to_vec(), end.to_vec()].concat();
    for (name, bytes, media_type, expected) in [
        ("a.txt", long(70_000, b"\xfc"), "text/plain", "text/plain"),
        (
            "b.txt",
            long(70_000, "ü".as_bytes()),
            "text/plain",
            "text/plain; charset=utf-8",
        ),
        ("c.txt", long(300_000, b"\xfc"), "text/plain", "text/plain"),
        ("d.txt", long(300_000, b"a"), "text/plain", "text/plain"),
        (
            "e.csv",
            "a,b\n1,ü\n2,ö\n".into(),
            "text/csv",
            "text/csv; charset=utf-8",
        ),
        (
            "f.md",
            "# Ü\n\n- *one*\n- [two](x)\n".into(),
            "text/markdown",
            "text/markdown; charset=utf-8",
        ),
        (
            "g.css",
            "body { color: red }\n.a::after { content: 'ü' }\n".into(),
            "text/css",
            "text/css; charset=utf-8",
        ),
    ] {
        let document = alice.settled(&alice.uploads(name, bytes).await).await;
        assert_eq!(document["mime_type"], media_type, "{name}");
        let path = format!(
            "/v1/documents/{}/content?inline=true",
            document["id"].as_str().unwrap()
        );
        let shown = alice.get(&path).await;
        assert_eq!(shown.header("content-type"), expected, "{name}");
        assert!(
            shown.header("content-disposition").starts_with("inline"),
            "{name}"
        );
    }
}

#[in_both_modes]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn a_date_never_joins_two_contents_of_one_second(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let first = alice
        .settled(&alice.uploads("words.txt", "the first content").await)
        .await;
    let id = first["id"].as_str().unwrap();
    let path = format!("/v1/documents/{id}/content");
    let put = alice
        .request(Method::PUT, &path)
        .header("content-type", "text/plain")
        .header("prefer", "wait=30")
        .body("THE OTHER CONTENT");
    assert!(alice.send(put).await.status.is_success());
    let by_date = async |date: &str| {
        let request = alice
            .request(Method::GET, &path)
            .header("range", "bytes=9-")
            .header("if-range", date);
        alice.send(request).await
    };
    // Both contents came in one second, a while ago.
    app.tampers("UPDATE versions SET settled_at = 784111777000000 + number * 100000")
        .await;
    app.tampers("UPDATE events SET at = 784111777100000 WHERE kind = 'activated'")
        .await;
    // What else is changed of it moves no date.
    let renamed = alice
        .patch_json(
            &format!("/v1/documents/{id}"),
            &json!({"name": "letters.txt"}),
        )
        .await;
    renamed.expecting(200);
    let forms = [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ];
    for date in forms {
        let whole = by_date(date).await;
        assert_eq!(
            (whole.status.as_u16(), whole.text().as_str()),
            (200, "THE OTHER CONTENT"),
            "{date}"
        );
        assert_eq!(whole.header("last-modified"), forms[0]);
        // Who has the first one is not told that they have this one.
        let since = alice
            .request(Method::GET, &path)
            .header("if-modified-since", date);
        assert_eq!(alice.send(since).await.status, 200, "{date}");
    }
    // The first one came earlier: the date tells them apart.
    app.tampers(
        "UPDATE events SET at = at - 1000000 WHERE sequence = \
             (SELECT MIN(sequence) FROM events WHERE kind = 'activated')",
    )
    .await;
    app.tampers("UPDATE versions SET settled_at = settled_at - 1000000 WHERE number = 1")
        .await;
    for date in forms {
        let since = alice
            .request(Method::GET, &path)
            .header("if-modified-since", date);
        assert_eq!(alice.send(since).await.status, 304, "{date}");
        let part = by_date(date).await;
        assert_eq!(
            (part.status.as_u16(), part.text().as_str()),
            (206, " CONTENT"),
            "{date}"
        );
        let since = alice
            .request(Method::GET, &path)
            .header("if-unmodified-since", date);
        assert_eq!(alice.send(since).await.status, 200, "{date}");
    }
    // Within the second of the change, another one may follow.
    app.tampers("UPDATE versions SET settled_at = 4102444800000000 WHERE number = 2")
        .await;
    let head = alice.send(alice.request(Method::HEAD, &path)).await;
    assert_eq!(by_date(head.header("last-modified")).await.status, 200);
    let since = alice
        .request(Method::GET, &path)
        .header("if-unmodified-since", forms[0]);
    alice
        .send(since)
        .await
        .expect_problem(412, "revision_mismatch");
}
