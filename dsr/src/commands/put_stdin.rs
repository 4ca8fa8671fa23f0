//! Uploads what comes from standard input. It can't be read again, so that an interrupted run begins
//! anew; broken connections do no harm.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;

use client::{Transfer, Uploaded};
use tokio::fs::File;

use super::put_file::{described, settled};
use crate::cli::{Put, pairs};
use crate::failure::Failure;
use crate::output::{document_line, size};
use crate::progress::spinner;
use crate::session::Session;

/// Uploads standard input under the name that was given.
pub async fn put_stdin(session: &Session<'_>, put: &Put) -> Result<(), Failure> {
    let screen = session.screen;
    if put.paths.len() > 1 {
        return Err(Failure::usage(
            "standard input (-) is put alone; a file of that name is ./-",
        ));
    }
    let version_of = match &put.version_of {
        Some(document) => Some(session.find(document).await?),
        None => None,
    };
    let name = match &put.name {
        Some(name) => name.clone(),
        None => return Err(Failure::usage("standard input has no name: use --name")),
    };
    if io::stdin().is_terminal() {
        screen.note("Reading from the terminal; Ctrl-D ends.");
    }
    let target = described(put, name.clone(), version_of, pairs(&put.metadata)?);
    let spinner = spinner(screen, &name);
    let told = spinner.clone();
    let transfer = Transfer {
        on_progress: Some(Arc::new(move |sent| {
            told.set_message(format!("standard input  {}", size(sent)));
        })),
        ..Transfer::default()
    };
    let client = &session.client;
    let input = standard_input().map_err(Failure::file(Path::new("standard input")))?;
    let sent = client.upload_all(input, &target, &transfer);
    let outcome = match sent.await {
        Ok(Uploaded {
            document, version, ..
        }) if put.wait => settled(client, document.id, version).await,
        Ok(uploaded) => Ok(uploaded.document),
        Err(error) => Err(error.into()),
    };
    spinner.finish_and_clear();
    let document = outcome?;
    screen.result(&document, &document_line(&document))?;
    match document.error.filter(|_| put.wait) {
        Some(error) => Err(Failure::InPart(format!(
            "{} ({})",
            error.detail, error.code
        ))),
        None => Ok(()),
    }
}

fn standard_input() -> io::Result<File> {
    let input = io::stdin();
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&input).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&input).try_clone_to_owned()?;
    Ok(File::from_std(own.into()))
}
