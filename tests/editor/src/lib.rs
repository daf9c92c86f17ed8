//! Each case of `.ci/editor` is shown to rust-analyzer in place of this file.
