//! Quotas: pure decisions, counts and limits in, a refusal out.

use super::error::SessionError;

/// Whether `adding` more fit beside `used` within `value`.
///
/// # Errors
/// [`SessionError::LimitReached`] with `name` and `advice`.
pub fn check(name: &'static str, used: u64, adding: u64, value: u64, advice: &'static str) -> Result<(), SessionError> {
    if used.saturating_add(adding) <= value {
        return Ok(());
    }
    Err(SessionError::LimitReached { name, value, advice })
}

/// Whether one memory is small enough.
///
/// # Errors
/// [`SessionError::PayloadTooLarge`].
pub fn check_payload(size: u64, value: u64) -> Result<(), SessionError> {
    if size <= value {
        return Ok(());
    }
    Err(SessionError::PayloadTooLarge { size, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_quota_admits_exactly_what_fits(used in 0u64..100, adding in 0u64..100, value in 0u64..100) {
            let admitted = check("files_max", used, adding, value, "close some").is_ok();
            prop_assert_eq!(admitted, used + adding <= value);
        }
    }

    #[test]
    fn a_quota_never_wraps() {
        assert!(check("files_max", u64::MAX, 1, u64::MAX - 1, "close some").is_err());
    }
}
