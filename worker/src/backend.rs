//! The ledger as an apalis backend: passes claimed jobs of one queue to its worker, and releases
//! those that were not started when it stops. `claims` does the claiming.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use apalis::prelude::{Backend, Task, TaskBuilder, TaskId, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tower::layer::util::Identity;

use crate::claims::Returns;
use crate::work::Work;

/// Claimed jobs of one queue.
pub struct LedgerBackend {
    claimed: mpsc::UnboundedReceiver<Arc<Work>>,
    returns: Returns,
    closing: Option<BoxFuture<'static, ()>>,
}

impl LedgerBackend {
    /// Yields the jobs received through `claimed`.
    pub const fn new(claimed: mpsc::UnboundedReceiver<Arc<Work>>, returns: Returns) -> Self {
        Self {
            claimed,
            returns,
            closing: None,
        }
    }

    /// Releases jobs that were claimed but not started.
    fn close(&mut self) -> BoxFuture<'static, ()> {
        self.claimed.close();
        let mut unbegun = Vec::new();
        while let Ok(work) = self.claimed.try_recv() {
            unbegun.push(work);
        }
        let returns = self.returns.clone();
        async move {
            let jobs: Vec<_> = unbegun.iter().map(|work| work.claimed.job).collect();
            returns.hand_back(&jobs).await;
        }
        .boxed()
    }
}

impl Backend for LedgerBackend {
    type Task = Task<Arc<Work>>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let work = ready!(self.claimed.poll_recv(context));
        Poll::Ready(work.map(|work| Ok(task_of(work))))
    }

    fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        let mut closing = match self.closing.take() {
            Some(closing) => closing,
            None => self.close(),
        };
        let closed = closing.poll_unpin(context).map(Ok);
        self.closing = Some(closing).filter(|_| closed.is_pending());
        closed
    }
}

/// The task carries the work twice: as the handler's argument and for the acknowledgement.
fn task_of(work: Arc<Work>) -> Task<Arc<Work>> {
    TaskBuilder::new(Arc::clone(&work))
        .task_id(TaskId::from_string(work.claimed.job.id.to_string()))
        .data(work)
        .build()
}

impl BackendConfig for LedgerBackend {
    type Args = Arc<Work>;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
