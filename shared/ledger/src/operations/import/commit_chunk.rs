//! Commits a chunk of an import in one transaction: creates documents and versions by the intake of
//! uploads, records the outcomes of items, ends the job and enqueues the next one.
//!
//! This is the commit point of a chunk of an import.

use std::collections::{HashMap, HashSet};

use sea_orm::FromQueryResult;
use url::Url;
use uuid::Uuid;

use super::additional_versions::{self, AdditionalVersion, Raised, is_in_error};
use super::chunk::{CommittedImport, ImportChunk, StagedContent, StagedItem};
use super::conflicts::resolve;
use super::entry_outcome::{EntryOutcome, code_of, write_entry_outcomes};
use super::read::{Import, import_of};
use crate::batch::{parameter, query};
use crate::change::{charge, lock_documents};
use crate::intake::{Accepting, accept_by};
use crate::jobs::{NewJob, enqueue};
use crate::operations::archives::release_reserved;
use crate::operations::item_outcome::skip;
use crate::operations::lock::lock_unfinished;
use crate::operations::step_check::StepCheck;
use crate::settle::finish_jobs;
use crate::tables::documents::delete_documents;
use crate::tables::events::{delete_of_document, insert_events};
use crate::tables::jobs::delete_job;
use crate::tables::operations::{self, Locked};
use crate::tables::users::{self, Charge, QuotaCharge};
use crate::{Arrival, ChangeError, Database, DatabaseTransaction, DbError, discards};
use crash_points::CrashPoint;
use domain::{
    Action, Document, DocumentId, DocumentName, ItemCode, JobId, Status, UserId, VersionId,
    Visibility,
};
use queue::JobKind;

/// How many versions a document has.
#[derive(FromQueryResult)]
struct CountRow {
    document_id: Uuid,
    count: i64,
}

/// Items of one chunk of a cancelled import.
const SKIPPED: i64 = 10_000;

/// Commits a chunk.
pub async fn commit_import_chunk(
    db: &Database,
    request: &ImportChunk<'_>,
) -> Result<StepCheck<CommittedImport>, DbError> {
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let is_import = |action| action == Action::Import;
    let locked = lock_unfinished(&transaction, request.operation, is_import).await?;
    let import = locked.as_ref().map(import_of).transpose()?;
    // Clocks differ: documents are never older than their import.
    let began = import.as_ref().map(|import| import.began);
    let request = &ImportChunk {
        now: began.map_or(request.now, |began| request.now.max(began)),
        ..*request
    };
    let mut chunk = ChunkCommit::new(&transaction, request);
    let documents = match (&locked, &import) {
        (Some(locked), Some(import)) if !locked.is_cancelled => chunk.decide(import).await?,
        _ => HashMap::new(),
    };
    let finished = finish_jobs(
        &transaction,
        std::slice::from_ref(request.settlement),
        request.now,
    );
    if finished.await?.is_empty() {
        return Ok(StepCheck::LeaseLost);
    }
    let Some(locked) = locked else {
        chunk.discard_all().await?;
        transaction.commit().await?;
        return Ok(StepCheck::Finished);
    };
    let owner = locked.operation.owner;
    // The reservation of the chunk becomes that of its versions, or nothing.
    release_reserved(&transaction, &locked).await?;
    let follows = if locked.is_cancelled {
        chunk.discard_all().await?;
        skip_next(&transaction, &locked).await?
    } else {
        chunk.accept(owner, &documents).await?;
        chunk.unused = write_entry_outcomes(&transaction, request, &chunk.outcomes).await?;
        discards::add(&transaction, &chunk.unused, request.now).await?;
        if request.items.is_empty() {
            JobKind::SettleImport
        } else {
            JobKind::ImportEntries
        }
    };
    let next = NewJob {
        subject: Some(request.operation.0),
        ..NewJob::without_subject(follows, owner, request.now)
    };
    enqueue(&transaction, std::slice::from_ref(&next), request.now).await?;
    let done = CommittedImport {
        next: Some(next.id),
        processing: chunk.processing,
        unused: chunk.unused,
    };
    crash_points::reach(CrashPoint::BeforeImportChunk);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterImportChunk);
    Ok(StepCheck::Continue(done))
}

/// Skips the next items of a cancelled import. Returns the kind of the job that follows.
async fn skip_next(transaction: &DatabaseTransaction, locked: &Locked) -> Result<JobKind, DbError> {
    let (id, end) = (locked.operation.id, locked.next_position + SKIPPED);
    let skipped = skip(transaction, id, locked.next_position..end).await?;
    operations::count_items(transaction, id, skipped).await?;
    if end >= i64::from(locked.operation.tally.total) {
        return Ok(JobKind::SettleImport);
    }
    operations::set_next_position(transaction, id, end).await?;
    Ok(JobKind::ImportEntries)
}

struct ChunkCommit<'a> {
    transaction: &'a DatabaseTransaction,
    request: &'a ImportChunk<'a>,
    outcomes: Vec<EntryOutcome>,
    processing: Vec<JobId>,
    unused: Vec<Url>,
}

impl<'a> ChunkCommit<'a> {
    fn new(transaction: &'a DatabaseTransaction, request: &'a ImportChunk<'a>) -> Self {
        let outcome = |item: &StagedItem| match &item.contents {
            Ok(_) => EntryOutcome::NewDocument(item.name.clone(), DocumentId::new(request.now)),
            Err(code) => EntryOutcome::Failed(*code),
        };
        Self {
            transaction,
            request,
            outcomes: request.items.iter().map(outcome).collect(),
            processing: Vec::new(),
            unused: Vec::new(),
        }
    }

    /// Resolves conflicts of names, and locks the documents that get new versions.
    async fn decide(&mut self, import: &Import) -> Result<HashMap<DocumentId, Document>, DbError> {
        resolve(self.transaction, import, self.request, &mut self.outcomes).await?;
        let targets: HashSet<_> = self
            .outcomes
            .iter()
            .filter_map(EntryOutcome::target)
            .collect();
        let targets: Vec<_> = targets.into_iter().collect();
        if targets.is_empty() {
            return Ok(HashMap::new());
        }
        let mut documents = lock_documents(self.transaction, import.owner, &targets)
            .await?
            .documents;
        documents.retain(|_, document| document.lifecycle.status() != Status::Archived);
        Ok(documents)
    }

    /// Creates documents and versions.
    async fn accept(
        &mut self,
        owner: UserId,
        documents: &HashMap<DocumentId, Document>,
    ) -> Result<(), DbError> {
        let created = self.accept_documents(owner).await?;
        let mut latest: HashMap<DocumentId, u32> = documents
            .iter()
            .map(|(id, document)| (*id, document.latest_version))
            .collect();
        latest.extend(created.keys().map(|id| (*id, 1)));
        let affordable = self.charge_additional(owner, documents, &created).await?;
        let (mut versions, mut raised) = (Vec::new(), HashMap::new());
        for (index, item) in self.request.items.iter().enumerate() {
            let Ok(contents) = &item.contents else {
                continue;
            };
            let (document, additional) = match &self.outcomes[index] {
                EntryOutcome::NewDocument(_, id) if created.contains_key(id) => {
                    (*id, &contents[1..])
                }
                EntryOutcome::NewVersions(id) if latest.contains_key(id) => (*id, &contents[..]),
                EntryOutcome::NewVersions(_) => {
                    self.fail_orphan(owner, index, affordable.contains(&index))
                        .await?;
                    continue;
                }
                _ => continue,
            };
            if !affordable.contains(&index) {
                let is_new = matches!(self.outcomes[index], EntryOutcome::NewDocument(..));
                self.outcomes[index] = EntryOutcome::Failed(ItemCode::QuotaExceeded);
                if let Some(arrival) = created.get(&document).filter(|_| is_new) {
                    self.withdraw(owner, arrival).await?;
                    latest.remove(&document);
                }
                continue;
            }
            let number = latest.entry(document).or_insert(1);
            for content in additional {
                *number += 1;
                versions.push(AdditionalVersion {
                    document,
                    name: &item.name,
                    number: *number,
                    content,
                });
            }
            if let Some(content) = additional.last() {
                let latest = *number;
                raised.insert(
                    document,
                    Raised {
                        document,
                        latest,
                        before: documents.get(&document),
                        content,
                    },
                );
            }
            self.outcomes[index] = EntryOutcome::Accepted(document, *number);
        }
        let raised: Vec<_> = raised.into_values().collect();
        let now = self.request.now;
        let jobs = additional_versions::insert(self.transaction, owner, &versions, now).await?;
        additional_versions::raise(self.transaction, &raised, now).await?;
        let events = additional_versions::events(owner, self.request.operation, &versions, now);
        insert_events(self.transaction, &events).await?;
        self.processing.extend(jobs);
        Ok(())
    }

    /// Creates new documents with their first versions. Returns those that were accepted.
    async fn accept_documents(
        &mut self,
        owner: UserId,
    ) -> Result<HashMap<DocumentId, Arrival>, DbError> {
        let mut places = Vec::new();
        let mut arrivals = Vec::new();
        for (index, item) in self.request.items.iter().enumerate() {
            if let (EntryOutcome::NewDocument(name, id), Ok(contents)) =
                (&self.outcomes[index], &item.contents)
                && let Some(content) = contents.first()
            {
                places.push(index);
                arrivals.push(self.arrival((*id, name, owner), item, content));
            }
        }
        let by = Accepting {
            operation: Some(self.request.operation),
            ..Accepting::default()
        };
        let answers = accept_by(self.transaction, self.request.limits, &arrivals, &by).await?;
        let mut created = HashMap::new();
        for ((index, arrival), answer) in places.into_iter().zip(arrivals).zip(answers) {
            match answer {
                Ok(()) => {
                    self.processing.push(arrival.job);
                    created.insert(arrival.document, arrival);
                }
                Err(refusal) => self.outcomes[index] = EntryOutcome::Failed(code_of(refusal)),
            }
        }
        Ok(created)
    }

    fn arrival(
        &self,
        (document, name, owner): (DocumentId, &DocumentName, UserId),
        item: &StagedItem,
        content: &StagedContent,
    ) -> Arrival {
        let at = self.request.now;
        Arrival {
            document,
            version: VersionId::new(at),
            job: JobId::new(at),
            owner,
            name: name.clone(),
            visibility: Visibility::Private { unique_name: None },
            metadata: item.metadata.clone(),
            declared_type: content.declared_type.clone(),
            staged: content.staged.clone(),
            body: None,
            size: content.size,
            sha256: content.sha256,
            traceparent: None,
            receipt: None,
            at,
        }
    }

    /// Reserves quota for additional versions, for all together or, if that doesn't fit, for as many
    /// items as do. Returns the indices of those.
    async fn charge_additional(
        &self,
        owner: UserId,
        documents: &HashMap<DocumentId, Document>,
        created: &HashMap<DocumentId, Arrival>,
    ) -> Result<HashSet<usize>, DbError> {
        let full = self.full_documents(documents).await?;
        let mut pending_again = HashSet::new();
        let mut charges = Vec::new();
        let mut whole = Charge::to(owner.0);
        for (index, item) in self.request.items.iter().enumerate() {
            let Ok(contents) = &item.contents else {
                continue;
            };
            let (additional, brings_back) = match &self.outcomes[index] {
                EntryOutcome::NewDocument(_, id) | EntryOutcome::NewVersions(id)
                    if full.contains(id) =>
                {
                    continue;
                }
                EntryOutcome::NewDocument(_, id) if created.contains_key(id) => {
                    (&contents[1..], false)
                }
                EntryOutcome::NewVersions(id)
                    if documents.contains_key(id) || created.contains_key(id) =>
                {
                    let in_error = documents.get(id).is_some_and(is_in_error);
                    (&contents[..], in_error && pending_again.insert(*id))
                }
                _ => continue,
            };
            let one = Charge {
                reserved_bytes: additional.iter().map(|content| content.size.as_i64()).sum(),
                used_documents: i64::from(brings_back),
                ..Charge::to(owner.0)
            };
            whole.reserved_bytes = whole.reserved_bytes.saturating_add(one.reserved_bytes);
            whole.used_documents += one.used_documents;
            charges.push((index, one));
        }
        if self.may_charge(whole).await? {
            return Ok(charges.into_iter().map(|(index, _)| index).collect());
        }
        let mut affordable = HashSet::new();
        for (index, one) in charges {
            if self.may_charge(one).await? {
                affordable.insert(index);
            }
        }
        Ok(affordable)
    }

    /// The documents that would exceed the limit of versions with those of this chunk.
    async fn full_documents(
        &self,
        documents: &HashMap<DocumentId, Document>,
    ) -> Result<HashSet<DocumentId>, DbError> {
        let most = u64::from(self.request.limits.rows.versions);
        let mut added: HashMap<DocumentId, u64> = HashMap::new();
        for (item, outcome) in self.request.items.iter().zip(&self.outcomes) {
            if let (
                Ok(contents),
                EntryOutcome::NewDocument(_, id) | EntryOutcome::NewVersions(id),
            ) = (&item.contents, outcome)
            {
                *added.entry(*id).or_default() += contents.len() as u64;
            }
        }
        let (mut full, mut counted) = (HashSet::new(), Vec::new());
        for (id, added) in &added {
            match documents.get(id) {
                // Some of its versions may have been deleted.
                Some(there) if u64::from(there.latest_version) + added > most => counted.push(*id),
                None if *added > most => drop(full.insert(*id)),
                _ => {}
            }
        }
        if counted.is_empty() {
            return Ok(full);
        }
        let sql = format!(
            "SELECT document_id, count(*) AS count FROM versions WHERE document_id IN ({}) GROUP BY document_id",
            self.transaction.dialect().ids()
        );
        for row in query(self.transaction, sql, [parameter(&counted)?]).await? {
            let row = CountRow::from_query_result(&row, "")?;
            let id = DocumentId(row.document_id);
            if row.count.unsigned_abs() + added[&id] > most {
                full.insert(id);
            }
        }
        Ok(full)
    }

    /// Charges the owner if it fits.
    async fn may_charge(&self, what: Charge) -> Result<bool, DbError> {
        if what.reserved_bytes == 0 && what.used_documents == 0 {
            return Ok(true);
        }
        match charge(self.transaction, QuotaCharge::of(what), self.request.limits).await {
            Ok(()) => Ok(true),
            Err(ChangeError::Database(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Fails an item whose target document was archived meanwhile, or not accepted.
    async fn fail_orphan(
        &mut self,
        owner: UserId,
        index: usize,
        is_charged: bool,
    ) -> Result<(), DbError> {
        self.outcomes[index] = EntryOutcome::Failed(ItemCode::NotActive);
        if !is_charged {
            return Ok(());
        }
        let contents = self.request.items[index].contents.iter().flatten();
        let bytes: i64 = contents.map(|content| content.size.as_i64()).sum();
        let given_back = Charge {
            reserved_bytes: -bytes,
            ..Charge::to(owner.0)
        };
        users::charge(self.transaction, [given_back]).await
    }

    /// Removes a new document whose additional versions don't fit.
    async fn withdraw(&mut self, owner: UserId, arrival: &Arrival) -> Result<(), DbError> {
        self.processing.retain(|job| *job != arrival.job);
        delete_job(self.transaction, arrival.job).await?;
        delete_documents(self.transaction, &[arrival.document.0]).await?;
        // Nobody has heard of it yet.
        delete_of_document(self.transaction, arrival.document).await?;
        let given_back = Charge {
            reserved_bytes: -arrival.size.as_i64(),
            used_documents: -1,
            ..Charge::to(owner.0)
        };
        users::charge(self.transaction, [given_back]).await
    }

    /// Discards all that was staged.
    async fn discard_all(&mut self) -> Result<(), DbError> {
        self.unused = {
            let items = self.request.items.iter();
            items.flat_map(StagedItem::staged).collect()
        };
        discards::add(self.transaction, &self.unused, self.request.now).await
    }
}
