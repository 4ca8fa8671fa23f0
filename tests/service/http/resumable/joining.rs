//! Parts that are uploaded side by side, and joined.

use bytes::Bytes;
use futures::future::join_all;
use reqwest::Method;
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::tus::{self, metadata, number, request};

async fn part(client: &Client, bytes: Bytes) -> String {
    let created = client.send(tus::partial(client, bytes.len())).await;
    created.expecting(201);
    let path = created.header("location").to_owned();
    let written = tus::patch(client, &path, 0, bytes).await;
    written.expecting(204);
    assert_eq!(written.header("dossier-document"), "");
    path
}

async fn joined(client: &Client, paths: &[&str]) -> Answer {
    client.send(tus::joined(client, "whole.bin", paths)).await
}

#[in_both_modes]
async fn parts_become_one_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(20, 7 << 20);
    let cuts = [0, 10, 6 << 20, bytes.len()];
    let parts = cuts
        .windows(2)
        .map(|cut| part(&alice, bytes.slice(cut[0]..cut[1])));
    let paths = join_all(parts).await;
    let head = tus::head(&alice, &paths[0]).await;
    assert_eq!(head.header("upload-concat"), "partial");
    let names: Vec<_> = paths.iter().map(String::as_str).collect();
    let whole = joined(&alice, &names).await;
    whole.expecting(201);
    let path = whole.header("location").to_owned();
    let document = tus::document(&alice, &whole).await;
    assert_eq!(document["name"], "whole.bin");
    assert!(alice.downloads(&document).await == bytes);
    let head = tus::head(&alice, &path).await;
    assert_eq!(number(&head, "upload-offset"), bytes.len());
    assert_eq!(number(&head, "upload-length"), bytes.len());
    assert_eq!(
        head.header("upload-concat"),
        format!("final;{}", names.join(" "))
    );
    let patched = tus::patch(&alice, &path, bytes.len(), Bytes::new()).await;
    patched.expect_problem(403, "forbidden");
    // They are used up.
    assert_eq!(tus::head(&alice, names[0]).await.status.as_u16(), 404);
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    app.ends_clean().await;
}

#[in_both_modes]
async fn parts_of_nothing_become_an_empty_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let (one, other) = (tus::partial(&alice, 0), tus::partial(&alice, 0));
    let (one, other) = (alice.send(one).await, alice.send(other).await);
    let whole = joined(&alice, &[one.header("location"), other.header("location")]).await;
    whole.expecting(201);
    let document = tus::document(&alice, &whole).await;
    assert_eq!(document["mime_type"], "application/x-empty");
    app.ends_clean().await;
}

#[in_both_modes]
async fn only_complete_parts_of_one_s_own_are_joined(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let done = part(&alice, pseudo_random(21, 100)).await;
    let open = alice
        .send(tus::partial(&alice, 10))
        .await
        .header("location")
        .to_owned();
    let whole = tus::create(&alice, "whole.bin", 10).await;
    for paths in [&[&*done, &open][..], &[&whole], &[&done, &done], &[]] {
        joined(&alice, paths)
            .await
            .expect_problem(400, "bad_request");
    }
    joined(&bob, &[&done])
        .await
        .expect_problem(400, "bad_request");
    let sized = request(&alice, Method::POST, "/v1/uploads")
        .header("upload-concat", format!("final;{done}"))
        .header("upload-metadata", metadata(&[("filename", "whole.bin")]))
        .header("upload-length", 100);
    alice.send(sized).await.expect_problem(400, "bad_request");
    // None of that has used it up.
    let whole = joined(&alice, &[&format!("https://example.org{done}")]).await;
    let document = tus::document(&alice, &whole).await;
    assert_eq!(document["size_bytes"], 100);
    joined(&alice, &[&done])
        .await
        .expect_problem(400, "bad_request");
    app.ends_clean().await;
}
