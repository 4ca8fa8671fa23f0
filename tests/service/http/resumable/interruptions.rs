//! Connections that break, processes that die, and clients that come twice.

use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use reqwest::{Body, Method};
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::{poll, wait_until};
use tests::servers::Flow;
use tests::tus::{self, append, number};

const PATIENCE: Duration = Duration::from_secs(30);

#[in_both_modes]
async fn a_connection_cut_anywhere_keeps_what_came(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(7, 5_000);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    let mut cuts = 0;
    let mut offset = 0;
    // Of each step a few bytes more arrive than of the one before, and none at first.
    for step in 0..100 {
        let end = (offset + step).min(bytes.len());
        let rest = append(&alice, &path, offset, Vec::new());
        tus::breaks_off(rest, bytes.len() - offset, &bytes[offset..end]).await;
        cuts += 1;
        let kept = tus::offset(&alice, &path).await;
        assert_eq!(kept, end, "after {cuts} cuts");
        offset = kept;
    }
    let last = tus::patch(&alice, &path, offset, bytes.slice(offset..)).await;
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

/// A body that sends `bytes`, and then nothing more.
fn hanging(bytes: bytes::Bytes) -> Body {
    let sent = stream::iter([Ok::<_, std::io::Error>(bytes)]);
    Body::wrap_stream(sent.chain(stream::pending()))
}

#[in_both_modes]
async fn a_later_request_cuts_the_hanging_one_off(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(8, 40 << 20);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    for _ in 0..2 {
        let before = tus::offset(&alice, &path).await;
        // More than is recorded at once.
        let sent = bytes.slice(before..before + (9 << 20));
        let request = append(&alice, &path, before, hanging(sent));
        let client = alice.clone();
        let hangs = tokio::spawn(async move { client.try_send(request).await });
        let recorded = poll(PATIENCE, async || {
            let upload = alice.get(&path).await.expecting(200);
            match upload["offset"].as_u64() {
                Some(offset) if offset > before as u64 => Ok(offset),
                offset => Err(format!("{offset:?}")),
            }
        });
        let recorded = recorded.await;
        let kept = tus::offset(&alice, &path).await;
        assert!(kept as u64 >= recorded, "{kept} of {recorded}");
        let cut_off = tokio::time::timeout(PATIENCE, hangs)
            .await
            .unwrap()
            .unwrap();
        if let Ok(answer) = cut_off {
            answer.expect_problem(409, "offset_mismatch");
        }
    }
    let offset = tus::offset(&alice, &path).await;
    let last = tus::patch(&alice, &path, offset, bytes.slice(offset..)).await;
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn two_clients_on_one_upload_never_mix_their_bytes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(9, 200_000);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    // Each goes on where the upload is, in pieces of its own size, whatever the other one does.
    let client = async |piece: usize| {
        for _ in 0..400 {
            let head = tus::head(&alice, &path).await;
            let offset = number(&head, "upload-offset");
            if offset == bytes.len() {
                return;
            }
            let end = (offset + piece).min(bytes.len());
            let answer = tus::patch(&alice, &path, offset, bytes.slice(offset..end)).await;
            assert!(matches!(answer.status.as_u16(), 204 | 409), "{answer:?}");
        }
        panic!("they stand in each other's way");
    };
    tokio::join!(client(9_973), client(31_337));
    let head = tus::head(&alice, &path).await;
    let document = tus::document(&alice, &head).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn many_at_once_on_one_upload_are_told_to_ask_for_the_offset(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(16, 2_000);
    for _ in 0..8 {
        let path = tus::create(&alice, "noise.bin", bytes.len()).await;
        let sent = join_all((0..12).map(|_| tus::patch(&alice, &path, 0, bytes.clone()))).await;
        for answer in sent.iter().filter(|answer| answer.status != 204) {
            answer.expect_problem(409, "offset_mismatch");
        }
        let mut last = tus::head(&alice, &path).await;
        if last.header("dossier-document").is_empty() {
            let offset = number(&last, "upload-offset");
            last = tus::patch(&alice, &path, offset, bytes.slice(offset..)).await;
        }
        let document = tus::document(&alice, &last).await;
        assert!(alice.downloads(&document).await == bytes);
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_killed_ingress_loses_no_byte_that_it_told(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    // More than a part of S3, in pieces that don't fit into parts.
    let bytes = pseudo_random(10, 20 << 20);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    let mut offset = 0;
    for piece in [3 << 20, 9 << 20] {
        let end = offset + piece;
        tus::patch(&alice, &path, offset, bytes.slice(offset..end))
            .await
            .expecting(204);
        offset = end;
        // In the middle of the next piece.
        let request = append(
            &alice,
            &path,
            offset,
            hanging(bytes.slice(offset..offset + 100_000)),
        );
        let client = alice.clone();
        let hangs = tokio::spawn(async move { client.try_send(request).await });
        let held = "SELECT count(*) FROM uploads WHERE held_parts > 0";
        wait_until(PATIENCE, "it is under way", async || {
            app.number(held).await == 1
        })
        .await;
        app.ingress().kill().await;
        let _ = hangs.await;
        app.ingress().restart().await;
        assert_eq!(tus::offset(&alice, &path).await, offset, "what was told");
    }
    let last = tus::patch(&alice, &path, offset, bytes.slice(offset..)).await;
    let document = tus::document(&alice, &last).await;
    assert_eq!(document["status"], "active", "{document}");
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_whose_last_request_died_becomes_a_document(mode: Mode) {
    for point in [
        "upload.flushed",
        "upload.recorded",
        "upload.finished",
        "intake.before-commit",
        "intake.after-commit",
    ] {
        let app = TestApp::start(mode).await;
        let alice = app.user("alice").await;
        let bytes = pseudo_random(11, 6 << 20);
        let path = tus::create(&alice, "noise.bin", bytes.len()).await;
        app.ingress().terminate().await;
        let trap = format!("{point}:1");
        app.ingress()
            .restart_with(&[("DOSSIER_CRASH_AT", &trap)])
            .await;
        let request = append(&alice, &path, 0, bytes.clone());
        let (_, ()) = tokio::join!(alice.try_send(request), app.ingress().aborted(PATIENCE));
        app.ingress().restart().await;
        let head = tus::head(&alice, &path).await;
        let last = match number(&head, "upload-offset") {
            0 => tus::patch(&alice, &path, 0, bytes.clone()).await,
            offset => {
                assert_eq!(offset, bytes.len(), "after {point}");
                head
            }
        };
        let document = tus::document(&alice, &last).await;
        assert_eq!(document["status"], "active", "after {point}: {document}");
        assert!(alice.downloads(&document).await == bytes, "after {point}");
        let listed = alice.get("/v1/documents").await.expecting(200);
        assert_eq!(
            listed["items"].as_array().unwrap().len(),
            1,
            "after {point}"
        );
        // Bytes that were written and not recorded when the process died are a tail in a bucket; on a
        // disk they are in the unfinished file, which the next request goes on with.
        let is_left = mode == Mode::Distributed && point == "upload.flushed";
        app.ends_whole(usize::from(is_left)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_goes_on_and_cuts_off_the_other() {
    let app = TestApp::start(Mode::Distributed).await;
    let other = tests::servers::Dossier::start("ingress", app.variables()).await;
    let alice = app.user("alice").await;
    let there = alice.speaking_to(&other.api());
    let bytes = pseudo_random(12, 17 << 20);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    let mut offset = 0;
    for (client, piece) in [(&alice, 1 << 20), (&there, 7 << 20), (&alice, 3 << 20)] {
        let end = offset + piece;
        tus::patch(client, &path, offset, bytes.slice(offset..end))
            .await
            .expecting(204);
        offset = end;
    }
    let request = append(
        &alice,
        &path,
        offset,
        hanging(bytes.slice(offset..offset + 1_000)),
    );
    let client = alice.clone();
    let hangs = tokio::spawn(async move { client.try_send(request).await });
    let held = "SELECT count(*) FROM uploads WHERE held_parts > 0";
    wait_until(PATIENCE, "it is under way", async || {
        app.number(held).await == 1
    })
    .await;
    // Told by the other one: what is durable, and nobody adds to it.
    assert_eq!(tus::offset(&there, &path).await, offset);
    let last = tus::patch(&there, &path, offset, bytes.slice(offset..)).await;
    let document = tus::document(&there, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    let cut_off = tokio::time::timeout(PATIENCE, hangs)
        .await
        .unwrap()
        .unwrap();
    if let Ok(answer) = cut_off {
        answer.expect_problem(409, "offset_mismatch");
    }
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_request_cuts_off_one_that_is_still_opening() {
    let app = TestApp::builder(Mode::Distributed)
        .breakable()
        .start()
        .await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(14, 300_000);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    // A tail, which the next request has to read.
    tus::patch(&alice, &path, 0, bytes.slice(..200_000))
        .await
        .expecting(204);
    app.breakable().storage.set(Flow::Stalled);
    let request = append(&alice, &path, 200_000, bytes.slice(200_000..));
    let client = alice.clone();
    let hangs = tokio::spawn(async move { client.try_send(request).await });
    let held = "SELECT count(*) FROM uploads WHERE held_parts > 0";
    wait_until(PATIENCE, "it is under way", async || {
        app.number(held).await == 1
    })
    .await;
    assert_eq!(tus::offset(&alice, &path).await, 200_000);
    // Sooner than the storage is given up.
    let cut_off = tokio::time::timeout(Duration::from_secs(50), hangs);
    if let Ok(answer) = cut_off.await.expect("it has ended").unwrap() {
        answer.expect_problem(409, "offset_mismatch");
    }
    assert_eq!(app.number(held).await, 0);
    app.breakable().storage.set(Flow::Open);
    let last = tus::patch(&alice, &path, 200_000, bytes.slice(200_000..)).await;
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_deleted_user_leaves_no_upload(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "noise.bin", 10 << 20).await;
    tus::patch(&alice, &path, 0, pseudo_random(13, 9 << 20))
        .await
        .expecting(204);
    let id = alice.user.as_deref().unwrap();
    let admin = app.admin();
    let removed = admin.request(Method::DELETE, &format!("/v1/admin/users/{id}"));
    admin.send(removed).await.expecting(204);
    assert_eq!(app.number("SELECT count(*) FROM uploads").await, 0);
    app.ends_clean().await;
}
