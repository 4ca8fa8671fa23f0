//! One request and its response: admission before the endpoint, and accounting of the response.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{ALLOW, CONNECTION};
use http_body_util::combinators::BoxBody;
use hyper::body::{Body as _, Incoming};
use poem::endpoint::DynEndpoint;
use poem::http::uri::Scheme;
use poem::http::{Method, StatusCode, Version};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Endpoint, Request, RequestParts, Response};
use tokio_util::sync::CancellationToken;

use super::ServerLimits;
use super::activity::InFlight;
use super::comments::SendsComments;
use super::edges;
use super::handover::Handover;
use super::progress::Progress;
use super::request_body::{Patience, RequestBody};
use super::response_body::{InUse, ResponseBody, SharedBody};
use super::socket::{Linger, Reader};
use crate::capacity::{Capacity, Taken, Ticket};
use crate::http::cors::{AllowedOrigins, OriginGrant};
use crate::problem::{Code, Problem, RequestId};

const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// Methods that some route answers.
const METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
/// Responses up to this size are not charged: the number of requests bounds them.
const SMALL: u64 = 16 << 10;

/// How long a peer may stall on a refusal, which is not counted in flight.
const REFUSED_STALL: Duration = Duration::from_secs(2);

/// The endpoint shared by connections.
pub(super) type SharedEndpoint = Arc<dyn DynEndpoint<Output = Response>>;

/// The admission of requests; clones share it.
#[derive(Clone, Debug)]
pub struct Door {
    /// The budgets of the process.
    pub capacity: Capacity,
    /// What clients may hold open.
    pub limits: ServerLimits,
    /// Origins whose scripts may read refusals.
    pub origins: AllowedOrigins,
}

/// The state shared by requests of a connection.
pub(super) struct Exchange {
    pub(super) endpoint: SharedEndpoint,
    pub(super) door: Door,
    pub(super) shutdown: CancellationToken,
    pub(super) peer: SocketAddr,
    pub(super) local: Option<SocketAddr>,
    pub(super) linger: Linger,
    pub(super) reader: Reader,
    pub(super) handover: Handover,
}

impl Exchange {
    /// Answers a request, which is in flight until the response is sent.
    pub(super) async fn answer(
        &self,
        request: http::Request<Incoming>,
        mut in_flight: InFlight,
    ) -> http::Response<ResponseBody> {
        let version = request.version();
        let is_reusable = version == Version::HTTP_11;
        let mut request = self.request(request);
        let (is_head, id) = (
            request.method() == Method::HEAD,
            RequestId::settle(&mut request),
        );
        if is_reusable {
            request.set_data(SendsComments);
        }
        let mut is_broken = false;
        let (mut response, ticket, memory) = match self.admit(&request) {
            Ok(ticket) => {
                in_flight.admit();
                self.admitted(request, ticket).await
            }
            Err(problem) => {
                // The end of an invalid request is uncertain.
                is_broken = problem.code() != Code::Overloaded;
                let grant = self.door.origins.grant(&request);
                drop(request);
                (refused(&problem, &id, is_head, grant), None, None)
            }
        };
        // An unread body would be parsed as the next request; and a stopping server reads no next
        // request.
        let is_stream = !is_head && has_no_end(&response);
        if is_stream && let Some(ticket) = &ticket {
            ticket.opens_no_files();
        }
        let is_endless = is_reusable && is_stream;
        let is_stopping = self.linger.is_asked() || self.shutdown.is_cancelled();
        let is_last = is_broken || is_endless || is_stopping;
        if is_reusable && is_last {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        // Over HTTP/1.0 such a response ends with its connection, which the library keeps alive only
        // for responses that are of version 1.1 or say so.
        if version == Version::HTTP_10 && is_stream {
            response.set_version(version);
        }
        let response: http::Response<BoxBody<_, _>> = response.into();
        match (Progress::of_stream(), &ticket) {
            (Some(progress), Some(ticket)) => progress.is_answered_to(ticket.standing()),
            (Some(progress), None) => {
                progress.hurry(REFUSED_STALL.min(self.door.limits.write_stall));
            }
            (None, Some(ticket)) => self.reader.is(ticket.standing()),
            (None, None) => {}
        }
        let in_use = InUse {
            _in_flight: in_flight,
            _ticket: ticket,
            _memory: memory,
        };
        response.map(|body| {
            let body = ResponseBody::new(body, in_use);
            if is_endless {
                self.handover.offer(body)
            } else {
                body
            }
        })
    }

    fn admit(&self, request: &Request) -> Result<Ticket, Problem> {
        match edges::refusal(request) {
            Some(problem) => Err(problem),
            None => self.door.capacity.admit(self.peer, request),
        }
    }

    async fn admitted(
        &self,
        mut request: Request,
        ticket: Ticket,
    ) -> (Response, Option<Ticket>, Option<Taken>) {
        if edges::asks_about_all(&request) {
            let response = Response::builder().status(StatusCode::NO_CONTENT);
            return (response.header(ALLOW, METHODS).finish(), Some(ticket), None);
        }
        request.set_data(ticket.clone());
        let is_head = request.method() == Method::HEAD;
        let changes_nothing = is_head || request.method() == Method::GET;
        let id = RequestId::of(&request);
        let grant = self.door.origins.grant(&request);
        let mut response = self.endpoint.get_response(request).await;
        let is_refused = response.status() == StatusCode::UNAUTHORIZED;
        if let Err(problem) = ticket.settle(is_refused) {
            return (refused(&problem, &id, is_head, grant), None, None);
        }
        let memory = match own_bytes(&mut response) {
            0..=SMALL => None,
            bytes => match ticket.try_hold_answer(bytes) {
                Ok(memory) => Some(memory),
                Err(problem) if changes_nothing => {
                    response = refused(&problem, &id, is_head, grant);
                    None
                }
                // The change is committed; the client must learn of it.
                Err(_) => None,
            },
        };
        (response, Some(ticket), memory)
    }

    fn request(&self, request: http::Request<Incoming>) -> Request {
        let (parts, body) = request.into_parts();
        let local = self.local.map_or_else(LocalAddr::default, |address| {
            LocalAddr(Addr::SocketAddr(address))
        });
        let peer = RemoteAddr(Addr::SocketAddr(self.peer));
        let parts = RequestParts::from((parts, local, peer, Scheme::HTTP));
        let patience = Patience {
            chunk: self.door.limits.body_chunk,
            rate: self.door.limits.body_rate,
        };
        let body = RequestBody::new(body, patience, self.linger.clone());
        Request::from_parts(parts, BoxBody::new(body).into())
    }
}

/// Whether a response goes on for as long as its client listens.
fn has_no_end(response: &Response) -> bool {
    let kind = response.content_type();
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// Returns the bytes of a response in memory. Streamed responses are charged as they are read.
fn own_bytes(response: &mut Response) -> u64 {
    if response.extensions().get::<SharedBody>().is_some() {
        return 0;
    }
    let body: BoxBody<_, _> = response.take_body().into();
    let bytes = body.size_hint().exact().unwrap_or(0);
    response.set_body(Body::from(body));
    bytes
}

/// Answers a refused request. A preflight succeeds, so that the script can read the refusal of the
/// request itself.
fn refused(problem: &Problem, id: &RequestId, is_head: bool, grant: OriginGrant) -> Response {
    let is_overload = problem.code() == Code::Overloaded;
    let preflight = grant.preflight().filter(|_| is_overload);
    let mut response = preflight.unwrap_or_else(|| problem.to_response(id.as_str()));
    id.show_in(response.headers_mut());
    if is_head {
        response.set_body(Body::empty());
    }
    grant.show_in(&mut response);
    response
}
