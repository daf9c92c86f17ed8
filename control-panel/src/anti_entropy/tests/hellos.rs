//! Which session may go on, and what a hello finds out.

use std::{collections::VecDeque, time::Duration};

use super::{
    super::{
        Breach, Capabilities, Connection, End, Event, Hello, Local, Message, Options, Reason, Session, Wire,
    },
    disk::Disk,
    group::{Group, builder, local, peer},
};
use crate::replica::{Author, Version};

fn hello() -> Hello {
    let Local { group, .. } = local(0);
    Hello { versions: 4..=4, capabilities: Capabilities::default(), group, yours: Version::new() }
}

/// What the second of two makes of it.
fn hear(hello: Hello) -> Result<Option<Event<Wire>>, End> {
    let mut session = Session::<Wire>::new(local(1), peer(0), Options::default());
    let heard = session.receive(Message::Hello(hello), &Version::new(), Duration::ZERO);
    assert_eq!(session.is_ready(), heard.is_ok());
    heard
}

#[test]
fn hellos_that_agree_make_a_session() {
    let optional = Capabilities { required: 0, optional: 1 << 9 };
    let heard = hear(Hello { versions: 1..=9, capabilities: optional, ..hello() });
    let Ok(Some(Event::Ready { version: 4, capabilities: 0, ahead: None })) = heard else {
        panic!("{heard:?}");
    };
}

#[test]
fn no_common_version_is_refused_with_both() {
    let end = hear(Hello { versions: 5..=6, ..hello() }).unwrap_err();
    assert_eq!(end, End::Version { ours: 4..=4, theirs: 5..=6 });
    assert_eq!(
        end.to_string(),
        "the peer speaks versions 5 to 6 of the protocol, and this program 4 to 4: update the older of the two programs"
    );
    assert_eq!(end.reason(), Some(Reason::Version));
}

#[test]
fn an_unknown_capability_that_is_required_is_refused_by_name() {
    let capabilities = Capabilities { required: 0x30, optional: 1 };
    assert_eq!(hear(Hello { capabilities, ..hello() }).unwrap_err(), End::Capability { unknown: 0x30 });
}

#[test]
fn another_group_is_refused() {
    assert_eq!(hear(Hello { group: [0; 32], ..hello() }).unwrap_err(), End::OtherGroup);
}

#[test]
fn a_hello_speaks_of_the_receiver_alone() {
    let of = |peer, lives| {
        let counts = (0..lives).map(|incarnation| (Author { peer, incarnation }, 1));
        hear(Hello { yours: counts.collect(), ..hello() }).map(|_| ())
    };
    let authors = Err(End::Misbehaved(Breach::Authors));
    assert_eq!(of(peer(0), 1), authors);
    assert_eq!(of(peer(1), 1_025), authors);
    assert_eq!(of(peer(1), 1_024), Ok(()));
}

#[test]
fn the_hello_is_first_and_once() {
    let order = End::Misbehaved(Breach::Order);
    let mut session = Session::<Wire>::new(local(1), peer(0), Options::default());
    let have = || Message::Have(Version::new());
    let mut receive = |message| session.receive(message, &Version::new(), Duration::ZERO).map(|_| ());
    assert_eq!(receive(have()), Err(order.clone()));
    assert_eq!(receive(have()), Ok(()), "it is over");
    for second in
        [Message::Hello(hello()), Message::Delta(vec![1]), Message::Took(1), Message::Want(Version::new())]
    {
        let mut session = Session::<Wire>::new(local(1), peer(0), Options::default());
        session.receive(Message::Hello(hello()), &Version::new(), Duration::ZERO).unwrap();
        let received = session.receive(second, &Version::new(), Duration::ZERO).map(|_| ());
        assert_eq!(received, Err(order.clone()));
    }
    let mut session = Session::<Wire>::new(local(1), peer(0), Options::default());
    session.receive(Message::Hello(hello()), &Version::new(), Duration::ZERO).unwrap();
    session.receive(have(), &Version::new(), Duration::ZERO).unwrap();
    assert_eq!(session.receive(have(), &Version::new(), Duration::ZERO).map(|_| ()), Err(order));
}

/// A backup was restored: the other has what this author made after it.
#[test]
fn a_copied_identity_finds_out_from_the_hello() {
    let mut group = Group::pair();
    group.nodes[1].replica.commit("before".into());
    group.rest();
    let backup = group.nodes[1].disk.replica.since(&Version::new());
    group.nodes[1].replica.commit("after".into());
    group.rest();

    let mut restored = Disk::new(builder(2, 1, 0).build());
    restored.replica.merge(backup);
    let _ = restored.replica.settle();
    let [mut there, mut here] =
        [(0, 1), (1, 0)].map(|(me, other)| Connection::new(local(me), peer(other), Options::default()));
    let mut hello = Vec::new();
    let Ok(_) = there.send(&mut hello, &mut group.nodes[0].disk.view(&mut VecDeque::new()), Duration::ZERO);
    let heard = here.receive(&mut &hello[..], restored.version(), Duration::ZERO);
    let Ok(Some(Event::Ready { ahead: Some(ahead), .. })) = heard else { panic!("{heard:?}") };
    let own = Author { peer: peer(1), incarnation: 0 };
    assert!(ahead.theirs.get(own) > ahead.ours.get(own), "{ahead:?}");
    assert!(ahead.theirs.iter().all(|(author, _)| author.peer == peer(1)));

    // The one that made it is not.
    let version = group.nodes[1].disk.version().clone();
    let mut here = Connection::new(local(1), peer(0), Options::default());
    let heard = here.receive(&mut &hello[..], &version, Duration::ZERO);
    assert!(matches!(heard, Ok(Some(Event::Ready { ahead: None, .. }))));
}

#[test]
fn a_bye_is_the_last_message_and_says_why() {
    let mut group = Group::pair();
    group.side(0).session_mut().close(Reason::JournalFailed);
    assert!(group.send(0, 0) && !group.send(0, 0));
    let bytes: Vec<u8> = group.links[0].pipes[0].drain(..).collect();
    let version = group.nodes[1].disk.version().clone();
    let received = group.side(1).receive(&mut &bytes[..], &version, Duration::ZERO);
    assert_eq!(received.unwrap_err(), End::Closed(Reason::JournalFailed));
    assert!(!group.send(0, 1), "it is not answered");
    assert_eq!(group.side(1).deadline(), None);
}
