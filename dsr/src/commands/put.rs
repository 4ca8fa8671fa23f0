//! Uploads files and folders, several at once.

use std::fs;
use std::path::{Path, absolute};
use std::sync::Arc;

use client::Metadata;
use futures::StreamExt as _;
use futures::stream;
use indicatif::HumanCount;

use super::put_file::{Job, put_file};
use super::put_stdin::put_stdin;
use crate::cli::{Put, pairs};
use crate::failure::Failure;
use crate::files::{self, Finding, Found};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::output::{document_line, size};
use crate::progress::Bars;
use crate::session::Session;

/// Uploads what was named.
pub async fn put(session: &Session<'_>, put: &Put) -> Result<(), Failure> {
    let screen = session.screen;
    if put.paths.iter().any(|path| path == Path::new("-")) {
        return put_stdin(session, put).await;
    }
    let metadata = pairs(&put.metadata)?;
    let Finding { files, unreadable } = files::find(&put.paths);
    let count = files.len() + unreadable.len();
    check(put, count)?;
    if count == 0 {
        screen.note("There are no files in it.");
        return Ok(());
    }
    let mut done = Done::default();
    for (path, failure) in unreadable {
        if count > 1 {
            screen.problem(&path, &failure);
        }
        done.fails(failure);
    }
    if files.is_empty() {
        return done.tell(session, put);
    }
    let version_of = match &put.version_of {
        Some(document) => Some(session.find(document).await?),
        None => None,
    };
    let identity = identity(session, put, &metadata);
    let journal = Arc::new(journal(session, &identity, put.restart)?);
    if journal.goes_on() {
        screen.note("Going on with an interrupted upload (--restart uploads everything).");
    }
    let bytes = files.iter().map(|file| file.size).sum();
    let bars = Bars::new(screen, bytes);
    let job = Job {
        session,
        put,
        metadata: &metadata,
        version_of,
        journal: &journal,
        bars: &bars,
        is_alone: count == 1,
    };
    upload_all(&job, &files, &mut done).await?;
    bars.end();
    if done.failed.is_none() {
        journal.end()?;
    }
    done.tell(session, put)
}

/// The journal of the command. Somebody who has no place for it uploads all the same.
fn journal(session: &Session<'_>, identity: &str, restart: bool) -> Result<Journal, Failure> {
    let folders = Folders::find();
    let opened = folders.and_then(|folders| Journal::open(&folders.uploads, identity, restart));
    match opened {
        Err(failure @ (Failure::File { .. } | Failure::Usage(_))) => {
            let why = failure.message();
            session.screen.note(&format!(
                "An interrupted upload won't go on: nothing can be noted ({why})."
            ));
            Ok(Journal::nowhere())
        }
        other => other,
    }
}

/// What has become of the files.
#[derive(Default)]
struct Done {
    uploaded: u64,
    bytes: u64,
    count_failed: u64,
    /// The first failure.
    failed: Option<Failure>,
}

async fn upload_all(job: &Job<'_>, files: &[Found], done: &mut Done) -> Result<(), Failure> {
    let screen = job.session.screen;
    let count = files.len() as u64 + done.count_failed;
    let title = |done: &Done| {
        if !job.is_alone {
            let through = done.uploaded + done.count_failed;
            job.bars.title(&format!("{through} of {count} files"));
        }
    };
    title(done);
    let parallel = usize::from(job.put.parallel.max(1));
    let mut outcomes = stream::iter(files)
        .map(|file| async move { (file, put_file(job, file).await) })
        .buffer_unordered(parallel);
    while let Some((file, outcome)) = outcomes.next().await {
        match outcome {
            Ok(document) => {
                done.uploaded += 1;
                done.bytes += file.size;
                job.bars
                    .beside(|| screen.result(&document, &document_line(&document)))?;
                if let Some(error) = document.error.filter(|_| job.put.wait) {
                    done.uploaded -= 1;
                    done.fails(Failure::InPart(format!(
                        "{} ({})",
                        error.detail, error.code
                    )));
                }
            }
            Err(failure) if is_of_all(&failure) => {
                done.count_failed += 1;
                done.failed = Some(failure);
                break;
            }
            Err(failure) => {
                if !job.is_alone {
                    job.bars.beside(|| screen.problem(&file.path, &failure));
                }
                done.fails(failure);
            }
        }
        title(done);
    }
    Ok(())
}

impl Done {
    fn fails(&mut self, failure: Failure) {
        self.count_failed += 1;
        self.failed.get_or_insert(failure);
    }

    /// Says how it ended.
    fn tell(self, session: &Session<'_>, put: &Put) -> Result<(), Failure> {
        let count = |count: u64| match count {
            1 => "1 document".to_owned(),
            count => format!("{} documents", HumanCount(count)),
        };
        let Some(failure) = self.failed else {
            let state = if put.wait {
                "uploaded and active"
            } else {
                "uploaded"
            };
            let (count, size) = (count(self.uploaded), size(self.bytes));
            session.screen.note(&format!("{count} {state} ({size})."));
            return Ok(());
        };
        if is_of_all(&failure) || (self.uploaded == 0 && self.count_failed == 1) {
            return Err(failure);
        }
        let which = match self.count_failed {
            1 => "",
            _ => ", the first",
        };
        Err(Failure::InPart(format!(
            "{} uploaded, {} failed{which}: {}. The same command tries again what failed",
            count(self.uploaded),
            HumanCount(self.count_failed),
            failure.message(),
        )))
    }
}

/// Whether all files would fail like this. It is told once, instead of what failed of single files.
fn is_of_all(failure: &Failure) -> bool {
    matches!(failure.exit_code(), 3 | 5)
}

/// Some options are for one file alone.
fn check(put: &Put, count: usize) -> Result<(), Failure> {
    let for_one = [
        ("--name", put.name.is_some()),
        ("--unique-name", put.unique_name.is_some()),
        ("--version-of", put.version_of.is_some()),
    ];
    match for_one.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) if count != 1 => Err(Failure::usage(format!(
            "{option} is for one file, and here are {count}"
        ))),
        _ => Ok(()),
    }
}

/// What makes two commands the same: service, user, files and options.
fn identity(session: &Session<'_>, put: &Put, metadata: &Metadata) -> String {
    let paths = put.paths.iter();
    let paths = paths.filter_map(|path| {
        let whole = fs::canonicalize(path).or_else(|_| absolute(path));
        whole.ok()
    });
    let paths: Vec<_> = paths.collect();
    let parts = (
        session.client.url().as_str(),
        &session.key,
        paths,
        (&put.name, &put.unique_name, put.public, &put.media_type),
        (&put.version_of, put.paths_as_metadata, metadata),
    );
    format!("{parts:?}")
}
