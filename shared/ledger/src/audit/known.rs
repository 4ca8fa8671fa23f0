//! The objects that rows refer to, in the order in which storage lists them.

use serde::Serialize;
use url::Url;
use uuid::Uuid;

use crate::batch::{Columns, Kind, parameter, query};
use crate::readable::unreadable;
use crate::references::{SOURCES, Source, Staged};
use crate::tables::users::Charges;
use crate::tables::versions::forget_missing_bytes;
use crate::{Database, DbError};
use domain::{ByteSize, Sha256};

/// An object that a row refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownObject {
    /// The URL of the object, as in the row.
    pub url: String,
    /// The kind of the row: `blob`, `version`, …
    pub what: &'static str,
    /// The row's id.
    pub id: Uuid,
    /// The expected length, if the row has it.
    pub size: Option<ByteSize>,
    /// The expected digest, if the row has it.
    pub sha256: Option<Sha256>,
}

impl KnownObject {
    /// The URL, if it is valid.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        self.url.parse().ok()
    }

    /// Whether it was staged, and may have been moved into the store under the same key.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        SOURCES
            .iter()
            .any(|source| source.what == self.what && source.staged == Staged::Yes)
    }
}

/// At most `limit` objects whose URLs sort after `after` and before `until`, bytewise.
pub async fn known_objects(
    db: &Database,
    after: &str,
    until: &str,
    limit: u32,
) -> Result<Vec<KnownObject>, DbError> {
    let bytewise = db.dialect().bytewise();
    let one = |source: &Source| {
        let Source {
            what,
            table,
            column,
            size,
            sha256,
            needs,
            ..
        } = source;
        format!(
            "SELECT * FROM (SELECT {column}{bytewise} AS url, '{what}' AS what, id, \
             CAST({size} AS bigint) AS size_bytes, CAST({sha256} AS text) AS sha256 FROM {table} \
             WHERE {column}{bytewise} > $1 AND {column}{bytewise} < $2 AND {needs} ORDER BY {column}{bytewise} LIMIT $3) AS {table}_{column}"
        )
    };
    let all: Vec<_> = SOURCES.iter().map(one).collect();
    let sql = format!("{} ORDER BY 1 LIMIT $3", all.join(" UNION ALL "));
    let values = [after.into(), until.into(), i64::from(limit).into()];
    query(db.reader(), sql, values)
        .await?
        .iter()
        .map(known_object)
        .collect()
}

fn known_object(row: &sea_orm::QueryResult) -> Result<KnownObject, DbError> {
    let what: String = row.try_get("", "what")?;
    let id: Uuid = row.try_get("", "id")?;
    let size: Option<i64> = row.try_get("", "size_bytes")?;
    let sha256: Option<String> = row.try_get("", "sha256")?;
    let source = SOURCES.iter().find(|source| source.what == what);
    let source = source.ok_or_else(|| DbError::corrupt("sources", "what", id))?;
    Ok(KnownObject {
        url: row.try_get("", "url")?,
        what: source.what,
        id,
        size: size.map(|bytes| ByteSize::new(bytes.unsigned_abs())),
        // The object is known nevertheless: the cleanup must not remove its bytes.
        sha256: sha256.and_then(|text| {
            let digest = text.parse();
            let corrupt = |_| unreadable(&DbError::corrupt(source.table, source.sha256, id));
            digest.map_err(corrupt).ok()
        }),
    })
}

const KNOWN: &Columns = &[("id", Kind::Uuid), ("url", Kind::Text)];

#[derive(Serialize)]
struct KnownRow<'a> {
    id: Uuid,
    url: &'a str,
}

/// Returns those of `objects` that the same rows still refer to.
pub async fn still_known(
    db: &Database,
    objects: Vec<KnownObject>,
) -> Result<Vec<KnownObject>, DbError> {
    let dialect = db.dialect();
    let (bytewise, list) = (dialect.bytewise(), dialect.rows(KNOWN));
    let mut known = Vec::with_capacity(objects.len());
    for Source {
        what,
        table,
        column,
        ..
    } in SOURCES
    {
        let asked = objects.iter().filter(|object| object.what == *what);
        let asked: Vec<_> = asked
            .map(|object| KnownRow {
                id: object.id,
                url: &object.url,
            })
            .collect();
        if asked.is_empty() {
            continue;
        }
        let sql = format!(
            "SELECT r.id FROM {list} JOIN {table} r ON r.id = x.id AND r.{column}{bytewise} = x.url"
        );
        for row in query(db.reader(), sql, [parameter(&asked)?]).await? {
            let id: Uuid = row.try_get_by_index(0)?;
            known.extend(
                objects
                    .iter()
                    .find(|object| object.what == *what && object.id == id)
                    .cloned(),
            );
        }
    }
    Ok(known)
}

/// Clears the URLs of staged bytes that are gone from failed versions, which then can't be retried.
pub async fn forget_staged(db: &Database, version: &KnownObject) -> Result<bool, DbError> {
    let transaction = db.begin().await?;
    if db.dialect().locks_rows() {
        let lock = "SELECT d.id FROM documents d JOIN versions v ON v.document_id = d.id \
             WHERE v.id = $1 FOR NO KEY UPDATE OF d";
        query(&transaction, lock, [version.id.into()]).await?;
    }
    let forgotten = forget_missing_bytes(&transaction, version.id, &version.url).await?;
    let mut charges = Charges::default();
    if let Some(forgotten) = &forgotten {
        charges.to(forgotten.owner_id).staging_bytes -= forgotten.size_bytes;
    }
    charges.write(&transaction).await?;
    transaction.commit().await?;
    Ok(forgotten.is_some())
}
