//! Reading what changes meanwhile: whole old bytes or an error, never a mix.

use domain::Hasher;
use futures::StreamExt;
use reqwest::Method;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;

/// Far more than what lies in sockets and buffers between the two ends.
const LENGTH: usize = 48 << 20;

#[derive(Clone, Copy, Debug)]
enum Change {
    Replace,
    ReplaceAndDeleteTheOld,
    Delete,
}

#[in_both_modes]
async fn a_download_never_mixes_old_and_new(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for (seed, change) in [
        Change::Replace,
        Change::ReplaceAndDeleteTheOld,
        Change::Delete,
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = pseudo_random(seed as u64, LENGTH);
        let pending = alice.uploads("large.bin", bytes).await;
        let document = alice.settled(&pending).await;
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        let content = format!("{path}/content");
        let answer = alice.request(Method::GET, &content).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut stream = answer.bytes_stream();
        let mut hasher = Hasher::default();
        let first = stream.next().await.unwrap().unwrap();
        let mut length = first.len();
        hasher.update(&first);

        if !matches!(change, Change::Delete) {
            alice
                .send(alice.request(Method::PUT, &content).body(PDF))
                .await
                .expecting(202);
            let version = alice
                .get(&format!("{path}/versions/2?wait=60"))
                .await
                .expecting(200);
            assert_eq!(version["status"], "active");
        }
        let gone = match change {
            Change::Replace => None,
            Change::ReplaceAndDeleteTheOld => Some(format!("{path}/versions/1")),
            Change::Delete => Some(path.clone()),
        };
        if let Some(gone) = gone {
            assert_eq!(alice.delete(&gone).await.status, 204);
            // Until its bytes are removed as well.
            while app.number("SELECT count(*) FROM discards").await > 0 {
                tokio::task::yield_now().await;
            }
        }

        let mut cut_off = false;
        while let Some(part) = stream.next().await {
            let Ok(part) = part else {
                cut_off = true;
                break;
            };
            length += part.len();
            hasher.update(&part);
        }
        if cut_off {
            assert!(
                !matches!(change, Change::Replace),
                "the old version is still kept"
            );
        } else {
            assert_eq!(length, LENGTH, "{change:?}");
            assert_eq!(
                hasher.finish().to_string(),
                document["sha256"].as_str().unwrap(),
                "{change:?}"
            );
        }
        let now = alice.get(&content).await;
        match change {
            Change::Delete => now.expect_problem(404, "not_found"),
            _ => assert!(now.body == PDF, "{change:?}"),
        }
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn several_ranges_are_several_parts_of_versions_and_public_documents_too(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(7, 1_000_000);
    let pending = alice.uploads("data.bin", bytes.clone()).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let public = serde_json::json!({"unique_name": "shared-data", "is_public": true});
    alice.patch_json(&path, &public).await.expecting(200);
    for (client, path) in [
        (&alice, format!("{path}/content")),
        (&alice, format!("{path}/versions/1/content")),
        (&app.nobody(), "/public/shared-data/content".to_owned()),
    ] {
        let ranged =
            |range: &str| client.send(client.request(Method::GET, &path).header("range", range));
        let parts = ranged("bytes=0-9, 500000-500099, -5").await;
        assert_eq!(parts.status, 206, "{path}");
        let boundary = parts
            .header("content-type")
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        let mut expected = Vec::new();
        for (range, part) in [
            ("0-9", &bytes[..10]),
            ("500000-500099", &bytes[500_000..500_100]),
            ("999995-999999", &bytes[999_995..]),
        ] {
            let head = format!("--{boundary}\r\n");
            assert!(find(&parts.body, head.as_bytes()).is_some(), "{path}");
            let head = format!("content-range: bytes {range}/1000000\r\n");
            let lower = parts.body.to_ascii_lowercase();
            let at =
                find(&lower, head.as_bytes()).unwrap_or_else(|| panic!("{path}: no part {range}"));
            let body = at + find(&lower[at..], b"\r\n\r\n").unwrap() + 4;
            assert!(parts.body[body..].starts_with(part), "{path}: {range}");
            expected.push(body);
        }
        assert!(expected.is_sorted(), "{path}");
        assert!(
            parts
                .body
                .ends_with(format!("--{boundary}--\r\n").as_bytes())
                || parts.body.ends_with(format!("--{boundary}--").as_bytes())
        );
        assert_eq!(parts.header("content-length"), parts.body.len().to_string());
        let many = (0..51)
            .map(|index| format!("{0}-{0}", index * 10))
            .collect::<Vec<_>>()
            .join(",");
        assert_eq!(ranged(&format!("bytes={many}")).await.status, 200, "{path}");
        assert_eq!(ranged("bytes=0-9,5-20").await.status, 200, "{path}");
        ranged("bytes=1000000-,2000000-")
            .await
            .expect_problem(416, "range_not_satisfiable");
    }
    app.ends_clean().await;
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
