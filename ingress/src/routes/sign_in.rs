//! Signing in with the provider of the operator: what clients need to know, the two ends of a browser's
//! sign-in, and the exchange of an ID token for a key.

use std::sync::Arc;

use domain::Scopes;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HeaderValue, LOCATION, REFERRER_POLICY,
    SET_COOKIE,
};
use poem::http::{HeaderMap, StatusCode};
use poem::{IntoResponse, Request, Response};
use poem_openapi::payload::{Html, Json, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};

use super::console::POLICY;
use super::issue_key::Added;
use super::pages::response;
use crate::auth::{Anyone, Session};
use crate::dto::{Id, IdTokenRequest, Moment, NewKeyBody, SignInBody, effective_scopes};
use crate::http::{JsonBody, log_problem};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::sign_in::{SignIn, SignedIn};

problem_sets! {
    /// Reading how to sign in.
    ReadProblems { Invalid }
    /// Beginning and ending a sign-in in a browser.
    BrowserProblems { NotFound, Invalid }
    /// Exchanging an ID token.
    ExchangeProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, Disabled, NotFound, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid, RateLimited,
    }
}

/// The routes of signing in, of which only the first is there without a provider.
#[derive(Clone)]
pub struct SignInRoutes(pub(crate) Option<Arc<SignIn>>);

/// A redirect to the provider.
struct ToProvider(Response);

/// The page that hands the key to the console, or a redirect to it with the code of a problem.
struct Ended(Response);

#[OpenApi(tag = "Group::Account")]
impl SignInRoutes {
    /// Read how to sign in
    ///
    /// Besides with an API key: with the provider (OpenID Connect) of the operator, if there is one.
    #[oai(path = "/v1/sign-in", method = "get", operation_id = "read_sign_in")]
    #[expect(clippy::unused_async, reason = "the library awaits every handler")]
    async fn read(&self, _anyone: Anyone) -> Result<Json<SignInBody>, Documented<ReadProblems>> {
        let provider = self.0.as_ref().map(|sign_in| sign_in.settings());
        Ok(Json(SignInBody::of(provider)))
    }

    /// Exchange an ID token for an API key
    ///
    /// The token is that of a device flow (RFC 8628) between the program and the provider, with the
    /// client that `GET /v1/sign-in` names. The key ends after hours; delete it to sign out.
    #[oai(path = "/v1/sign-in", method = "post", operation_id = "sign_in")]
    async fn exchange(
        &self,
        _anyone: Anyone,
        request: &Request,
        body: JsonBody<IdTokenRequest>,
    ) -> Result<Added, Documented<ExchangeProblems>> {
        let sign_in = self.0.as_ref().ok_or(Code::NotFound)?;
        let session = session(request)?;
        session.count_sign_in()?;
        let signed_in = sign_in.with_token(&body.0.0, session).await?;
        let signed_in = signed_in.ok_or(Code::NotFound)?;
        let location = format!("/v1/keys/{}", signed_in.key.id);
        Ok(Added::Created(Json(signed_in.into()), location))
    }

    /// Sign in with a browser
    ///
    /// Leads to the provider, which leads back to the console.
    #[oai(path = "/oidc/sign-in", method = "get", operation_id = "begin_sign_in")]
    async fn begin(&self, _anyone: Anyone) -> Result<ToProvider, Documented<BrowserProblems>> {
        let sign_in = self.0.as_ref().ok_or(Code::NotFound)?;
        let answer = match sign_in.begin().await {
            Ok(begun) => redirect(&begun.location, &begun.cookie),
            Err(problem) => failed(&problem, sign_in),
        };
        Ok(ToProvider(answer))
    }

    /// End a sign-in with a browser
    ///
    /// The provider leads browsers here, with parameters of its own.
    #[oai(path = "/oidc/callback", method = "get", operation_id = "end_sign_in")]
    async fn end(&self, request: &Request) -> Result<Ended, Documented<BrowserProblems>> {
        let sign_in = self.0.as_ref().ok_or(Code::NotFound)?;
        let answer = match finish(sign_in, request).await {
            Ok(signed_in) => page(&signed_in, sign_in),
            Err(problem) => failed(&problem, sign_in),
        };
        Ok(Ended(answer))
    }
}

async fn finish(sign_in: &SignIn, request: &Request) -> Result<SignedIn, Problem> {
    let session = session(request)?;
    let query = request.uri().query().unwrap_or_default();
    let cookies = cookies(request.headers());
    sign_in.finish(query, &cookies, session).await
}

fn session(request: &Request) -> Result<&Session, Problem> {
    let session = request.data::<Session>();
    session.ok_or_else(|| Problem::internal("no session is set up"))
}

/// The browser's cookies, which HTTP/2 may split into several fields.
fn cookies(headers: &HeaderMap) -> String {
    let fields = headers.get_all(COOKIE).iter();
    let fields: Vec<_> = fields.filter_map(|field| field.to_str().ok()).collect();
    fields.join("; ")
}

/// A page that hands the key to the console by a script, which forgets the page: in no address, no
/// cookie and no history is there a key.
fn page(signed_in: &SignedIn, sign_in: &SignIn) -> Response {
    let key = signed_in.secret.as_str();
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Signed in – Dossier</title>\
         <meta name=\"dossier-key\" content=\"{key}\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"stylesheet\" href=\"/console/style.css\">\
         <script type=\"module\" src=\"/console/signed_in.js\"></script></head>\
         <body><main class=\"alone\"><h1>Signed in</h1><p>The console opens.</p></main></body></html>"
    );
    let mut answer = Html(html).into_response();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    with_cookie(answer, &sign_in.forgotten())
}

/// Leads to the console, which says in words what the code means.
fn failed(problem: &Problem, sign_in: &SignIn) -> Response {
    log_problem(problem);
    let place = format!("/console#/sign-in/{}", problem.code());
    redirect(&place, &sign_in.forgotten())
}

fn redirect(location: &str, cookie: &str) -> Response {
    let answer = Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(LOCATION, location)
        .header(CACHE_CONTROL, "no-store")
        .header(REFERRER_POLICY, "no-referrer")
        .finish();
    with_cookie(answer, cookie)
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

impl From<SignedIn> for NewKeyBody {
    fn from(signed_in: SignedIn) -> Self {
        let key = signed_in.key;
        Self {
            id: Id(key.id),
            key: signed_in.secret.as_str().to_owned(),
            name: key.name.map(|name| name.to_string()),
            scopes: effective_scopes(key.scopes.unwrap_or(Scopes::ALL), signed_in.role),
            expires_at: key.expires_at.map(Moment),
        }
    }
}

const THERE: (&str, &str) = ("Location", "Where it goes on.");

impl IntoResponse for ToProvider {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for ToProvider {
    fn meta() -> MetaResponses {
        let told = "Redirects to the provider; to the console, if it can't be reached.";
        MetaResponses {
            responses: vec![response(303, told, vec![], &THERE)],
        }
    }

    fn register(_: &mut Registry) {}
}

impl IntoResponse for Ended {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Ended {
    fn meta() -> MetaResponses {
        let page = MetaMediaType {
            content_type: Html::<String>::CONTENT_TYPE,
            schema: String::schema_ref(),
        };
        let kept = ("Cache-Control", "The page has a key: it is kept nowhere.");
        let told = "Redirects to the console, with the code of a problem.";
        MetaResponses {
            responses: vec![
                response(
                    200,
                    "Signed in: the page opens the console.",
                    vec![page],
                    &kept,
                ),
                response(303, told, vec![], &THERE),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}
