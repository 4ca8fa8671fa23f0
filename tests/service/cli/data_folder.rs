//! The data folder: who may read what is in it, and that one `serve` alone has it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use tempfile::TempDir;
use tests::app::{Mode, TestApp};
use tests::content::PDF;
use tests::servers::program;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// A lease that no test waits for.
const LONG_LEASE: (&str, &str) = ("DOSSIER_LEASE", "1h");

/// The service in `folder`, on free ports, with nothing else from the environment.
fn serve(folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask \"$1\"; exec \"$0\" serve"])
        .arg(program())
        .env_clear()
        .current_dir(folder)
        .env("DOSSIER_LISTEN", "127.0.0.1:0")
        .env("DOSSIER_OPS_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The one line with which a start is refused.
async fn refused(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{text}");
    // Beside records of what was done before.
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].starts_with("dossier: "), "{text}");
    lines[0].to_owned()
}

/// Every file and folder from `path` on that somebody else may use.
fn open_to_others(path: &Path, found: &mut Vec<String>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o777;
    let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
    if mode != expected {
        found.push(format!("{} has {mode:o}", path.display()));
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            open_to_others(&entry.unwrap().path(), found);
        }
    }
}

#[tokio::test]
async fn a_key_that_can_not_be_read_is_told_and_not_replaced() {
    type Prepare = fn(&Path);
    let prepared: [(&str, Prepare); 5] = [
        ("a folder", |file| fs::create_dir(file).unwrap()),
        ("too short", |file| fs::write(file, "short\n").unwrap()),
        ("empty", |file| fs::write(file, "").unwrap()),
        ("no text", |file| fs::write(file, [0xff; 40]).unwrap()),
        ("a dangling link", |file| symlink("nowhere", file).unwrap()),
    ];
    for (what, prepare) in prepared {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("dossier-data");
        fs::create_dir(&data).unwrap();
        let file = data.join("admin.key");
        prepare(&file);
        let before = fs::symlink_metadata(&file).unwrap();
        let line = refused(serve(folder.path()).arg("022")).await;
        assert!(line.contains("admin.key"), "{what}: {line}");
        let after = fs::symlink_metadata(&file).unwrap();
        assert_eq!(before.file_type(), after.file_type(), "{what}");
        assert_eq!(
            before.modified().unwrap(),
            after.modified().unwrap(),
            "{what}"
        );
        assert!(!data.join("nowhere").exists(), "{what}");
    }
}

#[tokio::test]
async fn files_are_private_whatever_the_umask() {
    for umask in ["000", "022", "0277"] {
        let folder = TempDir::new().unwrap();
        // Empty, it is as if the service had made it.
        let data = folder.path().join("dossier-data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
        let mut service = serve(folder.path()).arg(umask).spawn().unwrap();
        let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
        let greeting = lines.next_line().await.unwrap().unwrap();
        let api = greeting.split(' ').find(|word| word.starts_with("http://"));
        let api = api.unwrap().to_owned();
        let key = fs::read_to_string(data.join("admin.key")).unwrap();
        let upload = reqwest::Client::new()
            .post(format!("{api}/v1/documents?name=a.pdf"))
            .bearer_auth(key.trim())
            .header("prefer", "wait=30")
            .body(PDF)
            .send()
            .await
            .unwrap();
        assert_eq!(upload.status(), 201, "{umask}");
        let mut found = Vec::new();
        open_to_others(&data, &mut found);
        assert_eq!(found, [""; 0], "{umask}");
        assert!(data.join("dossier.sqlite-wal").exists());
        service.kill().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_former_release_left_open_is_closed() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("dossier-data");
    let migrate = async || {
        let mut command = Command::new(program());
        command
            .arg("migrate")
            .env_clear()
            .current_dir(folder.path());
        command.output().await.unwrap().status.success()
    };
    assert!(migrate().await);
    for name in ["admin.key", "dossier.sqlite"] {
        fs::set_permissions(data.join(name), Permissions::from_mode(0o644)).unwrap();
    }
    // This one is in use, and an operator may want others to see it.
    fs::set_permissions(&data, Permissions::from_mode(0o750)).unwrap();
    assert!(migrate().await);
    let mut found = Vec::new();
    open_to_others(&data, &mut found);
    assert_eq!(found, [format!("{} has 750", data.display())]);
}

#[tokio::test]
async fn what_a_wrong_database_url_names_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let other_folder = folder.path().join("other");
    fs::create_dir(&other_folder).unwrap();
    let other_file = folder.path().join("other.txt");
    fs::write(
        &other_file,
        "This is no database, and longer than the header of one: ".repeat(20),
    )
    .unwrap();
    for other in [&other_folder, &other_file] {
        let mode = || fs::metadata(other).unwrap().permissions().mode();
        fs::set_permissions(other, Permissions::from_mode(0o755)).unwrap();
        let before = mode();
        for role in ["serve", "migrate"] {
            let mut command = Command::new(program());
            command
                .arg(role)
                .env_clear()
                .env(
                    "DOSSIER_DATABASE_URL",
                    format!("sqlite://{}", other.display()),
                )
                .current_dir(folder.path());
            let output = command.output().await.unwrap();
            assert!(!output.status.success(), "{role} {}", other.display());
            let lines = String::from_utf8(output.stderr).unwrap();
            assert!(lines.contains("DOSSIER_DATABASE_URL"), "{role}: {lines}");
            assert_eq!(mode(), before, "{role} {}", other.display());
        }
    }
    let text = fs::read_to_string(&other_file).unwrap();
    assert!(text.starts_with("This is no database"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_serve_ends_and_names_what_the_first_one_has() {
    let app = TestApp::start(Mode::Embedded).await;
    let data = app.folder().join("data");
    let elsewhere = app.folder().join("elsewhere");
    let other_name = app.folder().join("link");
    symlink(&data, &other_name).unwrap();
    let other_key = "the-admin-key-of-another-0123456789";
    for (folder, named) in [
        (&data, &data),
        (&other_name, &other_name),
        (&elsewhere, &data),
    ] {
        let database = format!("sqlite://{}", data.join("dossier.sqlite").display());
        let mut second = serve(app.folder());
        second.arg("022").env("DOSSIER_DATA_DIR", folder);
        second.env("DOSSIER_BOOTSTRAP_KEY", other_key);
        if folder == &elsewhere {
            second.env("DOSSIER_DATABASE_URL", database);
        }
        let line = refused(&mut second).await;
        assert!(line.contains(&named.display().to_string()), "{line}");
        assert!(line.contains("in use"), "{line}");
    }
    // The first one's key is still in force, and what operators do beside it works.
    app.admin().get("/v1/admin/users").await.expecting(200);
    app.bearer(other_key)
        .get("/v1/documents")
        .await
        .expect_problem(401, "unauthorized");
    for arguments in [
        &["user", "list"][..],
        &["user", "add", "alice"],
        &["key", "add", "alice"],
        &["job", "list"],
        &["migrate", "status"],
        &["migrate"],
        &["audit", "--repair"],
    ] {
        let ended = app.command(arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.printed);
    }
    // The lock dies with the process, however it ends.
    app.ingress().kill().await;
    app.ingress().restart().await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serve_that_starts_ends_what_its_predecessor_held() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[LONG_LEASE])
        .start()
        .await;
    let alice = app.user("alice").await;
    let service = app.ingress();
    service.terminate().await;
    service
        .restart_with(&[("DOSSIER_CRASH_AT", "store.before:1")])
        .await;
    // It may be gone before it has answered.
    let upload = alice.request(Method::POST, "/v1/documents?name=report.pdf");
    drop(alice.try_send(upload.body(PDF)).await);
    service.aborted(Duration::from_mins(1)).await;
    let held = "SELECT count(*) FROM jobs WHERE state = 'running' AND kind = 'process_version'";
    assert_eq!(app.number(held).await, 1);
    let running = "INSERT INTO idempotency (owner_id, key, request_hash, state, fence, subject_id, created_at, begun_at) \
                   SELECT id, 'a key', 'another request', 'running', 1, id, 9000000000000000, 9000000000000000 FROM users";
    app.tampers(running).await;
    service.restart().await;
    // The lease would end in an hour.
    let listed = alice.get("/v1/documents").await.expecting(200);
    let document = alice.settled(&listed["items"][0]).await;
    assert_eq!(document["status"], "active", "{document}");
    let timeline = format!(
        "/v1/documents/{}/timeline",
        document["id"].as_str().unwrap()
    );
    let timeline = alice.get(&timeline).await.expecting(200);
    let attempts: Vec<_> = timeline["items"].as_array().unwrap().iter().collect();
    let last = attempts
        .iter()
        .filter_map(|item| item["attempt"].as_i64())
        .max();
    assert_eq!(
        last,
        Some(2),
        "the attempt that was cut off counts: {timeline}"
    );
    let begun = "SELECT count(*) FROM idempotency WHERE begun_at > 0";
    assert_eq!(app.number(begun).await, 0);
    let workers = app.admin().get("/v1/admin/workers").await.expecting(200);
    assert_eq!(workers["items"].as_array().unwrap().len(), 1, "{workers}");
    app.tampers("DELETE FROM idempotency").await;
    app.ends_clean().await;
}
