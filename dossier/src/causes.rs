//! An error and each cause behind it, as one text that says nothing twice.

/// The texts of the chain, outermost first. Many a library repeats the cause in its own text.
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
