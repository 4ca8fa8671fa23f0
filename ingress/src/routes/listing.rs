//! Lists documents: filtered, sorted, paged.

use domain::{Access, ByteSize, UserId};
use ledger::{DbError, DocumentFilter, ListRequest, Position, list_page};
use poem_openapi::OpenApi;
use poem_openapi::param::Query;

use super::documents::ReadProblems;
use crate::auth::CurrentUser;
use crate::dto::{
    Binding, CursorText, DocumentPageBody, FilterTexts, Id, Limit, MetadataText, Moment,
    NamePartText, SortText, StatusesText, TypePatternText, Written, cursor, cut, position,
};
use crate::openapi::{Documented, Group};
use crate::problem::{Code, Problem};
use crate::service::Service;

/// The route of the list.
#[derive(Clone, Debug)]
pub struct ListRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Documents")]
impl ListRoutes {
    /// List documents
    ///
    /// Page by page; no document is skipped or repeated while others are added or removed.
    #[oai(path = "/documents", method = "get", operation_id = "list_documents")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the operation is one"
    )]
    async fn list(
        &self,
        caller: CurrentUser,
        /// Statuses, as a comma list: `pending`, `active`, `archived`, `error`. All but `archived` by default.
        status: Query<Option<StatusesText>>,
        /// A media type such as `application/pdf`, or a range such as `image/*`.
        mime_type: Query<Option<TypePatternText>>,
        /// Part of the name, case-insensitive.
        name: Query<Option<NamePartText>>,
        /// Whether anybody may read it.
        is_public: Query<Option<bool>>,
        /// Accepted after this time.
        created_after: Query<Option<Moment>>,
        /// Accepted before this time.
        created_before: Query<Option<Moment>>,
        /// Changed after this time.
        updated_after: Query<Option<Moment>>,
        /// Changed before this time.
        updated_before: Query<Option<Moment>>,
        /// Minimum size in bytes.
        min_size: Query<Option<u64>>,
        /// Maximum size in bytes.
        max_size: Query<Option<u64>>,
        /// A JSON object that the metadata contains.
        metadata: Query<Option<MetadataText>>,
        /// `created_at`, `updated_at`, `name` or `size_bytes`, prefixed with `-` for descending order; `-created_at` by default.
        sort: Query<Option<SortText>>,
        /// Documents per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
        /// The documents' owner; admins may name another user.
        owner: Query<Option<Id<UserId>>>,
    ) -> Result<Written<DocumentPageBody>, Documented<ReadProblems>> {
        let limit = Limit::read(limit.0)?;
        let texts = FilterTexts {
            status: status.0.map(|text| text.0),
            mime_type: mime_type.0.map(|text| text.0),
            name: name.0.map(|text| text.0),
            metadata: metadata.0.map(|text| text.0),
            sort: sort.0.map(|text| text.0),
        };
        let (filter, sort) = texts.read(DocumentFilter {
            is_public: is_public.0,
            created_after: created_after.0.map(|moment| moment.0),
            created_before: created_before.0.map(|moment| moment.0),
            updated_after: updated_after.0.map(|moment| moment.0),
            updated_before: updated_before.0.map(|moment| moment.0),
            min_size: min_size.0.map(ByteSize::new),
            max_size: max_size.0.map(ByteSize::new),
            ..DocumentFilter::default()
        })?;
        let owner = owner.0.map_or(caller.0.user, |id| id.0);
        if caller.0.may_read(owner, Some(owner)) == Access::Hidden {
            return Err(Code::NotFound.into());
        }
        let question = format!("{filter:?}");
        let binding = Binding::new(caller.0.user, &[&"documents", &owner, &sort, &question]);
        let after = position(binding, cursor.0.as_ref(), |text| {
            Position::read(text, sort)
        })?;
        let request = ListRequest {
            owner,
            filter,
            sort,
            after,
            limit: limit.and_one(),
        };
        let found = list_page(&self.0.db, &request).await;
        let found = found.map_err(|error| not_found(error, &request.filter))?;
        let (documents, more) = cut(found, limit);
        let last = documents.last().filter(|_| more);
        let next_cursor = last.map(|last| self::cursor(binding, &Position::of(last, sort)));
        Ok(Written(DocumentPageBody {
            items: documents.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }
}

/// Maps the error of a list. A timeout is caused by the filter.
fn not_found(error: DbError, filter: &DocumentFilter) -> Problem {
    match error {
        DbError::TimeLimit if filter.metadata.is_some() => Problem::too_costly("metadata"),
        DbError::TimeLimit if filter.name_part.is_some() => Problem::too_costly("name"),
        error => error.into(),
    }
}
