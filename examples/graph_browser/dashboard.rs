//! The page that shows this program, with `--dashboard`.
//!
//! A viewer with the token, which is printed once, stops and restarts workers there, pauses the frame loop and steps it, and changes
//! the policy: by the same intents as commands that are typed.

use std::{
    collections::BTreeMap,
    error::Error,
    hash::{BuildHasher, RandomState},
};

use control_panel::{
    IntentSender, IntentSource, WorkerHandle,
    console::Board,
    dashboard::{Dashboard, FramePause, PolicyField, PolicyForm},
};

use crate::{
    Panel,
    cli::Cli,
    commands::{Change, Command},
    intent::GraphIntent,
    policy::LifecyclePolicy,
    progress::say,
};

/// What the frame loop has of it.
pub(crate) struct Shown {
    pub(crate) pause: FramePause,
    pub(crate) worker: WorkerHandle,
}

/// Serves the dashboard, if that was asked for.
///
/// # Errors
/// The port cannot be opened.
pub(crate) fn serve(cli: &Cli, panel: &Panel) -> Result<Option<Shown>, Box<dyn Error>> {
    let Some(address) = cli.dashboard else { return Ok(None) };
    let observer = panel.observer();
    let policy = panel.spawner();
    observer.attach(move |board: &mut Board| {
        let LifecyclePolicy { active_webview_limit, warm_cache_limit, memory_pressure_threshold } =
            *policy.policy();
        board.policy("active webviews", active_webview_limit);
        board.policy("warm webviews", warm_cache_limit);
        board.policy("memory threshold", memory_pressure_threshold);
    });
    let (token, pause) = (token(), FramePause::new());
    let form = Form { sender: panel.sender(IntentSource::LocalUI), spawner: panel.spawner() };
    let dashboard = Dashboard::new(observer).token(&token).pause(pause.clone()).policy_form(form);
    let server = dashboard.serve(address)?;
    say(&format!("dashboard: {} (token to change things there: {token})", server.url()));
    let worker = panel.spawn(server.into_worker(IntentSource::LocalUI));
    Ok(Some(Shown { pause, worker }))
}

/// 128 bits that the system drew.
fn token() -> String {
    let half = || RandomState::new().hash_one("dashboard");
    format!("{:016x}{:016x}", half(), half())
}

struct Form {
    sender: IntentSender<GraphIntent>,
    spawner: control_panel::Spawner<GraphIntent, LifecyclePolicy>,
}

impl PolicyForm for Form {
    fn fields(&self) -> Vec<PolicyField> {
        let policy = self.spawner.policy();
        vec![
            PolicyField::new("active", "Active webviews", policy.active_webview_limit),
            PolicyField::new("warm", "Warm webviews", policy.warm_cache_limit),
            PolicyField::new("memory", "Memory threshold, 0 to 1", policy.memory_pressure_threshold),
        ]
    }

    fn submit(&self, values: &BTreeMap<String, String>) -> Result<(), String> {
        let value =
            |name: &str| values.get(name).map(|text| text.trim()).ok_or(format!("`{name}` is missing"));
        let number = |name: &str| value(name)?.parse().map_err(|error| format!("{name}: {error}"));
        let memory = value("memory")?.parse().map_err(|error| format!("memory: {error}"))?;
        let policy = LifecyclePolicy {
            active_webview_limit: number("active")?,
            warm_cache_limit: number("warm")?,
            memory_pressure_threshold: memory,
        };
        let (policy, _) = policy.checked()?;
        for change in [
            Change::Active(policy.active_webview_limit),
            Change::Warm(policy.warm_cache_limit),
            Change::Memory(policy.memory_pressure_threshold),
        ] {
            let sent = self.sender.try_send(GraphIntent::Command(Command::Change(change)));
            sent.map_err(|_| "the queue is full: try again".to_owned())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_never_the_same() {
        let (one, other) = (token(), token());
        assert!(one.len() == 32 && one != other, "{one} {other}");
    }

    #[test]
    fn the_form_sends_what_is_typed_and_says_what_is_wrong() {
        let mut panel = Panel::builder().policy(LifecyclePolicy::default()).build();
        let form = Form { sender: panel.sender(IntentSource::LocalUI), spawner: panel.spawner() };
        let submit = |active: &str| {
            let values = [("active", active), ("warm", "3"), ("memory", "0.5")];
            form.submit(&values.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
        };
        assert!(submit("many").unwrap_err().starts_with("active: "));
        assert_eq!(form.submit(&BTreeMap::new()).unwrap_err(), "`memory` is missing");
        assert_eq!(panel.drain().count(), 0);
        submit("2").unwrap();
        let sent: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
        assert!(
            matches!(sent[..], [GraphIntent::Command(Command::Change(Change::Active(2))), _, _]),
            "{}",
            sent.len()
        );
    }
}
