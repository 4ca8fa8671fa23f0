//! The answer to each step of a job: whether its operation continues.

/// What a job learns about its operation whenever it reads or writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepCheck<T> {
    /// The operation continues.
    Continue(T),
    /// Its owner has cancelled it.
    CancelRequested,
    /// It has ended, or is gone.
    Finished,
    /// Another worker holds the claim; nothing was changed.
    LeaseLost,
}
