//! automerge, in two versions: the map is the root object; what is sent are the bytes of a change. The newest has a known regression, which the other is from before.

use crate::document::{Document, Write, name};

/// A document of one version of the crate: the two are written alike, and share no type.
macro_rules! document {
    ($name:ident, $module:ident, $label:literal, slow: $slow:literal) => {
        mod $module {
            use ::$module::{
                ActorId, AutoCommit, ChangeHash, ROOT, ReadDoc, ScalarValue, Value, transaction::Transactable,
            };

            use super::{Document, Write, name};

            pub struct $name(AutoCommit);

            impl $name {
                fn new(me: u8, doc: AutoCommit) -> Self {
                    Self(doc.with_actor(ActorId::from(&[me + 1][..])))
                }
            }

            impl Document for $name {
                const NAME: &'static str = $label;
                const SLOW: usize = $slow;
                const SLOW_IN_THE_LONG_RUN: usize = 20;
                type Message = Vec<u8>;
                type Version = Vec<ChangeHash>;

                fn open(me: u8, _: u8) -> Self {
                    Self::new(me, AutoCommit::new())
                }

                fn commit(&mut self, writes: &[Write]) -> Vec<u8> {
                    for (key, value) in writes {
                        self.0.put(ROOT, name(*key), *value).expect("a map");
                    }
                    self.0.commit();
                    self.0.get_last_local_change().expect("its own change").raw_bytes().to_vec()
                }

                fn import(&mut self, message: &Vec<u8>) {
                    self.0.load_incremental(message).expect("what automerge saved");
                }

                fn get(&self, key: u32) -> Option<i64> {
                    match self.0.get(ROOT, name(key)).ok()?? {
                        (Value::Scalar(value), _) => match *value {
                            ScalarValue::Int(value) => Some(value),
                            _ => None,
                        },
                        _ => None,
                    }
                }

                fn version(&mut self) -> Vec<ChangeHash> {
                    self.0.get_heads()
                }

                fn since(&mut self, version: &Vec<ChangeHash>) -> Vec<u8> {
                    self.0.save_after(version)
                }

                fn stored(&mut self) -> Option<Vec<u8>> {
                    Some(self.0.save())
                }

                fn load(me: u8, _: u8, stored: &Vec<u8>) -> Self {
                    Self::new(me, AutoCommit::load(stored).expect("what automerge saved"))
                }

                fn size(message: &Vec<u8>) -> usize {
                    message.len()
                }
            }
        }

        pub use self::$module::$name;
    };
}

document!(Automerge, automerge, "automerge 0.12", slow: 20);
document!(Automerge06, automerge_0_6, "automerge 0.6.1", slow: 1);
