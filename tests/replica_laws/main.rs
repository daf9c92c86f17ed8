//! `testing::laws` names the law that a state breaks.

mod broken;
mod right;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of a check that fails.
fn failure(check: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(check)).expect_err("a law is broken");
    payload.downcast_ref::<String>().expect("a message").clone()
}

/// Every seed finds it, in one line that names the law, the seed and the operation.
fn breaks(law: &str, check: impl Fn(u64)) {
    for seed in 0..5 {
        let message = failure(|| check(seed));
        assert!(message.starts_with(&format!("law broken: {law}")), "{message}");
        assert!(message.contains(&format!("; seed {seed}, operation ")), "{message}");
        assert!(!message.contains('\n') && message.chars().count() < 1_200, "{message}");
    }
}
