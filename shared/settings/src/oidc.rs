//! The provider that people sign in with (OpenID Connect); none by default.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::{InvalidSettings, Secret, values};

/// Settings of signing in with a provider. It is on if an issuer is given.
#[derive(Args, Clone, Debug, Default)]
pub struct OidcSettings {
    /// Let people sign in with this OpenID Connect provider: its issuer, exactly as it names itself
    #[arg(
        id = "oidc_issuer",
        long = "oidc-issuer",
        env = "DOSSIER_OIDC_ISSUER",
        global = true,
        value_name = "URL"
    )]
    pub issuer: Option<IssuerUrl>,

    /// The client id of this service at the provider
    #[arg(
        id = "oidc_client_id",
        long = "oidc-client-id",
        env = "DOSSIER_OIDC_CLIENT_ID",
        global = true,
        value_name = "ID"
    )]
    pub client_id: Option<String>,

    /// The client secret, if the provider gave one
    #[arg(
        id = "oidc_client_secret",
        long = "oidc-client-secret",
        env = "DOSSIER_OIDC_CLIENT_SECRET",
        global = true,
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub client_secret: Option<Secret>,

    /// The id of a public client with the device grant, by which `dsr` signs in [default: that of the
    /// service, if it has no secret]
    #[arg(
        id = "oidc_device_client_id",
        long = "oidc-device-client-id",
        env = "DOSSIER_OIDC_DEVICE_CLIENT_ID",
        global = true,
        value_name = "ID"
    )]
    pub device_client_id: Option<String>,

    /// The scopes to ask for, separated by spaces
    #[arg(
        id = "oidc_scopes",
        long = "oidc-scopes",
        env = "DOSSIER_OIDC_SCOPES",
        global = true,
        default_value = "openid profile",
        value_name = "SCOPES",
        value_parser = parse_scopes
    )]
    pub scopes: String,

    /// The claim that names a new user; if it is missing or no valid name, the subject does
    #[arg(
        id = "oidc_name_claim",
        long = "oidc-name-claim",
        env = "DOSSIER_OIDC_NAME_CLAIM",
        global = true,
        default_value = "preferred_username",
        value_name = "CLAIM"
    )]
    pub name_claim: String,

    /// The claim that makes an admin of those whom signing in has made users: CLAIM=VALUE, where the
    /// claim is that value or a list with it [default: admins make admins]
    #[arg(
        id = "oidc_admin_claim",
        long = "oidc-admin-claim",
        env = "DOSSIER_OIDC_ADMIN_CLAIM",
        global = true,
        value_name = "CLAIM=VALUE"
    )]
    pub admin_claim: Option<AdminClaim>,

    /// Create a user when somebody unknown signs in
    #[arg(id = "oidc_create_users", long = "oidc-create-users", env = "DOSSIER_OIDC_CREATE_USERS", global = true,
        default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOLEAN")]
    pub create_users: bool,

    /// How long somebody stays signed in
    #[arg(id = "oidc_session", long = "oidc-session", env = "DOSSIER_OIDC_SESSION", global = true,
        default_value = "12h", value_name = "DURATION", value_parser = values::parse_session)]
    pub session: Duration,

    /// Where browsers reach the service: scheme, host and an optional port; the provider leads them
    /// back there
    #[arg(
        long = "public-url",
        env = "DOSSIER_PUBLIC_URL",
        global = true,
        value_name = "URL"
    )]
    pub public_url: Option<PublicUrl>,
}

/// A provider, and what signing in with it means here.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    /// Its issuer.
    pub issuer: IssuerUrl,
    /// The id of this service.
    pub client_id: String,
    /// The secret of this service, if it has one.
    pub client_secret: Option<Secret>,
    /// The client by which `dsr` signs in, if it may.
    pub device_client_id: Option<String>,
    /// The scopes to ask for.
    pub scopes: String,
    /// The claim that names a new user.
    pub name_claim: String,
    /// The claim that makes an admin, if one does.
    pub admin_claim: Option<AdminClaim>,
    /// Whether somebody unknown becomes a user.
    pub create_users: bool,
    /// How long somebody stays signed in.
    pub session: Duration,
    /// Where browsers reach the service.
    pub public_url: PublicUrl,
}

impl OidcSettings {
    /// Returns the provider, if there is one.
    pub fn provider(&self) -> Result<Option<OidcProvider>, InvalidSettings> {
        let Some(issuer) = self.issuer.clone() else {
            return Ok(None);
        };
        let missing = InvalidSettings::OidcIncomplete;
        let id = self.client_id.clone().filter(|id| !id.is_empty());
        let client_id = id.ok_or(missing("DOSSIER_OIDC_CLIENT_ID"))?;
        let own = Some(client_id.clone()).filter(|_| self.client_secret.is_none());
        Ok(Some(OidcProvider {
            issuer,
            client_secret: self.client_secret.clone(),
            device_client_id: self.device_client_id.clone().or(own),
            scopes: self.scopes.clone(),
            name_claim: self.name_claim.clone(),
            admin_claim: self.admin_claim.clone(),
            create_users: self.create_users,
            session: self.session,
            public_url: self
                .public_url
                .clone()
                .ok_or(missing("DOSSIER_PUBLIC_URL"))?,
            client_id,
        }))
    }
}

/// An issuer: an `http` or `https` URL without credentials, query and fragment, kept as it is written,
/// since tokens have to name the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached without TLS.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl FromStr for IssuerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be a URL such as https://id.example.com/realms/main, without query";
        let url = Url::parse(text).map_err(|_| wrong)?;
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        let is_bare = url.username().is_empty() && url.password().is_none();
        if is_web && is_bare && url.query().is_none() && url.fragment().is_none() {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong)
        }
    }
}

/// Where browsers reach the service: an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL of a path that begins with a slash.
    #[must_use]
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether browsers reach it by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            "must be a scheme, a host and an optional port, such as https://dossier.example.com";
        let url = Url::parse(text).map_err(|_| wrong)?;
        let is_web = ["http", "https"].contains(&url.scheme());
        let is_bare = url.username().is_empty() && url.password().is_none();
        let ends = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if is_web && is_bare && ends {
            Ok(Self(url.origin().ascii_serialization()))
        } else {
            Err(wrong)
        }
    }
}

/// A claim that makes an admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminClaim {
    /// Its name.
    pub name: String,
    /// Its value, or one of its values.
    pub value: String,
}

impl FromStr for AdminClaim {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("must be a claim and its value, such as groups=dossier-admins"),
        }
    }
}

fn parse_scopes(text: &str) -> Result<String, String> {
    let scopes: Vec<_> = text.split_ascii_whitespace().collect();
    if scopes.contains(&"openid") {
        Ok(scopes.join(" "))
    } else {
        Err("must contain openid".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_stays_as_it_is_written() {
        for text in ["https://id.example.com", "http://127.0.0.1:1/realms/a/"] {
            assert_eq!(text.parse::<IssuerUrl>().unwrap().as_str(), text);
        }
        for wrong in [
            "id.example.com",
            "ftp://id.example.com",
            "https://u:p@id.example.com",
            "https://id.example.com/?a=b",
            "https://id.example.com/#a",
        ] {
            assert!(wrong.parse::<IssuerUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let url: PublicUrl = "https://Dossier.example.com:443/".parse().unwrap();
        assert_eq!(url.with_path("/a"), "https://dossier.example.com/a");
        for wrong in [
            "dossier.example.com",
            "https://a.example.com/path",
            "file:///a",
        ] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_provider_needs_a_client_and_a_way_back() {
        let mut settings = OidcSettings::default();
        assert!(settings.provider().unwrap().is_none());
        settings.issuer = "https://id.example.com".parse().ok();
        assert!(settings.provider().is_err());
        settings.client_id = Some("dossier".to_owned());
        assert!(settings.provider().is_err());
        settings.public_url = "https://dossier.example.com".parse().ok();
        let provider = settings.provider().unwrap().unwrap();
        assert_eq!(provider.device_client_id.as_deref(), Some("dossier"));
        settings.client_secret = Some(Secret::from("hidden".to_owned()));
        let provider = settings.provider().unwrap().unwrap();
        assert_eq!(provider.device_client_id, None, "dsr can't keep a secret");
        assert!(!format!("{provider:?}").contains("hidden"));
    }
}
