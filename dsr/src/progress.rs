//! Progress bars, on a terminal alone.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Screen, one_line, safe_text};

/// Files of at least this size have a bar of their own beside that of all files.
const LARGE: u64 = 1 << 20;

/// How often spinners turn.
const TICK: Duration = Duration::from_millis(120);

/// The bars of one command.
#[derive(Clone, Debug)]
pub struct Bars {
    bars: MultiProgress,
    all: ProgressBar,
}

/// The progress of one file.
#[derive(Clone, Debug)]
pub struct FileBar {
    own: Option<ProgressBar>,
    all: ProgressBar,
    told: Arc<std::sync::atomic::AtomicU64>,
}

impl Bars {
    /// The bars of a transfer of so many bytes.
    pub fn new(screen: &Screen, bytes: u64) -> Self {
        let target = if screen.shows_progress() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let all = bars.add(ProgressBar::new(bytes));
        all.set_style(style(
            "{msg:32!} {wide_bar} {bytes:>11}/{total_bytes:<11} {bytes_per_sec:>13} {eta:>4}",
        ));
        Self { bars, all }
    }

    /// Says what is transferred.
    pub fn title(&self, text: &str) {
        self.all.set_message(safe_text(&one_line(text)));
    }

    /// The bar of a file, as one of several or alone.
    pub fn file(&self, name: &str, length: u64, is_alone: bool) -> FileBar {
        let own = (!is_alone && length >= LARGE).then(|| {
            let bar = self.bars.insert_before(&self.all, ProgressBar::new(length));
            bar.set_style(style(
                "{msg:32!} {wide_bar} {bytes:>11}/{total_bytes:<11} {bytes_per_sec:>13} {eta:>4}",
            ));
            bar.set_message(safe_text(&one_line(name)));
            bar
        });
        if is_alone {
            self.title(name);
        }
        FileBar {
            own,
            all: self.all.clone(),
            told: Arc::default(),
        }
    }

    /// Prints beside the bars.
    pub fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }

    /// Removes the bars.
    pub fn end(&self) {
        self.all.finish_and_clear();
        drop(self.bars.clear());
    }
}

impl FileBar {
    /// So many bytes of the file are through.
    pub fn at(&self, bytes: u64) {
        let before = self.told.swap(bytes, std::sync::atomic::Ordering::Relaxed);
        if bytes >= before {
            self.all.inc(bytes - before);
        } else {
            self.all
                .set_position(self.all.position().saturating_sub(before - bytes));
        }
        if let Some(own) = &self.own {
            own.set_position(bytes);
        }
    }

    /// The file is through.
    pub fn end(&self) {
        if let Some(own) = &self.own {
            own.finish_and_clear();
        }
    }
}

/// A spinner that says what is waited for.
pub fn spinner(screen: &Screen, text: &str) -> ProgressBar {
    let target = if screen.shows_progress() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let spinner = ProgressBar::with_draw_target(None, target);
    spinner.set_style(style("{spinner} {msg}"));
    spinner.set_message(safe_text(&one_line(text)));
    spinner.enable_steady_tick(TICK);
    spinner
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}
