//! The first argument of every handler: the authenticated caller. Also checks that the query has
//! only documented parameters.

use domain::{Caller, Role};
use poem::{Request, RequestBody, Result};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::http::Route;
use crate::problem::Problem;

const SCHEME: &str = "bearer";

/// Any user.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser(pub Caller);

/// A user who is an admin.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub Caller);

/// Anyone: the operation needs no token.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

/// The caller, with at least this role.
fn caller_of(request: &Request, role: Role) -> Result<Caller, Problem> {
    let caller = request.data::<CurrentUser>().map(|user| user.0);
    let caller = caller.filter(|caller| caller.role >= role);
    let caller = caller.ok_or_else(|| Problem::internal("the route demands too little"))?;
    check_query(request)?;
    Ok(caller)
}

fn check_query(request: &Request) -> Result<(), Problem> {
    let route = Route::of(request).ok_or_else(|| Problem::internal("the route is not known"))?;
    route.check_query(request.uri().query())
}

fn register_scheme(registry: &mut Registry) {
    registry.create_security_scheme(
        SCHEME,
        MetaSecurityScheme {
            ty: "http",
            description: Some("An API key, or a JWT if the operator enabled them."),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        },
    );
}

macro_rules! secured {
    ($($extractor:ident($role:ident);)*) => {$(
        impl<'a> ApiExtractor<'a> for $extractor {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                register_scheme(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                vec![SCHEME]
            }

            async fn from_request(
                request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> Result<Self> {
                Ok(Self(caller_of(request, Role::$role)?))
            }
        }
    )*};
}

secured! {
    CurrentUser(User);
    Admin(Admin);
}

impl<'a> ApiExtractor<'a> for Anyone {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        check_query(request)?;
        Ok(Self)
    }
}
