//! Runs as no replica writes them, with right names and signatures: by `replica/codec/README.md`, without the library.

use control_panel::Peer;
use iroh::SecretKey;

/// The first run of an author: one operation, which says this word.
pub(crate) struct Forged<'a> {
    pub(crate) by: &'a SecretKey,
    /// All owners, in order.
    pub(crate) members: &'a [Peer],
    pub(crate) incarnation: u32,
    pub(crate) lamport: u64,
    pub(crate) word: &'a str,
}

pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push(number.to_le_bytes()[0] | 128);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// What names the group.
pub(crate) fn genesis(members: &[Peer]) -> [u8; 32] {
    let mut members = members.to_vec();
    members.sort_unstable();
    let mut hasher = blake3::Hasher::new_keyed(b"control-panel genesis v1\0\0\0\0\0\0\0\0");
    for member in members {
        hasher.update(&member.0);
        hasher.update(&[2]);
    }
    *hasher.finalize().as_bytes()
}

impl Forged<'_> {
    /// A delta with it.
    pub(crate) fn delta(&self) -> Vec<u8> {
        let (me, genesis) = (self.by.public(), genesis(self.members));
        let word = [varint(self.word.len() as u64), self.word.as_bytes().to_vec()].concat();
        let operation = [varint(2 * word.len() as u64), word].concat();
        let incarnation = varint(u64::from(self.incarnation));

        let mut content = vec![u8::from(self.incarnation != 0)];
        if self.incarnation != 0 {
            content.extend(&incarnation);
        }
        content.extend(varint(0));
        content.extend(varint(self.lamport));
        content.extend(varint(operation.len() as u64));
        content.extend(&operation);
        let named = if content.len() <= 31 {
            content.resize(31, 0);
            [me.as_bytes(), &content[..]].concat()
        } else {
            content.resize(content.len().next_multiple_of(64), 0);
            [*blake3::hash(&content).as_bytes(), *me.as_bytes()].concat()
        };
        let hash = blake3::keyed_hash(&genesis, &named);
        let signature = self.by.sign(hash.as_bytes()).to_bytes();

        // Of one run: of the schema that there is, signed, of one operation; and later than what it follows would have it.
        let later = self.lamport != 1;
        let mut delta = vec![3, 1, 2 | 16 | 32 | u8::from(later) << 3];
        delta.extend(me.as_bytes());
        delta.extend(incarnation);
        delta.extend(genesis);
        delta.extend(varint(0));
        if later {
            delta.extend(varint(self.lamport.wrapping_sub(1)));
        }
        delta.extend(operation);
        delta.extend(varint(signature.len() as u64));
        delta.extend(signature);
        delta
    }
}
