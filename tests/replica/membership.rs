//! Members come and go; what a retired one did offline comes back to it.

use control_panel::{
    Peer, Replica,
    replica::{Grant, ReplicaNotice},
};

use crate::Letters;

const OWNER: Peer = Peer([1; 32]);
const MEMBER: Peer = Peer([2; 32]);
const GUEST: Peer = Peer([3; 32]);

fn replica(peer: Peer) -> Replica<Letters> {
    Replica::builder(peer, Letters::default()).members([OWNER]).member(MEMBER, Grant::Write).build()
}

fn exchange(a: &mut Replica<Letters>, b: &mut Replica<Letters>) -> Vec<ReplicaNotice> {
    let (from_a, from_b) = (a.since(b.version()), b.since(a.version()));
    a.merge(from_b);
    b.merge(from_a);
    let mut notices = a.settle().notices;
    notices.extend(b.settle().notices);
    notices
}

#[test]
fn a_retired_member_gets_its_offline_work_back() {
    let (mut owner, mut member) = (replica(OWNER), replica(MEMBER));
    member.commit('a');
    exchange(&mut owner, &mut member);
    // Cut off, it goes on, while the owner retires it.
    let offline = member.commit('b');
    owner.retire(MEMBER).unwrap();
    owner.commit('c');
    exchange(&mut owner, &mut member);
    assert_eq!(owner.state().0, "ac");
    assert_eq!(owner.state(), member.state());
    assert_eq!(member.take_void(), [(offline, 'b')]);
    assert!(member.take_void().is_empty(), "once");
    // Retired, it goes on for itself alone, and the work comes back again.
    let more = member.commit('d');
    assert_eq!(member.state().0, "ac");
    assert_eq!(member.take_void(), [(more, 'd')]);
    // Invited again, it commits its work anew.
    owner.invite(MEMBER, Grant::Write).unwrap();
    exchange(&mut owner, &mut member);
    member.commit('b');
    exchange(&mut owner, &mut member);
    assert_eq!(owner.state().0, "acb");
    assert_eq!(owner.state(), member.state());
}

#[test]
fn a_guest_is_invited_and_writes() {
    let (mut owner, mut guest) = (replica(OWNER), replica(GUEST));
    owner.commit('a');
    owner.invite(GUEST, Grant::Write).unwrap();
    exchange(&mut owner, &mut guest);
    guest.commit('b');
    exchange(&mut owner, &mut guest);
    assert_eq!(owner.state().0, "ab");
    assert_eq!(owner.state(), guest.state());
}

#[test]
fn a_reader_changes_nothing() {
    let (mut owner, mut guest) = (replica(OWNER), replica(GUEST));
    owner.invite(GUEST, Grant::Read).unwrap();
    exchange(&mut owner, &mut guest);
    let refused = guest.commit('x');
    assert_eq!(guest.take_void(), [(refused, 'x')]);
    exchange(&mut owner, &mut guest);
    assert_eq!((owner.state().0.as_str(), guest.state().0.as_str()), ("", ""));
}

#[test]
fn only_an_owner_invites_and_retires() {
    let mut member = replica(MEMBER);
    let refused = member.retire(OWNER).unwrap_err();
    assert!(refused.to_string().contains("no owner"), "{refused}");
    assert!(member.invite(GUEST, Grant::Write).is_err());
}

#[test]
fn what_a_peer_commits_before_it_is_invited_comes_back_and_it_writes_once_it_is() {
    let (mut owner, mut guest) = (replica(OWNER), replica(GUEST));
    let early = [guest.commit('x'), guest.commit('y')];
    let settled = guest.settle();
    assert_eq!(settled.notices, [ReplicaNotice::OwnVoid { ops: 1 }, ReplicaNotice::OwnVoid { ops: 1 }]);
    assert_eq!(guest.state().0, "");
    assert!(guest.outbox().is_none());
    assert!(guest.since(owner.version()).is_empty(), "all others would refuse it");
    owner.commit('a');
    assert_eq!(exchange(&mut owner, &mut guest), [], "no one is a stranger");
    assert_eq!(guest.state().0, "a");

    owner.invite(GUEST, Grant::Write).unwrap();
    exchange(&mut owner, &mut guest);
    let void = guest.take_void();
    assert_eq!(void, [(early[0], 'x'), (early[1], 'y')]);
    assert!(guest.take_void().is_empty(), "once");
    let again: Vec<_> = void.into_iter().map(|(_, letter)| guest.commit(letter)).collect();
    assert!(again.iter().all(|stamp| !early.contains(stamp)), "a stamp names one operation");
    exchange(&mut owner, &mut guest);
    assert_eq!(owner.state().0, "axy");
    assert_eq!(owner.state(), guest.state());
}

#[test]
fn a_listener_with_a_digest_acknowledges_nothing_before_it_is_invited() {
    let listen = |peer| {
        Replica::builder(peer, Letters::default()).members([OWNER]).digest(|it| it.0.len() as u64).build()
    };
    let (mut owner, mut guest) = (listen(OWNER), listen(GUEST));
    owner.commit('a');
    owner.outbox();
    exchange(&mut owner, &mut guest);
    assert_eq!(guest.watermark(), 1, "what it listens to is stable there too");
    assert!(guest.outbox().is_none());
    owner.invite(GUEST, Grant::Write).unwrap();
    exchange(&mut owner, &mut guest);
    guest.commit('b');
    exchange(&mut owner, &mut guest);
    assert_eq!(owner.state().0, "ab");
}
