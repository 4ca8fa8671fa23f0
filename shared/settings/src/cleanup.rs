//! Retention settings.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::values;
use domain::{Retention, Share};

/// Settings of the cleanup, which workers run on a schedule.
#[derive(Args, Clone, Debug)]
pub struct CleanupSettings {
    /// The number of active versions to keep of each document, newest first; 0 keeps all
    #[arg(
        long,
        env = "DOSSIER_KEEP_VERSIONS",
        global = true,
        default_value_t = 0,
        value_name = "NUMBER"
    )]
    pub keep_versions: u32,

    /// How long to keep archived documents before deleting them: never (deleted), or a duration
    /// such as 30d
    #[arg(
        long,
        env = "DOSSIER_PURGE_ARCHIVED_AFTER",
        global = true,
        default_value = "never",
        value_name = "DURATION"
    )]
    pub purge_archived_after: Age,

    /// How long to keep documents in error and failed versions
    #[arg(long, env = "DOSSIER_KEEP_FAILURES", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_failures: Duration,

    /// How long to keep finished bulk operations with their items; after that they can't be undone
    #[arg(long, env = "DOSSIER_KEEP_OPERATIONS", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_operations: Duration,

    /// How long to keep events; each document keeps its latest events for longer
    #[arg(long, env = "DOSSIER_KEEP_EVENTS", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_events: Duration,

    /// How long to keep the staged bytes of a failed document, so that its owner can retry; 0s
    /// keeps none
    #[arg(long, env = "DOSSIER_KEEP_FAILED_FOR", global = true, default_value = "24h", value_name = "DURATION", value_parser = values::parse_time)]
    pub keep_failed_for: Duration,

    /// The age at which bytes without a row count as orphaned, at least 10s; an upload may take up
    /// to half of it. Set the same value for ingress and workers
    #[arg(long, env = "DOSSIER_STRAY_AFTER", global = true, default_value = "24h", value_name = "DURATION", value_parser = values::parse_stray)]
    pub stray_after: Duration,

    /// How long orphaned stored bytes stay in quarantine before they are removed; 0s removes them
    /// with the next cleanup
    #[arg(long, env = "DOSSIER_KEEP_QUARANTINED_FOR", global = true, default_value = "7d", value_name = "DURATION", value_parser = values::parse_time)]
    pub keep_quarantined_for: Duration,

    /// The largest share of a place's objects that one sweep may remove as orphaned, in percent,
    /// beyond a few dozen; the sweep stops and logs an error if there are more
    #[arg(
        long,
        env = "DOSSIER_MAX_SWEEP_SHARE",
        global = true,
        default_value = "10%",
        value_name = "SHARE"
    )]
    pub max_sweep_share: Share,

    /// How long to keep dead jobs, so that they can be inspected and retried
    #[arg(long, env = "DOSSIER_KEEP_DEAD_JOBS_FOR", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_dead_jobs_for: Duration,

    /// How long an object is kept after it was moved to another place
    #[arg(long, env = "DOSSIER_KEEP_MOVED_FOR", global = true, default_value = "1h", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_moved_for: Duration,

    /// How long to keep the security log
    #[arg(long, env = "DOSSIER_KEEP_AUDIT_LOG", global = true, default_value = "365d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_audit_log: Duration,
}

impl CleanupSettings {
    /// Returns the retention policy.
    #[must_use]
    pub fn retention(&self) -> Retention {
        Retention {
            versions: NonZeroU32::new(self.keep_versions),
            archived: match self.purge_archived_after {
                Age::Never => None,
                Age::After(age) => Some(age),
            },
            failures: self.keep_failures,
            operations: self.keep_operations,
            events: self.keep_events,
            failed: self.keep_failed_for,
            stray: self.stray_after,
            quarantined: self.keep_quarantined_for,
            dead_jobs: self.keep_dead_jobs_for,
            swept: self.max_sweep_share,
            audit_log: self.keep_audit_log,
            moved: self.keep_moved_for,
        }
    }
}

/// When to remove something, if ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Never.
    Never,
    /// Once it is this old.
    After(Duration),
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            _ => values::parse_kept(text)
                .map(Self::After)
                .map_err(|error| format!("must be never, or a duration: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        cleanup: CleanupSettings,
    }

    fn read(arguments: &[&str]) -> Result<Retention, clap::Error> {
        let line = std::iter::once(&"dossier").chain(arguments);
        Ok(Line::try_parse_from(line)?.cleanup.retention())
    }

    #[test]
    fn without_settings_all_is_kept_that_a_user_may_want() {
        assert_eq!(read(&[]).unwrap(), Retention::default());
    }

    #[test]
    fn settings_say_what_goes_and_when() {
        let retention = read(&["--keep-versions=2", "--purge-archived-after=30d"]).unwrap();
        assert_eq!(retention.versions, NonZeroU32::new(2));
        assert_eq!(retention.archived, Some(Duration::from_hours(720)));
        for wrong in [
            "--purge-archived-after=soon",
            "--purge-archived-after=0s",
            "--keep-audit-log=0s",
            "--stray-after=9s",
            "--keep-versions=-1",
            "--max-sweep-share=101%",
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
    }
}
