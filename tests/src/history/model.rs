//! One document as the contract describes it, changed by one call after the other. The search
//! asks it what may follow; it knows nothing of time and of clients.

/// A call about one document. `if_match` is the revision that it demands, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The upload that makes it.
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
        /// The revision that is demanded.
        if_match: Option<u64>,
    },
    /// A new name and a new number in the metadata.
    Patch {
        /// The name.
        name: String,
        /// The number.
        tag: u64,
        /// The revision that is demanded.
        if_match: Option<u64>,
    },
    /// Puts it away.
    Archive {
        /// The revision that is demanded.
        if_match: Option<u64>,
    },
    /// Takes it back.
    Restore {
        /// The revision that is demanded.
        if_match: Option<u64>,
    },
    /// Deletes it.
    Delete {
        /// The revision that is demanded.
        if_match: Option<u64>,
    },
    /// Reads the document.
    Read,
    /// Reads the bytes that readers get.
    ReadContent,
    /// Reads the bytes of one version.
    ReadVersion(u32),
}

/// What a call was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The document.
    Document(Seen),
    /// Bytes, by the digest of what arrived.
    Content(String),
    /// It is gone.
    Deleted,
    /// A problem, by its code.
    Refused(String),
}

/// What a client sees of a document.
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
    /// The version that readers get.
    pub version: Option<u32>,
    /// The newest version.
    pub latest: u32,
    /// The digest that it shows.
    pub sha256: String,
}

/// A document at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Document {
    /// Nobody has uploaded it.
    Absent,
    /// It is there.
    Kept(Kept),
    /// It was deleted, which it stays.
    Deleted,
}

/// A document that is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    archived: bool,
    revision: u64,
    name: String,
    tag: u64,
    /// The digests of all versions; the first is that of version 1.
    versions: Vec<String>,
    /// How many versions readers are past: the number of the one that they get, or 0.
    current: u32,
}

const NOT_FOUND: &str = "not_found";
const NOT_ACTIVE: &str = "not_active";
const ILLEGAL: &str = "illegal_transition";

impl Document {
    /// What it becomes if this call is answered like that; `None` if it can't be.
    #[must_use]
    pub fn told(&self, call: &Call, answer: &Answer) -> Option<Self> {
        if let (Self::Kept(kept), Call::ReadVersion(number), Answer::Refused(code)) =
            (self, call, answer)
        {
            // A version below the current one may still be pending; nothing else shows it.
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

    /// What the call makes of it, or the code of the problem that it is told.
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

    /// What it may become by itself: a pending version becomes the one that readers get. Whatever
    /// becomes active below that one changes nothing that anybody sees.
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

    /// What is told after a call that was not refused.
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
            // An id is made once.
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
    /// The revision that it demands.
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

    /// Whether it changes nothing, whatever it is told.
    #[must_use]
    pub const fn is_a_read(&self) -> bool {
        matches!(self, Self::Read | Self::ReadContent | Self::ReadVersion(_))
    }
}
