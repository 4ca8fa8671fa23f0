//! The parts that storage URLs of all object stores have: a bucket, a prefix, and options.

use url::Url;

use super::url_error::ParseStorageUrlError;

/// A bucket, or a container, and a prefix of its keys.
pub(super) struct Within {
    /// The bucket.
    pub bucket: String,
    /// The prefix: empty, or ending with a slash.
    pub prefix: String,
    /// The URL of the place, without options.
    pub place: Url,
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// Parses the bucket and the prefix of a URL.
pub(super) fn parse_within(url: &Url) -> Result<Within, ParseStorageUrlError> {
    let bucket = url.host_str().unwrap_or_default().to_owned();
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_allowed) {
        return Err(ParseStorageUrlError::Bucket(bucket));
    }
    if url.port().is_some() {
        return Err(ParseStorageUrlError::UnknownOption("port".to_owned()));
    }
    let path = url.path().trim_matches('/');
    let is_segment = |segment: &str| !segment.is_empty() && segment.bytes().all(is_allowed);
    if !path.is_empty() && !path.split('/').all(is_segment) {
        return Err(ParseStorageUrlError::Prefix(path.to_owned()));
    }
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let mut place = url.clone();
    place.set_query(None);
    place.set_path(&format!("/{prefix}"));
    Ok(Within {
        bucket,
        prefix,
        place,
    })
}

/// Passes each option of a URL to `read`, which returns whether it knows it.
pub(super) fn read_options(
    url: &Url,
    mut read: impl FnMut(&str, &str) -> Result<bool, ParseStorageUrlError>,
) -> Result<(), ParseStorageUrlError> {
    let mut seen = Vec::new();
    for (name, value) in url.query_pairs() {
        if !read(&name, &value)? {
            return Err(ParseStorageUrlError::UnknownOption(name.into_owned()));
        }
        if seen.contains(&name) {
            return Err(ParseStorageUrlError::Repeated(name.into_owned()));
        }
        seen.push(name);
    }
    Ok(())
}

/// Parses the option `endpoint`.
pub(super) fn parse_endpoint(text: &str) -> Result<Url, ParseStorageUrlError> {
    let url = text.parse::<Url>().ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.has_host()
    });
    let url = url.ok_or(ParseStorageUrlError::Option {
        name: "endpoint",
        expected: "the http: or https: URL of a service",
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ParseStorageUrlError::Credentials);
    }
    Ok(url)
}
