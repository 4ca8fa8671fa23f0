//! The way from an archive to items: begun anew by each attempt, until the entries are taken in.

use serde::Serialize;
use url::Url;

use super::create::ConflictPolicy;
use super::entry::{ImportEntry, NewImportItem};
use crate::accounts::Charges;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::discards::Discard;
use crate::jobs::{NewJob, enqueue};
use crate::operations::archives::{Held, Hold, begin_anew, hold};
use crate::operations::standing::Standing;
use crate::settle::finish_jobs;
use crate::{Database, DbError, JobRef, Settlement, discards};
use crash_points::CrashPoint;
use domain::{Action, ItemResult, JobId, OperationErrorCode, OperationId, Timestamp, UserId};
use queue::JobKind;

/// An import that is under way.
#[derive(Clone, Debug)]
pub struct Import {
    /// The operation.
    pub id: OperationId,
    /// Whose documents they become.
    pub owner: UserId,
    /// Where the archive is.
    pub source: Url,
    /// What becomes of names that are taken.
    pub on_conflict: ConflictPolicy,
    /// When it began.
    pub began: Timestamp,
}

pub(super) fn import_of(held: &Held) -> Result<Import, DbError> {
    let id = held.operation.id;
    let corrupt = |column| DbError::corrupt("operations", column, id);
    let source = held
        .source
        .as_deref()
        .ok_or_else(|| corrupt("source_url"))?;
    let began = held.operation.state.started_at();
    let word = held.options["on_conflict"].as_str().unwrap_or_default();
    let policy = ConflictPolicy::ALL
        .into_iter()
        .find(|policy| policy.as_str() == word);
    Ok(Import {
        id,
        owner: held.operation.owner,
        source: Url::parse(source).map_err(|_| corrupt("source_url"))?,
        on_conflict: policy.ok_or_else(|| corrupt("options"))?,
        began: began.unwrap_or(held.operation.created_at),
    })
}

/// Begins an import with its directory, whatever a former attempt found in it.
pub async fn begin_import(
    db: &Database,
    id: OperationId,
    job: JobRef,
    now: Timestamp,
) -> Result<Standing<Import>, DbError> {
    let transaction = db.begin().await?;
    let held = match hold(&transaction, (id, Action::Import), job).await? {
        Hold::Held(held) => held,
        Hold::Over => return Ok(Standing::Over),
        Hold::LeaseLost => return Ok(Standing::LeaseLost),
    };
    let import = import_of(&held)?;
    let forget = "DELETE FROM operation_items WHERE operation_id = $1";
    execute(&transaction, forget, [id.0.into()]).await?;
    begin_anew(&transaction, id, now).await?;
    let none = "UPDATE operations SET total = 0 WHERE id = $1";
    execute(&transaction, none, [id.0.into()]).await?;
    transaction.commit().await?;
    Ok(Standing::Goes(import))
}

/// Adds items, while the claim holds.
pub async fn add_import_items(
    db: &Database,
    id: OperationId,
    job: JobRef,
    items: &[NewImportItem],
) -> Result<Standing<()>, DbError> {
    const COLUMNS: &Columns = &[
        ("position", Kind::Integer),
        ("name", Kind::Text),
        ("result", Kind::Text),
        ("code", Kind::Text),
        ("detail", Kind::Text),
        ("entry", Kind::Json),
    ];

    #[derive(Serialize)]
    struct Row<'a> {
        position: i64,
        name: &'a str,
        result: &'static str,
        code: Option<&'static str>,
        detail: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        entry: Option<&'a ImportEntry>,
    }

    fn row(item: &NewImportItem) -> Row<'_> {
        let code = item.entry.as_ref().err();
        Row {
            position: item.position,
            name: &item.name,
            result: match code {
                None => ItemResult::Pending.as_str(),
                Some(_) => ItemResult::Failed.as_str(),
            },
            code: code.map(|code| code.as_str()),
            detail: code.map(|code| code.detail()),
            entry: item.entry.as_ref().ok(),
        }
    }

    let transaction = db.begin().await?;
    match hold(&transaction, (id, Action::Import), job).await? {
        Hold::Held(_) => {}
        Hold::Over => return Ok(Standing::Over),
        Hold::LeaseLost => return Ok(Standing::LeaseLost),
    }
    let list = db.dialect().rows(COLUMNS);
    let sql = format!(
        "INSERT INTO operation_items (operation_id, position, name, result, code, detail, entry) \
         SELECT $2, x.position, x.name, x.result, x.code, x.detail, x.entry FROM {list}"
    );
    let list: Vec<_> = items.iter().map(row).collect();
    execute(&transaction, sql, [parameter(&list)?, id.0.into()]).await?;
    let failed = items.iter().filter(|item| item.entry.is_err()).count();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let counted = "UPDATE operations SET total = total + $2, failed = failed + $3 WHERE id = $1";
    let values = [id.0.into(), count(items.len()).into(), count(failed).into()];
    execute(&transaction, counted, values).await?;
    transaction.commit().await?;
    Ok(Standing::Goes(()))
}

/// Ends the job that read the archive, and enqueues the one that takes its entries in.
pub async fn start_import(
    db: &Database,
    import: &Import,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Standing<JobId>, DbError> {
    let transaction = db.begin().await?;
    let standing = hold(&transaction, (import.id, Action::Import), settlement.job).await?;
    if matches!(standing, Hold::LeaseLost) {
        return Ok(Standing::LeaseLost);
    }
    finish_jobs(&transaction, std::slice::from_ref(settlement), now).await?;
    let job = NewJob {
        subject: Some(import.id.0),
        ..NewJob::without_subject(JobKind::ImportEntries, import.owner, now)
    };
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    crash_points::reach(CrashPoint::BeforeDirectory);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterDirectory);
    Ok(Standing::Goes(job.id))
}

/// Ends an import whose archive is not read, and lets go of it.
pub async fn refuse_import(
    db: &Database,
    import: &Import,
    settlement: &Settlement,
    code: OperationErrorCode,
    now: Timestamp,
) -> Result<Standing<()>, DbError> {
    let transaction = db.begin().await?;
    let held = match hold(&transaction, (import.id, Action::Import), settlement.job).await? {
        Hold::Held(held) => held,
        Hold::Over => return Ok(Standing::Over),
        Hold::LeaseLost => return Ok(Standing::LeaseLost),
    };
    finish_jobs(&transaction, std::slice::from_ref(settlement), now).await?;
    let sql = "UPDATE operations SET status = 'error', error_code = $2, error_detail = $3, \
         finished_at = $4, source_url = NULL, source_size = 0 WHERE id = $1";
    let values = [
        import.id.0.into(),
        code.as_str().into(),
        code.detail().into(),
        now.as_micros().into(),
    ];
    execute(&transaction, sql, values).await?;
    let mut charges = Charges::default();
    charges.of(import.owner.0).staging += held.source_size;
    let url = import.source.to_string();
    let source = [Discard::of(import.owner.0, url, held.source_size)];
    discards::add_charged(&transaction, &source, &mut charges, now).await?;
    charges.give_back(&transaction).await?;
    transaction.commit().await?;
    Ok(Standing::Goes(()))
}
