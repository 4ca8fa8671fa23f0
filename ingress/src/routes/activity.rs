//! What a process did in the last hour, for admins without a collector of metrics.

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::users::AdminListProblems;
use crate::auth::Admin;
use crate::dto::ActivityBody;
use crate::openapi::{Documented, Group};
use crate::service::Service;

/// The route of the last hour.
#[derive(Clone, Debug)]
pub struct ActivityRoutes(pub Service);

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Administration")]
impl ActivityRoutes {
    /// Read what this process did in the last hour
    ///
    /// Each process of the API counts what it has answered itself since it started, and keeps an hour
    /// of it; what waits is the same in all.
    #[oai(path = "/activity", method = "get", operation_id = "read_activity")]
    async fn read(
        &self,
        _admin: Admin,
    ) -> Result<Json<ActivityBody>, Documented<AdminListProblems>> {
        let Service {
            meters, db, clock, ..
        } = &self.0;
        meters.look(db, clock.now()).await;
        Ok(Json(meters.last_hour(clock.now()).into()))
    }
}
