//! Lists as streams: page after page, as they are read.

use futures::TryStreamExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use serde::de::DeserializeOwned;

use crate::http::Call;
use crate::types::Page;
use crate::{Client, Error};

/// The items of a list. A page is asked for when the one before has been read.
pub type Items<T> = BoxStream<'static, Result<T, Error>>;

/// How many items a page has.
const PAGE: u32 = 200;

/// Which page is next.
enum Next {
    First,
    At(String),
    None,
}

impl Client {
    /// The items of the list that `call` asks for.
    pub(super) fn items<T>(&self, call: Call) -> Items<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let client = self.clone();
        let call = call.query("limit", PAGE);
        let pages = stream::try_unfold(Next::First, move |next| {
            let (client, call) = (client.clone(), call.clone());
            async move {
                let call = match next {
                    Next::First => call,
                    Next::At(cursor) => call.query("cursor", cursor),
                    Next::None => return Ok(None),
                };
                let page: Page<T> = client.ask(call).await?;
                let items = stream::iter(page.items.into_iter().map(Ok::<_, Error>));
                let next = page.next_cursor.map_or(Next::None, Next::At);
                Ok::<_, Error>(Some((items, next)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// The items of a list that has a single page.
    pub(super) async fn all<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Error> {
        let page: Page<T> = self.ask(call).await?;
        Ok(page.items)
    }
}
