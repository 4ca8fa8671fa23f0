//! A change that is begun anew if it had to give way to another transaction.

use super::ChangeError;
use crate::Tries;

/// Makes a change. It is made in a transaction of its own each time, so nothing of a try that
/// failed is left.
pub(super) async fn anew<T, F>(change: impl Fn() -> F) -> Result<T, ChangeError>
where
    F: Future<Output = Result<T, ChangeError>>,
{
    let mut tries = Tries::default();
    loop {
        match change().await {
            Err(ChangeError::Database(error)) if tries.again(&error) => {}
            answer => return answer,
        }
    }
}
