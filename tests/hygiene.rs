//! What is generated keeps out of the way: nothing but the spawn trait becomes visible, and nothing the user
//! named is taken for something else. What only has to compile is under `ui/*/pass/hygiene/`.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker};

#[derive(Debug, PartialEq, GraphIntent)]
enum Update {
    Said(&'static str),
}

/// Two workers of one name, and a worker in a function: each is reached where it stands.
mod left {
    use super::{Context, IntentSource, Update, worker};

    #[worker(source = IntentSource::Restore)]
    pub(super) async fn speak(cx: Context<Update>) {
        cx.send(Update::Said("left")).await.ok();
    }
}

mod right {
    use super::{Context, IntentSource, Update, worker};

    #[worker(source = IntentSource::Restore)]
    pub(super) async fn speak(cx: Context<Update>) {
        cx.send(Update::Said("right")).await.ok();
    }
}

fn spawn_a_local_one(panel: &ControlPanel<Update>) {
    #[worker(source = IntentSource::Restore)]
    async fn speak(cx: Context<Update>) {
        cx.send(Update::Said("inside")).await.ok();
    }
    panel.spawn_speak();
}

#[worker(source = IntentSource::Restore)]
async fn run(cx: Context<Update>, run: &'static str) {
    cx.send(Update::Said(run)).await.ok();
}

/// All that the panel's workers said until it was shut down.
fn said(spawn: impl FnOnce(&ControlPanel<Update>)) -> Vec<&'static str> {
    let mut panel = ControlPanel::<Update>::new();
    spawn(&panel);
    while panel.worker_count() > 0 {
        std::thread::yield_now();
    }
    panel
        .drain()
        .map(|queued| match queued.intent {
            Update::Said(text) => text,
        })
        .collect()
}

#[test]
fn workers_of_one_name_are_distinguished_by_their_modules() {
    assert_eq!(said(|panel| drop(left::SpawnSpeak::spawn_speak(panel))), ["left"]);
    assert_eq!(said(|panel| drop(right::SpawnSpeak::spawn_speak(panel))), ["right"]);
    assert_eq!(said(spawn_a_local_one), ["inside"]);
}

#[test]
fn an_argument_may_have_the_workers_name() {
    assert_eq!(said(|panel| drop(panel.spawn_run("run"))), ["run"]);
}

/// The trait serves whatever can spawn, by reference and as a trait object too.
#[test]
fn every_host_has_the_method() {
    fn by_trait<S: Spawn<Intent = Update, Policy = ()>>(host: &S) {
        host.spawn_run("trait");
    }
    fn by_object(host: &dyn Spawn<Intent = Update, Policy = ()>) {
        host.spawn_run("object");
    }
    assert_eq!(said(by_trait), ["trait"]);
    assert_eq!(said(|panel| by_object(panel)), ["object"]);
    assert_eq!(said(|panel| drop(panel.spawner().spawn_run("spawner"))), ["spawner"]);
}

/// Names that the expansions use inside are not left behind: these would not compile twice, or would shadow.
mod nothing_leaks {
    use super::{Context, GraphIntent, worker};

    #[derive(GraphIntent)]
    pub(super) enum Other {
        #[intent(clock = 0)]
        Clocked(u64),
    }

    #[worker(source = control_panel::IntentSource::Restore, restart = always)]
    pub(super) async fn first(cx: Context<Other>, copy: u8) {
        let _ = copy;
        cx.send(Other::Clocked(1)).await.ok();
        cx.cancelled().await;
    }

    // Were `__cp`, `__clock` or `__S` visible here, these would collide with them.
    pub(super) mod __cp {}
    #[expect(non_upper_case_globals)]
    pub(super) const clock: u8 = 1;
    pub(super) struct __S;
}

#[test]
fn no_internal_name_is_visible() {
    #[expect(unused_imports)]
    use nothing_leaks::__cp;
    use nothing_leaks::{__S, Other, SpawnFirst as _, clock};

    let _ = (__S, clock, Other::Clocked(1));
    assert_eq!(ControlPanel::<Other>::new().spawn_first(1).name(), "first");
}
