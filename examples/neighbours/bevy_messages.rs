//! A bevy plugin: it drains a panel into messages, and its runner sleeps until there are any.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --features bevy --example bevy_messages
//!
//! What to look for: systems read messages as they read any other; the order within an update is that of the frame. There is no
//! window here: `PanelPlugin` alone is what a game takes. A game with a window has bevy's own runner, which updates on events;
//! then `on_ready` sends one through the event loop's proxy, as in `examples/wake/winit_wake.rs`.

use std::time::Duration;

use bevy_app::{App, AppExit, First, Plugin, Update};
use bevy_ecs::{
    message::{Message, MessageReader, MessageWriter},
    resource::Resource,
    system::ResMut,
};
use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawner, worker};

/// An intent that is a message too.
#[derive(Debug, GraphIntent, Message)]
enum Loaded {
    Level(u32),
    Finished,
}

#[worker(source = IntentSource::Restore)]
async fn load(cx: Context<Loaded>, levels: u32) {
    for level in 0..levels {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if cx.send(Loaded::Level(level)).await.is_err() {
            return;
        }
    }
    cx.send(Loaded::Finished).await.ok();
}

#[derive(Resource)]
struct Panel(ControlPanel<Loaded>);

/// For systems that spawn workers without exclusive access to the panel.
#[derive(Resource)]
struct Workers(Spawner<Loaded>);

struct PanelPlugin;

impl Plugin for PanelPlugin {
    fn build(&self, app: &mut App) {
        let panel = ControlPanel::<Loaded>::new();
        app.insert_resource(Workers(panel.spawner()))
            .insert_resource(Panel(panel))
            .add_message::<Loaded>()
            .add_systems(First, drain)
            .set_runner(run);
    }
}

/// What is queued becomes messages, in the frame's order.
fn drain(mut panel: ResMut<'_, Panel>, mut messages: MessageWriter<'_, Loaded>) {
    messages.write_batch(panel.0.drain().map(|queued| queued.intent));
}

/// Sleeps until there is something to drain, and updates then.
fn run(mut app: App) -> AppExit {
    app.finish();
    app.cleanup();
    loop {
        app.update();
        if let Some(exit) = app.should_exit() {
            let panel = app.world_mut().remove_resource::<Panel>().expect("the plugin's");
            println!("{}", panel.0.shutdown_blocking());
            return exit;
        }
        app.world().resource::<Panel>().0.wait_ready_timeout(Duration::from_secs(1));
    }
}

#[derive(Debug, Default, Resource)]
struct Levels(Vec<u32>);

fn take(
    mut messages: MessageReader<'_, '_, Loaded>,
    mut levels: ResMut<'_, Levels>,
    mut exit: MessageWriter<'_, AppExit>,
) {
    for message in messages.read() {
        match message {
            Loaded::Level(level) => {
                println!("level {level}");
                levels.0.push(*level);
            }
            Loaded::Finished => drop(exit.write(AppExit::Success)),
        }
    }
}

fn app(levels: u32) -> App {
    let mut app = App::new();
    app.add_plugins(PanelPlugin).init_resource::<Levels>().add_systems(Update, take);
    app.world().resource::<Workers>().0.spawn_load(levels);
    app
}

fn main() -> AppExit {
    app(5).run()
}

#[test]
fn each_intent_is_a_message_in_order_and_the_end_is_clean() {
    let mut app = app(20);
    while app.should_exit().is_none() {
        app.world().resource::<Panel>().0.wait_ready_timeout(Duration::from_secs(1));
        app.update();
    }
    assert_eq!(app.world().resource::<Levels>().0, (0..20).collect::<Vec<_>>());
    let panel = app.world_mut().remove_resource::<Panel>().unwrap();
    assert!(panel.0.shutdown_blocking().is_clean());
}
