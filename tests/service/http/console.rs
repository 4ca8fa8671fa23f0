//! The console: what it is served with, that its scripts type-check against the description of the API,
//! and a journey through it in a real browser.

use std::path::Path;

use domain::UserId;
use reqwest::header::IF_NONE_MATCH;
use reqwest::{Method, StatusCode};
use tests::app::{Mode, TestApp};
use tests::in_both_modes;
use tests::scripts::{drives_a_browser, runs};
use tests::seed_documents::seed_documents;
use tests::servers::{node, node_modules};

#[in_both_modes]
async fn its_files_are_bounded_by_a_strict_policy_and_cached(mode: Mode) {
    let app = TestApp::start(mode).await;
    let nobody = app.nobody();
    for (path, kind) in [
        ("/console", "text/html"),
        ("/console/app.js", "text/javascript"),
        ("/console/style.css", "text/css"),
        ("/console/icon.svg", "image/svg+xml"),
    ] {
        let file = nobody.get(path).await;
        assert_eq!(file.status.as_u16(), 200, "{path}");
        assert!(file.header("content-type").starts_with(kind), "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!(file.header("referrer-policy"), "no-referrer");
        let policy = file.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let again = nobody.request(Method::GET, path);
        let again = again.header(IF_NONE_MATCH, file.header("etag"));
        assert_eq!(nobody.send(again).await.status, StatusCode::NOT_MODIFIED);
    }
    let absent = nobody.get("/console/absent.js").await;
    absent.expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_scripts_type_check_against_the_description() {
    let app = TestApp::start(Mode::Embedded).await;
    let document = app.nobody().get("/openapi.json").await.expecting(200);
    let folder = app.folder().join("console");
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../console");
    std::fs::create_dir(&folder).unwrap();
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        std::fs::copy(entry.path(), folder.join(&name)).unwrap();
        if entry.path().extension().is_some_and(|kind| kind == "js") {
            scripts.push(name);
        }
    }
    std::fs::write(folder.join("api.json"), document.to_string()).unwrap();
    std::os::unix::fs::symlink(node_modules(), folder.join("node_modules")).unwrap();
    let generate = "node_modules/openapi-typescript/bin/cli.js api.json --output schema.d.ts";
    let check = "node_modules/typescript/bin/tsc --noEmit --strict --checkJs --allowJs \
         --noUncheckedIndexedAccess --skipLibCheck --target es2023 --lib es2023,dom,dom.iterable \
         --module esnext --moduleResolution bundler";
    for (arguments, files) in [(generate, &[][..]), (check, &scripts[..])] {
        let files = files.iter().map(String::as_str);
        let words: Vec<_> = arguments.split_whitespace().chain(files).collect();
        runs(&node(), &folder, &words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_get_along_in_a_real_browser() {
    let app = TestApp::start(Mode::Embedded).await;
    // With a folder in CONSOLE_PICTURES it leaves pictures there.
    let pictures = std::env::var("CONSOLE_PICTURES").ok();
    let words: Vec<_> = pictures.as_deref().into_iter().collect();
    drives(&app, "console.cjs", &words).await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_100_000_documents_costs_a_browser_no_more_than_a_page() {
    const TOTAL: u32 = 100_000;
    let app = TestApp::start(Mode::Embedded).await;
    let me = app.admin().get("/v1/me").await.expecting(200);
    let id = UserId(me["id"].as_str().unwrap().parse().unwrap());
    seed_documents(&app.database().await, id, 0, TOTAL).await;
    drives(&app, "console_list.cjs", &[&TOTAL.to_string()]).await;
}

/// Has a script drive the console in a browser, as the admin.
async fn drives(app: &TestApp, script: &str, more: &[&str]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/service/http");
    let words = [&[app.admin_key()][..], more].concat();
    drives_a_browser(app, &Path::new(folder).join(script), &words).await;
}
