//! Storage in a real S3 service: the suite that every adapter must pass, and what goes wrong there.

use std::sync::Arc;

use domain::ByteSize;
use storage::contract::{Unfinished, check_contract};
use storage::{Environment, Storage, StorageError, StorageUrl, Writer};
use tests::objects::old_key;
use tests::servers::S3;

async fn connect(s3: &S3, url: &str) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().expect("a storage URL");
    let connected = url.connect_in(&Environment::only(s3.environment())).await;
    connected.expect("a client, which sends nothing yet")
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let s3 = S3::shared().await;
    let one = connect(s3, &s3.fresh_storage_url().await).await;
    let other = connect(s3, &s3.fresh_storage_url().await).await;
    check_contract(one, other, Unfinished::Listed).await;
}

#[tokio::test]
async fn a_bucket_of_its_own_needs_no_prefix() {
    let s3 = S3::shared().await;
    let url = s3.fresh_storage_url().await.replace("/documents", "");
    let storage = connect(s3, &url).await;
    let url = storage
        .put(
            &old_key(),
            Box::pin(futures::stream::empty()),
            Writer::Service,
        )
        .await
        .unwrap();
    let stat = storage.stat(&url).await.unwrap().unwrap();
    assert_eq!(stat.size, ByteSize::ZERO);
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_no_missing_object() {
    let s3 = S3::shared().await;
    let url = format!("s3://no-such-bucket/documents?endpoint={}", s3.endpoint());
    let storage = connect(s3, &url).await;
    storage.check().await.unwrap_err();
    let object = storage.place().join(&old_key()).unwrap();
    let error = storage.open(&object, None).await.map(drop).unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_is_an_error_that_says_so() {
    let s3 = S3::shared().await;
    let url: StorageUrl = s3.fresh_storage_url().await.parse().unwrap();
    let wrong = [
        ("AWS_ACCESS_KEY_ID", "dossier-tests"),
        ("AWS_SECRET_ACCESS_KEY", "wrong"),
    ];
    let storage = url.connect_in(&Environment::only(wrong)).await.unwrap();
    let object = storage.place().join(&old_key()).unwrap();
    let error = storage.open(&object, None).await.map(drop).unwrap_err();
    let StorageError::Unavailable { source, .. } = error else {
        panic!("{error}");
    };
    assert!(
        source.to_string().contains("SignatureDoesNotMatch"),
        "{source}"
    );
}

#[tokio::test]
async fn objects_are_written_in_the_class_of_the_url() {
    let s3 = S3::shared().await;
    let url = s3.fresh_storage_url().await;
    let storage = connect(s3, &format!("{url}&storage_class=STANDARD_IA")).await;
    for size in [10, 20_000_000] {
        let bytes = tests::content::pseudo_random(1, size);
        let url = tests::objects::puts(&*storage, &old_key(), bytes).await;
        let client = s3.client();
        let head = client.head_object().bucket(url.host_str().unwrap());
        let found = head.key(url.path().trim_start_matches('/')).send().await;
        let found = found.unwrap();
        let class = found
            .storage_class()
            .map(aws_sdk_s3::types::StorageClass::as_str);
        assert_eq!(class, Some("STANDARD_IA"), "{size}");
    }
}

#[tokio::test]
async fn encryption_is_asked_for_or_nothing_is_written() {
    // This server has no keys to encrypt with.
    let s3 = S3::shared().await;
    let url = s3.fresh_storage_url().await;
    let storage = connect(s3, &format!("{url}&sse=aws:kms&kms_key=none")).await;
    let key = old_key();
    let source = futures::stream::iter([Ok("secret".into())]);
    let written = storage.put(&key, Box::pin(source), Writer::Service).await;
    written.unwrap_err();
    let url = storage.place().join(&key).unwrap();
    assert_eq!(storage.stat(&url).await.unwrap(), None);
}

#[tokio::test]
async fn virtual_hosts_name_the_bucket() {
    let s3 = S3::shared().await;
    let presented = storage::Presented {
        media_type: "text/plain".to_owned(),
        disposition: "attachment".to_owned(),
    };
    for (style, expected) in [
        ("true", "https://s3.example/bucket/documents/"),
        ("false", "https://bucket.s3.example/documents/"),
    ] {
        let url = format!("s3://bucket/documents?endpoint=https://s3.example&path_style={style}");
        let storage = connect(s3, &url).await;
        let object = storage.place().join(&old_key()).unwrap();
        let minute = std::time::Duration::from_mins(1);
        let signed = storage.presign(&object, &presented, minute).await.unwrap();
        let signed = signed.unwrap();
        assert!(signed.as_str().starts_with(expected), "{signed}");
    }
}

/// Answers every request with success, and keeps its head.
async fn agreeable_server() -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.windows(4).any(|some| some == b"\r\n\r\n") {
                let mut chunk = vec![0; 16 << 10];
                let length = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..length]);
            }
            let head = String::from_utf8_lossy(&request).to_lowercase();
            kept.lock().unwrap().push(head);
            let answer =
                "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            // The rest of the body, until the client closes.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    });
    (url, heads)
}

#[tokio::test]
async fn encryption_and_class_are_asked_for_with_each_object() {
    let s3 = S3::shared().await;
    let (endpoint, heads) = agreeable_server().await;
    let url = format!(
        "s3://bucket/documents?endpoint={endpoint}&sse=aws:kms&kms_key=the-key&storage_class=STANDARD_IA"
    );
    let storage = connect(s3, &url).await;
    tests::objects::puts(&*storage, &old_key(), "a few words").await;
    let heads = heads.lock().unwrap().clone();
    let put = heads
        .iter()
        .find(|head| head.starts_with("put /bucket/documents/"));
    let put = put.unwrap_or_else(|| panic!("{heads:?}"));
    for field in [
        "x-amz-server-side-encryption: aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id: the-key",
        "x-amz-storage-class: standard_ia",
    ] {
        assert!(put.contains(field), "{field}: {put}");
    }
}
