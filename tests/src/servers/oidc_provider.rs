//! A private OpenID provider (npm `oidc-provider`), and a small browser that signs in there as anybody.

use std::path::Path;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{ServerError, find_program, free_port, granted, wait_for_answer};

/// The secret of the service at the provider.
const SECRET: &str = "a secret of the tests/with+signs";

/// The most pages that a sign-in takes.
const PAGES: usize = 30;

/// A provider. Its clients are `dossier`, with a secret, and `dsr`, for devices.
#[derive(Debug)]
pub struct OidcProvider {
    _keeper: Keeper,
    issuer: String,
}

/// A browser, as far as signing in needs one.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    /// Name, path and value.
    cookies: Vec<(String, String, String)>,
}

/// Where a browser ended up.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A redirect away from the provider.
    Left(String),
    /// A page without a form.
    Page(String),
}

impl OidcProvider {
    /// A provider for the service at this URL.
    pub async fn start(service: &str) -> Self {
        granted(Self::begin(service).await)
    }

    async fn begin(service: &str) -> Result<Self, ServerError> {
        let node = find_program("node", &[])?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = root.join("../target/tools/oidc");
        if !modules.join("node_modules/oidc-provider").exists() {
            return Err(ServerError::Missing {
                program: "oidc-provider",
            });
        }
        let keeper = Keeper::new(Signal::Kill)?;
        let port = free_port();
        let server = CommandLine::new(&node)
            .word(root.join("src/servers/oidc_provider.mjs"))
            .word(&modules)
            .words([port.to_string(), format!("{service}/oidc/callback")]);
        keeper.start(&server).await?;
        let issuer = format!("http://127.0.0.1:{port}");
        let url = format!("{issuer}/.well-known/openid-configuration");
        wait_for_answer(&keeper, async || {
            let answer = reqwest::get(&url).await?;
            answer.error_for_status().map(drop)
        })
        .await?;
        Ok(Self {
            _keeper: keeper,
            issuer,
        })
    }

    /// Its issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The settings of a service at this URL that lets people sign in here.
    #[must_use]
    pub fn settings(&self, service: &str) -> Vec<(&'static str, String)> {
        vec![
            ("DOSSIER_OIDC_ISSUER", self.issuer.clone()),
            ("DOSSIER_OIDC_CLIENT_ID", "dossier".to_owned()),
            ("DOSSIER_OIDC_CLIENT_SECRET", SECRET.to_owned()),
            ("DOSSIER_OIDC_DEVICE_CLIENT_ID", "dsr".to_owned()),
            (
                "DOSSIER_OIDC_ADMIN_CLAIM",
                "groups=dossier-admins".to_owned(),
            ),
            ("DOSSIER_PUBLIC_URL", service.to_owned()),
        ]
    }

    /// From now on it claims that an account has these groups.
    pub async fn groups(&self, account: &str, groups: &[&str]) {
        let claims = json!({"id": account, "groups": groups});
        self.ask("/test/account", &claims).await;
    }

    /// Signs these claims with its key; `iat` and `exp` are seconds from now.
    pub async fn signs(&self, claims: &Value) -> String {
        self.ask("/test/sign", claims).await
    }

    async fn ask(&self, path: &str, body: &Value) -> String {
        let url = format!("{}{path}", self.issuer);
        let answer = reqwest::Client::new().post(url).json(body).send().await;
        let answer = answer.expect("the provider answers");
        answer.text().await.expect("the provider answers")
    }
}

impl Default for Browser {
    fn default() -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build();
        Self {
            http: http.expect("a client without TLS can be built"),
            cookies: Vec::new(),
        }
    }
}

impl Browser {
    /// Opens a URL of the provider, signs in as this account, and agrees to everything.
    #[expect(clippy::panic, reason = "a test that leads around has failed")]
    pub async fn signs_in(&mut self, provider: &OidcProvider, url: &str, account: &str) -> Arrival {
        let mut form: Option<Vec<(String, String)>> = None;
        let mut place = url.to_owned();
        for _ in 0..PAGES {
            if !place.starts_with(&format!("{}/", provider.issuer())) {
                return Arrival::Left(place);
            }
            let request = match &form {
                None => self.http.get(&place),
                Some(form) => {
                    let mut body = url::form_urlencoded::Serializer::new(String::new());
                    let kind = "application/x-www-form-urlencoded";
                    let body = body.extend_pairs(form).finish();
                    self.http
                        .post(&place)
                        .header("content-type", kind)
                        .body(body)
                }
            };
            let request = request.header(COOKIE, self.cookies_for(&place));
            let answer = request.send().await.expect("the provider answers");
            self.keep(answer.headers());
            form = None;
            if let Some(location) = answer.headers().get(LOCATION) {
                let location = location.to_str().expect("a URL");
                place = absolute(provider, location);
                continue;
            }
            let page = answer.text().await.expect("a page");
            let Some((action, fields)) = form_of(&page, account) else {
                return Arrival::Page(page);
            };
            place = absolute(provider, &action);
            form = Some(fields);
        }
        panic!("the provider leads around: {place}")
    }

    fn cookies_for(&self, url: &str) -> String {
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let path = format!("/{path}");
        let sent = self.cookies.iter();
        let sent = sent.filter(|(_, of, _)| path.starts_with(of));
        let sent: Vec<_> = sent
            .map(|(name, _, value)| format!("{name}={value}"))
            .collect();
        sent.join("; ")
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for field in headers.get_all(SET_COOKIE) {
            let field = field.to_str().expect("a cookie");
            let mut parts = field.split("; ");
            let pair = parts.next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a cookie");
            let path = parts.find_map(|part| part.strip_prefix("path="));
            let path = path.unwrap_or("/");
            self.cookies
                .retain(|(one, of, _)| one != name || of != path);
            if !value.is_empty() {
                let cookie = (name.to_owned(), path.to_owned(), value.to_owned());
                self.cookies.push(cookie);
            }
        }
    }
}

fn absolute(provider: &OidcProvider, location: &str) -> String {
    if location.starts_with('/') {
        format!("{}{location}", provider.issuer())
    } else {
        location.to_owned()
    }
}

/// Where the first form of a page leads, and what somebody fills in.
fn form_of(page: &str, account: &str) -> Option<(String, Vec<(String, String)>)> {
    let form = &page[page.find("<form")?..];
    let form = &form[..form.find("</form>")?];
    let action = attribute(form, "action")?;
    let mut fields = Vec::new();
    for input in form.split("<input").skip(1) {
        let input = &input[..input.find('>').unwrap_or(input.len())];
        let Some(name) = attribute(input, "name") else {
            continue;
        };
        let value = match name.as_str() {
            "login" => account.to_owned(),
            "password" => "any".to_owned(),
            _ => attribute(input, "value").unwrap_or_default(),
        };
        fields.push((name, value));
    }
    Some((action, fields))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    let value = rest.split_once('"')?.0;
    Some(value.replace("&amp;", "&").replace("&#x2F;", "/"))
}
