//! Group commit: items that arrive while a transaction runs share the next one.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use super::{ConflictRetries, DbError};

/// Writes a group in one transaction and returns a result for each member, in their order.
pub trait GroupWriter: Send + Sync + 'static {
    /// An item to be written.
    type Item: Clone + Send + Sync + 'static;
    /// The result for its sender.
    type Answer: Send + 'static;

    /// Writes all of `items` or none.
    fn write(
        &self,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, DbError>> + Send;
}

/// A member without a result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupCommitError {
    /// The transaction failed, or its commit is uncertain.
    #[error("the group could not be committed")]
    Failed(#[source] Arc<DbError>),
    /// The writer panicked, so the commit is uncertain.
    #[error("the writer of the group panicked")]
    Panicked,
    /// The process is shutting down.
    #[error("the service is shutting down")]
    Closed,
}

/// How long a group waits for as many members as the last one had: this part of the time that one
/// took. Whoever was answered sends the next item at about the same time as the others.
const GATHERING_PART: u32 = 4;

/// The longest wait for further members.
const GATHERING: Duration = Duration::from_millis(3);

type Member<W> = (
    <W as GroupWriter>::Item,
    oneshot::Sender<Result<<W as GroupWriter>::Answer, GroupCommitError>>,
);

/// A handle of a writer: any number of senders, one group at a time.
pub struct GroupCommit<W: GroupWriter> {
    members: mpsc::Sender<Member<W>>,
}

impl<W: GroupWriter> Clone for GroupCommit<W> {
    fn clone(&self) -> Self {
        Self {
            members: self.members.clone(),
        }
    }
}

impl<W: GroupWriter> fmt::Debug for GroupCommit<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").finish_non_exhaustive()
    }
}

impl<W: GroupWriter> GroupCommit<W> {
    /// Starts a task that writes groups of at most `most` members. It ends when every clone of the
    /// handle is dropped and the last group is written.
    pub fn start(writer: W, most: usize) -> Self {
        let (members, mut waiting) = mpsc::channel::<Member<W>>(most);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(most);
            let mut last = LastGroup::new();
            while waiting.recv_many(&mut group, most).await > 0 {
                last.gather(&mut waiting, &mut group).await;
                let (members, begin) = (group.len(), Instant::now());
                let commit = commit(&writer, std::mem::take(&mut group));
                // A panic affects only its own group, whose senders get no result: the writer keeps
                // no state between groups.
                if AssertUnwindSafe(commit).catch_unwind().await.is_err() {
                    error!("a group was not committed: its writer panicked");
                }
                last = LastGroup::ended(members, begin);
            }
        });
        Self { members }
    }

    /// Writes `item` together with others that arrive at the same time, and returns once it is
    /// committed. It is written even if the returned future is dropped after its first poll.
    pub async fn submit(&self, item: W::Item) -> Result<W::Answer, GroupCommitError> {
        let (sender, answer) = oneshot::channel();
        self.members
            .send((item, sender))
            .await
            .map_err(|_| GroupCommitError::Closed)?;
        answer.await.map_err(|_| GroupCommitError::Panicked)?
    }
}

/// The last group of a writer.
struct LastGroup {
    members: usize,
    took: Duration,
    end: Instant,
}

impl LastGroup {
    /// There was none.
    fn new() -> Self {
        Self {
            members: 0,
            took: Duration::ZERO,
            end: Instant::now(),
        }
    }

    fn ended(members: usize, begin: Instant) -> Self {
        Self {
            members,
            took: begin.elapsed(),
            end: Instant::now(),
        }
    }

    /// Waits for as many members as this group had. Who comes alone, or after a rest, waits for
    /// nobody.
    async fn gather<T>(&self, waiting: &mut mpsc::Receiver<T>, group: &mut Vec<T>) {
        if self.end.elapsed() > self.took {
            return;
        }
        let until = Instant::now() + (self.took / GATHERING_PART).min(GATHERING);
        while group.len() < self.members {
            let room = self.members - group.len();
            match timeout_at(until, waiting.recv_many(group, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

/// Retries a group that conflicted with another transaction, and a single member whose row was
/// added or removed concurrently, so that it gets the specific error.
async fn write<W: GroupWriter>(writer: &W, items: &[W::Item]) -> Result<Vec<W::Answer>, DbError> {
    let mut retries = ConflictRetries::default();
    loop {
        match writer.write(items).await {
            Err(error) if retries.should_retry(&error) => {}
            Err(DbError::Constraint(_)) if items.len() == 1 && retries.count_failure() => {}
            answer => return answer,
        }
    }
}

async fn commit<W: GroupWriter>(writer: &W, group: Vec<Member<W>>) {
    let (items, senders): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    match write(writer, &items).await {
        Ok(answers) => {
            for (sender, answer) in senders.into_iter().zip(answers) {
                let _ = sender.send(Ok(answer));
            }
        }
        // One bad member must not fail the others: each is written alone.
        Err(DbError::Constraint(_) | DbError::Statement(_) | DbError::TakenOver)
            if items.len() > 1 =>
        {
            for (item, sender) in items.into_iter().zip(senders) {
                Box::pin(commit(writer, vec![(item, sender)])).await;
            }
        }
        Err(error) => {
            warn!(
                error = &error as &dyn std::error::Error,
                group.size = items.len(),
                "a group was not committed"
            );
            let error = Arc::new(error);
            for sender in senders {
                let _ = sender.send(Err(GroupCommitError::Failed(Arc::clone(&error))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Recorder {
        groups: Arc<Mutex<Vec<usize>>>,
        /// -2 is refused until it was tried so often.
        refusals: Mutex<usize>,
    }

    impl GroupWriter for Recorder {
        type Item = i32;
        type Answer = i32;

        async fn write(&self, items: &[i32]) -> Result<Vec<i32>, DbError> {
            tokio::task::yield_now().await;
            assert!(!items.contains(&-3), "a writer that panics");
            if items.contains(&-1) {
                return Err(DbError::Constraint(sea_orm::DbErr::Custom(
                    "bad member".into(),
                )));
            }
            let refusals = &mut *self.refusals.lock().unwrap();
            if items.contains(&-2) && *refusals > 0 {
                *refusals -= 1;
                return Err(DbError::Constraint(sea_orm::DbErr::Custom(
                    "went at the last moment".into(),
                )));
            }
            self.groups.lock().unwrap().push(items.len());
            Ok(items.iter().map(|item| item * 2).collect())
        }
    }

    #[tokio::test]
    async fn what_arrives_together_shares_a_transaction() {
        let recorder = Recorder::default();
        let groups = Arc::clone(&recorder.groups);
        let door = GroupCommit::start(recorder, 64);
        let answers = futures::future::join_all((0..40).map(|item| door.submit(item))).await;
        for (item, answer) in (0..40).zip(answers) {
            assert_eq!(answer.unwrap(), item * 2);
        }
        assert!(
            groups.lock().unwrap().len() < 10,
            "{:?}",
            groups.lock().unwrap()
        );
    }

    #[tokio::test]
    async fn a_group_waits_for_as_many_as_were_answered_together() {
        let (sender, mut waiting) = mpsc::channel(64);
        let last = LastGroup::ended(16, Instant::now() - Duration::from_mins(10));
        for item in 1..20 {
            sender.send(item).await.unwrap();
        }
        let mut group = vec![0];
        last.gather(&mut waiting, &mut group).await;
        assert_eq!(group, (0..16).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_comes_alone_or_after_a_rest_waits_for_nobody() {
        let (_sender, mut waiting) = mpsc::channel(64);
        let long = Duration::from_mins(10);
        let rested = LastGroup {
            members: 16,
            took: long,
            end: Instant::now() - long * 2,
        };
        for last in [
            LastGroup::new(),
            LastGroup::ended(1, Instant::now() - long),
            rested,
        ] {
            let mut group = vec![0];
            let gathering = last.gather(&mut waiting, &mut group).now_or_never();
            assert_eq!((gathering, group.len()), (Some(()), 1));
        }
    }

    #[tokio::test]
    async fn a_bad_member_harms_nobody_else() {
        let door = GroupCommit::start(Recorder::default(), 64);
        let answers = futures::future::join_all([1, -1, 3].map(|item| door.submit(item))).await;
        assert_eq!(answers[0].as_ref().unwrap(), &2);
        assert!(answers[1].is_err());
        assert_eq!(answers[2].as_ref().unwrap(), &6);
    }

    #[tokio::test]
    async fn a_member_that_meets_a_change_at_the_last_moment_is_written_again() {
        let recorder = Recorder {
            refusals: Mutex::new(2),
            ..Recorder::default()
        };
        let door = GroupCommit::start(recorder, 64);
        assert_eq!(door.submit(-2).await.unwrap(), -4);
    }

    #[tokio::test]
    async fn a_writer_that_panics_loses_its_group_and_goes_on() {
        let door = GroupCommit::start(Recorder::default(), 64);
        let answers = futures::future::join_all([1, -3].map(|item| door.submit(item))).await;
        for answer in answers {
            assert!(
                matches!(answer, Err(GroupCommitError::Panicked)),
                "{answer:?}"
            );
        }
        for item in 0..3 {
            assert_eq!(door.submit(item).await.unwrap(), item * 2);
        }
    }
}
