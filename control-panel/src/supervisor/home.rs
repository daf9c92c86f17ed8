//! What a worker's cell knows of its panel's registry.

use std::{
    any::Any,
    sync::{Arc, Weak},
};

use super::registry::Registry;

/// The registry that a worker belongs to.
///
/// Without its type: wherever a worker is spawned, rustc proves that a [`Context`](crate::Context) is `Send`, and looks at each type
/// below it. It does not keep the answer where one of them is a `dyn`, and the registry has many. Behind one `dyn` it looks no
/// further: a crate of a hundred workers is checked with a sixth fewer instructions.
#[derive(Clone)]
pub(crate) struct Home(Weak<dyn Any + Send + Sync>);

impl Home {
    pub(crate) fn of(registry: &Arc<Registry>) -> Self {
        let home: Weak<Registry> = Arc::downgrade(registry);
        Self(home)
    }

    /// That of a context outside any worker.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn none() -> Self {
        Self(Weak::<Registry>::new())
    }

    /// `None` once the panel and its workers are gone.
    pub(crate) fn upgrade(&self) -> Option<Arc<Registry>> {
        self.0.upgrade()?.downcast().ok()
    }
}
