//! A downstream crate with every lint turned up: what the macros add may not cost it a single `#[allow]`.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, single_use_lifetimes)]
#![deny(clippy::all, clippy::pedantic)]
#![deny(rust_2018_idioms, missing_debug_implementations, elided_lifetimes_in_paths, let_underscore_drop)]
#![forbid(unsafe_code)]

use control_panel::ControlPanel;

/// A library's public worker and intent, documented by their authors alone.
pub mod library {
    use control_panel::{Context, GraphIntent, IntentSource, worker};

    /// What happens.
    #[derive(Debug, GraphIntent)]
    #[non_exhaustive]
    pub enum Update {
        /// Something small.
        Tick,
        /// Something from afar.
        #[intent(clock = clock)]
        Remote {
            /// When.
            clock: u64,
        },
        /// Something from before.
        #[deprecated = "use `Remote`"]
        #[intent(clock = 0, origin = 0, from)]
        Old(u64),
        /// Something that a test build has and another has not.
        #[cfg(test)]
        #[intent(from)]
        Tested(&'static str),
        /// Something that no build has.
        #[cfg(not(test))]
        #[intent(from)]
        Untested(NoSuchType),
    }

    /// Ticks so many times.
    ///
    /// # Errors
    /// When nothing listens.
    #[worker(source = IntentSource::Restore, restart = on_failure, backoff = "10ms")]
    pub async fn ticks(cx: Context<Update>, times: u32, _name: String) -> Result<(), std::io::Error> {
        for _ in 0..times {
            cx.send(Update::Tick).await.map_err(|_| std::io::Error::other("closed"))?;
        }
        Ok(())
    }

    /// What [`answers`] can be asked.
    #[derive(Debug)]
    pub enum Ask {
        /// To tick.
        Tick,
    }

    /// Ticks when it is asked to.
    #[worker(source = IntentSource::Restore, inbox = Ask, inbox_capacity = 4)]
    pub async fn answers(cx: Context<Update>) {
        let mut inbox = cx.inbox::<Ask>();
        while let Some(Ask::Tick) = inbox.recv().await {
            cx.send(Update::Tick).await.ok();
        }
    }

    #[worker(source = IntentSource::Restore)]
    pub(crate) async fn undocumented(cx: Context<Update>) {
        cx.send(Update::Remote { clock: 1 }).await.ok();
    }

    /// Ticked once.
    #[deprecated = "use `ticks`"]
    #[worker(source = IntentSource::Restore)]
    pub async fn old(cx: Context<Update>) {
        cx.send(Update::Tick).await.ok();
    }

    /// Takes more than is good for it, and says so itself.
    #[expect(clippy::too_many_arguments, reason = "the macro repeats them")]
    #[worker(source = IntentSource::Restore)]
    pub async fn many(cx: Context<Update>, a: u8, b: u8, c: u8, d: u8, one: u8, two: u8, three: u8) {
        let _ = (a, b, c, d, one, two, three);
        cx.send(Update::Tick).await.ok();
    }
}

/// Private workers that are spawned are not dead code.
mod private {
    use control_panel::{Context, IntentSource, worker};

    use super::library::Update;

    #[worker(source = IntentSource::P2pSync)]
    pub(super) async fn remote(cx: Context<Update>) {
        cx.send(Update::Remote { clock: 3 }).await.ok();
    }
}

#[test]
fn the_expansions_are_free_of_lints() {
    use library::{SpawnAnswers as _, SpawnMany as _, SpawnTicks as _, SpawnUndocumented as _};
    use private::SpawnRemote as _;

    let panel = ControlPanel::<library::Update>::new();
    panel.spawn_ticks(3, "ticks".to_owned());
    panel.spawn_undocumented();
    panel.spawn_answers().send(library::Ask::Tick).ok();
    panel.spawn_many(1, 2, 3, 4, 5, 6, 7);
    panel.spawn_remote();
    assert!(panel.shutdown_blocking().is_clean());
}
