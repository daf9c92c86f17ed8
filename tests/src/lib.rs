//! The integration tests are `[[test]]` targets of this package, one file per promise.
