//! Storage URLs: how an operator names a place. Settings parse them, `StorageRouter` connects to them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use super::environment::Environment;
use super::url_error::ParseStorageUrlError;
#[cfg(feature = "objects")]
use super::url_parts::{parse_endpoint, parse_within, read_options};
#[cfg(feature = "azure")]
use super::{Azure, AzureLocation};
#[cfg(feature = "s3")]
use super::{Checksums, S3, S3Location, WrittenObjects};
#[cfg(feature = "gcs")]
use super::{Gcs, GcsLocation};
use super::{Local, Storage, StorageError};

/// The URL of a place: `file:///absolute/path`,
/// `s3://bucket/prefix?endpoint=…&region=…&path_style=…&checksums=…`,
/// `azure://container/prefix?account=…&endpoint=…`, or `gs://bucket/prefix?endpoint=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrl {
    place: Url,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Local,
    #[cfg(feature = "s3")]
    S3(S3Location),
    #[cfg(feature = "azure")]
    Azure(AzureLocation),
    #[cfg(feature = "gcs")]
    Gcs(GcsLocation),
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
        !matches!(self.kind, Kind::Local)
    }

    /// Connects to the place with credentials from the environment of this process.
    pub async fn connect(&self) -> Result<Arc<dyn Storage>, StorageError> {
        self.connect_in(&Environment::of_process()).await
    }

    /// Connects to the place with credentials from `environment`.
    #[cfg_attr(
        not(feature = "objects"),
        expect(unused_variables, reason = "local files need no credentials")
    )]
    pub async fn connect_in(
        &self,
        environment: &Environment,
    ) -> Result<Arc<dyn Storage>, StorageError> {
        match &self.kind {
            Kind::Local => Ok(Arc::new(Local::connect(&self.place).await?)),
            #[cfg(feature = "s3")]
            Kind::S3(location) => {
                let credentials = environment.aws_credentials();
                let connected = S3::connect(&self.place, location, credentials).await;
                Ok(Arc::new(connected))
            }
            #[cfg(feature = "azure")]
            Kind::Azure(location) => {
                let connected = Azure::connect(&self.place, location, environment)?;
                Ok(Arc::new(connected))
            }
            #[cfg(feature = "gcs")]
            Kind::Gcs(location) => {
                let connected = Gcs::connect(&self.place, location, environment)?;
                Ok(Arc::new(connected))
            }
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
            #[cfg(feature = "s3")]
            "s3" => parse_s3(&url),
            #[cfg(feature = "azure")]
            "azure" => parse_azure(&url),
            #[cfg(feature = "gcs")]
            "gs" => parse_gcs(&url),
            #[cfg(not(all(feature = "azure", feature = "gcs", feature = "s3")))]
            "azure" | "gs" | "s3" => Err(ParseStorageUrlError::NotAvailable(scheme.to_owned())),
            _ => Err(ParseStorageUrlError::UnknownScheme(scheme.to_owned())),
        }
    }
}

impl StorageUrl {
    /// Returns the explicit and derived options.
    fn options(&self) -> Vec<(&'static str, String)> {
        match &self.kind {
            Kind::Local => Vec::new(),
            #[cfg(feature = "s3")]
            Kind::S3(location) => location.options(),
            #[cfg(feature = "azure")]
            Kind::Azure(location) => location.options(),
            #[cfg(feature = "gcs")]
            Kind::Gcs(location) => location.options(),
        }
    }
}

/// In parseable form: the place with its explicit and derived options.
impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.place.clone();
        let options = self.options();
        if !options.is_empty() {
            url.query_pairs_mut().extend_pairs(options);
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

#[cfg(feature = "s3")]
fn parse_s3(url: &Url) -> Result<StorageUrl, ParseStorageUrlError> {
    let within = parse_within(url)?;
    let wrong = |name, expected| ParseStorageUrlError::Option { name, expected };
    let mut location = S3Location {
        path_style: within.bucket.contains('.'),
        bucket: within.bucket,
        prefix: within.prefix,
        endpoint: None,
        region: None,
        profile: None,
        checksums: Checksums::default(),
        written: WrittenObjects::default(),
    };
    let mut path_style = None;
    read_options(url, |name, value| {
        match name {
            "endpoint" => location.endpoint = Some(parse_endpoint(value)?),
            "region" if value.is_empty() => return Err(wrong("region", "the name of a region")),
            "region" => location.region = Some(value.to_owned()),
            "path_style" => {
                let parsed = value.parse();
                path_style = Some(parsed.map_err(|_| wrong("path_style", "true or false"))?);
            }
            "checksums" => {
                location.checksums = match value {
                    "supported" => Checksums::Supported,
                    "required" => Checksums::Required,
                    _ => return Err(wrong("checksums", "supported or required")),
                }
            }
            "sse" => {
                if !matches!(value, "AES256" | "aws:kms" | "aws:kms:dsse") {
                    return Err(wrong("sse", "AES256, aws:kms or aws:kms:dsse"));
                }
                location.written.encryption = Some(value.to_owned());
            }
            "kms_key" if value.is_empty() => return Err(wrong("kms_key", "the id of a key")),
            "kms_key" => location.written.kms_key = Some(value.to_owned()),
            "profile" if value.is_empty() => return Err(wrong("profile", "the name of a profile")),
            "profile" => location.profile = Some(value.to_owned()),
            "storage_class" => {
                let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
                if value.is_empty() || !value.bytes().all(is_allowed) {
                    return Err(wrong("storage_class", "a class such as STANDARD_IA"));
                }
                location.written.storage_class = Some(value.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let has_kms = location
        .written
        .encryption
        .as_deref()
        .is_some_and(|sse| sse != "AES256");
    if location.written.kms_key.is_some() && !has_kms {
        return Err(wrong("kms_key", "left out without sse=aws:kms"));
    }
    let usual = location.path_style || location.endpoint.is_some();
    location.path_style = path_style.unwrap_or(usual);
    Ok(StorageUrl {
        place: within.place,
        kind: Kind::S3(location),
    })
}

#[cfg(feature = "azure")]
fn parse_azure(url: &Url) -> Result<StorageUrl, ParseStorageUrlError> {
    let within = parse_within(url)?;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !within.bucket.bytes().all(is_allowed) {
        return Err(ParseStorageUrlError::Bucket(within.bucket));
    }
    let mut location = AzureLocation {
        container: within.bucket,
        prefix: within.prefix,
        account: None,
        endpoint: None,
    };
    read_options(url, |name, value| {
        match name {
            "endpoint" => location.endpoint = Some(parse_endpoint(value)?),
            "account" => {
                let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                if value.is_empty() || !value.bytes().all(is_allowed) {
                    let expected = "the name of a storage account";
                    return Err(ParseStorageUrlError::Option {
                        name: "account",
                        expected,
                    });
                }
                location.account = Some(value.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(StorageUrl {
        place: within.place,
        kind: Kind::Azure(location),
    })
}

#[cfg(feature = "gcs")]
fn parse_gcs(url: &Url) -> Result<StorageUrl, ParseStorageUrlError> {
    let within = parse_within(url)?;
    let mut location = GcsLocation {
        bucket: within.bucket,
        prefix: within.prefix,
        endpoint: None,
    };
    read_options(url, |name, value| {
        if name == "endpoint" {
            location.endpoint = Some(parse_endpoint(value)?);
        }
        Ok(name == "endpoint")
    })?;
    Ok(StorageUrl {
        place: within.place,
        kind: Kind::Gcs(location),
    })
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
            (
                "s3://bucket?sse=aws:kms&kms_key=k/1&storage_class=STANDARD_IA",
                "s3://bucket/?path_style=false&sse=aws%3Akms&kms_key=k%2F1&storage_class=STANDARD_IA",
            ),
            (
                "s3://bucket?profile=second",
                "s3://bucket/?profile=second&path_style=false",
            ),
            ("azure://files/a/", "azure://files/a/"),
            (
                "azure://files/a?endpoint=http://localhost:1/acme&account=acme",
                "azure://files/a/?account=acme&endpoint=http%3A%2F%2Flocalhost%3A1%2Facme",
            ),
            ("gs://bucket/a", "gs://bucket/a/"),
            (
                "gs://my_bucket.org?endpoint=http://localhost:1",
                "gs://my_bucket.org/?endpoint=http%3A%2F%2Flocalhost%3A1%2F",
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
            "s3://bucket?sse=none",
            "s3://bucket?profile=",
            "s3://bucket?kms_key=k",
            "s3://bucket?sse=AES256&kms_key=k",
            "s3://bucket?storage_class=cold",
            "s3://bucket?region=",
            "s3://bucket?region=a&region=b",
            "s3://bucket?secret=hidden",
            "azure://Container/x",
            "azure://a_container/x",
            "azure://container/x?account=",
            "azure://container/x?account=a&account=a",
            "azure://container/x?key=hidden",
            "azure://key:hidden@container/x",
            "gs://ab/x",
            "gs://bucket/x?region=a",
            "gs://bucket/x?endpoint=ftp://host",
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
