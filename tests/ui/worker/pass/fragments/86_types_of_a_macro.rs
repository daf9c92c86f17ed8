//! A worker generic in its intent, whose context comes as `$cx:ty`; and an intent whose clock and source come as literals, expressions and paths.

use control_panel::{Context, ControlPanel, GraphIntent, Intent, IntentSource, worker};

macro_rules! intent {
    ($name:ident, $clock:literal, $origin:expr, $source:ty) => {
        #[derive(GraphIntent)]
        #[intent(source = $source)]
        enum $name {
            #[intent(clock = $clock, origin = $origin)]
            Edit(u64, u64),
        }
    };
}
intent!(Update, 0, 1, IntentSource);

macro_rules! named {
    ($name:ident, $field:ident: $ty:ty, $key:ident) => {
        #[derive(GraphIntent)]
        enum $name {
            #[intent($key = $field)]
            Edit { $field: $ty },
        }
    };
}
named!(Named, at: u64, clock);

macro_rules! generic {
    ($f:ident<$I:ident: $bound:path>($cx:ty), $source:expr) => {
        #[worker(source = $source)]
        async fn $f<$I: $bound>(cx: $cx) {
            cx.cancelled().await;
        }
    };
}
generic!(ticks<I: Intent<Source = IntentSource>>(Context<I>), IntentSource::Restore);

macro_rules! every {
    ($source:path, $restart:ident, $intensity:expr, $period:literal, $inbox:ty, $output:ty, $body:block) => {
        #[worker(source = $source, restart = $restart, intensity = $intensity, period = $period, inbox = $inbox)]
        async fn tocks(_: Context<Update>) -> $output $body
    };
}
every!(IntentSource::Restore, on_failure, 3, "1m", Vec<u8>, Result<(), String>, { Ok(()) });

macro_rules! item {
    ($item:item) => {
        #[worker(source = IntentSource::Restore)]
        $item
    };
}
item!(
    /// Rings.
    async fn rings(cx: Context<Update>, name: String) {
        drop(name);
        cx.cancelled().await;
    }
);

macro_rules! attribute {
    ($attribute:meta) => {
        #[$attribute]
        async fn attributed(cx: Context<Update>) {
            cx.cancelled().await;
        }
    };
}
attribute!(worker(source = IntentSource::Restore));

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks();
    panel.spawn_tocks();
    panel.spawn_rings(String::new());
    panel.spawn_attributed();
    assert_eq!(Update::Edit(3, 4).clock(), Some(3));
    assert_eq!(Update::Edit(3, 4).peer(), Some(4));
    assert_eq!(Named::Edit { at: 5 }.clock(), Some(5));
}
