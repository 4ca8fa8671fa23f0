//! The environment variables that credentials are read from.

use std::collections::HashMap;

#[cfg(feature = "s3")]
use aws_sdk_s3::config::Credentials;

/// Variables by their names.
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    not(feature = "objects"),
    expect(dead_code, reason = "local files need no credentials")
)]
pub struct Environment(Option<HashMap<String, String>>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub const fn of_process() -> Self {
        Self(None)
    }

    /// These variables alone.
    pub fn only<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        Self(Some(
            variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        ))
    }

    /// Returns a variable that is set and not empty.
    #[cfg(feature = "objects")]
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            None => std::env::var(name).ok(),
            Some(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// Returns the keys of AWS among given variables; those of the process are read by the SDK.
    #[cfg(feature = "s3")]
    pub(crate) fn aws_credentials(&self) -> Option<Credentials> {
        self.0.as_ref()?;
        let key = self.get("AWS_ACCESS_KEY_ID")?;
        let secret = self.get("AWS_SECRET_ACCESS_KEY")?;
        Some(Credentials::new(key, secret, None, None, "environment"))
    }
}
