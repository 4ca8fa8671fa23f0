//! A process that dies at each named point in turn, and whoever goes on after it: every promise
//! is kept, once. The points are those of `crash_points`; one that is never reached fails.

use std::time::Duration;

use bytes::Bytes;
use crash_points::CrashPoint;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp, result_path};
use tests::archives::{archive_of, entries};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::servers::Dossier;
use tests::tus;

/// How long it may take until the point is reached.
const PATIENCE: Duration = Duration::from_mins(1);

/// Services that are struck at once, each at its share of the points.
const LANES: usize = 3;

/// What leads to a point.
#[derive(Clone, Copy)]
enum Scene {
    /// Uploads, some with the same content, and a new version.
    Uploads,
    /// An operation on several documents.
    Chunk,
    /// An operation on so many that it is accepted in parts.
    Parts,
    /// The export of several documents.
    Export,
    /// The import of an archive with two files.
    Import,
    /// A resumable upload in two requests.
    Resumable,
}

/// What leads to `point`, and how many objects without a row a death there leaves to the cleanup,
/// beside the bytes of requests that were not answered.
const fn leading_to(point: CrashPoint) -> (Scene, usize) {
    use CrashPoint as At;
    match point {
        At::BeforeChunk | At::AfterChunk => (Scene::Chunk, 0),
        At::BeforeItems | At::AfterItems => (Scene::Parts, 0),
        At::UploadFlushed | At::UploadRecorded | At::UploadFinished => (Scene::Resumable, 0),
        At::BeforeExport => (Scene::Export, 1),
        At::AfterExport => (Scene::Export, 0),
        At::BeforeImportChunk => (Scene::Import, 2),
        At::BeforeDirectory
        | At::AfterDirectory
        | At::AfterImportChunk
        | At::BeforeImportEnd
        | At::AfterImportEnd => (Scene::Import, 0),
        _ => (Scene::Uploads, 0),
    }
}

const fn is_of_ingress(point: CrashPoint) -> bool {
    use CrashPoint as At;
    matches!(
        point,
        At::Staged
            | At::BeforeIntake
            | At::AfterIntake
            | At::BeforeHint
            | At::BeforeVersion
            | At::AfterVersion
            | At::UploadFlushed
            | At::UploadRecorded
            | At::UploadFinished
            | At::BeforeItems
            | At::AfterItems
    )
}

/// Those of direct uploads, which files don't have, are in `servers/direct_uploads_broken.rs`.
const fn is_of_direct(point: CrashPoint) -> bool {
    use CrashPoint as At;
    matches!(
        point,
        At::BeforeReceive | At::DirectCopied | At::AfterReceive
    )
}

/// What a user has before the strike, and asks for during it.
struct Round {
    alice: Client,
    scene: Scene,
    /// Documents that are active before.
    before: Vec<Value>,
    /// What was accepted with 202: the document's id and the bytes it must have.
    accepted: Vec<(Value, Bytes)>,
    /// Requests that were not answered.
    cut: usize,
    /// The path of a resumable upload.
    upload: String,
}

fn content(point: CrashPoint, seed: u64) -> Bytes {
    pseudo_random(((point as u64) << 8) | seed, 3_000)
}

impl Round {
    async fn new(app: &TestApp, point: CrashPoint) -> Self {
        let alice = app.user(point.name()).await;
        let mut before = Vec::new();
        for seed in 0..3 {
            before.push(
                alice
                    .active(&format!("{seed}.bin"), content(point, seed))
                    .await,
            );
        }
        let scene = leading_to(point).0;
        let upload = match scene {
            Scene::Resumable => tus::create(&alice, "resumable.bin", 3_000).await,
            _ => String::new(),
        };
        Self {
            alice,
            scene,
            before,
            accepted: Vec::new(),
            cut: 0,
            upload,
        }
    }

    /// Asks for what leads to the point.
    async fn asks(&mut self, point: CrashPoint) {
        let ids: Vec<_> = self.before.iter().map(|document| &document["id"]).collect();
        let select = json!({"ids": ids});
        let operation = match self.scene {
            Scene::Uploads => return self.uploads(point).await,
            Scene::Chunk => json!({"action": "archive", "select": select}),
            Scene::Parts => self.of_many(),
            Scene::Resumable => return self.resumable(point).await,
            Scene::Export => json!({"action": "export", "select": select}),
            Scene::Import => {
                let archive = archive_of(&[("a.txt", "one text"), ("b.txt", "another text")]);
                let path = "/v1/operations/import";
                let request = self.alice.request(Method::POST, path);
                let request = request
                    .header("content-type", "application/zip")
                    .body(archive);
                let answer = self.alice.try_send(request).await;
                return self.notes(answer);
            }
        };
        let request = self
            .alice
            .request(Method::POST, "/v1/operations")
            .json(&operation);
        let answer = self.alice.try_send(request).await;
        self.notes(answer);
    }

    /// Two requests of a resumable upload; one of them isn't answered.
    async fn resumable(&mut self, point: CrashPoint) {
        let bytes = content(point, 20);
        for (offset, piece) in [(0, bytes.slice(..1_000)), (1_000, bytes.slice(1_000..))] {
            let request = tus::append(&self.alice, &self.upload, offset, piece);
            if self.alice.try_send(request).await.is_err() {
                // A tail on S3 that no row refers to yet.
                self.cut += 1;
                return;
            }
        }
    }

    /// The upload goes on where its offset says, and becomes one document.
    async fn goes_on(&self, point: CrashPoint) {
        let (alice, bytes) = (&self.alice, content(point, 20));
        let mut last = tus::head(alice, &self.upload).await;
        let offset = tus::number(&last, "upload-offset");
        if offset < bytes.len() {
            last = tus::patch(alice, &self.upload, offset, bytes.slice(offset..)).await;
        }
        let document = tus::document(alice, &last).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == bytes);
        let page = alice.get("/v1/documents").await.expecting(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 4);
    }

    /// An operation that is about a document, and many that aren't there.
    fn of_many(&self) -> Value {
        let others =
            (0..2_500).map(|number| json!(format!("0192aaaa-0000-7000-8000-{number:012x}")));
        let ids: Vec<_> = others.chain([self.before[0]["id"].clone()]).collect();
        json!({"action": "archive", "select": {"ids": ids}})
    }

    /// In the embedded mode the process may die before it answers what it works on already.
    fn notes(&mut self, answer: reqwest::Result<Answer>) {
        match answer {
            Ok(answer) => drop(answer.expecting(202)),
            Err(_) => self.cut += 1,
        }
    }

    async fn uploads(&mut self, point: CrashPoint) {
        // The content of an active document, one content twice, and one alone.
        let sent: Vec<_> = [0, 10, 10, 11].map(|seed| content(point, seed)).into();
        let post = |(index, bytes): (usize, &Bytes)| {
            self.alice
                .request(Method::POST, &format!("/v1/documents?name=new-{index}.bin"))
                .header("content-type", "application/octet-stream")
                .body(bytes.clone())
        };
        let mut requests: Vec<_> = sent.iter().enumerate().map(post).collect();
        let path = format!(
            "/v1/documents/{}/content",
            self.before[1]["id"].as_str().unwrap()
        );
        requests.push(
            self.alice
                .request(Method::PUT, &path)
                .body(content(point, 12)),
        );
        let sent = sent.into_iter().chain([content(point, 12)]);
        let answers = join_all(
            requests
                .into_iter()
                .map(|request| self.alice.try_send(request)),
        )
        .await;
        for (answer, bytes) in answers.into_iter().zip(sent) {
            match answer {
                Ok(answer) => self
                    .accepted
                    .push((answer.expecting(202)["id"].take(), bytes)),
                Err(_) => self.cut += 1,
            }
        }
    }

    /// Everything that was promised is there, once.
    async fn is_kept(&self) {
        let alice = &self.alice;
        for (id, bytes) in &self.accepted {
            let path = format!("/v1/documents/{}", id.as_str().unwrap());
            let document = alice.get(&path).await.expecting(200);
            assert_eq!(document["status"], "active", "{document}");
            assert_eq!(document["version"], document["latest_version"]);
            assert!(alice.downloads(&document).await == bytes);
        }
        if matches!(self.scene, Scene::Uploads | Scene::Resumable) {
            return;
        }
        if matches!(self.scene, Scene::Parts) {
            // What was accepted by half is nothing, and doesn't stand in the way of the whole.
            let operations = alice.get("/v1/operations").await.expecting(200);
            assert_eq!(operations["items"], json!([]));
            let operation = alice.runs(&self.of_many()).await;
            assert_eq!(
                (&operation["total"], &operation["succeeded"]),
                (&json!(2_501), &json!(1))
            );
            return;
        }
        let operations = alice.get("/v1/operations").await.expecting(200);
        assert_eq!(operations["items"].as_array().unwrap().len(), 1);
        let operation = alice.ended(&operations["items"][0]).await;
        assert_eq!(operation["status"], "completed", "{operation}");
        assert_eq!(operation["succeeded"], operation["total"], "{operation}");
        match self.scene {
            Scene::Uploads | Scene::Parts | Scene::Resumable => {}
            Scene::Chunk => {
                for before in &self.before {
                    let path = format!("/v1/documents/{}", before["id"].as_str().unwrap());
                    let document = alice.get(&path).await.expecting(200);
                    assert_eq!(document["status"], "archived");
                    let revision = before["revision"].as_u64().unwrap();
                    assert_eq!(document["revision"], revision + 1, "changed once");
                }
            }
            Scene::Export => {
                let archive = alice.get(&result_path(&operation)).await;
                let names: Vec<_> = entries(&archive.body).into_keys().collect();
                assert_eq!(names, ["0.bin", "1.bin", "2.bin", "manifest.json"]);
            }
            Scene::Import => {
                let page = alice.get("/v1/documents?sort=name").await.expecting(200);
                let documents = page["items"].as_array().unwrap().iter();
                let names: Vec<_> = documents.map(|document| &document["name"]).collect();
                assert_eq!(names, ["0.bin", "1.bin", "2.bin", "a.txt", "b.txt"]);
            }
        }
    }
}

/// Others wait for the lease of a worker that died; `serve` ends those of its predecessor when it
/// starts. There a short one is for nothing but to be lost by a busy machine, and each attempt
/// that lost it may leave another object behind.
const fn lease(mode: Mode) -> &'static str {
    match mode {
        Mode::Embedded => "1m",
        Mode::Distributed => "2s",
    }
}

/// Lets a process die at `point`, and others go on; gives how many objects that may leave.
async fn strike(app: &TestApp, point: CrashPoint, leftovers: usize) -> usize {
    let mut round = Round::new(app, point).await;
    let (victim, others): (&Dossier, Vec<&Dossier>) = if is_of_ingress(point) {
        (app.ingress(), vec![])
    } else {
        let workers = app.workers();
        (workers[0], workers[1..].to_vec())
    };
    // Nobody else does what leads to the point.
    join_all(others.iter().map(|other| other.terminate())).await;
    victim.terminate().await;
    let trap = format!("{}:1", point.name());
    victim.restart_with(&[("DOSSIER_CRASH_AT", &trap)]).await;
    let ((), ()) = tokio::join!(round.asks(point), victim.aborted(PATIENCE));
    join_all(others.iter().map(|other| other.restart())).await;
    victim.restart().await;

    if matches!(round.scene, Scene::Resumable) {
        round.goes_on(point).await;
    }
    let leftovers = leftovers + round.cut + leading_to(point).1;
    app.ends_whole(leftovers).await;
    round.is_kept().await;
    for (what, sql) in [
        (
            "a version was activated more or less than once",
            "SELECT (SELECT count(*) FROM events WHERE kind = 'activated') \
             - (SELECT count(*) FROM versions WHERE status = 'active')",
        ),
        (
            "a content is not one blob",
            "SELECT (SELECT count(*) FROM blobs) - (SELECT count(*) FROM \
             (SELECT DISTINCT sha256, size_bytes FROM versions WHERE status = 'active') AS contents)",
        ),
    ] {
        assert_eq!(app.number(sql).await, 0, "{what}, after {}", point.name());
    }
    leftovers
}

#[in_both_modes]
async fn a_death_at_any_point_breaks_no_promise(mode: Mode) {
    let lane = async |lane| {
        let app = Box::pin(
            TestApp::builder(mode)
                .settings(&[("DOSSIER_LEASE", lease(mode))])
                .start(),
        )
        .await;
        let mut leftovers = 0;
        let points = CrashPoint::ALL
            .iter()
            .filter(|point| !is_of_direct(**point));
        for point in points.skip(lane).step_by(LANES) {
            println!("{mode:?}: {}", point.name());
            leftovers = Box::pin(strike(&app, *point, leftovers)).await;
        }
    };
    join_all((0..LANES).map(lane)).await;
}

/// The file of the points stands alone, so that it can be compiled as a release build would.
#[test]
fn a_release_build_has_no_points() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let has_points = |debug_assertions: &str| {
        let object = tempfile::NamedTempFile::new().unwrap();
        let status = std::process::Command::new("rustc")
            .args(["--edition=2024", "--crate-type=lib", "--emit=obj"])
            .arg(format!("-Cdebug-assertions={debug_assertions}"))
            .arg("-o")
            .arg(object.path())
            .arg(root.join("shared/crash-points/src/lib.rs"))
            .status();
        assert!(status.unwrap().success());
        let object = std::fs::read(object.path()).unwrap();
        object
            .windows("DOSSIER_CRASH_AT".len())
            .any(|window| window == b"DOSSIER_CRASH_AT")
    };
    assert!(has_points("on"));
    assert!(!has_points("off"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("debug-assertions"), "a release has none");
}
