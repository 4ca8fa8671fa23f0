//! An API to talk to, and clients who read aloud.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{
    Allowances, ByteSize, Clock, ImportLimits, Limits, OperationLimits, Retention, RowLimits,
    Sha256, SystemClock, TypeMismatch, TypePolicy, UploadLimits,
};
use ledger::ownership::Ownership;
use ledger::{Database, DatabaseUrl, ensure_bootstrap_key};
use poem::http::{HeaderMap, Method, StatusCode};
use poem::{Body, Endpoint, Request, Response};
use queue::InProcessFeed;
use serde_json::{Value, json};
use settings::{JwtSettings, RedirectDownloads, RedirectSettings};
use storage::{StorageRouter, StorageUrl};
use telemetry::Meters;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::api::{Parts, api};
use crate::auth::{Authenticator, Guard};
use crate::capacity::{Capacity, CapacityLimits, Pressure};
use crate::http::ServerLimits;
use crate::operators::Health;
use crate::service::{SelfTest, Service};
use crate::uploads::Intake;
use crate::waiting::{EventWatch, JobNotifier, Waiters};

pub const ADMIN_KEY: &str = "the bootstrap key of these tests only";
pub const JWT_SECRET: &str = "a secret that only these tests know of";

/// Whose browsers may use this API.
pub const CORS_ORIGIN: &str = "https://app.example.com";

type Shared = Arc<dyn poem::endpoint::DynEndpoint<Output = Response>>;

/// A running API.
pub struct App {
    endpoint: Shared,
    pub service: Service,
    pub waiters: Waiters,
    pub intake: Intake,
    _folder: TempDir,
}

/// One user of it.
pub struct Client {
    endpoint: Shared,
    token: Option<String>,
    pub id: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl App {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// One whose service was changed by `adjust`.
    pub async fn start_with(adjust: impl FnOnce(&mut Service)) -> Self {
        let folder = TempDir::new().unwrap();
        let database = DatabaseUrl::Sqlite(folder.path().join("ledger.sqlite"));
        let db = Database::connect(&database, 4).await.unwrap();
        migrations::up(db.writer()).await.unwrap();
        let place = |name: &str| -> StorageUrl {
            StorageUrl::from_directory(&folder.path().join(name)).unwrap()
        };
        let places = StorageRouter::connect(&place("staging"), &place("storage"))
            .await
            .unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        ensure_bootstrap_key(&db, Sha256::of(ADMIN_KEY.as_bytes()), clock.now())
            .await
            .unwrap();
        let jwt = JwtSettings {
            secret: Some(JWT_SECRET.to_owned().into()),
            create_users: true,
            ..JwtSettings::default()
        };
        let mut service = Service {
            ownership: Ownership::of(db.clone(), places.clone(), Arc::clone(&clock)),
            db,
            places,
            feed: Arc::new(InProcessFeed::default()),
            clock,
            limits: Arc::new(limits()),
            retention: Retention::default(),
            jwt,
            oidc: None,
            trusted_proxies: Arc::default(),
            user_rate: None,
            refusal_rate: None,
            self_test: SelfTest::default(),
            cors_origins: Arc::new([CORS_ORIGIN.parse().unwrap()]),
            redirects: RedirectSettings {
                redirect_downloads: RedirectDownloads::Never,
                redirect_for: Duration::from_mins(1),
            },
            client: outbound::Client::new(outbound::Policy::default()),
            sealer: ledger::SecretSealer::default(),
            signer: ledger::ReceiptSigner::default(),
            meters: Meters::default(),
            pressure: Pressure::default(),
            server: ServerLimits::default(),
            capacity: Capacity::new(CapacityLimits::of_requests(1_000, None), Meters::default()),
            stopping: CancellationToken::new(),
        };
        adjust(&mut service);
        Self::of(service, folder).await
    }

    async fn of(service: Service, folder: TempDir) -> Self {
        let authenticator =
            Authenticator::new(service.db.clone(), Arc::clone(&service.clock), &service.jwt);
        let waiters = Waiters::default();
        let notifier = JobNotifier::start(Arc::clone(&service.feed), service.meters.clone());
        let intake = Intake::open(&service, notifier.clone(), Instant::now());
        let parts = Parts {
            service: service.clone(),
            guard: Guard::new(&service, authenticator.await.unwrap()),
            intake: intake.clone(),
            notifier,
            waiters: waiters.clone(),
            events: EventWatch::default(),
            health: Health::new(service.clone()),
        };
        let endpoint: Shared = Arc::new(poem::endpoint::ToDynEndpoint(api(&parts).unwrap()));
        Self {
            endpoint,
            service,
            waiters,
            intake,
            _folder: folder,
        }
    }

    pub fn nobody(&self) -> Client {
        self.with_token(None, "")
    }

    pub fn admin(&self) -> Client {
        self.with_token(Some(ADMIN_KEY), "")
    }

    pub fn with_token(&self, token: Option<&str>, id: &str) -> Client {
        Client {
            endpoint: Arc::clone(&self.endpoint),
            token: token.map(str::to_owned),
            id: id.to_owned(),
        }
    }

    /// Adds a user and gives them a key.
    pub async fn user(&self, body: Value) -> Client {
        let admin = self.admin();
        let user = admin.post_json("/v1/admin/users", &body).await;
        let id = user.json()["id"].as_str().unwrap().to_owned();
        let key = admin
            .send(
                Method::POST,
                &format!("/v1/admin/users/{id}/keys"),
                &[],
                Body::empty(),
            )
            .await;
        self.with_token(key.json()["key"].as_str(), &id)
    }

    pub async fn alice(&self) -> Client {
        self.user(json!({"name": "alice"})).await
    }

    pub async fn bob(&self) -> Client {
        self.user(json!({"name": "bob"})).await
    }
}

pub fn limits() -> Limits {
    Limits {
        max_document: ByteSize::new(100_000),
        // There is no worker here: what is accepted is looked for in staging.
        inline: ByteSize::ZERO,
        default_quota_bytes: ByteSize::new(1_000_000),
        default_quota_documents: 100,
        types: TypePolicy {
            allowed: vec!["*/*".parse().unwrap()],
            blocked: Vec::new(),
        },
        type_mismatch: TypeMismatch::Record,
        imports: ImportLimits::default(),
        operations: OperationLimits::default(),
        uploads: UploadLimits::default(),
        allowances: Allowances::default(),
        rows: RowLimits::default(),
    }
}

impl Client {
    pub async fn send(
        &self,
        method: Method,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(uri.parse().unwrap());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = self.endpoint.get_response(request.body(body)).await;
        let body = response.take_body().into_vec().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.send(Method::GET, uri, &[], Body::empty()).await
    }

    pub async fn delete(&self, uri: &str) -> Answer {
        self.send(Method::DELETE, uri, &[], Body::empty()).await
    }

    pub async fn post_json(&self, uri: &str, body: &Value) -> Answer {
        self.send(
            Method::POST,
            uri,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    pub async fn patch(&self, uri: &str, body: &Value) -> Answer {
        let merge_patch = [("content-type", "application/merge-patch+json")];
        self.send(Method::PATCH, uri, &merge_patch, body.to_string())
            .await
    }

    pub async fn uploads(&self, name: &str, content: &str) -> Answer {
        let uri = format!("/v1/documents?name={name}");
        self.send(
            Method::POST,
            &uri,
            &[("content-type", "text/plain")],
            content.to_owned(),
        )
        .await
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        domain::read_json(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status and code of a problem, which must be a whole one.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("/problems/{code}"));
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        assert!(body["title"].is_string() && body["detail"].is_string());
        (self.status.as_u16(), code)
    }

    /// The pointers of a problem.
    pub fn pointers(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect()
    }
}
