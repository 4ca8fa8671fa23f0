//! `dsr` among other programs: standard input and output, closed and full ones, and text of others that
//! a terminal would obey.

use std::fmt::Write as _;
use std::fs;

use tests::app::{Dsr, Mode, TestApp};
use tests::servers::Gate;

/// A text of more than two buffers.
fn long_text() -> String {
    let mut text = String::new();
    for number in 0..2_500_000 {
        let _ = writeln!(text, "{number}");
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_input_is_put_and_content_is_got_to_standard_output() {
    let app = TestApp::start(Mode::Embedded).await;
    let api = app.ingress().api();
    let gate = Gate::before(api.rsplit(':').next().unwrap().parse().unwrap()).await;
    let through = format!("http://127.0.0.1:{}", gate.port());
    let dsr = Dsr::with_key(&through, app.admin_key());
    let long = long_text();
    assert!(long.len() > 17 << 20);
    // The connection breaks within the first buffer, and within a later one.
    for (name, text, cut) in [
        ("none.txt", "", None),
        ("short.txt", "a few words", None),
        ("first.txt", long.as_str(), Some(60)),
        ("later.txt", long.as_str(), Some(200)),
    ] {
        if let Some(chunks) = cut {
            gate.cut_after(chunks);
        }
        let words = ["put", "-", "--name", name, "--wait", "--json"];
        let put = dsr.run_with(&words, text).await;
        assert_eq!(put.error, "", "{name}");
        let document = put.objects(0).remove(0);
        assert_eq!(document["status"], "active", "{document}");
        assert!(cut.is_none() || gate.has_cut(), "{name}");
        let id = document["id"].as_str().unwrap();
        let got = dsr.run(&["get", id, "-o", "-"]).await;
        assert!(got.out == text && got.code == 0, "{name}: {}", got.error);
        assert_eq!(got.error, "");
    }
    for words in [&["put", "-"][..], &["put", "-", "x", "--name", "y"]] {
        dsr.run(words).await.fails_with(2, "standard input");
    }
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_and_full_outputs_are_told_apart() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    fs::write(dsr.home().join("a.bin"), vec![b'x'; 1 << 20]).unwrap();
    let document = dsr.does(&["put", "a.bin", "--wait"]).await.remove(0);
    let id = document["id"].as_str().unwrap();
    // Who reads has seen enough.
    let head = dsr.shell(&format!("dsr cat {id} | head -c 3")).await;
    assert_eq!((head.code, head.out.as_str()), (0, "xxx"), "{head:?}");
    for line in [
        format!("dsr cat {id} > /dev/full"),
        format!("dsr show {id} > /dev/full"),
        format!("dsr get {id} -o /dev/full"),
    ] {
        dsr.shell(&line).await.fails_with(1, "No space left");
    }
    // Devices are written to, and not replaced by a file.
    let line = format!("dsr get {id} -o /dev/stdout | wc -c");
    let device = dsr.shell(&line).await;
    let count: usize = device.out.trim().parse().unwrap();
    assert!(count > 1 << 20, "{device:?}");
    let closed = dsr.shell("dsr show no-such.name 2>&-").await;
    assert_eq!(closed.code, 4, "{closed:?}");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_others_wrote_is_obeyed_by_a_terminal() {
    const HOSTILE: &str = "\u{1b}]0;mine\u{7}\u{1b}[2J\u{9b}2J\r\u{202e}";
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let folder = dsr.home().join(format!("f{HOSTILE}\nder"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("fine.txt"), "fine").unwrap();
    fs::write(folder.join(format!("bad{HOSTILE}\n.txt")), "bad").unwrap();
    let path = folder.to_str().unwrap();
    let metadata = serde_json::json!({"key": HOSTILE}).to_string();
    let runs = [
        dsr.run(&["put", path, "-m", &metadata]).await,
        dsr.run(&["put", path, "-m", &metadata, "--json"]).await,
        dsr.run(&["put", &format!("{path}/absent")]).await,
        dsr.run(&["show", HOSTILE]).await,
        dsr.run(&["ls", "--named", HOSTILE]).await,
        dsr.run(&["webhook", "new", HOSTILE]).await,
    ];
    let document = dsr.does(&["ls"]).await.remove(0);
    assert_eq!(document["metadata"]["key"], HOSTILE);
    let id = document["id"].as_str().unwrap();
    let shown = [
        dsr.run(&["show", id]).await,
        dsr.run(&["show", id, "--json"]).await,
        dsr.run(&["watch", "--all", "-n", "1", "--json"]).await,
    ];
    for run in runs.iter().chain(&shown) {
        for letter in run.out.chars().chain(run.error.chars()) {
            let is_obeyed = letter.is_control() || letter == '\u{202e}';
            assert!(!is_obeyed || matches!(letter, '\n' | '\t'), "{run:?}");
        }
    }
    runs[0].fails_with(1, "1 document uploaded, 1 failed");
    app.ends_clean().await;
}
