//! Documents problems: each operation lists its codes, and can return no other.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;

use crate::problem::{Code, Problem, ProblemBody};

/// The problem codes of an operation.
pub trait ProblemSet: Send + Sync + 'static {
    /// Those of its own.
    const CODES: &'static [Code];

    /// Its own codes and those of every operation.
    fn all() -> impl Iterator<Item = Code> {
        let common = [
            Code::Internal,
            Code::Unavailable,
            Code::Overloaded,
            Code::StorageFull,
        ];
        let further = common
            .into_iter()
            .filter(|code| !Self::CODES.contains(code));
        Self::CODES.iter().copied().chain(further)
    }
}

/// Declares sets of codes: `SetName { Code, Code }`.
macro_rules! problem_sets {
    ($($(#[$doc:meta])* $name:ident { $($code:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl $crate::openapi::ProblemSet for $name {
            const CODES: &'static [$crate::problem::Code] = &[$($crate::problem::Code::$code),*];
        }
    )*};
}
pub(crate) use problem_sets;

/// A problem of an operation that documents the codes of `S`.
pub struct Documented<S> {
    problem: Problem,
    set: PhantomData<S>,
}

impl<S: ProblemSet> From<Problem> for Documented<S> {
    fn from(problem: Problem) -> Self {
        debug_assert!(
            S::all().any(|code| code == problem.code()),
            "undocumented: {}",
            problem.code()
        );
        Self {
            problem,
            set: PhantomData,
        }
    }
}

impl<S: ProblemSet> From<Code> for Documented<S> {
    fn from(code: Code) -> Self {
        Problem::from(code).into()
    }
}

impl<S> From<Documented<S>> for poem::Error {
    fn from(documented: Documented<S>) -> Self {
        documented.problem.into()
    }
}

impl<S: ProblemSet> ApiResponse for Documented<S> {
    fn meta() -> MetaResponses {
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in S::all() {
            by_status
                .entry(code.status().as_u16())
                .or_default()
                .push(code);
        }
        let responses = by_status
            .into_iter()
            .map(|(status, codes)| response(status, &codes))
            .collect();
        MetaResponses { responses }
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}

fn response(status: u16, codes: &[Code]) -> MetaResponse {
    let lines: Vec<_> = codes
        .iter()
        .map(|code| format!("`{code}`: {}", code.detail()))
        .collect();
    MetaResponse {
        // The library requires a static text; the document is built once per process.
        description: lines.join("\n\n").leak(),
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: "application/problem+json",
            schema: ProblemBody::schema_ref(),
        }],
        headers: headers(status),
    }
}

fn headers(status: u16) -> Vec<MetaHeader> {
    let header = match status {
        401 => Some(("WWW-Authenticate", "Always `Bearer`.")),
        416 => Some(("Content-Range", "`bytes */<length>`")),
        503 => Some(("Retry-After", "Seconds to wait before trying again.")),
        _ => None,
    };
    let meta = |(name, description): (&str, &str)| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    };
    header.into_iter().map(meta).collect()
}
