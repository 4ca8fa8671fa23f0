//! Several storage URLs, as a setting has them: separated by spaces.

use std::str::FromStr;

use super::url::StorageUrl;
use super::url_error::ParseStorageUrlError;

/// Storage URLs, separated by white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrls(Vec<StorageUrl>);

/// An invalid URL in a list, without its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("URL {position}: {error}")]
pub struct ParseStorageUrlsError {
    /// Its position, from 1.
    position: usize,
    /// What is wrong with it.
    error: ParseStorageUrlError,
}

impl StorageUrls {
    /// Returns the URLs, in their order.
    #[must_use]
    pub fn to_vec(&self) -> Vec<StorageUrl> {
        self.0.clone()
    }
}

impl FromStr for StorageUrls {
    type Err = ParseStorageUrlsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let urls = (1..).zip(text.split_whitespace()).map(|(position, url)| {
            url.parse()
                .map_err(|error| ParseStorageUrlsError { position, error })
        });
        urls.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_stand_between_spaces() {
        let urls: StorageUrls = " file:///a\ts3://bucket/b  ".parse().unwrap();
        let places: Vec<_> = urls.0.iter().map(|url| url.place().to_string()).collect();
        assert_eq!(places, ["file:///a/", "s3://bucket/b/"]);
    }

    #[test]
    fn the_wrong_one_is_named_by_its_position() {
        let error = "file:///a s3://u:hidden@b/".parse::<StorageUrls>();
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("URL 2: ") && !error.contains("hidden"),
            "{error}"
        );
    }
}
