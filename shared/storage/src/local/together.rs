//! Small objects that arrive at the same moment are written by one blocking call, one after another, and
//! made durable by two syncs: a thread for each would wait for the same disk, and cost more to wake than
//! its object costs to write.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{panicking, park_timeout};
use std::time::Instant;

use tokio::sync::oneshot;

use super::batch::Batch;
use super::draft::{Aside, Draft};
use super::folders::Folders;
use super::shared_sync::{GATHERING, QUIET, Writer};

/// Writes small objects of a place.
#[derive(Debug)]
pub(super) struct Together {
    aside: Aside,
    folders: Arc<Folders>,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Object>,
    /// Whether a blocking call writes what waits.
    is_running: bool,
}

/// An object to write.
#[derive(Debug)]
struct Object {
    bytes: Batch,
    target: PathBuf,
    /// Closed if nobody waits for the object any more: it is not written then.
    answer: oneshot::Sender<io::Result<()>>,
}

/// An object whose bytes are in a temporary file.
struct Written {
    draft: Draft,
    target: PathBuf,
    answer: oneshot::Sender<io::Result<()>>,
}

/// Ends the writing after a panic: who waits is told by their closed channels, and who comes later
/// begins anew.
struct Running<'a>(&'a Together);

impl Together {
    /// For the place of these folders.
    pub(super) fn of(folders: &Arc<Folders>, aside: &Aside) -> Arc<Self> {
        Arc::new(Self {
            aside: aside.clone(),
            folders: Arc::clone(folders),
            queue: Mutex::default(),
        })
    }

    /// Writes an object to `target`. It survives a power cut once this returns.
    pub(super) async fn write(self: &Arc<Self>, bytes: Batch, target: PathBuf) -> io::Result<()> {
        let (answer, written) = oneshot::channel();
        let begins = {
            let mut queue = self.queue();
            // A disk that hangs keeps those who still wait, and nobody else.
            queue.waiting.retain(|object| !object.answer.is_closed());
            queue.waiting.push(Object {
                bytes,
                target,
                answer,
            });
            !std::mem::replace(&mut queue.is_running, true)
        };
        if begins {
            let this = Arc::clone(self);
            tokio::task::spawn_blocking(move || this.run());
        }
        let gone = |_| Err(io::Error::other("the writer ended"));
        written.await.unwrap_or_else(gone)
    }

    /// Writes what waits, until nothing does.
    fn run(&self) {
        let _running = Running(self);
        loop {
            let objects = {
                let mut queue = self.queue();
                if queue.waiting.is_empty() {
                    queue.is_running = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            let group = self.gather(objects);
            publish(&self.folders, group);
        }
    }

    /// Writes `objects` and those that arrive meanwhile: what was claimed together comes one after
    /// another, as the processors allow.
    fn gather(&self, objects: Vec<Object>) -> Vec<Written> {
        let begin = Instant::now();
        let mut group = self.draft_all(objects);
        while group.len() > 1 && begin.elapsed() < GATHERING {
            let mut more = std::mem::take(&mut self.queue().waiting);
            if more.is_empty() {
                park_timeout(QUIET);
                more = std::mem::take(&mut self.queue().waiting);
            }
            if more.is_empty() {
                break;
            }
            group.extend(self.draft_all(more));
        }
        group
    }

    fn draft_all(&self, objects: Vec<Object>) -> Vec<Written> {
        let wanted = objects.into_iter();
        let wanted = wanted.filter(|object| !object.answer.is_closed());
        wanted.filter_map(|object| self.draft(object)).collect()
    }

    /// Writes the bytes into a temporary file. A failure concerns this object alone.
    fn draft(&self, object: Object) -> Option<Written> {
        let written = self.aside.begin().and_then(|mut draft| {
            draft.write(object.bytes)?;
            Ok(draft)
        });
        match written {
            Ok(draft) => Some(Written {
                draft,
                target: object.target,
                answer: object.answer,
            }),
            Err(error) => {
                reply(object.answer, Err(error));
                None
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !panicking() {
            return;
        }
        let mut queue = self.0.queue();
        queue.is_running = false;
        queue.waiting.clear();
    }
}

/// Renames the files of a group to their targets, durably, and tells who waits for each. Contents are
/// synced before their names: what is seen is whole, even after a power cut.
fn publish(folders: &Folders, group: Vec<Written>) {
    let file_system = folders.file_system();
    let writers: Vec<_> = group.iter().map(|_| file_system.begin()).collect();
    let shares = writers.last().is_some_and(Writer::is_one_of_many);
    let has_synced = shares && file_system.sync_now().is_ok();
    drop(writers);
    let mut placed = Vec::with_capacity(group.len());
    for mut one in group {
        if one.answer.is_closed() {
            continue;
        }
        if !has_synced || !one.draft.may_share() {
            let published = one.draft.publish(folders, &one.target);
            reply(one.answer, published);
            continue;
        }
        match one.draft.place(folders, &one.target) {
            Ok(()) => placed.push(one),
            Err(error) => reply(one.answer, Err(error)),
        }
    }
    if placed.is_empty() {
        return;
    }
    let have_names_synced = file_system.sync_now().is_ok();
    for one in placed {
        let durable = if have_names_synced && one.draft.may_share() {
            Ok(())
        } else {
            folders.sync_around(&one.target)
        };
        reply(one.answer, durable);
    }
}

fn reply(answer: oneshot::Sender<io::Result<()>>, outcome: io::Result<()>) {
    // Whoever asked may be gone.
    drop(answer.send(outcome));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn together(folder: &Path) -> Arc<Together> {
        let folders = Arc::new(Folders::below(folder.join("place")).unwrap());
        let aside = Aside::of(&folders, ".aside");
        Together::of(&folders, &aside)
    }

    fn batch(text: &str) -> Batch {
        let mut batch = Batch::default();
        batch.push(text.to_owned().into());
        batch
    }

    fn drafts(together: &Together) -> usize {
        std::fs::read_dir(together.aside.path()).unwrap().count()
    }

    #[tokio::test]
    async fn objects_that_arrive_together_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let together = together(folder.path());
        let place = together.folders.path().to_owned();
        let many = (0..200).map(|number| {
            let (together, place) = (Arc::clone(&together), place.clone());
            async move {
                let target = place.join(format!("{}/{number}", number % 7));
                let text = number.to_string();
                together.write(batch(&text), target.clone()).await.unwrap();
                assert_eq!(std::fs::read_to_string(target).unwrap(), text);
            }
        });
        futures::future::join_all(many).await;
        assert_eq!(drafts(&together), 0);
        assert!(!together.queue().is_running);
    }

    #[tokio::test]
    async fn who_fails_fails_alone() {
        let folder = tempfile::tempdir().unwrap();
        let together = together(folder.path());
        let place = together.folders.path().to_owned();
        // A file stands where a folder is wanted.
        std::fs::write(place.join("in-the-way"), "").unwrap();
        let targets = (0..12).map(|number| match number % 3 {
            0 => place.join(format!("in-the-way/{number}")),
            _ => place.join(format!("free/{number}")),
        });
        let writes = targets.map(|target| {
            let together = Arc::clone(&together);
            async move { together.write(batch("text"), target).await.is_ok() }
        });
        let outcomes = futures::future::join_all(writes).await;
        let expected: Vec<_> = (0..12).map(|number| number % 3 != 0).collect();
        assert_eq!(outcomes, expected);
        assert_eq!(std::fs::read_dir(place.join("free")).unwrap().count(), 8);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let together = together(folder.path());
        let place = together.folders.path().to_owned();
        together.queue().is_running = true;
        for number in 0..100 {
            let writing = together.write(batch("text"), place.join(format!("free/{number}")));
            assert!(futures::FutureExt::now_or_never(writing).is_none());
        }
        // Who hangs up makes room.
        assert_eq!(together.queue().waiting.len(), 1);
        together.run();
        assert!(!place.join("free").exists());
        assert!(!together.queue().is_running);
        let target = place.join("free/wanted");
        together.write(batch("text"), target.clone()).await.unwrap();
        assert!(target.exists());
    }
}
