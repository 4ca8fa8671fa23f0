//! The points at which a test can crash the process without any cleanup. Compiled only into
//! development builds: in release builds reaching a point does nothing, and the variables have no
//! effect.
//!
//! `DOSSIER_CRASH_AT=store.before:2` aborts when the point is reached for the second time,
//! `DOSSIER_CRASH_AT=identify.before=a.pdf` whenever it is reached with the document of that name.
//! `DOSSIER_PANIC_AT` panics instead.

macro_rules! points {
    ($($point:ident = $name:literal: $means:literal,)*) => {
        /// A point at which the process can crash.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CrashPoint {
            $(#[doc = $means] $point,)*
        }

        impl CrashPoint {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Returns its name in the variables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    Staged = "intake.staged": "An upload's bytes are durable; no row refers to them.",
    BeforeIntake = "intake.before-commit": "All rows of a group of uploads are written.",
    AfterIntake = "intake.after-commit": "A group of uploads is accepted; nobody is notified yet.",
    BeforeHint = "intake.before-hint": "A document is accepted; no worker is notified yet.",
    BeforeVersion = "version.before-commit": "All rows of a new version are written.",
    AfterVersion = "version.after-commit": "A new version is accepted; nobody is notified yet.",
    UploadFlushed = "upload.flushed": "Bytes of a resumable upload are durable; its row doesn't say so.",
    UploadRecorded = "upload.recorded": "The row of a resumable upload says what is durable.",
    UploadFinished = "upload.finished": "A resumable upload is an object; no document refers to it.",
    AfterClaim = "claim.after-commit": "Jobs are claimed; none has started.",
    BeforeReceive = "receive.before": "What a client wrote straight into the storage is about to be read.",
    DirectCopied = "receive.copied": "It was copied; no row refers to the copy.",
    AfterReceive = "receive.after": "The version has the copy and its digest.",
    BeforeVerify = "verify.before": "The pipeline begins.",
    AfterVerify = "verify.after": "The staged bytes were found.",
    BeforeIdentify = "identify.before": "The type of the bytes is about to be identified.",
    AfterIdentify = "identify.after": "Their type is known.",
    BeforeCheck = "check.before": "Limits and type are about to be checked.",
    AfterCheck = "check.after": "They passed the checks.",
    BeforeStore = "store.before": "They are about to be stored.",
    AfterStore = "store.after": "They are in the store; no row says so.",
    BeforeActivate = "activate.before": "The outcome is about to be committed.",
    BeforeOutcome = "outcome.before-commit": "All rows of a group of outcomes are written.",
    AfterOutcome = "outcome.after-commit": "A group of outcomes is committed; nobody is notified yet.",
    AfterActivate = "activate.after": "The pipeline knows that the version is active.",
    AfterDiscard = "discard.after": "Its leftovers were handed to the remover.",
    BeforeItems = "items.before-commit": "A part of an operation's items is written.",
    AfterItems = "items.after-commit": "A part of an operation's items is committed; the rest is not.",
    BeforeChunk = "chunk.before-commit": "All rows of a chunk of an operation are written.",
    AfterChunk = "chunk.after-commit": "A chunk is committed; nobody is notified yet.",
    BeforeExport = "export.before-commit": "An archive is durable; no row refers to it.",
    AfterExport = "export.after-commit": "An export has ended; nobody is notified yet.",
    BeforeDirectory = "directory.before-commit": "All items of an import are written.",
    AfterDirectory = "directory.after-commit": "An import's directory is read.",
    BeforeImportChunk = "import-chunk.before-commit": "All rows of a chunk of an import are written.",
    AfterImportChunk = "import-chunk.after-commit": "A chunk of an import is committed.",
    BeforeImportEnd = "import-end.before-commit": "All items of an import are settled.",
    AfterImportEnd = "import-end.after-commit": "An import has ended; nobody is notified yet.",
}

/// Reaches `point`.
#[cfg(debug_assertions)]
pub fn reach(point: CrashPoint) {
    armed::reach(point, None);
}

/// Reaches `point` with the document named `name`.
#[cfg(debug_assertions)]
pub fn reach_with(point: CrashPoint, name: &str) {
    armed::reach(point, Some(name));
}

/// Does nothing in this build.
#[cfg(not(debug_assertions))]
pub const fn reach(_: CrashPoint) {}

/// Does nothing in this build.
#[cfg(not(debug_assertions))]
pub const fn reach_with(_: CrashPoint, _: &str) {}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::CrashPoint;

    /// The request from the environment.
    struct Trap {
        point: String,
        when: When,
        passes: AtomicU32,
    }

    enum When {
        /// At this pass only.
        Pass(u32),
        /// At each pass with the document of this name.
        Document(String),
    }

    static CRASH: LazyLock<Option<Trap>> = LazyLock::new(|| Trap::of("DOSSIER_CRASH_AT"));
    static PANIC: LazyLock<Option<Trap>> = LazyLock::new(|| Trap::of("DOSSIER_PANIC_AT"));

    impl Trap {
        fn of(variable: &str) -> Option<Self> {
            let text = std::env::var(variable).ok()?;
            let (point, when) = match (text.split_once('='), text.rsplit_once(':')) {
                (Some((point, name)), _) => (point, When::Document(name.to_owned())),
                (None, Some((point, pass))) => (point, When::Pass(pass.parse().ok()?)),
                (None, None) => return None,
            };
            Some(Self {
                point: point.to_owned(),
                when,
                passes: AtomicU32::new(0),
            })
        }

        fn springs(&self, point: CrashPoint, document: Option<&str>) -> bool {
            self.point == point.name()
                && match &self.when {
                    When::Pass(pass) => self.passes.fetch_add(1, Ordering::SeqCst) + 1 == *pass,
                    When::Document(name) => document == Some(name),
                }
        }
    }

    pub(super) fn reach(point: CrashPoint, document: Option<&str>) {
        let springs = |trap: Option<&Trap>| trap.is_some_and(|trap| trap.springs(point, document));
        if springs(CRASH.as_ref()) {
            std::process::abort();
        }
        assert!(
            !springs(PANIC.as_ref()),
            "a test had this happen at {}",
            point.name()
        );
    }
}
