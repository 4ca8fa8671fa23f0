//! How often a transaction is begun anew that had to give way to another one.

use super::DbError;

/// A database that ends one of two transactions in a circle lets the other one through: a second
/// try nearly always passes, and a fifth failure has another cause.
const MOST: u32 = 5;

/// Tries of one transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries(u32);

impl Tries {
    /// Counts a try that ended by `error`, and says whether another one may follow at once.
    pub const fn again(&mut self, error: &DbError) -> bool {
        matches!(error, DbError::Conflict(_)) && self.is_left()
    }

    /// Counts a try, and says whether another one may follow at once, whatever it ended by.
    pub const fn is_left(&mut self) -> bool {
        self.0 += 1;
        self.0 < MOST
    }
}
