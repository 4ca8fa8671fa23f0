//! Entries of an archive that are staged become documents, by the intake of uploads, whole in
//! one transaction: documents and versions, what is said of the items, the end of the job and
//! the one that follows.
//!
//! This is the commit point of a chunk of an import.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::arrival::{HandIn, HandedIn, ImportArrival, StagedContent};
use super::conflicts::resolve;
use super::fate::{Fate, code_of, write_fates};
use super::further::{self, Further, Raised, is_in_error};
use super::read::{Import, import_of};
use crate::batch::{execute, parameter, query};
use crate::change::{charge, hold_all};
use crate::intake::accept_within;
use crate::jobs::{NewJob, enqueue};
use crate::operations::archives::release_held;
use crate::operations::items::skip;
use crate::operations::lock::lock_unfinished;
use crate::operations::standing::Standing;
use crate::settle::finish_jobs;
use crate::tables::operations::{self, Locked};
use crate::tables::users::{self, Charge, QuotaCharge};
use crate::{Arrival, ChangeError, Database, DatabaseTransaction, DbError, discards};
use crash_points::CrashPoint;
use domain::{
    Action, Document, DocumentId, DocumentName, ItemCode, JobId, Status, UserId, VersionId,
    Visibility,
};
use queue::JobKind;

/// Items that are skipped at once when an import is stopped.
const SKIPPED: i64 = 10_000;

/// Takes a chunk in.
pub async fn hand_in(db: &Database, request: &HandIn<'_>) -> Result<Standing<HandedIn>, DbError> {
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let is_import = |action| action == Action::Import;
    let locked = lock_unfinished(&transaction, request.operation, is_import).await?;
    let import = locked.as_ref().map(import_of).transpose()?;
    // Clocks differ: what an import makes is never older than the import.
    let began = import.as_ref().map(|import| import.began);
    let request = &HandIn {
        now: began.map_or(request.now, |began| request.now.max(began)),
        ..*request
    };
    let mut chunk = Chunk::new(&transaction, request);
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
        return Ok(Standing::LeaseLost);
    }
    let Some(locked) = locked else {
        chunk.discard_all().await?;
        transaction.commit().await?;
        return Ok(Standing::Over);
    };
    let owner = locked.operation.owner;
    // What was reserved for the chunk becomes what is reserved for its versions, or nothing.
    release_held(&transaction, &locked).await?;
    let follows = if locked.is_cancelled {
        chunk.discard_all().await?;
        skip_next(&transaction, &locked).await?
    } else {
        chunk.take_in(owner, &documents).await?;
        chunk.unused = write_fates(&transaction, request, &chunk.fates).await?;
        discards::add(&transaction, &chunk.unused, request.now).await?;
        if request.arrivals.is_empty() {
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
    let done = HandedIn {
        next: Some(next.id),
        processing: chunk.processing,
        unused: chunk.unused,
    };
    crash_points::reach(CrashPoint::BeforeHandIn);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterHandIn);
    Ok(Standing::Goes(done))
}

/// Skips the next ones of what was not begun. Gives the job that follows.
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

struct Chunk<'a> {
    transaction: &'a DatabaseTransaction,
    request: &'a HandIn<'a>,
    fates: Vec<Fate>,
    processing: Vec<JobId>,
    unused: Vec<Url>,
}

impl<'a> Chunk<'a> {
    fn new(transaction: &'a DatabaseTransaction, request: &'a HandIn<'a>) -> Self {
        let fate = |arrival: &ImportArrival| match &arrival.contents {
            Ok(_) => Fate::Document(arrival.name.clone(), DocumentId::new(request.now)),
            Err(code) => Fate::Failed(*code),
        };
        Self {
            transaction,
            request,
            fates: request.arrivals.iter().map(fate).collect(),
            processing: Vec::new(),
            unused: Vec::new(),
        }
    }

    /// Decides by names what becomes of each arrival, and takes hold of the documents that get
    /// new versions.
    async fn decide(&mut self, import: &Import) -> Result<HashMap<DocumentId, Document>, DbError> {
        resolve(self.transaction, import, self.request, &mut self.fates).await?;
        let targets: HashSet<_> = self.fates.iter().filter_map(Fate::target).collect();
        let targets: Vec<_> = targets.into_iter().collect();
        if targets.is_empty() {
            return Ok(HashMap::new());
        }
        let mut documents = hold_all(self.transaction, import.owner, &targets)
            .await?
            .documents;
        documents.retain(|_, document| document.lifecycle.status() != Status::Archived);
        Ok(documents)
    }

    /// Takes in what becomes something.
    async fn take_in(
        &mut self,
        owner: UserId,
        documents: &HashMap<DocumentId, Document>,
    ) -> Result<(), DbError> {
        let arrived = self.accept_documents(owner).await?;
        let mut latest: HashMap<DocumentId, u32> = documents
            .iter()
            .map(|(id, document)| (*id, document.latest_version))
            .collect();
        latest.extend(arrived.keys().map(|id| (*id, 1)));
        let affordable = self.charge_further(owner, documents, &arrived).await?;
        let (mut versions, mut raised) = (Vec::new(), HashMap::new());
        for (index, arrival) in self.request.arrivals.iter().enumerate() {
            let Ok(contents) = &arrival.contents else {
                continue;
            };
            let (document, further) = match &self.fates[index] {
                Fate::Document(_, id) if arrived.contains_key(id) => (*id, &contents[1..]),
                Fate::Versions(id) if latest.contains_key(id) => (*id, &contents[..]),
                Fate::Versions(_) => {
                    self.fail_orphan(owner, index, affordable.contains(&index))
                        .await?;
                    continue;
                }
                _ => continue,
            };
            if !affordable.contains(&index) {
                let is_new = matches!(self.fates[index], Fate::Document(..));
                self.fates[index] = Fate::Failed(ItemCode::QuotaExceeded);
                if let Some(arrival) = arrived.get(&document).filter(|_| is_new) {
                    self.withdraw(owner, arrival).await?;
                    latest.remove(&document);
                }
                continue;
            }
            let number = latest.entry(document).or_insert(1);
            for content in further {
                *number += 1;
                versions.push(Further {
                    document,
                    name: &arrival.name,
                    number: *number,
                    content,
                });
            }
            if let Some(content) = further.last() {
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
            self.fates[index] = Fate::Taken(document, *number);
        }
        let raised: Vec<_> = raised.into_values().collect();
        let now = self.request.now;
        let jobs = further::insert(self.transaction, owner, &versions, now).await?;
        further::raise(self.transaction, &raised, now).await?;
        self.processing.extend(jobs);
        Ok(())
    }

    /// Takes in the first versions of new documents. Gives what arrived.
    async fn accept_documents(
        &mut self,
        owner: UserId,
    ) -> Result<HashMap<DocumentId, Arrival>, DbError> {
        let mut places = Vec::new();
        let mut arrivals = Vec::new();
        for (index, arrival) in self.request.arrivals.iter().enumerate() {
            if let (Fate::Document(name, id), Ok(contents)) =
                (&self.fates[index], &arrival.contents)
                && let Some(content) = contents.first()
            {
                places.push(index);
                arrivals.push(self.arrival((*id, name, owner), arrival, content));
            }
        }
        let answers = accept_within(self.transaction, self.request.limits, &arrivals).await?;
        let mut arrived = HashMap::new();
        for ((index, arrival), answer) in places.into_iter().zip(arrivals).zip(answers) {
            match answer {
                Ok(()) => {
                    self.processing.push(arrival.job);
                    arrived.insert(arrival.document, arrival);
                }
                Err(refusal) => self.fates[index] = Fate::Failed(code_of(refusal)),
            }
        }
        Ok(arrived)
    }

    fn arrival(
        &self,
        (document, name, owner): (DocumentId, &DocumentName, UserId),
        arrival: &ImportArrival,
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
            metadata: arrival.metadata.clone(),
            declared_type: content.declared_type.clone(),
            staged: content.staged.clone(),
            size: content.size,
            sha256: content.sha256,
            traceparent: None,
            receipt: None,
            at,
        }
    }

    /// Reserves what further versions take, for all together or, where that doesn't fit, for
    /// as many as do. Gives the places of those that fit.
    async fn charge_further(
        &self,
        owner: UserId,
        documents: &HashMap<DocumentId, Document>,
        arrived: &HashMap<DocumentId, Arrival>,
    ) -> Result<HashSet<usize>, DbError> {
        let full = self.full_documents(documents).await?;
        let mut revived = HashSet::new();
        let mut charges = Vec::new();
        let mut whole = Charge::to(owner.0);
        for (index, arrival) in self.request.arrivals.iter().enumerate() {
            let Ok(contents) = &arrival.contents else {
                continue;
            };
            let (further, brings_back) = match &self.fates[index] {
                Fate::Document(_, id) | Fate::Versions(id) if full.contains(id) => continue,
                Fate::Document(_, id) if arrived.contains_key(id) => (&contents[1..], false),
                Fate::Versions(id) if documents.contains_key(id) || arrived.contains_key(id) => {
                    let in_error = documents.get(id).is_some_and(is_in_error);
                    (&contents[..], in_error && revived.insert(*id))
                }
                _ => continue,
            };
            let one = Charge {
                reserved_bytes: further.iter().map(|content| content.size.as_i64()).sum(),
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

    /// The documents that would have more versions than a document may, with those of this chunk.
    async fn full_documents(
        &self,
        documents: &HashMap<DocumentId, Document>,
    ) -> Result<HashSet<DocumentId>, DbError> {
        let most = u64::from(self.request.limits.rows.versions);
        let mut added: HashMap<DocumentId, u64> = HashMap::new();
        for (arrival, fate) in self.request.arrivals.iter().zip(&self.fates) {
            if let (Ok(contents), Fate::Document(_, id) | Fate::Versions(id)) =
                (&arrival.contents, fate)
            {
                *added.entry(*id).or_default() += contents.len() as u64;
            }
        }
        let (mut full, mut counted) = (HashSet::new(), Vec::new());
        for (id, added) in &added {
            match documents.get(id) {
                // Some of them may have been removed.
                Some(there) if u64::from(there.latest_version) + added > most => counted.push(*id),
                None if *added > most => drop(full.insert(*id)),
                _ => {}
            }
        }
        if counted.is_empty() {
            return Ok(full);
        }
        let sql = format!(
            "SELECT document_id, count(*) FROM versions WHERE document_id IN ({}) GROUP BY document_id",
            self.transaction.dialect().ids()
        );
        for row in query(self.transaction, sql, [parameter(&counted)?]).await? {
            let (id, count) = (
                DocumentId(row.try_get_by_index(0)?),
                row.try_get_by_index::<i64>(1)?,
            );
            if count.unsigned_abs() + added[&id] > most {
                full.insert(id);
            }
        }
        Ok(full)
    }

    /// Charges, if it fits.
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

    /// The document that it was to belong to was archived meanwhile, or not taken in.
    async fn fail_orphan(
        &mut self,
        owner: UserId,
        index: usize,
        is_charged: bool,
    ) -> Result<(), DbError> {
        self.fates[index] = Fate::Failed(ItemCode::NotActive);
        if !is_charged {
            return Ok(());
        }
        let contents = self.request.arrivals[index].contents.iter().flatten();
        let bytes: i64 = contents.map(|content| content.size.as_i64()).sum();
        let given_back = Charge {
            reserved_bytes: -bytes,
            ..Charge::to(owner.0)
        };
        users::charge(self.transaction, [given_back]).await
    }

    /// Takes back a document whose further versions don't fit: whole or not at all.
    async fn withdraw(&mut self, owner: UserId, arrival: &Arrival) -> Result<(), DbError> {
        self.processing.retain(|job| *job != arrival.job);
        for (sql, id) in [
            ("DELETE FROM jobs WHERE id = $1", arrival.job.0),
            ("DELETE FROM documents WHERE id = $1", arrival.document.0),
        ] {
            execute(self.transaction, sql, [id.into()]).await?;
        }
        let given_back = Charge {
            reserved_bytes: -arrival.size.as_i64(),
            used_documents: -1,
            ..Charge::to(owner.0)
        };
        users::charge(self.transaction, [given_back]).await
    }

    /// Lets go of everything that was staged.
    async fn discard_all(&mut self) -> Result<(), DbError> {
        self.unused = {
            let arrivals = self.request.arrivals.iter();
            arrivals.flat_map(ImportArrival::staged).collect()
        };
        discards::add(self.transaction, &self.unused, self.request.now).await
    }
}
