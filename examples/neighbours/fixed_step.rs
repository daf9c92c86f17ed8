//! A game loop of fixed steps: each step is one frame of the panel.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --example fixed_step
//!
//! What to look for: the world depends on the number of steps and on what each frame had, never on how long a step took. What
//! a worker loads arrives in some step, as a player's input does; a recording of the frames (`journal`) plays it again.

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};

/// 60 steps a second.
const STEP: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// After a pause of the machine, no more than these are caught up with.
const MOST_STEPS: u32 = 5;

#[derive(GraphIntent)]
enum Update {
    Jump,
    /// The ground of a part of the level.
    Loaded {
        part: usize,
        ground: Vec<i32>,
    },
}

#[derive(Debug, Default, PartialEq)]
struct World {
    steps: u32,
    height: i32,
    speed: i32,
    parts: Vec<Vec<i32>>,
}

impl Reducer for World {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Jump if self.height == 0 => self.speed = 12,
            Update::Jump => {}
            Update::Loaded { part, ground } => {
                self.parts.resize(self.parts.len().max(part + 1), Vec::new());
                self.parts[part] = ground;
            }
        }
    }

    /// The end of the frame: the step itself, whatever the frame had.
    fn settle(&mut self) {
        self.steps += 1;
        self.height = (self.height + self.speed).max(0);
        self.speed = if self.height == 0 { 0 } else { self.speed - 1 };
    }
}

#[worker(source = IntentSource::Restore)]
async fn load_level(cx: Context<Update>, parts: usize) {
    for part in 0..parts {
        tokio::time::sleep(Duration::from_millis(20)).await; // reads a file
        if cx.send(Update::Loaded { part, ground: vec![0; 64] }).await.is_err() {
            return;
        }
    }
}

/// How many steps are due, and the moment up to which they go.
fn due(before: Instant, now: Instant) -> (u32, Instant) {
    let mut steps = 0;
    let mut at = before;
    while steps < MOST_STEPS && now.duration_since(at) >= STEP {
        (steps, at) = (steps + 1, at + STEP);
    }
    // What cannot be caught up with is let go of: the game is slower then, and not stuck.
    (steps, if steps == MOST_STEPS { now } else { at })
}

fn main() {
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn_load_level(8);
    let mut world = World::default();
    let mut at = Instant::now();
    while world.steps < 90 {
        let (steps, upto) = due(at, Instant::now());
        at = upto;
        for _ in 0..steps {
            // The player's input, as it is in this step.
            let jump = world.steps == 30;
            let input = jump.then_some((IntentSource::LocalUI, Update::Jump));
            panel.run_frame(&mut world, &mut (), input);
        }
        // … render, between the last step and the next …
        thread::sleep(STEP.saturating_sub(Instant::now().duration_since(at)));
    }
    println!("{} steps, {} parts loaded", world.steps, world.parts.len());
    println!("{}", panel.shutdown_blocking());
}

#[test]
fn a_world_depends_on_steps_and_not_on_time() {
    let play = |pause: Duration| {
        let mut panel = ControlPanel::<Update>::new();
        let mut world = World::default();
        for step in 0..60 {
            let input = (step == 30).then_some((IntentSource::LocalUI, Update::Jump));
            panel.run_frame(&mut world, &mut (), input);
            thread::sleep(pause);
        }
        world
    };
    let fast = play(Duration::ZERO);
    assert!(fast.steps == 60 && fast.height == 0);
    assert_eq!(fast, play(Duration::from_millis(1)));
}

#[test]
fn a_pause_is_not_caught_up_with_forever() {
    let began = Instant::now();
    assert_eq!(due(began, began + STEP / 2), (0, began));
    assert_eq!(due(began, began + STEP * 2), (2, began + STEP * 2));
    let late = began + Duration::from_secs(999);
    assert_eq!(due(began, late), (MOST_STEPS, late));
}
