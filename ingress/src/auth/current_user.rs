//! The first argument of every handler: who is calling, and whether the request may go on at all.
//!
//! Extractors run in order, so nothing of the body is read before these agree.

use std::sync::Arc;

use domain::{Caller, Role};
use poem::{Request, RequestBody, Result};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::Session;
use crate::capacity::Ticket;
use crate::http::Route;
use crate::problem::{Code, Problem};

const SCHEME: &str = "bearer";

/// Any user.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser(pub Caller);

/// A user who is an admin; others get 403.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub Caller);

/// Nobody in particular: the operation needs no token.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

/// Authenticates first, then checks the query against the documented parameters.
async fn admit(request: &Request, demand: Role) -> Result<Caller, Problem> {
    let session = request
        .data::<Session>()
        .ok_or_else(|| Problem::internal("no session is set up"))?;
    let caller = session.caller(request.headers()).await?;
    if let Some(ticket) = Ticket::of(request) {
        ticket.belongs_to(caller.user)?;
    }
    if demand == Role::Admin && caller.role != Role::Admin {
        session.is_forbidden(caller);
        return Err(Code::Forbidden.into());
    }
    check_query(request)?;
    Ok(caller)
}

fn check_query(request: &Request) -> Result<(), Problem> {
    let route = request
        .data::<Arc<Route>>()
        .ok_or_else(|| Problem::internal("the route is not known"))?;
    route.check_query(request.uri().query())
}

fn register_scheme(registry: &mut Registry) {
    registry.create_security_scheme(
        SCHEME,
        MetaSecurityScheme {
            ty: "http",
            description: Some("An API key, or a JWT where the operator has set them up."),
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
                Ok(Self(admit(request, Role::$role).await?))
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
