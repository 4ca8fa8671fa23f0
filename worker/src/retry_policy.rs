//! The retry policy: what happens to a job whose attempt failed. Pure rules without effects.

use std::error::Error;
use std::time::Duration;

use domain::{ErrorCode, Failure, Timestamp};
use ledger::{CANCELLED, JobRef, Outcome};

use crate::attempt_error::AttemptError;
use crate::circuits::Outage;
use crate::work::Work;

/// The pause between the first failed attempt and the second.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The factor by which each pause grows: 0.5 s, 2 s, 8 s, 32 s, …
const GROWTH: u32 = 4;

/// The longest pause, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// How often bytes that storage doesn't find are looked for, over about ten seconds. A client shouldn't
/// wait longer to learn it, and if the bytes are there after all, they are kept for a retry.
const LOOKS: u32 = 4;

/// Returns the outcome of a job whose attempt ended with `error`; `None` if the lease was lost.
/// Panics and timeouts are errors like others: another attempt may succeed.
pub fn outcome_of_failure(
    error: &(dyn Error + 'static),
    work: &Work,
    now: Timestamp,
) -> Option<Outcome> {
    let (code, cause) = match error.downcast_ref::<AttemptError>() {
        Some(AttemptError::LeaseLost) => return None,
        Some(AttemptError::Reject(code)) => return Some(rejected(*code, work)),
        Some(AttemptError::Retry { code, cause }) => (*code, with_sources(&**cause)),
        None => (ErrorCode::Internal, with_sources(error)),
    };
    let is_missing = code == ErrorCode::UploadIncomplete && work.claimed.attempt >= LOOKS;
    if is_missing || work.is_last_attempt() {
        return Some(gave_up(code, cause, work));
    }
    let run_at = now.plus(pause(work.claimed.attempt, work.claimed.job));
    Some(Outcome::Again {
        run_at,
        code,
        cause,
    })
}

/// The pause before a job that hit an outage is due again. It is not claimed before the circuit
/// closes.
const AWAY: Duration = Duration::from_secs(5);

/// The pause before a job that needs a place outside the settings is due again.
const UNCONFIGURED: Duration = Duration::from_secs(15);

/// The average rate, in bytes per second, at which a document is rewritten to a full disk: a large
/// one is retried later, so that it doesn't keep the disk busy.
const REWRITTEN: u64 = 16 << 20;

/// Returns the outcome of a job whose attempt failed because of an outage.
pub fn handed_back(
    outage: Outage,
    error: &(dyn Error + 'static),
    work: &Work,
    now: Timestamp,
) -> Outcome {
    let pause = match outage {
        Outage::StorageFull => room_again(work),
        Outage::Database | Outage::Storage => AWAY,
        Outage::UnknownPlace => UNCONFIGURED,
    };
    let cause = match error.downcast_ref::<AttemptError>() {
        Some(AttemptError::Retry { cause, .. }) => with_sources(&**cause),
        _ => with_sources(error),
    };
    Outcome::HandedBack {
        run_at: now.plus(jittered(pause, work.claimed.attempt, work.claimed.job)),
        cause,
    }
}

fn room_again(work: &Work) -> Duration {
    let size = work
        .pending
        .as_ref()
        .map_or(0, |pending| pending.size.bytes());
    (AWAY + Duration::from_secs(size / REWRITTEN)).min(LONGEST_PAUSE)
}

/// Returns the outcome of a job that was started more often than its attempts allow, or that an
/// operator has cancelled.
pub fn crash_loop(work: &Work) -> Outcome {
    let cancelled = work.claimed.last_error.as_deref();
    let cancelled = cancelled.filter(|error| *error == CANCELLED);
    let cause = cancelled
        .unwrap_or("every attempt crashed its worker")
        .to_owned();
    gave_up(ErrorCode::Internal, cause, work)
}

fn rejected(code: ErrorCode, work: &Work) -> Outcome {
    match work.pending {
        Some(_) => Outcome::Failed {
            failure: code.into(),
            gave_up: None,
            leftovers: Vec::new(),
        },
        None => Outcome::Dead {
            cause: code.detail().to_owned(),
        },
    }
}

fn gave_up(code: ErrorCode, cause: String, work: &Work) -> Outcome {
    match work.pending {
        Some(_) => Outcome::Failed {
            failure: Failure::from(code),
            gave_up: Some(cause),
            leftovers: Vec::new(),
        },
        None => Outcome::Dead { cause },
    }
}

/// Returns the pause after an attempt, with up to 25 % jitter derived from the job's id, so that
/// jobs that failed together are retried apart.
fn pause(attempt: u32, job: JobRef) -> Duration {
    let factor = GROWTH.saturating_pow(attempt.saturating_sub(1));
    let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
    jittered(pause, attempt, job)
}

fn jittered(pause: Duration, attempt: u32, job: JobRef) -> Duration {
    let dice = u32::from(job.id.0.as_bytes()[15].rotate_left(attempt % 8));
    pause + pause * dice / (4 * 256)
}

fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use domain::JobId;

    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let job = JobRef {
            id: JobId::new(Timestamp::from_micros(0)),
            fence: 1,
        };
        for (attempt, least) in [(1, 500), (2, 2_000), (3, 8_000), (4, 32_000), (40, 300_000)] {
            let pause = pause(attempt, job).as_millis();
            assert!(
                (least..=least * 5 / 4).contains(&pause),
                "{attempt}: {pause} ms"
            );
        }
    }

    #[test]
    fn a_cause_names_its_sources() {
        let fault = AttemptError::internal(std::io::Error::other("disk on fire"));
        assert_eq!(with_sources(&fault), "the attempt failed: disk on fire");
    }
}
