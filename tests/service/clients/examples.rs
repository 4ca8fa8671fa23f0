//! The examples in other languages, as their readers run them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use tests::app::{Client, Dsr, Mode, Run, TestApp};
use tests::content::pseudo_random;
use tests::poll::wait_until;
use tests::servers::{node, node_modules, tuspy};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

fn example(file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("examples").join(file)
}

/// Runs a program for the admin of the service, and asserts its success.
async fn runs(app: &TestApp, program: &Path, words: &[&str]) -> Run {
    let output = Command::new(program)
        .current_dir(app.folder())
        .args(words)
        .env("DSR_URL", app.ingress().api())
        .env("DSR_KEY", app.admin_key())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .await
        .expect("`./test` has installed it");
    let run = Run::of(&output);
    assert_eq!(run.code, 0, "{words:?}: {run:?}");
    run
}

/// Starts the receiver of webhooks with a secret; its lines, and its port.
async fn receiver(secret: &str) -> (Child, Lines<BufReader<ChildStdout>>, String) {
    let mut receiver = Command::new(tuspy())
        .arg(example("python/webhook_receiver.py"))
        .arg("0")
        .env("WEBHOOK_SECRET", secret)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("`./test` has installed it");
    let mut lines = BufReader::new(receiver.stdout.take().unwrap()).lines();
    let begin = lines.next_line().await.unwrap().unwrap();
    let port = begin.rsplit(' ').next().unwrap().to_owned();
    (receiver, lines, port)
}

async fn statuses(admin: &Client, query: &str) -> Vec<Value> {
    let listed = admin
        .get(&format!("/v1/documents?{query}"))
        .await
        .expecting(200);
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|document| document["status"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_typescript_client_type_checks_and_uploads() {
    let app = TestApp::start(Mode::Embedded).await;
    let folder = app.folder();
    let description = app.nobody().get("/openapi.json").await.expecting(200);
    std::fs::write(folder.join("api.json"), description.to_string()).unwrap();
    std::fs::copy(example("typescript/upload.ts"), folder.join("upload.ts")).unwrap();
    std::fs::write(folder.join("package.json"), r#"{"type":"module"}"#).unwrap();
    // What `@types/node` says, as far as it matters here.
    let shim = "declare module \"node:*\";\ndeclare const process: any;\n";
    std::fs::write(folder.join("node.d.ts"), shim).unwrap();
    std::os::unix::fs::symlink(node_modules(), folder.join("node_modules")).unwrap();
    let generate = "node_modules/openapi-typescript/bin/cli.js";
    runs(
        &app,
        &node(),
        &[generate, "api.json", "--output", "api.d.ts"],
    )
    .await;
    let compiler = "node_modules/typescript/bin/tsc";
    let words = "--strict --skipLibCheck --target es2022 --module esnext";
    let words = words
        .split(' ')
        .chain(["--moduleResolution", "bundler", "node.d.ts", "upload.ts"]);
    let words: Vec<_> = [compiler].into_iter().chain(words).collect();
    runs(&app, &node(), &words).await;
    let bytes = pseudo_random(80, 9 << 20);
    std::fs::write(folder.join("noise.bin"), &bytes).unwrap();
    let printed = runs(&app, &node(), &["upload.js", "noise.bin"]).await;
    let document = &printed.objects(0)[0];
    assert_eq!(
        (&document["status"], &document["name"]),
        (&"active".into(), &"noise.bin".into())
    );
    assert!(app.admin().downloads(document).await == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_clients_upload_list_archive_and_undo() {
    let app = TestApp::start(Mode::Embedded).await;
    std::fs::write(app.folder().join("draft.txt"), "a draft").unwrap();
    let (client, batch) = (example("python/dossier.py"), example("python/batch.py"));
    let printed = runs(&app, &tuspy(), &[client.to_str().unwrap(), "draft.txt"]).await;
    assert!(
        printed.out.contains("active text/plain draft.txt"),
        "{printed:?}"
    );
    let batch = batch.to_str().unwrap();
    let printed = runs(&app, &tuspy(), &[batch, "draft"]).await;
    assert!(
        printed.out.contains("1 of 1 would be archived"),
        "{printed:?}"
    );
    let admin = app.admin();
    assert_eq!(
        statuses(&admin, "status=active,archived").await,
        ["archived"]
    );
    admin.active("draft-2.txt", "another").await;
    let printed = runs(&app, &tuspy(), &[batch, "draft", "--undo"]).await;
    assert!(printed.out.contains("1 restored"), "{printed:?}");
    assert_eq!(statuses(&admin, "name=draft-2").await, ["active"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_receiver_believes_signed_events_alone() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (mut receiver, mut lines, port) = receiver(secret).await;
    #[expect(
        clippy::disallowed_methods,
        reason = "the receiver goes by the real time"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let timestamp = now.as_secs().to_string();
    let body = r#"{"type":"document.activated","timestamp":"2026-01-02T03:04:05Z","data":{}}"#;
    let key = STANDARD.decode(&secret["whsec_".len()..]).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("msg_1.{timestamp}.{body}").as_bytes());
    let right = format!("v1,{}", STANDARD.encode(tag));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (signature, expected) in [
        ("v1,AAAA", 401),
        (right.as_str(), 204),
        (right.as_str(), 204),
    ] {
        let sent = client
            .post(format!("http://127.0.0.1:{port}/"))
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", signature)
            .body(body);
        assert_eq!(
            sent.send().await.unwrap().status().as_u16(),
            expected,
            "{signature}"
        );
    }
    receiver.start_kill().unwrap();
    let printed = lines.next_line().await.unwrap();
    assert_eq!(
        printed.as_deref(),
        Some("document.activated 2026-01-02T03:04:05Z")
    );
    assert_eq!(lines.next_line().await.unwrap(), None, "each event once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_receiver_gets_what_the_service_signs() {
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("DOSSIER_WEBHOOK_ALLOW_HTTP", "true"),
            ("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"),
        ])
        .start()
        .await;
    let dsr = Dsr::of_admin(&app);
    // Nothing listens at port 1.
    let made = dsr.does(&["webhook", "new", "http://127.0.0.1:1/"]).await;
    let text = |member: &str| made[0][member].as_str().unwrap().to_owned();
    let (id, secret) = (text("id"), text("secret"));
    let (mut receiver, mut lines, port) = receiver(&secret).await;
    let url = format!("http://127.0.0.1:{port}/");
    dsr.does(&["webhook", "edit", &id, "--to", &url]).await;
    dsr.does(&["webhook", "test", &id]).await;
    let printed = lines.next_line().await.unwrap().unwrap();
    assert!(printed.starts_with("webhook.test "), "{printed}");
    wait_until(
        Duration::from_mins(1),
        "the delivery is noted",
        async || dsr.does(&["webhook", "deliveries", &id]).await[0]["status"] == "delivered",
    )
    .await;
    let shown = dsr.run(&["webhook", "show", &id]).await;
    let shown = shown.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        format!("url {url} status enabled types * created "),
        " UTC last failure never deliveries 1 delivered, 0 pending, 0 failed".to_owned(),
    ] {
        assert!(shown.contains(&told), "{told}: {shown}");
    }
    receiver.start_kill().unwrap();
    dsr.does(&["webhook", "rm", &id]).await;
    assert!(dsr.does(&["webhook", "ls"]).await.is_empty());
}
