//! Nothing: what is compiled is in `rows/`.
