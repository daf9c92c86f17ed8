//! The example is a target of this package: `tokio_console.rs`.
