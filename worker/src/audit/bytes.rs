//! Compares the ledger with storage: merges two listings in the same order, so that memory doesn't
//! grow with the number of objects.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use domain::{Hasher, Sha256};
use futures::TryStreamExt;
use ledger::audit::{KnownObject, forget_staged, known_objects, still_known};
use ledger::{DbError, FoundObject};
use storage::{Entry, EntryStream, Storage, StorageError, StorageRouter};
use url::Url;

use super::finding::{FindingKind, Remedy};
use super::marks::{check_marks, is_unavailable, tell_unanswered};
use super::request::{Audit, AuditError, AuditRequest};
use crate::orphans::{OrphanScan, find_orphans, found_object};
use crate::removal_guard::{FEW_STAGED, FEW_STORED, PlannedSweep};

/// Rows read in one query.
const PAGE: u32 = 1_000;

/// Candidate findings gathered before they are checked a second time.
const SUSPICIONS: usize = 500;

/// Sorts after every key of a place and before everything outside it: keys have only lower-case
/// letters, digits, hyphens and slashes.
const BEHIND_KEYS: &str = "~";

/// Checks that every row has its bytes and that all bytes have a row.
pub async fn check_bytes(audit: &mut Audit<'_>) -> Result<(), AuditError> {
    let places = audit.request.places.clone();
    let marks = check_marks(audit).await?;
    let stores = places.stores();
    let mut all: Vec<_> = stores.map(|place| (place, Content::Documents)).collect();
    if !places.is_store(places.staging().place()) {
        all.push((places.staging(), Content::Staged));
    }
    let mut known = Vec::new();
    for (place, content) in all {
        known.push(Ledger::of(place));
        if marks.unanswered.contains(place.place()) {
            continue;
        }
        match check_one(audit, (place, content), marks.are_ours).await {
            Err(AuditError::Storage(error)) if is_unavailable(&error) => {
                tell_unanswered(audit, place, &error);
            }
            checked => checked?,
        }
    }
    check_elsewhere(audit, known).await?;
    Ok(())
}

/// What a place is for.
#[derive(Clone, Copy)]
enum Content {
    Documents,
    Staged,
}

/// Compares the rows of a place with its objects.
async fn check_one(
    audit: &mut Audit<'_>,
    (place, content): (&Arc<dyn Storage>, Content),
    are_ours: bool,
) -> Result<(), AuditError> {
    let (few, kind) = match content {
        Content::Documents => (FEW_STORED, FindingKind::OrphanedBlob),
        Content::Staged => (FEW_STAGED, FindingKind::StaleStaging),
    };
    let few = check_share(audit, place, few).await?;
    audit.quarantines = audit.repairs() && are_ours && few;
    check_place(audit, place, Ledger::of(place), kind).await
}

/// Returns whether the objects without a row are few enough to be orphans.
async fn check_share(
    audit: &mut Audit<'_>,
    place: &Arc<dyn Storage>,
    few: u64,
) -> Result<bool, AuditError> {
    let AuditRequest {
        db,
        places,
        retention,
        ..
    } = audit.request;
    let scan: OrphanScan =
        find_orphans::<AuditError>(db, places, place, audit.stray_before()).await?;
    let sweep = PlannedSweep {
        place: place.place(),
        listed: scan.listed,
        strays: scan.strays + ledger::quarantined_in(db, place.place()).await?,
        few,
    };
    if !sweep.is_too_much(retention.swept) {
        return Ok(true);
    }
    let detail = format!(
        "{} of {} objects have no row: none is quarantined",
        sweep.strays, sweep.listed
    );
    let remedy = audit.remedy(Remedy::Left);
    audit.tell(
        FindingKind::TooManyStrays,
        place.place().to_string(),
        detail,
        remedy,
    );
    Ok(false)
}

/// The rows whose URLs sort between two texts.
#[derive(Clone)]
struct Ledger {
    after: String,
    until: String,
    page: VecDeque<KnownObject>,
    is_over: bool,
}

impl Ledger {
    /// Those that refer to objects of a place.
    fn of(place: &Arc<dyn Storage>) -> Self {
        let place = place.place().as_str();
        Self::between(place.to_owned(), format!("{place}{BEHIND_KEYS}"))
    }

    fn between(after: String, until: String) -> Self {
        Self {
            after,
            until,
            page: VecDeque::new(),
            is_over: false,
        }
    }

    /// Returns the next row without consuming it.
    async fn peek(&mut self, audit: &Audit<'_>) -> Result<Option<&KnownObject>, DbError> {
        if self.page.is_empty() && !self.is_over {
            let db = &audit.request.db;
            self.page = known_objects(db, &self.after, &self.until, PAGE)
                .await?
                .into();
            match self.page.back() {
                Some(last) => self.after.clone_from(&last.url),
                None => self.is_over = true,
            }
        }
        Ok(self.page.front())
    }

    /// Consumes the next row.
    fn pop(&mut self) -> Option<KnownObject> {
        self.page.pop_front()
    }
}

/// The objects of a place.
struct Listing {
    entries: EntryStream,
    next: Option<Entry>,
}

impl Listing {
    async fn of(place: &Arc<dyn Storage>) -> Result<Self, StorageError> {
        let mut entries = place.list(None).await?;
        let next = entries.try_next().await?;
        Ok(Self { entries, next })
    }

    /// Consumes the next object.
    async fn pop(&mut self) -> Result<Option<Entry>, StorageError> {
        let next = self.entries.try_next().await?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

async fn check_place(
    audit: &mut Audit<'_>,
    place: &Arc<dyn Storage>,
    mut ledger: Ledger,
    strays_are: FindingKind,
) -> Result<(), AuditError> {
    let before = audit.stray_before();
    let places = audit.request.places.clone();
    let mut listing = Listing::of(place).await?;
    let (mut strays, mut missing) = (Vec::new(), Vec::new());
    loop {
        let order = match (ledger.peek(audit).await?, &listing.next) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(row), Some(entry)) => row.url.as_str().cmp(entry.url.as_str()),
        };
        if order.is_le() {
            let row = ledger.pop();
            match (row, &listing.next) {
                (Some(row), Some(entry)) if order.is_eq() => {
                    check_object(audit, row, entry).await?;
                }
                (row, _) => missing.extend(row),
            }
        }
        // Several rows may refer to one object: it is consumed once the next row sorts after it.
        if order.is_ge() {
            let passed = match (ledger.peek(audit).await?, &listing.next) {
                (Some(row), Some(entry)) => row.url != entry.url.as_str(),
                _ => true,
            };
            if passed && let Some(entry) = listing.pop().await? {
                audit.summary.objects += 1;
                if order.is_gt() && entry.begun_at() < before {
                    strays.push(found_object(&places, &entry)?);
                }
            }
        }
        if strays.len() >= SUSPICIONS {
            tell_strays(audit, std::mem::take(&mut strays), strays_are).await?;
        }
        if missing.len() >= SUSPICIONS {
            tell_missing(audit, std::mem::take(&mut missing)).await?;
        }
    }
    tell_strays(audit, strays, strays_are).await?;
    tell_missing(audit, missing).await
}

/// Checks an object that has a row.
async fn check_object(
    audit: &mut Audit<'_>,
    row: KnownObject,
    entry: &Entry,
) -> Result<(), AuditError> {
    if let Some(size) = row.size.filter(|size| *size != entry.stat.size) {
        let detail = format!(
            "has {} bytes, and the {} {} says {}",
            entry.stat.size.bytes(),
            row.what,
            row.id,
            size.bytes()
        );
        let remedy = audit.remedy(Remedy::Left);
        audit.tell(FindingKind::WrongLength, row.url, detail, remedy);
        return Ok(());
    }
    if audit.pace.is_none() {
        return Ok(());
    }
    let Some(expected) = row.sha256 else {
        return Ok(());
    };
    match digest(audit, &entry.url).await {
        Ok(found) if found != expected => {
            let detail = format!(
                "has the digest {found}, and the {} {} says {expected}",
                row.what, row.id
            );
            let remedy = audit.remedy(Remedy::Left);
            audit.tell(FindingKind::WrongDigest, row.url, detail, remedy);
            Ok(())
        }
        // Deleted since it was listed, perhaps with its row: checked a second time.
        Err(StorageError::NotFound { .. }) => tell_missing(audit, vec![row]).await,
        outcome => outcome.map(drop).map_err(AuditError::from),
    }
}

async fn digest(audit: &mut Audit<'_>, url: &Url) -> Result<Sha256, StorageError> {
    let mut bytes = audit.request.places.open(url, None).await?;
    let mut hasher = Hasher::default();
    while let Some(chunk) = bytes.try_next().await? {
        hasher.update(&chunk);
        audit.summary.bytes_read += chunk.len() as u64;
        if let Some(pace) = &mut audit.pace {
            pace.keep(chunk.len()).await;
        }
    }
    Ok(hasher.finish())
}

/// Reports objects that still have no row.
async fn tell_strays(
    audit: &mut Audit<'_>,
    objects: Vec<FoundObject>,
    kind: FindingKind,
) -> Result<(), AuditError> {
    let (db, now) = (&audit.request.db, audit.request.clock.now());
    let strays = ledger::find_strays(db, &objects).await?;
    if strays.is_empty() {
        return Ok(());
    }
    if audit.quarantines {
        ledger::quarantine_strays(db, &objects, now).await?;
    }
    let remedy = audit.remedy(if audit.quarantines {
        Remedy::Quarantined
    } else {
        Remedy::Left
    });
    for url in strays {
        let size = objects.iter().find(|object| object.url.as_str() == url);
        let size = size.map_or(0, |object| object.size.bytes());
        let detail = format!("has {size} bytes, and no row refers to them");
        audit.tell(kind, url, detail, remedy);
    }
    Ok(())
}

/// Reports rows whose bytes are still missing.
async fn tell_missing(audit: &mut Audit<'_>, rows: Vec<KnownObject>) -> Result<(), AuditError> {
    let mut absent = Vec::new();
    for row in rows {
        if !is_there(&audit.request.places, &row).await? {
            absent.push(row);
        }
    }
    // Query rows after storage: bytes are removed after their rows.
    for row in still_known(&audit.request.db, absent).await? {
        let kind = if row.is_staged() {
            FindingKind::MissingStaging
        } else {
            FindingKind::MissingBlob
        };
        let mended =
            audit.repairs() && row.is_staged() && forget_staged(&audit.request.db, &row).await?;
        let remedy = audit.remedy(if mended { Remedy::Mended } else { Remedy::Left });
        let detail = format!("is gone, and the {} {} needs it", row.what, row.id);
        audit.tell(kind, row.url, detail, remedy);
    }
    Ok(())
}

async fn is_there(places: &StorageRouter, row: &KnownObject) -> Result<bool, StorageError> {
    let Some(url) = row.location() else {
        return Ok(false);
    };
    let found = if row.is_staged() {
        places.locate(&url).await?.map(drop)
    } else {
        places.stat(&url).await?.map(drop)
    };
    Ok(found.is_some())
}

/// Reports rows that refer to places that aren't configured: those that sort between and around the
/// configured places.
async fn check_elsewhere(audit: &mut Audit<'_>, known: Vec<Ledger>) -> Result<(), AuditError> {
    let mut known: Vec<_> = known.into_iter().map(|ledger| ledger.until).collect();
    known.sort();
    let mut after = String::new();
    let mut gaps = Vec::new();
    for until in known {
        let place = until.trim_end_matches(BEHIND_KEYS).to_owned();
        gaps.push(Ledger::between(after, place));
        after = until;
    }
    // URLs begin with a lower-case letter.
    gaps.push(Ledger::between(after, BEHIND_KEYS.to_owned()));
    for mut gap in gaps {
        while gap.peek(audit).await?.is_some() {
            let Some(row) = gap.pop() else { break };
            let detail = format!(
                "is in no place of the settings, and the {} {} needs it",
                row.what, row.id
            );
            let remedy = audit.remedy(Remedy::Left);
            audit.tell(FindingKind::UnknownPlace, row.url, detail, remedy);
        }
    }
    Ok(())
}
