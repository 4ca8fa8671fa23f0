//! The checker itself: what it lets pass, and what it must not.

use tests::history::{Answer, Call, Entry, Seen, linearise};

/// A call from one moment to another, and its answer.
fn answered(begun: u64, ended: u64, call: Call, answer: Answer) -> Entry {
    Entry {
        begun,
        ended: Some((ended, answer)),
        call,
    }
}

/// A call that was not answered.
const fn cut(begun: u64, call: Call) -> Entry {
    Entry {
        begun,
        ended: None,
        call,
    }
}

fn seen(status: &str, revision: u64, tag: u64, version: u32, latest: u32) -> Answer {
    Answer::Document(Seen {
        status: status.to_owned(),
        revision,
        name: if tag == 0 {
            "a".to_owned()
        } else {
            format!("a{tag}")
        },
        tag,
        version: (version > 0).then_some(version),
        latest,
        sha256: format!("digest {}", version.max(1)),
    })
}

fn upload(begun: u64, ended: u64) -> Entry {
    let call = Call::Upload {
        name: "a".to_owned(),
        content: "digest 1".to_owned(),
    };
    answered(begun, ended, call, seen("pending", 1, 0, 0, 1))
}

fn patch(tag: u64, if_match: Option<u64>) -> Call {
    Call::Patch {
        name: format!("a{tag}"),
        tag,
        if_match,
    }
}

fn add(number: u32) -> Call {
    Call::AddVersion {
        content: format!("digest {number}"),
        if_match: None,
    }
}

fn refused(code: &str) -> Answer {
    Answer::Refused(code.to_owned())
}

fn content(number: u32) -> Answer {
    Answer::Content(format!("digest {number}"))
}

const DELETE: Call = Call::Delete { if_match: None };
const ARCHIVE: Call = Call::Archive { if_match: None };
const RESTORE: Call = Call::Restore { if_match: None };

fn passes(history: &[Entry]) {
    if let Err(impossible) = linearise(history) {
        panic!("{impossible:#?}");
    }
}

fn is_refused(history: &[Entry]) {
    assert!(linearise(history).is_err(), "{history:#?}");
}

#[test]
fn calls_one_after_the_other_pass() {
    passes(&[
        upload(0, 1),
        answered(2, 3, Call::ReadContent, refused("not_active")),
        answered(4, 5, Call::Read, seen("active", 2, 0, 1, 1)),
        answered(6, 7, patch(5, Some(2)), seen("active", 3, 5, 1, 1)),
        answered(8, 9, patch(6, Some(2)), refused("revision_mismatch")),
        answered(10, 11, ARCHIVE, seen("archived", 4, 5, 1, 1)),
        answered(12, 13, Call::ReadContent, refused("not_active")),
        answered(14, 15, ARCHIVE, refused("illegal_transition")),
        answered(16, 17, RESTORE, seen("active", 5, 5, 1, 1)),
        answered(18, 19, DELETE, Answer::Deleted),
        answered(20, 21, Call::Read, refused("not_found")),
    ]);
}

#[test]
fn calls_at_once_may_have_any_order() {
    passes(&[
        upload(0, 1),
        answered(2, 3, Call::Read, seen("active", 2, 0, 1, 1)),
        answered(4, 9, patch(5, None), seen("active", 4, 5, 1, 1)),
        answered(5, 8, patch(6, None), seen("active", 3, 6, 1, 1)),
        answered(6, 7, Call::Read, seen("active", 2, 0, 1, 1)),
    ]);
}

#[test]
fn versions_settle_in_any_order_and_the_highest_is_read() {
    let until = |last: Entry| {
        vec![
            upload(0, 1),
            answered(2, 3, Call::ReadContent, content(1)),
            answered(4, 5, add(2), seen("active", 3, 0, 1, 2)),
            answered(6, 7, add(3), seen("active", 4, 0, 1, 3)),
            answered(8, 9, Call::Read, seen("active", 5, 0, 3, 3)),
            answered(10, 11, Call::ReadVersion(2), refused("not_active")),
            last,
        ]
    };
    passes(&until(answered(12, 13, Call::ReadVersion(2), content(2))));
    passes(&until(answered(12, 13, Call::ReadContent, content(3))));
    // Readers never go back to a lower one, and the current one is active.
    is_refused(&until(answered(12, 13, Call::ReadContent, content(2))));
    is_refused(&until(answered(
        12,
        13,
        Call::ReadVersion(3),
        refused("not_active"),
    )));
}

#[test]
fn a_call_without_an_answer_may_have_happened_at_any_time_since_or_never() {
    let then = |last: Answer| {
        [
            upload(0, 1),
            answered(2, 3, Call::Read, seen("active", 2, 0, 1, 1)),
            cut(4, patch(5, None)),
            answered(5, 6, Call::Read, seen("active", 2, 0, 1, 1)),
            answered(7, 8, Call::Read, last),
        ]
    };
    passes(&then(seen("active", 2, 0, 1, 1)));
    passes(&then(seen("active", 3, 5, 1, 1)));
    is_refused(&then(seen("active", 3, 6, 1, 1)));
    // Not before it was sent, and not twice.
    is_refused(&[
        upload(0, 1),
        answered(2, 3, Call::Read, seen("active", 3, 5, 1, 1)),
        cut(4, patch(5, None)),
    ]);
    is_refused(&then(seen("active", 4, 5, 1, 1)));
}

#[test]
fn a_lost_update_is_refused() {
    let begin = [
        upload(0, 1),
        answered(2, 3, Call::Read, seen("active", 2, 0, 1, 1)),
    ];
    // Two who both had the revision that they demanded.
    is_refused(&[
        begin[0].clone(),
        begin[1].clone(),
        answered(4, 7, patch(5, Some(2)), seen("active", 3, 5, 1, 1)),
        answered(5, 8, patch(6, Some(2)), seen("active", 3, 6, 1, 1)),
    ]);
    // One whose change is gone.
    is_refused(&[
        begin[0].clone(),
        begin[1].clone(),
        answered(4, 5, patch(5, None), seen("active", 3, 5, 1, 1)),
        answered(6, 7, ARCHIVE, seen("archived", 4, 0, 1, 1)),
    ]);
}

#[test]
fn a_stale_read_after_a_write_is_refused() {
    is_refused(&[
        upload(0, 1),
        answered(2, 3, Call::Read, seen("active", 2, 0, 1, 1)),
        answered(4, 5, patch(5, None), seen("active", 3, 5, 1, 1)),
        answered(6, 7, Call::Read, seen("active", 2, 0, 1, 1)),
    ]);
    is_refused(&[
        upload(0, 1),
        answered(2, 3, Call::Read, refused("not_found")),
    ]);
}

#[test]
fn a_deleted_document_stays_deleted() {
    let after = |call: Call, answer: Answer| {
        [
            upload(0, 1),
            cut(2, DELETE),
            answered(3, 4, Call::Read, refused("not_found")),
            answered(5, 6, call, answer),
        ]
    };
    passes(&after(Call::Read, refused("not_found")));
    is_refused(&after(Call::Read, seen("active", 2, 0, 1, 1)));
    is_refused(&after(Call::ReadContent, content(1)));
    is_refused(&after(DELETE, Answer::Deleted));
}

#[test]
fn torn_content_is_refused() {
    let read = |answer: Answer| [upload(0, 1), answered(2, 3, Call::ReadContent, answer)];
    passes(&read(content(1)));
    is_refused(&read(Answer::Content("half of digest 1".to_owned())));
    // The bytes of one version under the digest of another.
    let mut torn = seen("active", 2, 0, 1, 1);
    if let Answer::Document(seen) = &mut torn {
        seen.sha256 = "digest 2".to_owned();
    }
    is_refused(&[upload(0, 1), answered(2, 3, Call::Read, torn)]);
}
