//! Tests of the adapter for local files, and its figures.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tempfile::TempDir;
use url::Url;

use super::Local;
use crate::storage::contract::check_contract;
use crate::storage::{SourceStream, Storage};

async fn place() -> (TempDir, Arc<Local>) {
    let folder = tempfile::tempdir().unwrap();
    let local = connect(&folder.path().join("a place/below")).await;
    (folder, local)
}

async fn connect(path: &Path) -> Arc<Local> {
    let place = Url::from_directory_path(path).unwrap();
    Arc::new(Local::connect(&place).await.unwrap())
}

fn source(bytes: &'static [u8]) -> SourceStream<'static> {
    Box::pin(stream::iter([Ok(Bytes::from_static(bytes))]))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn drafts(local: &Local) -> usize {
    let path = local.place().to_file_path().unwrap().join(".aside");
    fs::read_dir(path).map_or(0, Iterator::count)
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let (_folder, one) = place().await;
    let (_other_folder, other) = place().await;
    check_contract(one, other).await;
}

#[tokio::test]
async fn what_is_stored_is_readable_by_this_user_alone() {
    let (folder, local) = place().await;
    let url = local.put("3f/a", source(b"a")).await.unwrap();
    let path = url.to_file_path().unwrap();
    assert_eq!(mode(&path), 0o600);
    for parent in path.ancestors().skip(1).take(3) {
        assert_eq!(mode(parent), 0o700, "{}", parent.display());
    }
    assert!(path.starts_with(folder.path()));
}

#[tokio::test]
async fn what_breaks_off_leaves_no_file() {
    let (_folder, local) = place().await;
    let chunk = || Ok(Bytes::from(vec![1; 100_000]));
    let broken = stream::iter((0..20).map(|_| chunk())).chain(stream::iter([Err("gone".into())]));
    local.put("3f/a", Box::pin(broken)).await.unwrap_err();
    // The file is removed in the background: let that go first.
    while drafts(&local) > 0 {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    local.put("3f/b", source(b"b")).await.unwrap();
    assert_eq!(drafts(&local), 0);
}

#[tokio::test]
async fn folders_that_vanish_are_made_again() {
    let (_folder, local) = place().await;
    let url = local.put("3f/a", source(b"a")).await.unwrap();
    let path = url.to_file_path().unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    fs::remove_dir_all(local.place().to_file_path().unwrap().join(".aside")).unwrap();
    local.put("3f/a", source(b"again")).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"again");
}

#[tokio::test]
async fn a_place_that_vanished_is_not_ready() {
    let (_folder, local) = place().await;
    local.check().await.unwrap();
    fs::remove_dir_all(local.place().to_file_path().unwrap()).unwrap();
    local.check().await.unwrap_err();
}

#[tokio::test]
async fn what_is_no_object_is_not_listed() {
    let (_folder, local) = place().await;
    let root = local.place().to_file_path().unwrap();
    let url = local.put("3f/a", source(b"a")).await.unwrap();
    fs::write(root.join("README.txt"), "by hand").unwrap();
    fs::create_dir(root.join("lost+found")).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("3f/link")).unwrap();
    let listed: Vec<_> = local.list(None).await.unwrap().try_collect().await.unwrap();
    let urls: Vec<_> = listed.into_iter().map(|entry| entry.url).collect();
    assert_eq!(urls, [url]);
}
