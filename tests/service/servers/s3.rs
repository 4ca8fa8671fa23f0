//! Storage in a real S3 service: the suite that every adapter must pass, and what goes wrong there.

use std::sync::Arc;

use aws_sdk_s3::config::Credentials;
use domain::ByteSize;
use storage::contract::check_contract;
use storage::{Storage, StorageError, StorageUrl, Writer};
use tests::objects::old_key;
use tests::servers::S3;

fn credentials(s3: &S3) -> Credentials {
    let [(_, key), (_, secret)] = s3.environment();
    Credentials::new(key, secret, None, None, "tests")
}

async fn connect(s3: &S3, url: &str) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().expect("a storage URL");
    let connected = url.connect_as(Some(credentials(s3))).await;
    connected.expect("a client, which sends nothing yet")
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let s3 = S3::shared().await;
    let one = connect(s3, &s3.fresh_storage_url().await).await;
    let other = connect(s3, &s3.fresh_storage_url().await).await;
    check_contract(one, other).await;
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
    let wrong = Credentials::new("dossier-tests", "wrong", None, None, "tests");
    let storage = url.connect_as(Some(wrong)).await.unwrap();
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
