//! The shape of a type whose value is encoded. Postcard does not record it: a field that moved, or has another width, would be
//! decoded as something else.

use std::fmt;

use serde::{Serialize, Serializer, ser};

/// A number that is another, but for a chance of 1 in 2^64, where a value's structs, variants, or fields have other names, another order or
/// other kinds. Of a collection neither the order counts nor what is not in it. The same on each machine.
pub(super) fn shape<T: Serialize + ?Sized>(value: &T) -> Result<u64, NoShape> {
    value.serialize(Shape { values: false })
}

/// A number that is another where anything is that serde writes of it, floating point by its bits. Of a collection the order does not count: a hash map has another
/// when it is read back.
pub(crate) fn content<T: Serialize + ?Sized>(value: &T) -> Result<u64, NoShape> {
    value.serialize(Shape { values: true })
}

/// It could not be serialized.
#[derive(Debug)]
pub(crate) struct NoShape;

impl fmt::Display for NoShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it cannot be serialized")
    }
}

impl std::error::Error for NoShape {}

impl ser::Error for NoShape {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Hashed = Result<u64, NoShape>;

const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

fn then(hash: u64, next: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ next).wrapping_mul(SPREAD);
    mixed ^ mixed >> 32
}

fn word(text: &str) -> u64 {
    bytes(text.as_bytes())
}

fn bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |hash, byte| then(hash, (*byte).into()))
}

fn named(kind: &str, name: &str) -> u64 {
    then(word(kind), word(name))
}

fn variant(name: &str, index: u32, variant: &str) -> u64 {
    then(then(named("variant", name), index.into()), word(variant))
}

#[derive(Clone, Copy)]
struct Shape {
    /// Values count too.
    values: bool,
}

impl Shape {
    fn leaf(self, kind: &str, value: &[u8]) -> u64 {
        if self.values { then(word(kind), bytes(value)) } else { word(kind) }
    }

    fn of<T: Serialize + ?Sized>(self, value: &T) -> Hashed {
        value.serialize(self)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as serde has it")]
    fn parts(self, hash: u64) -> Result<Parts, NoShape> {
        Ok(Parts { shape: self, hash, elements: 0, key: 0 })
    }
}

/// What has parts: the hash so far.
struct Parts {
    shape: Shape,
    hash: u64,
    /// Of a collection: its elements come in any order.
    elements: u64,
    /// The last key of a map.
    key: u64,
}

impl Parts {
    fn add(&mut self, part: u64) {
        self.hash = then(self.hash, part);
    }
}

macro_rules! kinds {
    ($($name:ident($value:ident: $type:ty) $bytes:expr;)*) => {
        $(
            fn $name(self, $value: $type) -> Hashed {
                Ok(self.leaf(stringify!($name), $bytes))
            }
        )*
    };
}

impl Serializer for Shape {
    type Ok = u64;
    type Error = NoShape;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    kinds! {
        serialize_bool(value: bool) &[value.into()];
        serialize_i8(value: i8) &value.to_le_bytes();
        serialize_i16(value: i16) &value.to_le_bytes();
        serialize_i32(value: i32) &value.to_le_bytes();
        serialize_i64(value: i64) &value.to_le_bytes();
        serialize_i128(value: i128) &value.to_le_bytes();
        serialize_u8(value: u8) &value.to_le_bytes();
        serialize_u16(value: u16) &value.to_le_bytes();
        serialize_u32(value: u32) &value.to_le_bytes();
        serialize_u64(value: u64) &value.to_le_bytes();
        serialize_u128(value: u128) &value.to_le_bytes();
        serialize_f32(value: f32) &value.to_le_bytes();
        serialize_f64(value: f64) &value.to_le_bytes();
        serialize_char(value: char) &u32::from(value).to_le_bytes();
        serialize_str(value: &str) value.as_bytes();
        serialize_bytes(value: &[u8]) value;
        serialize_unit_struct(value: &'static str) value.as_bytes();
    }

    fn serialize_none(self) -> Hashed {
        Ok(word("none"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Hashed {
        Ok(then(word("some"), self.of(value)?))
    }

    fn serialize_unit(self) -> Hashed {
        Ok(word("unit"))
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, of: &'static str) -> Hashed {
        Ok(variant(name, index, of))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Hashed {
        Ok(then(named("newtype", name), self.of(value)?))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        of: &'static str,
        value: &T,
    ) -> Hashed {
        Ok(then(variant(name, index, of), self.of(value)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, NoShape> {
        self.parts(word("seq"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, NoShape> {
        self.parts(word("tuple"))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts, NoShape> {
        self.parts(named("tuple struct", name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        of: &'static str,
        _: usize,
    ) -> Result<Parts, NoShape> {
        self.parts(variant(name, index, of))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, NoShape> {
        self.parts(word("map"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts, NoShape> {
        self.parts(named("struct", name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        of: &'static str,
        _: usize,
    ) -> Result<Parts, NoShape> {
        self.parts(variant(name, index, of))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl ser::SerializeSeq for Parts {
    type Ok = u64;
    type Error = NoShape;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoShape> {
        self.elements = self.elements.wrapping_add(self.shape.of(value)?);
        Ok(())
    }

    fn end(self) -> Hashed {
        Ok(then(self.hash, self.elements))
    }
}

impl ser::SerializeMap for Parts {
    type Ok = u64;
    type Error = NoShape;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoShape> {
        self.key = self.shape.of(key)?;
        self.elements = self.elements.wrapping_add(then(1, self.key));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoShape> {
        let value = self.shape.of(value)?;
        // Of which key it is belongs to what it is worth, and not to its shape.
        let value = if self.shape.values { then(self.key, value) } else { value };
        self.elements = self.elements.wrapping_add(then(2, value));
        Ok(())
    }

    fn end(self) -> Hashed {
        Ok(then(self.hash, self.elements))
    }
}

macro_rules! parts {
    ($($trait:ident $add:ident ($($name:ident)?);)*) => {
        $(
            impl ser::$trait for Parts {
                type Ok = u64;
                type Error = NoShape;

                fn $add<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<(), NoShape> {
                    $(self.add(word($name));)?
                    let part = self.shape.of(value)?;
                    self.add(part);
                    Ok(())
                }

                fn end(self) -> Hashed {
                    Ok(self.hash)
                }
            }
        )*
    };
}

parts! {
    SerializeTuple serialize_element ();
    SerializeTupleStruct serialize_field ();
    SerializeTupleVariant serialize_field ();
    SerializeStruct serialize_field (name);
    SerializeStructVariant serialize_field (name);
}
