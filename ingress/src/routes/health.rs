//! Liveness and readiness for orchestrators; no token is needed.

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use crate::auth::Anyone;
use crate::openapi::{Documented, Group, problem_sets};
use crate::operators::{Health, Report};
use crate::problem::{Code, FieldError, Problem};

problem_sets! {
    /// What readiness can answer besides yes.
    HealthProblems { Invalid }
}

/// The state of the process.
#[derive(Debug, Object)]
#[oai(rename = "Health")]
struct HealthBody {
    /// `live` or `ready`
    status: String,
    /// Further places whose documents can't be read now, if there are any.
    #[oai(skip_serializing_if_is_none)]
    places_down: Option<Vec<String>>,
}

/// The health routes, on the API port and on the operators'.
#[derive(Clone, Debug)]
pub struct HealthRoutes(pub Health);

type Answer = Result<Json<HealthBody>, Documented<HealthProblems>>;

fn well(status: &str) -> Json<HealthBody> {
    Json(HealthBody {
        status: status.to_owned(),
        places_down: None,
    })
}

#[OpenApi(tag = "Group::Service")]
impl HealthRoutes {
    /// Check liveness
    #[oai(path = "/health/live", method = "get", operation_id = "live")]
    #[expect(clippy::unused_async, reason = "the library awaits every handler")]
    async fn live(&self, _anyone: Anyone) -> Answer {
        Ok(well("live"))
    }

    /// Check readiness
    ///
    /// Ready if database, queue and storage can be reached, type detection passes its self-test and
    /// the process isn't stopping. If not, `errors` names the parts that fail. Further places that
    /// can't be reached are only named.
    #[oai(path = "/health/ready", method = "get", operation_id = "ready")]
    async fn ready(&self, _anyone: Anyone) -> Answer {
        let Report {
            failing,
            places_down,
        } = self.0.report().await;
        if failing.is_empty() {
            return Ok(Json(HealthBody {
                status: "ready".to_owned(),
                places_down: Some(places_down).filter(|places| !places.is_empty()),
            }));
        }
        let names: Vec<_> = failing.iter().map(|one| one.part.as_str()).collect();
        let detail = format!("Not ready: {}.", names.join(", "));
        let errors = failing.into_iter().map(|one| FieldError {
            pointer: one.part.as_str().to_owned(),
            detail: one.detail,
        });
        Err(Problem::from(Code::Unavailable)
            .with_detail(detail)
            .with_errors(errors.collect())
            .into())
    }
}
