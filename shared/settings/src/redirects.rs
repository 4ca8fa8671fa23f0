//! Settings of downloads that are redirected to storage.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::values;

/// Which downloads are redirected to presigned URLs, and how long these live.
#[derive(Args, Clone, Copy, Debug)]
pub struct RedirectSettings {
    /// Redirect downloads to presigned URLs of the storage: never, asked (with ?redirect=true) or
    /// always (unless ?redirect=false)
    #[arg(
        long,
        env = "DOSSIER_REDIRECT_DOWNLOADS",
        global = true,
        default_value = "never",
        value_name = "WHEN"
    )]
    pub redirect_downloads: RedirectDownloads,

    /// How long such a URL lives
    #[arg(long, env = "DOSSIER_REDIRECT_FOR", global = true, default_value = "60s", value_name = "DURATION", value_parser = values::parse_presigned)]
    pub redirect_for: Duration,
}

/// The value of `DOSSIER_REDIRECT_DOWNLOADS`: which downloads are redirected to storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectDownloads {
    /// None.
    #[default]
    Never,
    /// Those that ask for it.
    Asked,
    /// All but those that ask for the bytes.
    Always,
}

impl RedirectDownloads {
    /// Returns whether to redirect a download that asked for it, against it, or for nothing.
    #[must_use]
    pub fn applies(self, asked: Option<bool>) -> bool {
        match self {
            Self::Never => false,
            Self::Asked => asked == Some(true),
            Self::Always => asked != Some(false),
        }
    }
}

impl FromStr for RedirectDownloads {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            "asked" => Ok(Self::Asked),
            "always" => Ok(Self::Always),
            _ => Err("must be never, asked or always"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RedirectDownloads::{Always, Asked, Never};

    #[test]
    fn the_operator_decides_before_the_client() {
        for (setting, expected) in [
            (Never, [false, false, false]),
            (Asked, [false, true, false]),
            (Always, [true, true, false]),
        ] {
            let applies = [None, Some(true), Some(false)].map(|asked| setting.applies(asked));
            assert_eq!(applies, expected, "{setting:?}");
        }
    }
}
