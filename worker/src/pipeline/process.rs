//! The pipeline of a version: a sequence of awaited steps, each of which takes the result of the
//! one before. Failures are values; `retry_policy` decides what happens to them.

use crash_points::CrashPoint as At;
use ledger::Outcome;
use tracing::{Instrument as _, debug_span};

use super::activate::activate;
use super::check::check;
use super::discard::discard;
use super::identify::identify;
use super::receive::{Direct, receive};
use super::store::store;
use super::verify::verify;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::{Step, Work};

const RECEIVE: Step = Step {
    kind: "received",
    before: At::BeforeReceive,
    after: At::AfterReceive,
};
const VERIFY: Step = Step {
    kind: "verified",
    before: At::BeforeVerify,
    after: At::AfterVerify,
};
const IDENTIFY: Step = Step {
    kind: "identified",
    before: At::BeforeIdentify,
    after: At::AfterIdentify,
};
const CHECK: Step = Step {
    kind: "checked",
    before: At::BeforeCheck,
    after: At::AfterCheck,
};
const STORE: Step = Step {
    kind: "stored",
    before: At::BeforeStore,
    after: At::AfterStore,
};

/// Takes a pending version to active. Returns `Ok` once the job is settled.
pub async fn process(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    // Is there still something to do? The version may be settled already, or deleted with its
    // document.
    let Some(pending) = &work.pending else {
        tools
            .committer
            .commit(work.settlement(Outcome::Done))
            .await?;
        return Ok(());
    };

    // An operator may repair the row before the last attempt.
    let unreadable = || AttemptError::internal("the row of the version can't be read");
    let upload = pending.upload.as_ref().ok_or_else(unreadable)?;
    let pending = if upload.is_direct {
        let direct = Direct {
            pending,
            upload,
            job: work.claimed.job,
            tools,
        };
        let received = work.step(RECEIVE, &*tools.clock, receive(direct)).await?;
        let pending = work.received.get_or_init(|| received.pending);
        if let Some(refusal) = received.refusal {
            return Err(AttemptError::Reject(refusal));
        }
        pending
    } else {
        pending
    };
    let upload = pending.upload.as_ref().ok_or_else(unreadable)?;

    let (places, clock) = (&tools.places, &*tools.clock);
    let present = work
        .step(VERIFY, clock, verify(pending, upload, places))
        .await?;
    let identified = work
        .step(IDENTIFY, clock, identify(present, places))
        .await?;
    let permitted = work
        .step(CHECK, clock, async { check(identified, &tools.limits) })
        .await?;
    let stored = work
        .step(STORE, clock, store(permitted, places, clock))
        .await?;

    // The commit point. Before it nothing is visible and everything can be repeated; after it the
    // version is active and the job is done.
    work.reach(At::BeforeActivate);
    let activated = activate(stored, work, &tools.committer)
        .instrument(debug_span!("step", step.kind = "activated"))
        .await?;
    work.reach(At::AfterActivate);

    discard(activated, &tools.remover);
    work.reach(At::AfterDiscard);
    Ok(())
}
