//! Assembles the API: routes, OpenAPI document and layers.

use std::sync::Arc;

use domain::{InvalidJson, read_json};
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::Value;

use crate::auth::{Authenticated, Guard, Sessions};
use crate::http::{
    AllowedOrigins, Compressed, CrossOrigin, Frame, HttpMetrics, RouteTable, Router,
};
use crate::idempotency::Idempotency;
use crate::openapi::{
    MergedPaths, add_examples, document_keys, document_request_fields, document_sessions,
    document_tus, in_version_31, make_strict, order_groups,
};
use crate::operators::Health;
use crate::resumable::{
    IetfCreations, MethodOverride, TicketOrigins, TicketPrivacy, TusAnswers, UploadSessions,
};
use crate::routes::{
    ActivityRoutes, AuditLogRoutes, ChangeRoutes, ConsoleRoutes, ContentRoutes, DeliveryRoutes,
    DirectUploadRoutes, DocumentRoutes, EventRoutes, HealthRoutes, ImportRoutes, JobRoutes,
    KeyRoutes, KeySetRoutes, ListRoutes, MetricsRoutes, OperationRoutes, OwnKeyRoutes, PageRoutes,
    Pages, PublicRoutes, QueueRoutes, ReceiptRoutes, ResultRoutes, ResumableRoutes, SignInRoutes,
    StorageMoveRoutes, TicketDoorRoutes, TicketRoutes, UploadRoutes, UsageRoutes, UserRoutes,
    VersionRoutes, WebhookRoutes,
};
use crate::service::Service;
use crate::sign_in::SignIn;
use crate::uploads::{Intake, MaxArchive, MaxDocument};
use crate::waiting::{EventWatch, JobNotifier, Waiters};

/// Shared state of the handlers beyond the service.
pub(crate) struct Parts {
    pub(crate) service: Service,
    pub(crate) guard: Arc<Guard>,
    pub(crate) intake: Intake,
    pub(crate) notifier: JobNotifier,
    pub(crate) waiters: Waiters,
    pub(crate) events: EventWatch,
    pub(crate) health: Health,
}

/// Builds the endpoint of the API port.
pub(crate) fn api(
    parts: &Parts,
) -> Result<impl Endpoint<Output = Response> + 'static, InvalidJson> {
    let pages = Pages::default();
    let meters = parts.service.meters.clone();
    let (shared, intake) = (parts.service.clone(), parts.intake.clone());
    let origins = AllowedOrigins::new(&parts.service.cors_origins);
    let max = MaxDocument(parts.service.limits.max_document);
    let max_archive = MaxArchive(parts.service.limits.imports.bytes);
    let guard = Arc::clone(&parts.guard);
    let service = documented(routes(parts, pages.clone()));
    let document = described(&service)?;
    let page = service.swagger_ui_html();
    let page = page.replace(&service.spec(), &format!("{document:#}"));
    pages.set(&document, &in_version_31(&document), page);
    let table = table(&service)?;
    let handlers = service.into_endpoint().data(max).data(max_archive);
    let idempotent = Idempotency::new(handlers, intake, &shared);
    let sessions = Sessions::new(Frame(Authenticated(idempotent)), guard);
    let uploads = TusAnswers::new(Compressed(sessions), max.0);
    let answered = CrossOrigin::new(TicketPrivacy(uploads), origins);
    let answered = TicketOrigins::new(answered, shared.db.clone());
    let routed = Router::new(HttpMetrics::new(answered, meters), table);
    Ok(MethodOverride(IetfCreations(routed)))
}

/// Builds the endpoint of the operators' port.
pub(crate) fn operations(
    health: Health,
    metrics: MetricsRoutes,
) -> Result<impl Endpoint<Output = Response> + 'static, InvalidJson> {
    let service = documented((HealthRoutes(health), metrics));
    let table = table(&service)?;
    Ok(Router::new(Frame(service.into_endpoint()), table))
}

fn routes(parts: &Parts, pages: Pages) -> impl OpenApi {
    MergedPaths((
        upload_routes(parts),
        document_routes(parts),
        operation_routes(parts),
        own_routes(parts),
        admin_routes(parts),
        HealthRoutes(parts.health.clone()),
        KeySetRoutes(parts.service.clone()),
        PageRoutes(pages),
        ConsoleRoutes,
    ))
}

/// Routes that take bytes.
fn upload_routes(parts: &Parts) -> impl OpenApi {
    let Parts {
        service,
        intake,
        notifier,
        waiters,
        ..
    } = parts;
    let sessions = UploadSessions::new(service, intake, notifier, waiters);
    (
        ImportRoutes {
            service: parts.service.clone(),
            intake: parts.intake.clone(),
            notifier: parts.notifier.clone(),
        },
        UploadRoutes {
            service: parts.service.clone(),
            intake: parts.intake.clone(),
            waiters: parts.waiters.clone(),
        },
        ResumableRoutes(sessions.clone()),
        DirectUploadRoutes(sessions.clone()),
        TicketDoorRoutes(ResumableRoutes(sessions)),
        TicketRoutes(parts.service.clone()),
    )
}

/// Routes of documents, their versions and their content.
fn document_routes(parts: &Parts) -> impl OpenApi {
    (
        DocumentRoutes {
            service: parts.service.clone(),
            waiters: parts.waiters.clone(),
        },
        ChangeRoutes {
            service: parts.service.clone(),
            notifier: parts.notifier.clone(),
        },
        ListRoutes(parts.service.clone()),
        ContentRoutes(parts.service.clone()),
        VersionRoutes {
            service: parts.service.clone(),
            waiters: parts.waiters.clone(),
            notifier: parts.notifier.clone(),
        },
        ReceiptRoutes(parts.service.clone()),
        PublicRoutes(parts.service.clone()),
    )
}

/// Routes of bulk operations and their results.
fn operation_routes(parts: &Parts) -> impl OpenApi {
    (
        OperationRoutes {
            service: parts.service.clone(),
            waiters: parts.waiters.clone(),
            notifier: parts.notifier.clone(),
        },
        ResultRoutes {
            service: parts.service.clone(),
            notifier: parts.notifier.clone(),
        },
    )
}

/// Routes of what belongs to the caller.
fn own_routes(parts: &Parts) -> impl OpenApi {
    (
        UsageRoutes(parts.service.clone()),
        OwnKeyRoutes(parts.service.clone()),
        SignInRoutes(SignIn::of(&parts.service)),
        EventRoutes {
            service: parts.service.clone(),
            events: parts.events.clone(),
        },
        WebhookRoutes(parts.service.clone()),
        DeliveryRoutes(parts.service.clone()),
    )
}

/// Routes for administrators.
fn admin_routes(parts: &Parts) -> impl OpenApi {
    (
        UserRoutes {
            service: parts.service.clone(),
            notifier: parts.notifier.clone(),
        },
        QueueRoutes(parts.service.clone()),
        JobRoutes {
            service: parts.service.clone(),
            notifier: parts.notifier.clone(),
        },
        StorageMoveRoutes {
            service: parts.service.clone(),
            notifier: parts.notifier.clone(),
        },
        AuditLogRoutes(parts.service.clone()),
        ActivityRoutes(parts.service.clone()),
        KeyRoutes(parts.service.clone()),
    )
}

/// The OpenAPI document with what the layers around the routes add to it.
fn described<T: OpenApi>(service: &OpenApiService<T, ()>) -> Result<Value, InvalidJson> {
    let mut document: Value = read_json(service.spec().as_bytes())?;
    document_keys(&mut document);
    document_sessions(&mut document);
    document_tus(&mut document);
    document_request_fields(&mut document);
    make_strict(&mut document);
    order_groups(&mut document);
    add_examples(&mut document);
    Ok(document)
}

fn documented<T: OpenApi>(routes: T) -> OpenApiService<T, ()> {
    OpenApiService::new(routes, "Dossier", env!("CARGO_PKG_VERSION")).description(
        "Stores documents: detects their types, keeps their versions and serves their content. \
         Every error is a problem document (RFC 9457). Any request may have an `X-Request-Id`, which \
         its answer and the logs repeat, and a `Traceparent` (W3C Trace Context), under which its spans \
         are exported. JSON and pages are compressed as `Accept-Encoding` asks.",
    )
}

/// Builds the route table from the OpenAPI document.
fn table<T: OpenApi>(service: &OpenApiService<T, ()>) -> Result<RouteTable, InvalidJson> {
    let document: Value = read_json(service.spec().as_bytes())?;
    Ok(RouteTable::from_document(&document))
}
