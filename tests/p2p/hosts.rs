//! Hosts with a link between them, as network namespaces: where this process may make them.

use std::{
    net::SocketAddr,
    process::{self, Command},
    thread,
    time::Duration,
};

use control_panel::workers::p2p_sync::OfflineReason::TimedOut;

use crate::{
    node::{Setup, folders},
    process::Process,
};

/// Two, at 10.77.0.1 and 10.77.0.2, each with the end of one cable. They are gone with the value.
struct Hosts {
    names: [String; 2],
}

fn ip(args: &str) -> Result<(), String> {
    let output = Command::new("ip").args(args.split(' ')).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("ip {args}: {}", said.trim())) }
}

impl Hosts {
    /// `None`, with the reason printed, where that is not allowed.
    fn new() -> Option<Self> {
        let hosts = Self { names: ["a", "b"].map(|host| format!("control-panel-{}-{host}", process::id())) };
        match hosts.make() {
            Ok(()) => Some(hosts),
            Err(why) => {
                println!("skipped: no network namespaces here: {why}");
                None
            }
        }
    }

    fn make(&self) -> Result<(), String> {
        let [a, b] = &self.names;
        ip(&format!("netns add {a}"))?;
        ip(&format!("netns add {b}"))?;
        ip(&format!("link add cable netns {a} type veth peer name cable netns {b}"))?;
        for (host, name) in self.names.iter().enumerate() {
            ip(&format!("-n {name} addr add 10.77.0.{}/24 dev cable", host + 1))?;
            ip(&format!("-n {name} link set lo up"))?;
            ip(&format!("-n {name} link set cable up"))?;
        }
        Ok(())
    }

    fn at(host: usize) -> SocketAddr {
        SocketAddr::from(([10, 77, 0, u8::try_from(host).unwrap() + 1], 4_515))
    }

    fn link(&self, host: usize, is: &str) {
        ip(&format!("-n {} link set cable {is}", self.names[host])).unwrap();
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            ip(&format!("netns del {name}")).ok();
        }
    }
}

/// Either end's link goes down, and comes up: each host reports one loss and one return, and has what was said meanwhile.
#[test]
fn hosts_whose_link_goes_down_and_up_report_one_loss_and_one_return() {
    let Some(hosts) = Hosts::new() else { return };
    let (folders, members) = folders(2);
    let mut processes: Vec<_> = (0..2)
        .map(|me| {
            let known = vec![(members[1 - me], Hosts::at(1 - me))];
            let setup = Setup::new(folders[me].path(), &members);
            let setup = Setup { known, bind: Hosts::at(me), idle: Duration::from_secs(4), ..setup };
            Process::start_in(&hosts.names[me], &setup)
        })
        .collect();
    let both = |processes: &[Process], online: bool| {
        for me in 0..2 {
            processes[me].wait_for(if online { "it is online" } else { "it is offline" }, |process| {
                process.is_online(members[1 - me]) == online
            });
        }
    };
    for down in 0..2 {
        both(&processes, true);
        let before: Vec<_> = (0..2).map(|me| processes[me].seen_of(members[1 - me]).len()).collect();
        hosts.link(down, "down");
        both(&processes, false);
        for process in &mut processes {
            process.say("word meanwhile");
        }
        hosts.link(down, "up");
        both(&processes, true);
        let words = 2 * (down + 1);
        for process in &processes {
            process.wait_for("it has both words", |process| {
                process.last("state").is_some_and(|state| state.ends_with(&format!(" {words}")))
            });
        }
        thread::sleep(Duration::from_secs(1));
        for me in 0..2 {
            let seen = processes[me].seen_of(members[1 - me]);
            assert_eq!(seen[before[me]..], [format!("offline: {TimedOut}"), "online".to_owned()], "{seen:?}");
        }
    }
    assert_eq!(processes[0].last("state"), processes[1].last("state"));
}
