//! Users, for admins.

use domain::{AuditEvent, AuditKind, User, UserId};
use ledger::{
    ChangeUserError, ChangedUser, UserChanges, UserNameTaken, UserPage, add_user, change_user,
    find_user, list_users, remove_user,
};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use queue::Queue;
use serde_json::json;

use crate::auth::{Admin, RequestOrigin};
use crate::dto::{
    Binding, CursorText, Id, Limit, NewUser, UserBody, UserPageBody, cursor, cut, position,
};
use crate::http::{JsonBody, MergePatch};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::JobNotifier;

problem_sets! {
    /// Reading a list of the administration.
    AdminListProblems { Unauthorized, Forbidden, Invalid }
    /// Reading one thing of the administration.
    AdminReadProblems { Unauthorized, Forbidden, NotFound, Invalid }
    /// Adding a user.
    AddUserProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, RequestTimeout, UniqueNameTaken, TooLarge,
        UnsupportedMediaType, Invalid,
    }
    /// Changing a user.
    ChangeUserProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, NotFound, RequestTimeout, IllegalTransition,
        UniqueNameTaken, TooLarge, UnsupportedMediaType, Invalid,
    }
    /// Deleting a user.
    DeleteUserProblems { Unauthorized, Forbidden, NotFound, IllegalTransition, Invalid }
}

#[derive(ApiResponse)]
enum Added {
    /// The user was added.
    #[oai(status = 201)]
    Created(Json<UserBody>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum Deleted {
    /// The user, their keys and their documents are deleted; the bytes are removed in the background.
    #[oai(status = 204)]
    Gone,
}

/// The user routes.
#[derive(Clone, Debug)]
pub struct UserRoutes {
    /// The service that all handlers share.
    pub service: Service,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
}

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Administration")]
impl UserRoutes {
    /// Add a user
    #[oai(path = "/users", method = "post", operation_id = "add_user")]
    async fn add(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        idempotent: IdempotentRequest,
        body: JsonBody<NewUser>,
    ) -> Result<Added, Documented<AddUserProblems>> {
        let user = body.0.at(self.service.clock.now());
        let on = idempotent.on(&self.service.db, Added::from);
        let on = origin.log(on, AuditEvent::user_added);
        add_user(&on, &user).await.map_err(|error| match error {
            UserNameTaken::Taken => name_taken(),
            UserNameTaken::IdentityTaken => identity_taken(),
            UserNameTaken::Database(error) => error.into(),
        })?;
        Ok(user.into())
    }

    /// List users, newest first
    #[oai(path = "/users", method = "get", operation_id = "list_users")]
    async fn list(
        &self,
        admin: Admin,
        /// Users per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<UserPageBody>, Documented<AdminListProblems>> {
        let limit = Limit::read(limit.0)?;
        let binding = Binding::new(admin.0.user, &[&"users"]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let page = UserPage {
            before,
            limit: limit.and_one().into(),
        };
        let (users, more) = cut(
            list_users(&self.service.db, page)
                .await
                .map_err(Problem::from)?,
            limit,
        );
        let last = users.last().filter(|_| more);
        let next_cursor = last.map(|user| self::cursor(binding, &user.id));
        Ok(Json(UserPageBody {
            items: users.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Read a user
    #[oai(path = "/users/:id", method = "get", operation_id = "read_user")]
    async fn read(
        &self,
        _admin: Admin,
        id: Path<Id<UserId>>,
    ) -> Result<Json<UserBody>, Documented<AdminReadProblems>> {
        let user = find_user(&self.service.db, id.0.0)
            .await
            .map_err(Problem::from)?;
        Ok(Json(user.ok_or(Code::NotFound)?.into()))
    }

    /// Change a user
    ///
    /// `identities` replaces those that the user is linked to. Of a user who is `disabled`, every
    /// request is refused at once, and what runs is ended within a second.
    #[oai(path = "/users/:id", method = "patch", operation_id = "change_user")]
    async fn change(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        id: Path<Id<UserId>>,
        idempotent: IdempotentRequest,
        body: JsonBody<UserChanges, MergePatch>,
    ) -> Result<Json<UserBody>, Documented<ChangeUserProblems>> {
        let answer = |changed: ChangedUser| Json(UserBody::from(changed.after));
        let on = origin.log(
            idempotent.on(&self.service.db, answer),
            |changed: &ChangedUser| AuditEvent::user_changed(&changed.before, &changed.after),
        );
        let changed = change_user(&on, id.0.0, &body.0, self.service.clock.now()).await;
        let user = changed.map_err(not_changed)?;
        Ok(Json(user.ok_or(Code::NotFound)?.into()))
    }

    /// Delete a user with all documents
    ///
    /// Tokens of their identities are refused from then on, until an administrator links them
    /// to a user.
    #[oai(path = "/users/:id", method = "delete", operation_id = "delete_user")]
    async fn delete(
        &self,
        admin: Admin,
        origin: RequestOrigin,
        id: Path<Id<UserId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Deleted, Documented<DeleteUserProblems>> {
        let now = self.service.clock.now();
        // Their keys go with them: who deletes themselves can't ask again.
        let idempotent = if id.0.0 == admin.0.user {
            IdempotentRequest::default()
        } else {
            idempotent
        };
        let on = idempotent.on(&self.service.db, |()| Deleted::Gone);
        let deleted = AuditEvent::new(AuditKind::UserDeleted, id.0.0, json!({}));
        let on = origin.log(on, move |()| vec![deleted.clone()]);
        let removed = remove_user(&on, id.0.0, now, self.service.traces()).await;
        let job = removed.map_err(not_changed)?.ok_or(Code::NotFound)?;
        self.notifier.notify(Queue::Maintenance, job);
        Ok(Deleted::Gone)
    }
}

impl From<User> for Added {
    fn from(user: User) -> Self {
        let location = format!("/v1/admin/users/{}", user.id);
        Self::Created(Json(user.into()), location)
    }
}

fn name_taken() -> Problem {
    Problem::from(Code::UniqueNameTaken).with_detail("Another user has this name.")
}

fn identity_taken() -> Problem {
    Problem::from(Code::UniqueNameTaken)
        .with_detail("Another user is linked to one of the identities.")
}

fn not_changed(error: ChangeUserError) -> Problem {
    match error {
        ChangeUserError::LastAdmin => Problem::from(Code::IllegalTransition).with_detail(
            "The last administrator can be neither deleted nor disabled nor made an ordinary user.",
        ),
        ChangeUserError::NameTaken => name_taken(),
        ChangeUserError::IdentityTaken => identity_taken(),
        ChangeUserError::Database(error) => error.into(),
    }
}
