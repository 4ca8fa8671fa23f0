//! Requests to an S3 server without a client library in the way: their URLs are signed beforehand.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use tests::servers::S3;

use super::requests::path_of;

/// A bucket, and the heads of signed requests.
pub struct Presigned {
    client: Client,
    bucket: String,
    uploads: HashMap<usize, String>,
    downloads: HashMap<String, String>,
}

/// An empty bucket of a server.
pub async fn bucket(server: &S3) -> Presigned {
    let url = server.fresh_storage_url().await;
    let bucket = url
        .trim_start_matches("s3://")
        .split('/')
        .next()
        .unwrap_or_default();
    // A checksum would be that of the empty body that is there when a URL is signed.
    let client = server.client();
    let config = client.config().to_builder();
    let config = config.request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    Presigned {
        client: Client::from_conf(config.build()),
        bucket: bucket.to_owned(),
        uploads: HashMap::new(),
        downloads: HashMap::new(),
    }
}

impl Presigned {
    /// Signs the requests for these documents.
    pub async fn sign(&mut self, indices: Range<usize>) {
        let hour =
            || PresigningConfig::expires_in(Duration::from_hours(1)).expect("an hour is allowed");
        for index in indices {
            let key = self.path(index);
            let upload = self.client.put_object().bucket(&self.bucket).key(&key);
            let upload = upload.presigned(hour()).await;
            let download = self.client.get_object().bucket(&self.bucket).key(&key);
            let download = download.presigned(hour()).await;
            let reason = "a request with a key can be signed";
            self.uploads.insert(index, head(&upload.expect(reason)));
            self.downloads.insert(key, head(&download.expect(reason)));
        }
    }

    /// The key of a document.
    #[expect(clippy::unused_self, reason = "like the other kinds of requests")]
    pub fn path(&self, index: usize) -> String {
        format!("documents/{index}.bin")
    }

    /// The head of the request that uploads a document.
    pub fn upload(&self, index: usize) -> String {
        self.uploads[&index].clone()
    }

    /// The head of the request that gives back what has this key.
    pub fn download(&self, key: &str) -> String {
        self.downloads[key].clone()
    }
}

fn head(request: &PresignedRequest) -> String {
    let (method, url) = (request.method(), request.uri());
    let host = url.split('/').nth(2).unwrap_or_default();
    let mut head = format!("{method} {} HTTP/1.1\r\nhost: {host}\r\n", path_of(url));
    for (name, value) in request.headers() {
        let written = write!(head, "{name}: {value}\r\n");
        written.expect("a text takes more");
    }
    head
}
