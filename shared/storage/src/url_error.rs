//! Why a storage URL is refused.

/// An invalid storage URL. Shown to the operator without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseStorageUrlError {
    /// It is not a URL.
    #[error(
        "a storage URL is file:///absolute/path, s3://bucket/prefix, azure://container/prefix or gs://bucket/prefix"
    )]
    NotAUrl,
    /// An unknown scheme.
    #[error("{0}: is not a storage scheme; use file:, s3:, azure: or gs:")]
    UnknownScheme(String),
    /// A scheme whose adapter was left out of this program.
    #[error("this program was built without storage in {0}:")]
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
    /// The bucket or container is missing or invalid.
    #[error("{0:?} is not a valid name of a bucket or container")]
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
