//! How a job stands to its operation: told whenever it asks, or writes.

/// What a job finds when it asks for its operation, or writes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<T> {
    /// It goes on.
    Goes(T),
    /// Its owner wants it to stop.
    Stops,
    /// There is nothing left to do.
    Over,
    /// Somebody else holds the claim: nothing was changed.
    LeaseLost,
}
