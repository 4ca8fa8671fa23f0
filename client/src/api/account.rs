//! Who one is, and what one uses.

use crate::http::Call;
use crate::types::{Me, Usage};
use crate::{Client, Error};

impl Client {
    /// The user of the key.
    pub async fn me(&self) -> Result<Me, Error> {
        self.ask(Call::get(&["v1", "me"])).await
    }

    /// What the user uses.
    pub async fn usage(&self) -> Result<Usage, Error> {
        self.ask(Call::get(&["v1", "usage"])).await
    }
}
