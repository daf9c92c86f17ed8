//! The examples are `[[example]]` targets of this package; README.md lists them.
