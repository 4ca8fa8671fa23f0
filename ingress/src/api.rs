//! The API put together: routes, their document, and the frame around them.

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, IntoEndpoint, Response};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::Value;

use crate::auth::Authenticator;
use crate::compression::Compressed;
use crate::cors::CrossOrigin;
use crate::health::Health;
use crate::hints::Hints;
use crate::intake::Intake;
use crate::problem::Frame;
use crate::routes::{
    ChangeRoutes, ContentRoutes, DocumentRoutes, HealthRoutes, KeyRoutes, Merged, PageRoutes,
    Pages, PublicRoutes, UploadRoutes, UsageRoutes, UserRoutes, VersionRoutes,
};
use crate::service::Service;
use crate::table::RouteTable;
use crate::upload::MaxDocument;
use crate::waiters::Waiters;

/// What the handlers share beyond the service itself.
pub(crate) struct Parts {
    pub(crate) service: Service,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) intake: Intake,
    pub(crate) hints: Hints,
    pub(crate) waiters: Waiters,
    pub(crate) health: Health,
}

/// The endpoint of the API port.
pub(crate) fn api(parts: Parts) -> impl Endpoint<Output = Response> + 'static {
    let pages = Pages::default();
    let origins = Arc::clone(&parts.service.cors_origins);
    let max = MaxDocument(parts.service.limits.max_document);
    let authenticator = Arc::clone(&parts.authenticator);
    let service = documented(routes(parts, pages.clone()));
    pages.set(service.spec(), service.swagger_ui_html());
    let framed = framed(service).data(authenticator).data(max);
    CrossOrigin::new(Compressed(framed), &origins)
}

/// The endpoint of the operators' port.
pub(crate) fn operations(health: Health) -> impl Endpoint<Output = Response> + 'static {
    framed(documented(HealthRoutes(health)))
}

fn routes(parts: Parts, pages: Pages) -> impl OpenApi {
    let Parts {
        service,
        intake,
        hints,
        waiters,
        health,
        ..
    } = parts;
    Merged((
        UploadRoutes {
            service: service.clone(),
            intake,
            waiters: waiters.clone(),
        },
        DocumentRoutes {
            service: service.clone(),
            waiters: waiters.clone(),
        },
        ChangeRoutes {
            service: service.clone(),
            hints: hints.clone(),
        },
        ContentRoutes(service.clone()),
        VersionRoutes {
            service: service.clone(),
            waiters,
            hints: hints.clone(),
        },
        UsageRoutes(service.clone()),
        PublicRoutes(service.clone()),
        UserRoutes {
            service: service.clone(),
            hints,
        },
        KeyRoutes(service),
        HealthRoutes(health),
        PageRoutes(pages),
    ))
}

fn documented<T: OpenApi>(routes: T) -> OpenApiService<T, ()> {
    OpenApiService::new(routes, "Dossier", env!("CARGO_PKG_VERSION")).description(
        "Takes documents in, judges what they are, keeps them, and hands them out. \
         Every error is a problem document (RFC 9457).",
    )
}

/// The table of routes is read from the document itself.
fn framed<T: OpenApi + 'static>(
    service: OpenApiService<T, ()>,
) -> Frame<impl Endpoint<Output = Response>> {
    let document: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    Frame::new(
        service.into_endpoint(),
        Arc::new(RouteTable::from_document(&document)),
    )
}
