//! One document as the contract describes it, changed by one call after the other. The search asks
//! it which results are possible; it has no notion of time or clients.

/// A call about one document. `if_match` is the expected revision, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The upload that creates it.
    Upload {
        /// Its name.
        name: String,
        /// The digest of its bytes.
        content: String,
    },
    /// A new version.
    AddVersion {
        /// The digest of its bytes.
        content: String,
        /// The expected revision.
        if_match: Option<u64>,
    },
    /// A new name and a new number in the metadata.
    Patch {
        /// The name.
        name: String,
        /// The number.
        tag: u64,
        /// The expected revision.
        if_match: Option<u64>,
    },
    /// Archives it.
    Archive {
        /// The expected revision.
        if_match: Option<u64>,
    },
    /// Restores it.
    Restore {
        /// The expected revision.
        if_match: Option<u64>,
    },
    /// Deletes it.
    Delete {
        /// The expected revision.
        if_match: Option<u64>,
    },
    /// Reads the document.
    Read,
    /// Reads the bytes of the current version.
    ReadContent,
    /// Reads the bytes of one version.
    ReadVersion(u32),
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The document.
    Document(Seen),
    /// Bytes, by their digest.
    Content(String),
    /// It was deleted.
    Deleted,
    /// A problem, by its code.
    Refused(String),
}

/// A document as its clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its status.
    pub status: String,
    /// Its revision.
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// The number in its metadata; 0 without one.
    pub tag: u64,
    /// The number of the current version.
    pub version: Option<u32>,
    /// The newest version.
    pub latest: u32,
    /// Its digest.
    pub sha256: String,
}

/// The state of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Document {
    /// Not uploaded yet.
    Absent,
    /// It exists.
    Kept(Kept),
    /// It was deleted, permanently.
    Deleted,
}

/// A document that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    archived: bool,
    revision: u64,
    name: String,
    tag: u64,
    /// The digests of all versions; the first is that of version 1.
    versions: Vec<String>,
    /// The number of the current version, or 0.
    current: u32,
}

const NOT_FOUND: &str = "not_found";
const NOT_ACTIVE: &str = "not_active";
const ILLEGAL: &str = "illegal_transition";

impl Document {
    /// Returns the state after a call with this result; `None` if the result is impossible.
    #[must_use]
    pub fn told(&self, call: &Call, answer: &Answer) -> Option<Self> {
        if let (Self::Kept(kept), Call::ReadVersion(number), Answer::Refused(code)) =
            (self, call, answer)
        {
            // A version below the current one may still be pending, which nothing else reveals.
            let hidden = !kept.archived && *number < kept.current;
            if hidden && code == NOT_ACTIVE {
                return Some(self.clone());
            }
        }
        match (self.after(call), answer) {
            (Err(code), Answer::Refused(told)) => (code == told).then(|| self.clone()),
            (Ok(next), answer) => (next.answer(call).as_ref() == Some(answer)).then_some(next),
            (Err(_), _) => None,
        }
    }

    /// Returns the state after the call, or the code of its problem.
    pub fn after(&self, call: &Call) -> Result<Self, &'static str> {
        match (self, call) {
            (Self::Absent, Call::Upload { name, content }) => Ok(Self::Kept(Kept {
                archived: false,
                revision: 1,
                name: name.clone(),
                tag: 0,
                versions: vec![content.clone()],
                current: 0,
            })),
            (Self::Kept(kept), call) => kept.after(call),
            (Self::Absent | Self::Deleted, _) => Err(NOT_FOUND),
        }
    }

    /// Returns the states it may reach by itself: a pending version becomes the current one. A
    /// version below the current one becomes active without a visible change.
    pub fn settling(&self) -> impl Iterator<Item = Self> + '_ {
        let kept = match self {
            Self::Kept(kept) => Some(kept),
            Self::Absent | Self::Deleted => None,
        };
        kept.into_iter().flat_map(|kept| {
            (kept.current + 1..=kept.latest()).map(|current| {
                Self::Kept(Kept {
                    current,
                    revision: kept.revision + 1,
                    ..kept.clone()
                })
            })
        })
    }

    /// The result of a call that was not refused.
    fn answer(&self, call: &Call) -> Option<Answer> {
        match (self, call) {
            (Self::Kept(kept), Call::ReadContent) => {
                kept.content(kept.current).map(Answer::Content)
            }
            (Self::Kept(kept), Call::ReadVersion(number)) => {
                kept.content(*number).map(Answer::Content)
            }
            (Self::Kept(kept), _) => Some(Answer::Document(kept.seen())),
            (Self::Deleted, Call::Delete { .. }) => Some(Answer::Deleted),
            (Self::Absent | Self::Deleted, _) => None,
        }
    }
}

impl Kept {
    fn latest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    fn content(&self, number: u32) -> Option<String> {
        let index = number.checked_sub(1)?;
        self.versions.get(index as usize).cloned()
    }

    const fn status(&self) -> &'static str {
        match (self.archived, self.current) {
            (true, _) => "archived",
            (false, 0) => "pending",
            (false, _) => "active",
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            status: self.status().to_owned(),
            revision: self.revision,
            name: self.name.clone(),
            tag: self.tag,
            version: (self.current > 0).then_some(self.current),
            latest: self.latest(),
            sha256: self.content(self.current.max(1)).unwrap_or_default(),
        }
    }

    fn after(&self, call: &Call) -> Result<Document, &'static str> {
        if let Some(demanded) = call.if_match()
            && demanded != self.revision
        {
            return Err("revision_mismatch");
        }
        let is_active = self.status() == "active";
        let mut next = Self {
            revision: self.revision + 1,
            ..self.clone()
        };
        match call {
            Call::AddVersion { content, .. } if is_active => next.versions.push(content.clone()),
            Call::Patch { name, tag, .. } => {
                if (name, *tag) == (&self.name, self.tag) {
                    return Ok(Document::Kept(self.clone()));
                }
                (next.name, next.tag) = (name.clone(), *tag);
            }
            Call::Archive { .. } if is_active => next.archived = true,
            Call::Restore { .. } if self.archived => next.archived = false,
            // Each id is created once.
            Call::Upload { .. } | Call::Archive { .. } | Call::Restore { .. } => {
                return Err(ILLEGAL);
            }
            Call::Delete { .. } => return Ok(Document::Deleted),
            Call::Read => return Ok(Document::Kept(self.clone())),
            Call::ReadVersion(number) if *number > self.latest() => return Err(NOT_FOUND),
            Call::ReadContent if is_active => return Ok(Document::Kept(self.clone())),
            Call::ReadVersion(number) if is_active && *number <= self.current => {
                return Ok(Document::Kept(self.clone()));
            }
            Call::AddVersion { .. } | Call::ReadContent | Call::ReadVersion(_) => {
                return Err(NOT_ACTIVE);
            }
        }
        Ok(Document::Kept(next))
    }
}

impl Call {
    /// The expected revision of the call.
    #[must_use]
    pub const fn if_match(&self) -> Option<u64> {
        match self {
            Self::AddVersion { if_match, .. }
            | Self::Patch { if_match, .. }
            | Self::Archive { if_match }
            | Self::Restore { if_match }
            | Self::Delete { if_match } => *if_match,
            Self::Upload { .. } | Self::Read | Self::ReadContent | Self::ReadVersion(_) => None,
        }
    }

    /// Returns whether the call changes nothing, whatever its result.
    #[must_use]
    pub const fn is_a_read(&self) -> bool {
        matches!(self, Self::Read | Self::ReadContent | Self::ReadVersion(_))
    }
}
