//! Which type's value bytes are. Postcard does not say: a field that moved, or is of another width, is read as something else.

use std::fmt;

use serde::{Serialize, Serializer, ser};

/// A number that is another, but for a chance of 1 in 2^64, where a value's structs, variants, or fields have other names, another order or
/// other kinds. Of a collection neither the order counts nor what is not in it. The same on each machine.
pub(super) fn shape<T: Serialize + ?Sized>(value: &T) -> Result<u64, NoShape> {
    value.serialize(Shape)
}

/// It could not be serialized.
#[derive(Debug)]
pub(super) struct NoShape;

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
    text.bytes().fold(text.len() as u64, |hash, byte| then(hash, byte.into()))
}

fn named(kind: &str, name: &str) -> u64 {
    then(word(kind), word(name))
}

fn variant(name: &str, index: u32, variant: &str) -> u64 {
    then(then(named("variant", name), index.into()), word(variant))
}

struct Shape;

/// What has parts: the hash so far.
struct Parts {
    hash: u64,
    /// Of a collection: its elements come in any order.
    elements: u64,
}

impl Parts {
    #[expect(clippy::unnecessary_wraps, reason = "as serde has it")]
    fn of(hash: u64) -> Result<Self, NoShape> {
        Ok(Self { hash, elements: 0 })
    }

    fn add(&mut self, part: u64) {
        self.hash = then(self.hash, part);
    }
}

macro_rules! kinds {
    ($($name:ident $type:ty;)*) => {
        $(
            fn $name(self, _: $type) -> Hashed {
                Ok(word(stringify!($name)))
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
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
        serialize_bytes &[u8];
        serialize_unit_struct &'static str;
    }

    fn serialize_none(self) -> Hashed {
        Ok(word("none"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Hashed {
        Ok(then(word("some"), shape(value)?))
    }

    fn serialize_unit(self) -> Hashed {
        Ok(word("unit"))
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, of: &'static str) -> Hashed {
        Ok(variant(name, index, of))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Hashed {
        Ok(then(named("newtype", name), shape(value)?))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        of: &'static str,
        value: &T,
    ) -> Hashed {
        Ok(then(variant(name, index, of), shape(value)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, NoShape> {
        Parts::of(word("seq"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, NoShape> {
        Parts::of(word("tuple"))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts, NoShape> {
        Parts::of(named("tuple struct", name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        of: &'static str,
        _: usize,
    ) -> Result<Parts, NoShape> {
        Parts::of(variant(name, index, of))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, NoShape> {
        Parts::of(word("map"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts, NoShape> {
        Parts::of(named("struct", name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        of: &'static str,
        _: usize,
    ) -> Result<Parts, NoShape> {
        Parts::of(variant(name, index, of))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl ser::SerializeSeq for Parts {
    type Ok = u64;
    type Error = NoShape;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoShape> {
        self.elements = self.elements.wrapping_add(shape(value)?);
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
        self.elements = self.elements.wrapping_add(then(1, shape(key)?));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoShape> {
        self.elements = self.elements.wrapping_add(then(2, shape(value)?));
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
                    self.add(shape(value)?);
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Serialize;

    use super::shape;

    macro_rules! app {
        ($($name:ident : $type:ty = $value:expr),*) => {{
            #[derive(Serialize)]
            struct App { $($name: $type),* }
            shape(&App { $($name: $value),* }).unwrap()
        }};
    }

    #[derive(Serialize)]
    enum Now {
        #[allow(dead_code, reason = "it has a place of its own")]
        First,
        Second(u8),
    }

    #[derive(Serialize)]
    #[serde(rename = "Now")]
    enum Before {
        Second(u8),
    }

    #[test]
    fn another_type_is_another_shape_whatever_its_bytes_are() {
        let known = app!(page: u32 = 7, zoom: u32 = 7);
        assert_eq!(known, app!(page: u32 = 8, zoom: u32 = 9), "values do not count");
        for other in [
            app!(zoom: u32 = 7, page: u32 = 7),
            app!(page: u64 = 7, zoom: u32 = 7),
            app!(page: u32 = 7),
            app!(page: u32 = 7, zoom: u32 = 7, more: bool = false),
            app!(page: Vec<u8> = vec![7], zoom: u32 = 7),
        ] {
            assert_ne!(known, other);
        }
        let open = |of: &[(u8, &str)]| shape(&of.iter().copied().collect::<HashMap<_, _>>()).unwrap();
        assert_eq!(open(&[(1, "a"), (2, "b")]), open(&[(2, "c"), (3, "d")]));
        assert_ne!(shape(&Some(1_u8)).unwrap(), shape(&1_u8).unwrap());
        assert_ne!(shape(&Now::Second(1)).unwrap(), shape(&Before::Second(1)).unwrap());
    }
}
