//! Usage of a user, and the timeline of a document.

use domain::{Access, DocumentId, UserId};
use ledger::{timeline, usage};
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;

use super::documents::readable;
use crate::auth::CurrentUser;
use crate::dto::{
    Binding, CursorText, Id, Limit, TimelinePageBody, UsageBody, cursor, cut, position,
};
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Reading an account.
    AccountProblems { Unauthorized, NotFound, Invalid }
}

/// The routes of usage and timelines.
#[derive(Clone, Debug)]
pub struct UsageRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Documents")]
impl UsageRoutes {
    /// Read usage and limits
    #[oai(path = "/usage", method = "get", operation_id = "read_usage")]
    async fn usage(
        &self,
        caller: CurrentUser,
        /// The documents' owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<UsageBody>, Documented<AccountProblems>> {
        let owner = owner.0.map_or(caller.0.user, |id| id.0);
        if caller.0.may_read(owner, Some(owner)) == Access::Hidden {
            return Err(Code::NotFound.into());
        }
        let kept = usage(&self.0.db, owner, &self.0.limits).await;
        let kept = kept.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        Ok(Json(kept.into()))
    }

    /// Read the timeline of a document
    #[oai(
        path = "/documents/:id/timeline",
        method = "get",
        operation_id = "read_timeline"
    )]
    async fn timeline(
        &self,
        caller: CurrentUser,
        id: Path<Id<DocumentId>>,
        /// Entries per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
        /// The document's owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Json<TimelinePageBody>, Documented<AccountProblems>> {
        let limit = Limit::read(limit.0)?;
        let id = id.0.0;
        readable(&self.0.db, caller.0, id, owner.0.map(|id| id.0)).await?;
        let binding = Binding::new(caller.0.user, &[&"timeline", &id]);
        let after = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let found = timeline(
            &self.0.db,
            id,
            after.unwrap_or_default(),
            limit.and_one().into(),
        )
        .await;
        let (events, more) = cut(found.map_err(Problem::from)?, limit);
        let last = events.last().filter(|_| more);
        let next_cursor = last.map(|event| self::cursor(binding, &event.sequence));
        Ok(Json(TimelinePageBody {
            items: events.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }
}
