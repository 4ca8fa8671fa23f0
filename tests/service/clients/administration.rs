//! The commands of `dsr` for admins: users and keys, queues and jobs, storage, the log.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use tests::app::{Dsr, Mode, TestApp};
use tests::poll::wait_until;

const LONG: Duration = Duration::from_mins(2);

/// Does what the words say, which are separated by spaces.
async fn does(dsr: &Dsr, words: &str) -> Vec<Value> {
    let words: Vec<_> = words.split(' ').collect();
    dsr.does(&words).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_and_keys_are_made_changed_and_removed() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let api = app.ingress().api();
    let words = "user new bob --quota-bytes 1MiB --identity https://id.example b-1";
    let bob = does(&dsr, words).await.remove(0);
    assert_eq!(bob["quota_bytes"], 1 << 20);
    assert_eq!(bob["identities"][0]["subject"], "b-1");
    assert_eq!(dsr.does(&["user", "show", "bob"]).await[0], bob);
    let words = "user edit bob --quota-bytes default --no-identities";
    let edited = does(&dsr, words).await;
    assert_eq!(edited[0]["quota_bytes"], Value::Null);
    assert_eq!(edited[0]["identities"], serde_json::json!([]));
    assert_eq!(dsr.does(&["user", "ls"]).await.len(), 2);

    let words = "key new --user bob --name reading --scope documents:read";
    let words: Vec<_> = words.split(' ').collect();
    let reader = Dsr::with_key(&api, dsr.run(&words).await.out.trim());
    assert!(reader.does(&["ls"]).await.is_empty());
    assert_eq!(reader.does(&["me"]).await[0]["name"], "bob");
    fs::write(reader.home().join("a.txt"), "a").unwrap();
    reader
        .run(&["put", "a.txt"])
        .await
        .fails_with(3, "insufficient_scope");
    dsr.run(&["key", "new", "--user", "bob", "--scope", "admin"])
        .await
        .fails_with(2, "bob isn't an admin");
    let key = dsr.does(&["key", "new", "--user", "bob"]).await.remove(0);
    let writer = Dsr::with_key(&api, key["key"].as_str().unwrap());
    fs::write(writer.home().join("a.txt"), "bob's").unwrap();
    let document = writer.does(&["put", "a.txt", "--wait"]).await.remove(0);
    let own = writer.does(&["key", "new", "--expires-in", "1h"]).await;
    assert!(own[0]["expires_at"].is_string(), "{own:?}");
    assert_eq!(writer.does(&["key", "ls"]).await.len(), 3);
    // Somebody who isn't an admin.
    writer.run(&["user", "ls"]).await.fails_with(3, "forbidden");

    let id = document["id"].as_str().unwrap();
    dsr.run(&["show", id]).await.fails_with(4, "not_found");
    let found = dsr.does(&["ls", "--owner", "bob"]).await;
    assert_eq!(found[0], document);
    let shown = dsr.run(&["cat", id, "--owner", "bob"]).await;
    assert_eq!(shown.out, "bob's");
    let usage = dsr.does(&["usage", "--owner", "bob"]).await;
    assert_eq!(usage[0]["documents"]["active"], 1);
    let told = dsr.does(&["timeline", id, "--owner", "bob"]).await;
    assert_eq!(told[0]["kind"], "accepted", "{told:?}");
    dsr.run(&["ls", "--owner", "nobody"])
        .await
        .fails_with(4, "no user");

    let id = key["id"].as_str().unwrap();
    dsr.does(&["key", "rm", id, "--user", "bob"]).await;
    writer.run(&["ls"]).await.fails_with(3, "unauthorized");
    dsr.does(&["user", "disable", "bob"]).await;
    reader.run(&["ls"]).await.fails_with(3, "disabled");
    dsr.does(&["user", "enable", "bob"]).await;
    dsr.run(&["user", "edit", "bob"])
        .await
        .fails_with(2, "nothing to change");
    dsr.run(&["user", "rm", "bob"]).await.fails_with(2, "--yes");
    dsr.does(&["user", "rm", "bob", "--yes"]).await;
    dsr.run(&["user", "show", "bob"])
        .await
        .fails_with(4, "dsr user ls");
    let log = dsr.does(&["audit-log", "--kind", "user.created"]).await;
    assert_eq!(log[0]["subject"], bob["id"], "{log:?}");
    let of_admin = dsr.does(&["audit-log", "--actor", "admin"]).await;
    assert!(of_admin.contains(&log[0]), "{of_admin:?}");
    dsr.run(&["audit-log", "--actor", "bob"])
        .await
        .fails_with(4, "dsr user ls");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_are_paused_and_their_jobs_cancelled_and_retried() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let paused = dsr.does(&["queue", "pause", "ingest"]).await;
    assert_eq!(paused[0]["paused"], true);
    fs::write(dsr.home().join("a.txt"), "a").unwrap();
    let document = dsr.does(&["put", "a.txt"]).await.remove(0);
    let id = document["id"].as_str().unwrap();
    let waiting = dsr
        .does(&["job", "ls", "--state", "ready", "--queue", "ingest"])
        .await;
    assert_eq!(waiting[0]["kind"], "process_version", "{waiting:?}");
    let queues = dsr.does(&["queue", "ls"]).await;
    let ingest = queues.iter().find(|queue| queue["queue"] == "ingest");
    assert_eq!(ingest.unwrap()["depth"], 1, "{queues:?}");
    let cancelled = dsr.does(&["job", "cancel", "--queue", "ingest"]).await;
    assert_eq!(cancelled[0]["cancelled"], 1);
    dsr.does(&["queue", "resume", "ingest"]).await;
    wait_until(LONG, "the job is given up", async || {
        dsr.does(&["show", id]).await[0]["status"] == "error"
    })
    .await;
    let dead = dsr.does(&["job", "ls", "--state", "dead"]).await;
    assert_eq!(dead[0]["id"], waiting[0]["id"]);
    let retried = dsr.does(&["job", "retry", "--all"]).await;
    assert_eq!(retried[0]["retried"], 1);
    wait_until(LONG, "the document is active", async || {
        dsr.does(&["show", id]).await[0]["status"] == "active"
    })
    .await;
    for (words, code) in [
        (&["queue", "pause", "nothing"][..], 4),
        (&["job", "retry"], 2),
        (&["job", "retry", id], 4),
        (&["job", "cancel"], 2),
        (&["job", "ls", "--state", "lost"], 1),
        (&["storage", "move", "--from", "a", "--to", "b"], 1),
        (&["storage", "show", id], 4),
        (&["user", "new", ""], 1),
        (&["key", "new", "--scope", "all"], 1),
        (&["upload", "rm", id], 4),
    ] {
        let run = dsr.run(words).await;
        assert_eq!(run.code, code, "{words:?}: {run:?}");
    }
    for words in [
        &["queue", "ls"][..],
        &["job", "ls"],
        &["schedule"],
        &["workers"],
        &["storage", "ls"],
        &["storage", "moves"],
        &["audit-log", "-n", "5"],
        &["activity"],
        &["user", "ls"],
        &["key", "ls"],
        &["upload", "ls"],
        &["me"],
    ] {
        let run = dsr.run(words).await;
        assert_eq!(run.code, 0, "{words:?}: {run:?}");
        let is_none = matches!(words[..], ["storage", "moves"] | ["upload", "ls"]);
        assert_eq!(run.out.is_empty(), is_none, "{words:?}: {run:?}");
        // The same for programs.
        assert_eq!(dsr.does(words).await.is_empty(), is_none, "{words:?}");
    }
    app.ends_clean().await;
}
