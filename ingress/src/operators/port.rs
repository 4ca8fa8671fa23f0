//! The operators' port, on its own thread and runtime: serves health and metrics while the API is
//! overloaded.

use std::io;

use poem::{Endpoint, Response};
use telemetry::Meters;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::capacity::{Capacity, CapacityLimits};
use crate::http::{AllowedOrigins, Door, ServerLimits, serve};

/// Requests in flight. Its clients are few, known and without keys: together they have half.
const REQUESTS: u32 = 128;

/// The configuration of the port.
pub struct OperationsPort<E> {
    /// The bound listener.
    pub listener: TcpListener,
    /// The endpoint.
    pub endpoint: E,
    /// Limits on connections and their timeouts.
    pub limits: ServerLimits,
}

impl<E: Endpoint<Output = Response> + 'static> OperationsPort<E> {
    /// Serves the port until `shutdown`; the returned future completes when it is closed.
    pub fn serve(
        self,
        shutdown: CancellationToken,
    ) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let Self {
            listener,
            endpoint,
            limits,
        } = self;
        // The listener is registered with the caller's runtime; move it to the new one.
        let listener = listener.into_std()?;
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("operations".to_owned());
        thread.spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let serving = async {
                let listener = TcpListener::from_std(listener)?;
                // Counted separately from the requests of the API.
                let limits_of_requests = CapacityLimits::of_requests(REQUESTS, Some(REQUESTS));
                let door = Door {
                    capacity: Capacity::new(limits_of_requests, Meters::default()),
                    limits,
                    origins: AllowedOrigins::default(),
                };
                serve(listener, endpoint, door, shutdown).await;
                Ok(())
            };
            if let Err(error) = runtime.and_then(|runtime| runtime.block_on(serving)) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the operators' port is closed");
            }
            // The receiver may be gone.
            let _ = end.send(());
        })?;
        Ok(async {
            let _ = ended.await;
        })
    }
}
