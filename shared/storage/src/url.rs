//! Storage URLs: how an operator names a place. Settings parse them, `StorageRouter` connects to them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use aws_sdk_s3::config::Credentials;
use url::Url;

use super::{Checksums, Local, S3, S3Location, Storage, StorageError};

/// The URL of a place: `file:///absolute/path`, or
/// `s3://bucket/prefix?endpoint=…&region=…&path_style=…&checksums=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrl {
    place: Url,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Local,
    S3(S3Location),
}

/// An invalid storage URL. Shown to the operator without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseStorageUrlError {
    /// It is not a URL.
    #[error("a storage URL is file:///absolute/path or s3://bucket/prefix")]
    NotAUrl,
    /// An unknown scheme.
    #[error("{0}: is not a storage scheme; use file: or s3:")]
    UnknownScheme(String),
    /// A scheme without an adapter yet.
    #[error("storage in {0}: is not supported yet; use file: or s3:")]
    NotAvailable(String),
    /// It contains a user or a password.
    #[error("a storage URL must not contain credentials; set them in the environment")]
    Credentials,
    /// The path is relative or on another host.
    #[error("a file: URL needs an absolute path and no host: file:///path")]
    NotAbsolute,
    /// The path can't be expressed as a URL.
    #[error("the folder {0:?} is not an absolute path")]
    Folder(String),
    /// The bucket is missing or invalid.
    #[error("{0:?} is not a valid bucket name")]
    Bucket(String),
    /// The prefix has characters that keys can't have.
    #[error("the prefix {0:?} must consist of letters, digits, '-', '_' and '.'")]
    Prefix(String),
    /// An unknown option or part.
    #[error("unknown option {0:?} in this kind of storage URL")]
    UnknownOption(String),
    /// An option is given twice.
    #[error("the option {0:?} is given twice")]
    Repeated(String),
    /// An option has an invalid value.
    #[error("the option {name} must be {expected}")]
    Option {
        /// Its name.
        name: &'static str,
        /// The accepted values.
        expected: &'static str,
    },
}

impl StorageUrl {
    /// Returns the URL of the folder at this absolute path.
    pub fn from_directory(path: &Path) -> Result<Self, ParseStorageUrlError> {
        let place = Url::from_directory_path(path)
            .map_err(|()| ParseStorageUrlError::Folder(path.display().to_string()))?;
        Ok(Self {
            // Parsing again removes dot segments.
            place: place.as_str().parse().unwrap_or(place),
            kind: Kind::Local,
        })
    }

    /// Returns the prefix of all object URLs of the place; it ends with a slash.
    #[must_use]
    pub fn place(&self) -> &Url {
        &self.place
    }

    /// Returns whether the place is an object store: writes are atomic there, so staging and store
    /// may be the same place.
    #[must_use]
    pub const fn is_object_store(&self) -> bool {
        matches!(self.kind, Kind::S3(_))
    }

    /// Connects to the place with credentials from the environment.
    pub async fn connect(&self) -> Result<Arc<dyn Storage>, StorageError> {
        self.connect_as(None).await
    }

    /// Connects to the place with the given credentials, or those of the environment.
    pub async fn connect_as(
        &self,
        credentials: Option<Credentials>,
    ) -> Result<Arc<dyn Storage>, StorageError> {
        match &self.kind {
            Kind::Local => Ok(Arc::new(Local::connect(&self.place).await?)),
            Kind::S3(location) => Ok(Arc::new(
                S3::connect(&self.place, location, credentials).await,
            )),
        }
    }
}

impl FromStr for StorageUrl {
    type Err = ParseStorageUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_url = || ParseStorageUrlError::NotAUrl;
        let (scheme, rest) = text.split_once(':').ok_or_else(not_a_url)?;
        if scheme == "file" && !rest.starts_with("///") {
            return Err(ParseStorageUrlError::NotAbsolute);
        }
        let url: Url = text.parse().map_err(|_| not_a_url())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ParseStorageUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(ParseStorageUrlError::UnknownOption("#".to_owned()));
        }
        match url.scheme() {
            "file" => parse_local(&url),
            "s3" => parse_s3(&url),
            "azure" | "gs" => Err(ParseStorageUrlError::NotAvailable(scheme.to_owned())),
            _ => Err(ParseStorageUrlError::UnknownScheme(scheme.to_owned())),
        }
    }
}

/// In parseable form: the place with its explicit and derived options.
impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.place.clone();
        if let Kind::S3(location) = &self.kind {
            let mut options = url.query_pairs_mut();
            if let Some(endpoint) = &location.endpoint {
                options.append_pair("endpoint", endpoint.as_str());
            }
            if let Some(region) = &location.region {
                options.append_pair("region", region);
            }
            options.append_pair("path_style", &location.path_style.to_string());
            if location.checksums == Checksums::Required {
                options.append_pair("checksums", "required");
            }
        }
        url.fmt(f)
    }
}

fn parse_local(url: &Url) -> Result<StorageUrl, ParseStorageUrlError> {
    if url.query().is_some() {
        return Err(ParseStorageUrlError::UnknownOption("?".to_owned()));
    }
    let path = url
        .to_file_path()
        .map_err(|()| ParseStorageUrlError::NotAbsolute)?;
    StorageUrl::from_directory(&path)
}

fn parse_s3(url: &Url) -> Result<StorageUrl, ParseStorageUrlError> {
    let bucket = url.host_str().unwrap_or_default().to_owned();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(allowed) {
        return Err(ParseStorageUrlError::Bucket(bucket));
    }
    if url.port().is_some() {
        return Err(ParseStorageUrlError::UnknownOption("port".to_owned()));
    }
    let path = url.path().trim_matches('/');
    let is_segment = |segment: &str| !segment.is_empty() && segment.bytes().all(allowed);
    if !path.is_empty() && !path.split('/').all(is_segment) {
        return Err(ParseStorageUrlError::Prefix(path.to_owned()));
    }
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    let mut location = S3Location {
        path_style: bucket.contains('.'),
        bucket,
        prefix,
        endpoint: None,
        region: None,
        checksums: Checksums::default(),
    };
    read_options(url, &mut location)?;
    let mut place = url.clone();
    place.set_query(None);
    place.set_path(&format!("/{}", location.prefix));
    Ok(StorageUrl {
        place,
        kind: Kind::S3(location),
    })
}

fn read_options(url: &Url, location: &mut S3Location) -> Result<(), ParseStorageUrlError> {
    let wrong = |name, expected| ParseStorageUrlError::Option { name, expected };
    let mut seen = Vec::new();
    let mut path_style = None;
    for (name, value) in url.query_pairs() {
        match &*name {
            "endpoint" => location.endpoint = Some(parse_endpoint(&value)?),
            "region" if value.is_empty() => return Err(wrong("region", "the name of a region")),
            "region" => location.region = Some(value.into_owned()),
            "path_style" => {
                let parsed = value
                    .parse()
                    .map_err(|_| wrong("path_style", "true or false"))?;
                path_style = Some(parsed);
            }
            "checksums" => {
                location.checksums = match &*value {
                    "supported" => Checksums::Supported,
                    "required" => Checksums::Required,
                    _ => return Err(wrong("checksums", "supported or required")),
                }
            }
            _ => return Err(ParseStorageUrlError::UnknownOption(name.into_owned())),
        }
        if seen.contains(&name) {
            return Err(ParseStorageUrlError::Repeated(name.into_owned()));
        }
        seen.push(name);
    }
    let usual = location.path_style || location.endpoint.is_some();
    location.path_style = path_style.unwrap_or(usual);
    Ok(())
}

fn parse_endpoint(text: &str) -> Result<Url, ParseStorageUrlError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StorageUrl, ParseStorageUrlError> {
        text.parse()
    }

    #[test]
    fn a_url_is_shown_as_it_can_be_read_again() {
        for (text, shown) in [
            ("file:///data/store", "file:///data/store/"),
            ("file:///data/a b/../c/", "file:///data/c/"),
            ("s3://bucket", "s3://bucket/?path_style=false"),
            ("s3://bucket/a/b/", "s3://bucket/a/b/?path_style=false"),
            ("s3://my.bucket/a", "s3://my.bucket/a/?path_style=true"),
            (
                "s3://bucket/a?checksums=required&region=eu-1&endpoint=http://[::1]:9000",
                "s3://bucket/a/?endpoint=http%3A%2F%2F%5B%3A%3A1%5D%3A9000%2F&region=eu-1&path_style=true&checksums=required",
            ),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(parse(shown), Ok(url), "{shown}");
        }
    }

    #[test]
    fn the_place_ends_with_a_slash_and_has_no_options() {
        let place = |text| parse(text).unwrap().place().to_string();
        assert_eq!(place("file:///data/x"), "file:///data/x/");
        assert_eq!(place("s3://bucket?region=a"), "s3://bucket/");
        assert_eq!(place("s3://bucket/a?region=a"), "s3://bucket/a/");
    }

    #[test]
    fn what_is_wrong_is_named_in_one_line_without_secrets() {
        for wrong in [
            "",
            "/data",
            "file:data",
            "file://./data",
            "file://host/data",
            "file:///data?mode=1",
            "file:///data#a",
            "s3:bucket",
            "s3://",
            "s3://ab",
            "s3://b u/x",
            "s3://bucket:80/x",
            "s3://bucket/a//b",
            "s3://bucket/ä",
            "s3://key:hidden@bucket/x",
            "s3://key:hid den@bucket :x",
            "s3://bucket?endpoint=http://key:hidden@host",
            "s3://bucket?endpoint=host:80",
            "s3://bucket?path_style=yes",
            "s3://bucket?checksums=none",
            "s3://bucket?region=",
            "s3://bucket?region=a&region=b",
            "s3://bucket?secret=hidden",
            "azure://container/x",
            "gs://bucket/x",
            "http://host/",
        ] {
            let error = parse(wrong).expect_err(wrong).to_string();
            assert!(
                !error.contains("hid") && !error.contains('\n'),
                "{wrong}: {error}"
            );
        }
    }
}
