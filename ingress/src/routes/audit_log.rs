//! The security log, for admins.

use domain::check_storable;
use ledger::{AuditFilter, AuditPage, list_audit_log};
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;

use super::users::AdminListProblems;
use crate::auth::Admin;
use crate::dto::{
    AuditKindText, AuditLogPageBody, AuditSubjectText, Binding, CursorText, Limit, Moment, cursor,
    cut, position,
};
use crate::openapi::{Documented, Group};
use crate::problem::Problem;
use crate::service::Service;

/// The route of the security log.
#[derive(Clone, Debug)]
pub struct AuditLogRoutes(pub Service);

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Administration")]
impl AuditLogRoutes {
    /// Read the security log, newest first
    ///
    /// What was refused, what admins and operators did, what was deleted. What comes often is
    /// counted by the minute: `detail` says how often.
    #[oai(path = "/audit-log", method = "get", operation_id = "list_audit_log")]
    #[expect(
        clippy::too_many_arguments,
        reason = "the library takes each parameter as an argument"
    )]
    async fn list(
        &self,
        admin: Admin,
        /// Only this kind.
        kind: Query<Option<AuditKindText>>,
        /// What this user did, by id; `operator` for commands of the program.
        actor: Query<Option<AuditSubjectText>>,
        /// What was done to this user, document or job, by id.
        subject: Query<Option<AuditSubjectText>>,
        /// After this time.
        after: Query<Option<Moment>>,
        /// Before this time.
        before: Query<Option<Moment>>,
        /// Lines per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<AuditLogPageBody>, Documented<AdminListProblems>> {
        let limit = Limit::read(limit.0)?;
        let filter = AuditFilter {
            kind: kind.0.as_ref().map(read_kind).transpose()?,
            actor: read_text("actor", actor.0)?,
            subject: read_text("subject", subject.0)?,
            after: after.0.map(|moment| moment.0),
            before: before.0.map(|moment| moment.0),
        };
        let question = format!("{filter:?}");
        let binding = Binding::new(admin.0.user, &[&"audit-log", &question]);
        let page = AuditPage {
            below: position(binding, cursor.0.as_ref(), |text| text.parse().ok())?,
            limit: limit.and_one(),
        };
        let found = list_audit_log(&self.0.db, &filter, page).await;
        let (rows, more) = cut(found.map_err(Problem::from)?, limit);
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| self::cursor(binding, &row.id));
        Ok(Json(AuditLogPageBody {
            items: rows.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }
}

fn read_kind(text: &AuditKindText) -> Result<domain::AuditKind, Problem> {
    let kind = text.0.parse();
    kind.map_err(|_| Problem::invalid_field("kind", "is not a kind of the security log"))
}

fn read_text(
    parameter: &'static str,
    text: Option<AuditSubjectText>,
) -> Result<Option<String>, Problem> {
    let Some(AuditSubjectText(text)) = text else {
        return Ok(None);
    };
    check_storable(&text).map_err(|error| Problem::invalid_field(parameter, error))?;
    Ok(Some(text))
}
