//! The local network: multicast, in a network namespace of the test's own, so that no packet leaves this machine.

use std::{
    env,
    net::{Ipv4Addr, UdpSocket},
    process::Command,
    time::{Duration, Instant},
};

use crate::node::{Setup, folders, until};

const INSIDE: &str = "CONTROL_PANEL_LAN_CHILD";
const READY: &str = "the namespace is there";

/// mDNS; RFC 6762.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;

/// By default nothing is announced; where it is asked for, those on the link find each other without an address.
#[test]
fn those_on_a_link_find_each_other_if_they_are_asked_to() {
    let script = format!(
        "ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && echo {READY} \
         && exec \"$0\" lan::child --exact --nocapture"
    );
    let program = env::current_exe().unwrap();
    let run =
        Command::new("unshare").args(["-rn", "sh", "-c", &script]).arg(program).env(INSIDE, "1").output();
    match run {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains(READY) => {
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        }
        Ok(output) => println!("skipped: no namespace here: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("skipped: no namespace here: {error}"),
    }
}

/// What runs in the namespace.
#[test]
fn child() {
    if env::var_os(INSIDE).is_none() {
        return;
    }
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();

    let listener = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
    listener.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    listener.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    // That it hears what is sent is seen first.
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    sender.send_to(b"heard", (GROUP, PORT)).unwrap();
    let mut packet = [0; 2_048];
    listener.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(listener.recv(&mut packet).unwrap(), 5);
    listener.set_read_timeout(Some(Duration::from_millis(10))).unwrap();

    let (mut alice, mut bob) = (setups[0].start(), setups[1].start());
    let began = Instant::now();
    until(&mut [&mut alice, &mut bob], "some time passed", |_| {
        assert!(listener.recv(&mut packet).is_err(), "something was announced");
        began.elapsed() > Duration::from_secs(3)
    });
    assert!(!alice.is_online(members[1]) && !bob.is_online(members[0]));
    alice.stop();
    bob.stop();
    drop(listener);

    let setups: Vec<_> = setups.into_iter().map(|setup| Setup { lan: true, ..setup }).collect();
    let (mut alice, mut bob) = (setups[0].start(), setups[1].start());
    until(&mut [&mut alice, &mut bob], "they found each other", |nodes| {
        nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    assert_eq!(alice.peers.status().lan_fault, None);
}
