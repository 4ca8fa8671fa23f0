//! How long what nobody needs any more is kept, as the operator writes it.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::values;
use domain::{Retention, Share};

/// Settings of the cleanup, which workers run by themselves.
#[derive(Args, Clone, Debug)]
pub struct CleanupSettings {
    /// How many active versions of a document are kept, the newest ones; 0 keeps all
    #[arg(
        long,
        env = "DOSSIER_KEEP_VERSIONS",
        global = true,
        default_value_t = 0,
        value_name = "NUMBER"
    )]
    pub keep_versions: u32,

    /// How long an archived document is kept: never (removed), or a duration such as 30d
    #[arg(
        long,
        env = "DOSSIER_PURGE_ARCHIVED_AFTER",
        global = true,
        default_value = "never",
        value_name = "DURATION"
    )]
    pub purge_archived_after: Age,

    /// How long a document that ended in error is kept, and a failed version of another one
    #[arg(long, env = "DOSSIER_KEEP_FAILURES", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_failures: Duration,

    /// How long a bulk operation is kept after its end, with its items; then it can't be taken back
    #[arg(long, env = "DOSSIER_KEEP_OPERATIONS", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_operations: Duration,

    /// How long events are kept; of older ones, each document that is still there keeps a few
    #[arg(long, env = "DOSSIER_KEEP_EVENTS", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_events: Duration,

    /// How long a failed document's staged bytes stay, so that its owner can retry; 0s keeps none
    #[arg(long, env = "DOSSIER_KEEP_FAILED_FOR", global = true, default_value = "24h", value_name = "DURATION", value_parser = values::parse_time)]
    pub keep_failed_for: Duration,

    /// When bytes that no row refers to are taken for left behind, at least 10s; an upload
    /// may take half of it. The same for ingress and workers
    #[arg(long, env = "DOSSIER_STRAY_AFTER", global = true, default_value = "24h", value_name = "DURATION", value_parser = values::parse_stray)]
    pub stray_after: Duration,

    /// How long stored bytes that were left behind stay in quarantine before they are removed; 0s removes them
    /// with the next cleanup
    #[arg(long, env = "DOSSIER_KEEP_QUARANTINED_FOR", global = true, default_value = "7d", value_name = "DURATION", value_parser = values::parse_time)]
    pub keep_quarantined_for: Duration,

    /// The most of the objects of a place that one sweep may take for left behind, in percent,
    /// beyond a few dozen; with more it stops, and somebody has to look
    #[arg(
        long,
        env = "DOSSIER_MAX_SWEEP_SHARE",
        global = true,
        default_value = "10%",
        value_name = "SHARE"
    )]
    pub max_sweep_share: Share,

    /// How long jobs that failed for good can be looked at and retried
    #[arg(long, env = "DOSSIER_KEEP_DEAD_JOBS_FOR", global = true, default_value = "30d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_dead_jobs_for: Duration,

    /// How long the security log is kept
    #[arg(long, env = "DOSSIER_KEEP_AUDIT_LOG", global = true, default_value = "365d", value_name = "DURATION", value_parser = values::parse_kept)]
    pub keep_audit_log: Duration,
}

impl CleanupSettings {
    /// What they mean.
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
        }
    }
}

/// When something is removed, if ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Not by itself.
    Never,
    /// Once it is so old.
    After(Duration),
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            _ => values::parse_kept(text)
                .map(Self::After)
                .map_err(|error| format!("say never to keep all; {error}")),
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
