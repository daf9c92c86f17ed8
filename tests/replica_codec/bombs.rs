//! Small inputs that promise much.

use control_panel::{
    Delta,
    replica::codec::{Limits, Postcard, Refused},
};
use serde::{Deserialize, Serialize};

use super::{
    by_hand::{first_run, varint},
    read,
};

#[test]
fn lengths_are_refused_from_the_prefix() {
    let run = first_run(0, &[b"\x01a"]);
    let start = &run[..run.len() - 3];
    for length in [u64::from(u32::MAX), u64::MAX / 2] {
        let bytes = [start, &varint(length << 1)].concat();
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error.refused(), Refused::Limit { limit, .. } if *limit == 1 << 20), "{error}");
        assert_eq!(error.offset(), start.len());
    }
    let error = read(&[&[3][..], &varint(u64::from(u32::MAX))].concat()).unwrap_err();
    assert!(matches!(error.refused(), Refused::Limit { what: "runs", .. }), "{error}");
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Nested {
    End,
    In(Box<Nested>),
}

/// On a thread with the stack of a tokio worker or less: the process would abort.
#[test]
fn a_million_nested_enums_overflow_no_stack() {
    let mut nested = vec![1; 1_000_000];
    nested.push(0);
    let bytes = first_run(0, &[&nested]);
    let read = std::thread::Builder::new().stack_size(512 << 10);
    let read = read.spawn(move || {
        let delta = Delta::<Nested>::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap();
        (delta.unread(), delta.operations().count(), delta.encode().unwrap() == bytes)
    });
    assert_eq!(read.unwrap().join().unwrap(), (1, 0, true));
}

/// 2^64 elements that take no bytes.
#[test]
fn an_endless_list_ends() {
    tests::watched(|| {
        let bytes = first_run(0, &[&varint(u64::MAX)]);
        let delta = Delta::<Vec<()>>::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap();
        assert_eq!(delta.unread(), 1);
    });
}

#[test]
fn errors_say_what_where_and_the_fix() {
    let good = first_run(0, &[b"\x01a"]);
    let text = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(
        text(&[&[9], &good[1..]].concat()),
        "byte 0: format version 9, and this program reads version 3: update the older of the two programs"
    );
    assert_eq!(
        text(&[&good[..], &[0]].concat()),
        format!("byte {}: 1 bytes after the end: pass exactly what was encoded", good.len())
    );
    assert_eq!(
        text(&good[..good.len() - 1]),
        format!(
            "byte {}: the bytes end here, at least 1 too early: pass whole what was encoded",
            good.len() - 2
        )
    );
}
