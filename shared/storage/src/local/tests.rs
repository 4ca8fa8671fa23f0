//! Tests of the adapter for local files, and its figures.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tempfile::TempDir;
use url::Url;

use super::Local;
use crate::contract::{Unfinished, check_contract};
use crate::{Mark, Marking, SourceStream, Storage, StorageError, WriteError, Writer};
use domain::{InstallationId, Timestamp};

const KEY: &str = "3f/018bcfe5-6800-7000-8000-00000000003f";
const OTHER: &str = "3f/018bcfe5-6800-7000-8000-00000000013f";

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
    check_contract(one, other, Unfinished::Listed).await;
}

#[tokio::test]
async fn what_is_stored_is_readable_by_this_user_alone() {
    let (folder, local) = place().await;
    let url = local.put(KEY, source(b"a"), Writer::Service).await.unwrap();
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
    local
        .put(KEY, Box::pin(broken), Writer::Service)
        .await
        .unwrap_err();
    // Let the background removal of the file run first.
    while drafts(&local) > 0 {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    local
        .put(OTHER, source(b"b"), Writer::Service)
        .await
        .unwrap();
    assert_eq!(drafts(&local), 0);
}

#[tokio::test]
async fn folders_that_vanish_are_made_again() {
    let (_folder, local) = place().await;
    let url = local.put(KEY, source(b"a"), Writer::Service).await.unwrap();
    let path = url.to_file_path().unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    fs::remove_dir_all(local.place().to_file_path().unwrap().join(".aside")).unwrap();
    local
        .put(KEY, source(b"again"), Writer::Service)
        .await
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), b"again");
}

#[tokio::test]
async fn a_place_that_vanished_is_not_ready() {
    let (_folder, local) = place().await;
    local.check().await.unwrap();
    fs::remove_dir_all(local.place().to_file_path().unwrap()).unwrap();
    local.check().await.unwrap_err();
}

/// Nothing is written, found or removed: whether it is there isn't known.
async fn is_away(local: &Local, url: &Url) {
    let away = |error: StorageError| assert!(matches!(error, StorageError::Unavailable { .. }));
    let written = local.put(OTHER, source(b"b"), Writer::Service).await;
    assert!(matches!(
        written.unwrap_err(),
        WriteError::Storage(StorageError::Unavailable { .. })
    ));
    away(local.open(url, None).await.map(drop).unwrap_err());
    away(local.stat(url).await.unwrap_err());
    away(local.delete(url).await.unwrap_err());
    away(local.check().await.unwrap_err());
}

#[tokio::test]
async fn a_folder_that_comes_to_its_path_is_another_one() {
    let (folder, local) = place().await;
    let installation = InstallationId::new(Timestamp::from_micros(0));
    local.set_mark(installation, Marking::First).await.unwrap();
    assert_eq!(local.mark().await.unwrap(), Some(Mark::Of(installation)));
    let url = local.put(KEY, source(b"a"), Writer::Service).await.unwrap();
    let (root, elsewhere) = (
        local.place().to_file_path().unwrap(),
        folder.path().join("elsewhere"),
    );
    fs::rename(&root, &elsewhere).unwrap();
    is_away(&local, &url).await;
    assert!(!root.exists());
    // What is below the mount point of a volume, with folders as there are in it.
    fs::create_dir_all(root.join(&KEY[..2])).unwrap();
    fs::create_dir(root.join(".aside")).unwrap();
    is_away(&local, &url).await;
    fs::remove_dir_all(&root).unwrap();
    fs::rename(&elsewhere, &root).unwrap();
    assert_eq!(local.stat(&url).await.unwrap().unwrap().size.bytes(), 1);
    local.check().await.unwrap();
    // It was copied back, with its mark.
    let path = url.to_file_path().unwrap();
    fs::rename(&root, &elsewhere).unwrap();
    for file in [path.as_path(), &root.join(".dossier/installation")] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let from = elsewhere.join(file.strip_prefix(&root).unwrap());
        fs::copy(from, file).unwrap();
    }
    local.stat(&url).await.unwrap().unwrap();
    local.check().await.unwrap();
    local.delete(&url).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_not_ours_is_neither_listed_nor_swept() {
    let (_folder, local) = place().await;
    let root = local.place().to_file_path().unwrap();
    let url = local.put(KEY, source(b"a"), Writer::Service).await.unwrap();
    let name = &KEY[3..];
    for foreign in [
        "README.txt",
        "taxes-2023",
        "photos/2024-01-01/img001",
        "3f/img001",
        "3f/00000000-0000-4000-8000-00000000003f",
        &format!("40/{name}"),
        &format!("3f/3f/{name}"),
        &format!("3F/{name}"),
        &format!("3f/{}", name.to_uppercase()),
        &format!("3f/{}", name.replace('-', "")),
        &format!("a/{KEY}"),
        name,
        ".aside/notes",
        ".aside/018bcfe5680070008000000000000f3f",
        ".aside/67e55044-10b1-426f-9247-bb680e5fe0c8",
        ".dossier/installation.bak",
    ] {
        let path = root.join(foreign);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "by hand").unwrap();
    }
    fs::create_dir(root.join("lost+found")).unwrap();
    let link = "3f/018bcfe5-6800-7000-8000-00000000023f";
    symlink("/etc/passwd", root.join(link)).unwrap();
    symlink(root.join("3f"), root.join("41")).unwrap();
    symlink(
        "/etc/passwd",
        root.join(".aside/67e5504410b1426f9247bb680e5fe0c9"),
    )
    .unwrap();
    let draft = root.join(".aside/67e5504410b1426f9247bb680e5fe0c8");
    fs::write(&draft, "by half").unwrap();
    let before = files(&root);

    let listed: Vec<_> = local.list(None).await.unwrap().try_collect().await.unwrap();
    let urls: Vec<_> = listed.into_iter().map(|entry| entry.url).collect();
    assert_eq!(urls, [url]);
    let late = Timestamp::from_micros(i64::MAX / 2);
    assert_eq!(local.sweep(late).await.unwrap(), 1);
    assert!(!draft.exists());
    assert_eq!(files(&root), before - 1);
}

/// Counts files and links.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path()),
            _ => 1,
        })
        .sum()
}

#[tokio::test]
async fn a_mark_is_private_and_makes_no_place_anew() {
    let (_folder, local) = place().await;
    let root = local.place().to_file_path().unwrap();
    let installation = InstallationId::new(Timestamp::from_micros(0));
    local.set_mark(installation, Marking::First).await.unwrap();
    assert_eq!(mode(&root.join(".dossier")), 0o700);
    assert_eq!(mode(&root.join(".dossier/installation")), 0o600);
    fs::write(root.join(".dossier/installation"), "?").unwrap();
    assert_eq!(local.mark().await.unwrap(), Some(Mark::Unknown));
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(local.mark().await.unwrap(), None);
    for marking in [Marking::First, Marking::Over] {
        local.set_mark(installation, marking).await.unwrap_err();
    }
    assert!(!root.exists());
}
