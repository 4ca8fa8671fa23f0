//! Formats an error with its causes, without repetition.

/// Returns the messages of the chain, outermost first. Many libraries repeat the cause in their own
/// message.
pub fn causes(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.ends_with(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let cause = anyhow::anyhow!("in use (os error 98)");
        let error = cause
            .context("can't listen: in use (os error 98)")
            .context("the API");
        assert_eq!(
            causes(&error),
            "the API: can't listen: in use (os error 98)"
        );
    }
}
