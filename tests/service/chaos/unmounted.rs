//! A folder of the service is away for a while, as a volume that isn't mounted: nothing is accepted into
//! what is there instead, and nothing that is kept in it counts as lost.

use std::fs;
use std::time::Duration;

use reqwest::Method;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;

/// More than is kept in the database.
const LARGE: usize = 300_000;

#[tokio::test]
async fn nothing_is_accepted_into_the_folder_that_is_there_instead() {
    let app = TestApp::start(Mode::Embedded).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, LARGE);
    let document = alice.active("kept.bin", bytes.clone()).await;
    let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    let elsewhere = app.folder().join("elsewhere");
    for name in ["storage", "staging"] {
        let folder = app.folder().join("data").join(name);
        fs::rename(&folder, &elsewhere).unwrap();
        let mut accepted = vec![alice.uploads("small.txt", format!("{name} is away")).await];
        for is_empty_folder_there in [false, true] {
            if is_empty_folder_there {
                fs::create_dir(&folder).unwrap();
            }
            let large = pseudo_random(10 + u64::from(is_empty_folder_there), LARGE);
            if name == "staging" {
                let upload = alice.request(Method::POST, "/v1/documents?name=large.bin");
                let refused = alice.send(upload.body(large)).await;
                refused.expect_problem(503, "unavailable");
                assert!(!refused.header("retry-after").is_empty());
            } else {
                accepted.push(alice.uploads("large.bin", large).await);
                let refused = alice.get(&path).await;
                refused.expect_problem(503, "unavailable");
            }
            // Workers try meanwhile.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let there = fs::read_dir(&folder).map_or(0, Iterator::count);
            assert_eq!(there, 0, "something was written into {name}");
        }
        fs::remove_dir(&folder).unwrap();
        fs::rename(&elsewhere, &folder).unwrap();
        for document in accepted {
            assert_eq!(alice.settled(&document).await["status"], "active");
        }
        assert!(alice.downloads(&document).await == bytes);
        alice.active("last.bin", pseudo_random(3, LARGE)).await;
    }
    app.ends_clean().await;
}
