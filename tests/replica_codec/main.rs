//! Replicas' bytes, by the public surface: a peer that writes them by hand from the documented layout, bombs, schemas, and
//! the memory that hostile bytes can take.

mod behind;
mod bombs;
mod by_hand;
mod memory;
mod migrated;
mod replicas;
mod schemas;
mod snapshots;

use control_panel::{
    Delta,
    replica::codec::{DecodeError, Limits, Postcard},
};

/// Reads with the defaults.
fn read(bytes: &[u8]) -> Result<Delta<String>, DecodeError> {
    Delta::decode(bytes, &Postcard::new(), &Limits::default())
}
