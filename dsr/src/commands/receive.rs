//! Downloads: into a file that is complete or not there, or to standard output.

use std::path::{Path, PathBuf};

use client::Content;
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use crate::cli::{Cat, Get};
use crate::failure::Failure;
use crate::output::size;
use crate::progress::Bars;
use crate::session::Session;

/// Downloads a document into a file.
pub async fn get(session: &Session<'_>, get: &Get) -> Result<(), Failure> {
    let document = session
        .client
        .document(session.find(&get.document).await?)
        .await?;
    // Whatever the service says, it names no folder.
    let name = Path::new(&document.name).file_name().unwrap_or_default();
    let path = match &get.output {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.clone(),
        None => PathBuf::from(name),
    };
    refuse_existing(&path, get.force)?;
    let content = match get.version {
        Some(number) => session.client.version_content(document.id, number).await?,
        None => session.client.content(document.id).await?,
    };
    let length = save(session, content, &path).await?;
    let text = format!("{}  {}", path.display(), size(length));
    session.screen.result(&document, &text)
}

/// Prints the content of a document.
pub async fn cat(session: &Session<'_>, cat: &Cat) -> Result<(), Failure> {
    let id = session.find(&cat.document).await?;
    let mut content = match cat.version {
        Some(number) => session.client.version_content(id, number).await?,
        None => session.client.content(id).await?,
    };
    while let Some(bytes) = content.chunk().await? {
        session.screen.bytes(&bytes)?;
    }
    Ok(())
}

/// Refuses a file that exists, unless it is to be replaced.
pub fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if path.exists() && !force {
        let path = path.display();
        return Err(Failure::usage(format!(
            "{path} exists: name another with --output, or replace it with --force"
        )));
    }
    Ok(())
}

/// Writes content beside the file, and renames it when it is complete. Returns its length.
pub async fn save(
    session: &Session<'_>,
    mut content: Content,
    path: &Path,
) -> Result<u64, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let bars = Bars::new(session.screen, content.length().unwrap_or_default());
    let bar = bars.file(&name, 0, true);
    let written = write(&mut content, &aside, |length| bar.at(length)).await;
    bars.end();
    match written {
        Ok(length) => {
            fs::rename(&aside, path)
                .await
                .map_err(Failure::file(path))?;
            Ok(length)
        }
        Err(failure) => {
            drop(fs::remove_file(&aside).await);
            Err(failure)
        }
    }
}

async fn write(content: &mut Content, path: &Path, tell: impl Fn(u64)) -> Result<u64, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = options.open(path).await.map_err(Failure::file(path))?;
    let mut length = 0;
    while let Some(bytes) = content.chunk().await? {
        file.write_all(&bytes).await.map_err(Failure::file(path))?;
        length += bytes.len() as u64;
        tell(length);
    }
    file.sync_all().await.map_err(Failure::file(path))?;
    Ok(length)
}
