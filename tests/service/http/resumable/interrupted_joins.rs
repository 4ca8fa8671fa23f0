//! Joins whose process died: their parts are spared, and can be joined again.

use std::time::Duration;

use bytes::Bytes;
use queue::JobKind;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::tus;

const PATIENCE: Duration = Duration::from_secs(30);

async fn part(client: &Client, bytes: Bytes) -> String {
    let created = client.send(tus::partial(client, bytes.len())).await;
    created.expecting(201);
    let path = created.header("location").to_owned();
    tus::patch(client, &path, 0, bytes).await.expecting(204);
    path
}

#[in_both_modes]
async fn parts_whose_join_died_can_be_joined_again(mode: Mode) {
    for (point, most_leftovers) in [
        // Written, and recorded nowhere: as a tail in a bucket, and to the unfinished file on a disk.
        ("upload.flushed", 1),
        ("upload.recorded", 0),
        ("upload.finished", 0),
        ("intake.before-commit", 0),
    ] {
        let app = TestApp::start(mode).await;
        let alice = app.user("alice").await;
        let bytes = pseudo_random(50, 1_000);
        let first = part(&alice, bytes.slice(..400)).await;
        let second = part(&alice, bytes.slice(400..)).await;
        let parts = [&*first, &*second];
        app.ingress().terminate().await;
        let trap = format!("{point}:1");
        app.ingress()
            .restart_with(&[("DOSSIER_CRASH_AT", &trap)])
            .await;
        let join = tus::joined(&alice, "whole.bin", &parts);
        let (_, ()) = tokio::join!(alice.try_send(join), app.ingress().aborted(PATIENCE));
        // Whatever the time: it may still be under way, as far as anybody knows.
        app.tampers("UPDATE uploads SET updated_at = 4000000000000000 WHERE joins IS NOT NULL")
            .await;
        app.ingress().restart().await;
        let again = alice.send(tus::joined(&alice, "whole.bin", &parts)).await;
        again.expect_problem(409, "not_ready");
        app.tampers("UPDATE uploads SET expires_at = 1 WHERE joined_by IS NOT NULL")
            .await;
        app.works_off(JobKind::ExpireUploads).await;
        let spared =
            "SELECT count(*) FROM uploads WHERE status = 'complete' AND staged_url IS NOT NULL";
        assert_eq!(app.number(spared).await, 2, "after {point}");
        app.tampers(
            "UPDATE uploads SET expires_at = created_at + 86400000000 WHERE expires_at = 1",
        )
        .await;
        app.tampers("UPDATE uploads SET updated_at = 1 WHERE joins IS NOT NULL")
            .await;
        app.works_off(JobKind::FinishUploads).await;
        let whole = alice.send(tus::joined(&alice, "whole.bin", &parts)).await;
        whole.expecting(201);
        let document = tus::document(&alice, &whole).await;
        assert!(alice.downloads(&document).await == bytes, "after {point}");
        let leftovers = if mode == Mode::Distributed {
            most_leftovers
        } else {
            0
        };
        app.ends_whole(leftovers).await;
    }
}
