//! Downloads: into a file that is complete or not there, or to standard output.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use client::{Content, Uuid};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use crate::cli::{Cat, Get};
use crate::failure::Failure;
use crate::output::size;
use crate::progress::Bars;
use crate::session::Session;

/// Downloads a document into a file, or to standard output.
pub async fn get(session: &Session<'_>, get: &Get) -> Result<(), Failure> {
    let session = &session.of(&get.of).await?;
    let id = session.find(&get.document).await?;
    if get.output.as_deref() == Some(Path::new("-")) {
        return print(session, id, get.version).await;
    }
    let document = session.client.document(id).await?;
    // Whatever the service says, it names no folder.
    let name = Path::new(&document.name).file_name().unwrap_or_default();
    let path = match &get.output {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.clone(),
        None => PathBuf::from(name),
    };
    refuse_existing(&path, get.force)?;
    let content = content(session, id, get.version).await?;
    let length = save(session, content, &path, get.force).await?;
    let text = format!("{}  {}", path.display(), size(length));
    session.screen.result(&document, &text)
}

/// Prints the content of a document.
pub async fn cat(session: &Session<'_>, cat: &Cat) -> Result<(), Failure> {
    let session = &session.of(&cat.of).await?;
    let id = session.find(&cat.document).await?;
    print(session, id, cat.version).await
}

async fn print(session: &Session<'_>, id: Uuid, version: Option<u32>) -> Result<(), Failure> {
    let mut content = content(session, id, version).await?;
    while let Some(bytes) = content.chunk().await? {
        session.screen.bytes(&bytes)?;
    }
    Ok(())
}

async fn content(
    session: &Session<'_>,
    id: Uuid,
    version: Option<u32>,
) -> Result<Content, Failure> {
    Ok(match version {
        Some(number) => session.client.version_content(id, number).await?,
        None => session.client.content(id).await?,
    })
}

/// Refuses a file that exists, unless it is to be replaced. Devices and pipes are written to.
pub fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if path.exists() && !is_device(path) && !force {
        return Err(exists(path));
    }
    Ok(())
}

fn exists(path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!(
        "{path} exists: name another with --output, or replace it with --force"
    ))
}

/// Whether a path leads to something that has no content to replace.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Writes content beside the file, which gets its name when it is complete; until then nothing is
/// there, whatever ends the program. Returns its length.
pub async fn save(
    session: &Session<'_>,
    mut content: Content,
    path: &Path,
    force: bool,
) -> Result<u64, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bars = Bars::new(session.screen, content.length().unwrap_or_default());
    let bar = bars.file(&name, 0, true);
    let written = if is_device(path) {
        let device = fs::OpenOptions::new().write(true).open(path);
        let mut device = device.map(File::from_std).map_err(Failure::file(path))?;
        write(&mut content, &mut device, path, |length| bar.at(length)).await
    } else {
        write_aside(&mut content, path, force, |length| bar.at(length)).await
    };
    bars.end();
    written
}

async fn write_aside(
    content: &mut Content,
    path: &Path,
    force: bool,
    tell: impl Fn(u64),
) -> Result<u64, Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut aside = tempfile::Builder::new();
    aside.prefix(".dsr-").suffix(".part");
    // As any new file, less what the user's mask takes away.
    #[cfg(unix)]
    aside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let aside = aside.tempfile_in(folder).map_err(Failure::file(path))?;
    let (file, aside) = aside.into_parts();
    let mut file = File::from_std(file);
    let length = write(content, &mut file, path, tell).await?;
    file.sync_all().await.map_err(Failure::file(path))?;
    let named = if force {
        aside.persist(path)
    } else {
        aside.persist_noclobber(path)
    };
    match named {
        Ok(()) => Ok(length),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(Failure::file(path)(error.error)),
    }
}

async fn write(
    content: &mut Content,
    file: &mut File,
    path: &Path,
    tell: impl Fn(u64),
) -> Result<u64, Failure> {
    let mut length = 0;
    while let Some(bytes) = content.chunk().await? {
        file.write_all(&bytes).await.map_err(Failure::file(path))?;
        length += bytes.len() as u64;
        tell(length);
    }
    file.flush().await.map_err(Failure::file(path))?;
    Ok(length)
}
