//! `dsr put`: folders, and uploads that go on after an interruption.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tests::app::{Dsr, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::servers::{Flow, Gate};

/// Writes files below a folder.
fn folder(home: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn named<'d>(documents: &'d [Value], name: &str) -> &'d Value {
    let found = documents.iter().find(|document| document["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {documents:?}"))
}

#[in_both_modes]
async fn a_folder_is_put_listed_and_got_back(mode: Mode) {
    let app = TestApp::start(mode).await;
    let dsr = Dsr::of_nobody();
    let signed_in = dsr
        .run_with(&["login", &app.ingress().api()], app.admin_key())
        .await;
    assert_eq!(signed_in.code, 0, "{signed_in:?}");
    let config = dsr.home().join(".config/dsr/config.json");
    let mode = fs::metadata(&config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let large = pseudo_random(60, 9 << 20);
    let files: [(&str, &[u8]); 4] = [
        ("papers/report.pdf", PDF),
        ("papers/notes/one.txt", b"the first note"),
        ("papers/notes/two.txt", b"the second note"),
        ("papers/noise.bin", &large),
    ];
    folder(dsr.home(), &files);
    let put = dsr
        .does(&[
            "put",
            "papers",
            "--wait",
            "--paths-as-metadata",
            "-m",
            "year=2026",
        ])
        .await;
    assert_eq!(put.len(), 4);
    for document in &put {
        assert_eq!(document["status"], "active", "{document}");
        assert_eq!(document["metadata"]["year"], 2026);
    }
    assert_eq!(named(&put, "one.txt")["metadata"]["path"], "notes/one.txt");
    assert_eq!(named(&put, "report.pdf")["mime_type"], "application/pdf");
    let listed = dsr
        .does(&["ls", "--sort", "name", "--type", "text/*"])
        .await;
    let names: Vec<_> = listed.iter().map(|document| &document["name"]).collect();
    assert_eq!(names, ["one.txt", "two.txt"]);
    for (path, bytes) in files {
        let name = path.rsplit('/').next().unwrap();
        let id = named(&put, name)["id"].as_str().unwrap();
        let got = dsr.does(&["get", id]).await;
        assert_eq!(got[0]["sha256"], named(&put, name)["sha256"]);
        assert!(fs::read(dsr.home().join(name)).unwrap() == bytes, "{name}");
        dsr.run(&["get", id]).await.fails_with(2, "exists");
    }
    // A second put is no repetition of the first.
    let again = dsr.does(&["put", "papers"]).await;
    assert_ne!(named(&again, "one.txt")["id"], named(&put, "one.txt")["id"]);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_put_goes_on_where_it_was() {
    let app = TestApp::start(Mode::Embedded).await;
    let api = app.ingress().api();
    let gate = Gate::before(api.rsplit(':').next().unwrap().parse().unwrap()).await;
    let dsr = Dsr::with_key(
        &format!("http://127.0.0.1:{}", gate.port()),
        app.admin_key(),
    );
    let large = pseudo_random(61, 24 << 20);
    folder(
        dsr.home(),
        &[("all/a.txt", b"small"), ("all/b.bin", &large)],
    );
    let words = ["put", "all", "--wait", "--parallel", "1"];
    gate.shut_after(120);
    let interrupted = dsr.run(&words).await;
    interrupted.fails_with(5, "no answer to");
    assert!(gate.has_cut());
    let admin = app.admin();
    let uploads = async || admin.get("/v1/uploads").await.expecting(200)["items"].clone();
    wait_until(Duration::from_mins(1), "what came is kept", async || {
        uploads().await[0]["offset"]
            .as_u64()
            .is_some_and(|offset| offset > 0)
    })
    .await;
    let upload = uploads().await[0].clone();
    assert!(
        upload["offset"].as_u64().unwrap() < large.len() as u64,
        "{upload}"
    );
    gate.set(Flow::Open);
    let put = dsr.does(&words).await;
    assert_eq!(put.len(), 2);
    let document = named(&put, "b.bin");
    assert_eq!(document["id"], upload["id"]);
    assert_eq!(document["status"], "active");
    assert!(admin.downloads(document).await == large);
    let all = admin.get("/v1/documents").await.expecting(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
    app.ends_clean().await;
}

/// Makes a folder that nobody can read, root neither: its path is longer than the system takes.
fn unreadable(home: &Path, name: &str) {
    let half = |root: &Path| {
        let mut path = root.to_owned();
        path.extend(std::iter::repeat_n("x".repeat(200), 11));
        fs::create_dir_all(&path).unwrap();
        path
    };
    half(&home.join("lower"));
    let middle = half(&home.join(name));
    fs::rename(home.join("lower"), middle.join("lower")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_named_and_keeps_nobody_from_the_rest() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    folder(dsr.home(), &[("all/a.txt", b"a"), ("all/more/b.txt", b"b")]);
    unreadable(dsr.home(), "all/deep");
    let words = ["put", "all", "absent.txt", "--wait"];
    let told = dsr.run(&words).await;
    told.fails_with(1, "2 documents uploaded, 2 failed, the first: ");
    assert_eq!(told.out.lines().count(), 2, "{told:?}");

    let words = [&words[..], &["--json"]].concat();
    let put = dsr.run(&words).await;
    let documents = put.objects(1);
    let lines = put.error.lines();
    let errors = lines.map(|line| domain::read_json::<Value>(line.as_bytes()).unwrap());
    let errors: Vec<_> = errors.map(|line| line["error"].clone()).collect();
    let paths = errors.iter().map(|error| error["path"].as_str());
    let paths: Vec<_> = paths.flatten().collect();
    assert!(paths.iter().any(|path| path.ends_with("absent.txt")));
    assert!(paths.iter().any(|path| path.contains("all/deep/")));
    assert_eq!((paths.len(), errors.len()), (2, 3), "{errors:?}");

    // What is mended is put by the same command, and the rest is not put again.
    fs::remove_dir_all(dsr.home().join("all/deep")).unwrap();
    fs::write(dsr.home().join("absent.txt"), "c").unwrap();
    let again = dsr.does(&words[..4]).await;
    assert_eq!(again.len(), 3, "{again:?}");
    for name in ["a.txt", "b.txt"] {
        assert_eq!(named(&again, name)["id"], named(&documents, name)["id"]);
    }
    let listed = app.admin().get("/v1/documents").await.expecting(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 3, "{listed}");
    app.ends_clean().await;
}
