//! What becomes of a job whose attempt failed: pure rules, no effect.

use std::error::Error;
use std::time::Duration;

use domain::{ErrorCode, Failure, Timestamp};
use ledger::{JobRef, Outcome};

use crate::circuits::Suspect;
use crate::fault::Fault;
use crate::work::Work;

/// How long after the first failed attempt the second one follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Each pause is so many times as long as the one before: 0.5 s, 2 s, 8 s, 32 s, …
const GROWTH: u32 = 4;

/// No pause is longer than this, jitter apart.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What `error`, which an attempt ended with, makes of the job; `None` if it is no longer
/// ours to say. Panics and timeouts are errors like others: another attempt may pass.
pub fn verdict(error: &(dyn Error + 'static), work: &Work, now: Timestamp) -> Option<Outcome> {
    let (code, cause) = match error.downcast_ref::<Fault>() {
        Some(Fault::LeaseLost) => return None,
        Some(Fault::Reject(code)) => return Some(rejected(*code, work)),
        Some(Fault::Retry { code, cause }) => (*code, with_sources(&**cause)),
        None => (ErrorCode::Internal, with_sources(error)),
    };
    if work.is_last_attempt() {
        return Some(gave_up(code, cause, work));
    }
    let run_at = now.plus(pause(work.claimed.attempt, work.claimed.job));
    Some(Outcome::Again {
        run_at,
        code,
        cause,
    })
}

/// How soon a job is due again that met a part that is away. Nobody claims it before that is back.
const AWAY: Duration = Duration::from_secs(5);

/// How much of a document for which there was no room is written anew in a second, in the long
/// run: a large one comes back later, so that it doesn't keep a full disk busy.
const REWRITTEN: u64 = 16 << 20;

/// What becomes of a job whose attempt failed by a part that is away.
pub fn handed_back(
    suspect: Suspect,
    error: &(dyn Error + 'static),
    work: &Work,
    now: Timestamp,
) -> Outcome {
    let pause = match suspect {
        Suspect::Full => room_again(work),
        Suspect::Database | Suspect::Storage => AWAY,
    };
    let cause = match error.downcast_ref::<Fault>() {
        Some(Fault::Retry { cause, .. }) => with_sources(&**cause),
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

/// The end of a job that was begun more often than it may be.
pub fn crash_loop(work: &Work) -> Outcome {
    let cause = "every attempt ended with its worker".to_owned();
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

/// The pause after an attempt, with up to a quarter more. The id of the job is the dice:
/// jobs that failed together come back apart.
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
        let fault = Fault::internal(std::io::Error::other("disk on fire"));
        assert_eq!(with_sources(&fault), "the attempt failed: disk on fire");
    }
}
