//! Three versions of one program in one group.

use control_panel::{
    Delta,
    replica::codec::{Codec, Limits, Postcard, read_postcard},
};
use serde::{Deserialize, Serialize};

use super::by_hand::first_run;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct V0(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct V1 {
    text: String,
    bold: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum V2 {
    Write { text: String, weight: u16 },
    Clear,
}

fn v1() -> Postcard<V1> {
    Postcard::migrating(1, |_, bytes| read_postcard(bytes).map(|V0(text)| V1 { text, bold: false }))
}

fn v2() -> Postcard<V2> {
    Postcard::migrating(2, |schema, bytes| {
        // Through each schema that was: a step is written once.
        let V1 { text, bold } = v1().decode(schema, bytes)?;
        Ok(V2::Write { text, weight: if bold { 700 } else { 400 } })
    })
}

fn bytes_of<Op>(codec: &impl Codec<Op>, op: &Op) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec.encode(op, &mut bytes).unwrap();
    first_run(u64::from(codec.schema()), &[&bytes])
}

fn read<Op: Clone + 'static>(bytes: &[u8], codec: &impl Codec<Op>) -> (Vec<Op>, usize, Vec<u8>) {
    let delta = Delta::decode(bytes, codec, &Limits::default()).unwrap();
    (delta.operations().map(|(_, op)| op.clone()).collect(), delta.unread(), delta.encode().unwrap())
}

#[test]
fn each_reads_what_it_can_and_forwards_all() {
    let written = [
        bytes_of(&Postcard::new(), &V0("old".into())),
        bytes_of(&v1(), &V1 { text: "bold".into(), bold: true }),
        bytes_of(&v2(), &V2::Clear),
    ];
    let [old, middle, new] = &written;
    let write = |text: &str, weight| V2::Write { text: text.into(), weight };
    assert_eq!(read(old, &v2()), (vec![write("old", 400)], 0, old.clone()));
    assert_eq!(read(middle, &v2()), (vec![write("bold", 700)], 0, middle.clone()));
    assert_eq!(read(new, &v2()), (vec![V2::Clear], 0, new.clone()));
    assert_eq!(read(new, &v1()), (vec![], 1, new.clone()));
    assert_eq!(read(middle, &Postcard::<V0>::new()), (vec![], 1, middle.clone()));
    // What a program that cannot read it passed on is read by one that can.
    let (_, _, forwarded) = read(new, &Postcard::<V0>::new());
    assert_eq!(read(&forwarded, &v2()).0, [V2::Clear]);
}
