//! Reads postcard's format within bounds: of depth, and of each length by the bytes that are left.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::super::{DecodeError, wire::Reader};
use super::access::{Elements, Variant};

/// How deep values may nest. A fixed number, not the stack's size: all replicas refuse the same.
const DEPTH: usize = 128;

/// What cannot be read.
#[derive(Debug)]
pub(super) struct Unread(String);

impl de::Error for Unread {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl std::error::Error for Unread {}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cold]
fn too_early(_: DecodeError) -> Unread {
    early()
}

#[cold]
fn early() -> Unread {
    Unread("a value ends too early".into())
}

#[cold]
fn beyond(bits: u32) -> Unread {
    Unread(format!("an integer is beyond {bits} bits"))
}

/// Values, one after the other.
pub(super) struct Values<'de> {
    reader: Reader<'de>,
    depth: usize,
}

impl<'de> Values<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { reader: Reader::new(bytes), depth: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.reader.offset()
    }

    pub(super) fn end(&self) -> Result<(), DecodeError> {
        self.reader.end()
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'de [u8], Unread> {
        self.reader.bytes(count).map_err(too_early)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unread> {
        self.reader.array().map_err(too_early)
    }

    fn byte(&mut self) -> Result<u8, Unread> {
        self.array().map(|[byte]| byte)
    }

    /// As postcard does, also in a longer form than it needs.
    #[inline]
    fn varint(&mut self, bits: u32) -> Result<u64, Unread> {
        debug_assert!(bits >= 7);
        match self.reader.rest().first() {
            Some(&byte) if byte < 0x80 => {
                self.reader.skip(1);
                Ok(u64::from(byte))
            }
            _ => self.long_varint(bits),
        }
    }

    fn long_varint(&mut self, bits: u32) -> Result<u64, Unread> {
        let mut value = 0;
        for (&byte, shift) in self.reader.rest().iter().zip((0..bits).step_by(7)) {
            let part = u64::from(byte & 0x7f);
            if bits - shift < 7 && part >> (bits - shift) != 0 {
                return Err(beyond(bits));
            }
            value |= part << shift;
            if byte < 0x80 {
                self.reader.skip(shift as usize / 7 + 1);
                return Ok(value);
            }
        }
        Err(if self.reader.left() < bits.div_ceil(7) as usize { early() } else { beyond(bits) })
    }

    #[inline]
    fn zigzag(&mut self, bits: u32) -> Result<i64, Unread> {
        let value = self.varint(bits)?;
        let half = 0_i64.wrapping_add_unsigned(value >> 1);
        Ok(if value & 1 == 0 { half } else { !half })
    }

    /// The widest, whose arithmetic is slow.
    fn wide_varint(&mut self, bits: u32) -> Result<u128, Unread> {
        let mut value = 0;
        for shift in (0..bits).step_by(7) {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            if bits - shift < 7 && part >> (bits - shift) != 0 {
                break;
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(beyond(bits))
    }

    fn wide_zigzag(&mut self, bits: u32) -> Result<i128, Unread> {
        let value = self.wide_varint(bits)?;
        let half = 0_i128.wrapping_add_unsigned(value >> 1);
        Ok(if value & 1 == 0 { half } else { !half })
    }

    /// A length. Elements take a byte at least; those of types without a value (`()`) are few, or a short input is a long loop.
    fn length(&mut self) -> Result<usize, Unread> {
        let length = self.varint(usize::BITS)?;
        match usize::try_from(length) {
            Ok(length) if length <= self.reader.left() => Ok(length),
            _ => Err(Unread(format!("a length of {length}, with {} bytes left", self.reader.left()))),
        }
    }

    fn text(&mut self) -> Result<&'de str, Unread> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(de::Error::custom)
    }

    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unread>,
    ) -> Result<T, Unread> {
        if self.depth == DEPTH {
            return Err(Unread(format!("values nest deeper than {DEPTH}")));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}

macro_rules! integers {
    ($($name:ident $visit:ident $read:ident $type:ty;)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
            #[allow(clippy::cast_possible_truncation, reason = "read in the type's own width")]
            let value = self.$read(<$type>::BITS)? as $type;
            visitor.$visit(value)
        }
    )*};
}

macro_rules! undescribed {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unread> {
            Err(Unread("postcard does not say what a value is: no `untagged`, `flatten` or such".into()))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Values<'de> {
    type Error = Unread;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers! {
        deserialize_u16 visit_u16 varint u16;
        deserialize_u32 visit_u32 varint u32;
        deserialize_u64 visit_u64 varint u64;
        deserialize_u128 visit_u128 wide_varint u128;
        deserialize_i16 visit_i16 zigzag i16;
        deserialize_i32 visit_i32 zigzag i32;
        deserialize_i64 visit_i64 zigzag i64;
        deserialize_i128 visit_i128 wide_zigzag i128;
    }

    undescribed! { deserialize_any deserialize_identifier deserialize_ignored_any }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            other => Err(Unread(format!("{other} is no bool"))),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u8(self.byte()?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i8(i8::from_le_bytes(self.array()?))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_f32(f32::from_le_bytes(self.array()?))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_f64(f64::from_le_bytes(self.array()?))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        // As postcard: the first of what has room in four bytes.
        let text = self.text()?;
        match text.chars().next() {
            Some(first) if text.len() <= 4 => visitor.visit_char(first),
            _ => Err(Unread("no character".into())),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let length = self.length()?;
        visitor.visit_borrowed_bytes(self.take(length)?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|values| visitor.visit_some(values)),
            other => Err(Unread(format!("{other} is no option"))),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.nested(|values| visitor.visit_newtype_struct(values))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let left = self.length()?;
        self.nested(|values| visitor.visit_seq(Elements { values, left }))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Unread> {
        self.nested(|values| visitor.visit_seq(Elements { values, left }))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_tuple(left, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let left = self.length()?;
        self.nested(|values| visitor.visit_map(Elements { values, left }))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.nested(|values| visitor.visit_enum(Variant { values }))
    }
}

/// A variant's number, for the seed that finds the variant.
pub(super) fn variant<'de, V: DeserializeSeed<'de>>(
    values: &mut Values<'de>,
    seed: V,
) -> Result<V::Value, Unread> {
    let number = u32::try_from(values.varint(u32::BITS)?).map_err(de::Error::custom)?;
    seed.deserialize(IntoDeserializer::<Unread>::into_deserializer(number))
}
