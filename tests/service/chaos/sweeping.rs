//! The cleanup in a tight loop while uploads come in, with the shortest legal times: what is
//! under way is never touched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use queue::JobKind;
use reqwest::Method;
use serde_json::Value;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::objects::{old_key, puts};
use tokio::time::sleep;

/// How many documents are uploaded one after the other by each of several clients.
const ROUNDS: u64 = 40;

const CLIENTS: u64 = 4;

/// How often each part of the cleanup is under way at once: it may meet itself.
const AT_ONCE: usize = 4;

const CLEANUP: [JobKind; 6] = [
    JobKind::SweepStaging,
    JobKind::SweepStore,
    JobKind::RemoveDiscarded,
    JobKind::ExpireFailed,
    JobKind::PruneVersions,
    JobKind::ForgetJobs,
];

/// Uploads in pieces with rests between them, `taking` in all.
async fn drips(client: &Client, seed: u64, taking: Duration) -> reqwest::Result<(u16, Value)> {
    let bytes = pseudo_random(seed, 20_000);
    let pieces: Vec<Bytes> = bytes.chunks(2_000).map(Bytes::copy_from_slice).collect();
    let body = stream::iter(pieces).then(move |piece| async move {
        // The cleanup has to come while the upload is under way.
        sleep(taking / 10).await;
        Ok::<_, std::io::Error>(piece)
    });
    let request = client
        .request(Method::POST, &format!("/v1/documents?name={seed}.bin"))
        .body(reqwest::Body::wrap_stream(body));
    let answer = client.try_send(request).await?;
    Ok((answer.status.as_u16(), answer.json()))
}

#[in_both_modes]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn the_cleanup_never_touches_an_upload_under_way(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_STRAY_AFTER", "10s"),
            ("DOSSIER_KEEP_QUARANTINED_FOR", "0s"),
            ("DOSSIER_KEEP_FAILED_FOR", "0s"),
            ("DOSSIER_KEEP_VERSIONS", "1"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let places = app.places().await;
    let orphan = puts(&**places.store(), &old_key(), "an orphan").await;
    let stale = puts(&**places.staging(), &old_key(), "left behind").await;

    let is_over = AtomicBool::new(false);
    let cleanup = async {
        let mut rounds = 0;
        while !is_over.load(Ordering::SeqCst) {
            app.works_off_all(&CLEANUP.repeat(AT_ONCE)).await;
            rounds += AT_ONCE;
        }
        rounds
    };
    let quick = async |client: u64| {
        let mut documents = Vec::new();
        for round in 0..ROUNDS {
            let seed = client * ROUNDS + round;
            let name = format!("{seed}.bin");
            documents.push((
                seed,
                alice.uploads(&name, pseudo_random(seed, 20_000)).await,
            ));
            // Some of them once more, as new versions.
            if let (0, Some((_, document))) = (round % 4, documents.first()) {
                let document = alice.settled(document).await;
                let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
                let put = alice
                    .request(Method::PUT, &path)
                    .body(pseudo_random(client * ROUNDS, 20_000));
                alice.send(put).await.expecting(202);
            }
        }
        documents
    };
    // Up to the longest that an upload may take, and beyond.
    let slow = async |tenths: u64| {
        drips(&alice, 10_000 + tenths, Duration::from_millis(tenths * 100)).await
    };
    let load = async {
        let quick = futures::future::join_all((0..CLIENTS).map(quick));
        let slow = futures::future::join_all((5..90).step_by(5).map(slow));
        let ended = tokio::join!(quick, slow);
        is_over.store(true, Ordering::SeqCst);
        ended
    };
    let (rounds, (quick, slow)) = tokio::join!(cleanup, load);
    println!("{mode:?}: {rounds} rounds of the whole cleanup");
    assert!(rounds >= 2 * AT_ONCE, "{rounds}");

    let mut accepted: Vec<_> = quick.into_iter().flatten().collect();
    let mut refused = 0;
    for (tenths, outcome) in (5..90).step_by(5).zip(slow) {
        match outcome {
            Ok((202, document)) => accepted.push((10_000 + tenths, document)),
            Ok((status, problem)) => {
                assert_eq!(
                    (status, &problem["code"]),
                    (408, &"request_timeout".into()),
                    "{problem}"
                );
                refused += 1;
            }
            // The answer came before the whole body was sent, and the connection was closed.
            Err(error) => {
                assert!(tenths > 40, "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "uploads may take half of the time at most");
    for (seed, document) in accepted {
        let document = alice.settled(&document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == pseudo_random(seed, 20_000));
    }
    assert_eq!(places.stat(&orphan).await.unwrap(), None);
    assert_eq!(places.stat(&stale).await.unwrap(), None);
    app.works_off(JobKind::PruneVersions).await;
    app.ends_clean().await;
    let pruned = "SELECT count(*) FROM versions";
    let documents = "SELECT count(*) FROM documents";
    assert_eq!(app.number(pruned).await, app.number(documents).await);
    let audited = app.command(&["audit", "--deep"]).await;
    assert_eq!(audited.code, 0, "{}", audited.printed);
}
