//! The limit of open files of this process.

use std::io;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit: the usual default is meant for programs that use
/// `select`, and too small for a server. If it can't be raised, fewer connections are accepted.
pub fn raise() -> anyhow::Result<()> {
    raise_by(getrlimit(Resource::Nofile), |limit| {
        Ok(setrlimit(Resource::Nofile, limit)?)
    })
}

fn raise_by(found: Rlimit, set: impl FnOnce(Rlimit) -> io::Result<()>) -> anyhow::Result<()> {
    if found.current == found.maximum {
        return Ok(());
    }
    let wanted = Rlimit {
        current: found.maximum,
        maximum: found.maximum,
    };
    let figure = |limit: Option<u64>| {
        limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string())
    };
    let (soft, hard) = (figure(found.current), figure(found.maximum));
    set(wanted).with_context(|| {
        format!("the soft limit of open files stays {soft}, below the hard limit of {hard}")
    })
}

/// The limit.
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_t_raise_the_limit_says_both_figures() {
        let found = Rlimit {
            current: Some(1_024),
            maximum: Some(65_536),
        };
        let refused = raise_by(found, |_| Err(io::ErrorKind::PermissionDenied.into()));
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("1024") && text.contains("65536"), "{text}");
        raise_by(found, |wanted| {
            assert_eq!(wanted.current, Some(65_536));
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn a_limit_that_is_as_high_as_it_may_be_is_left_alone() {
        let all = Rlimit {
            current: Some(512),
            maximum: Some(512),
        };
        raise_by(all, |_| Err(io::ErrorKind::PermissionDenied.into())).unwrap();
    }
}
