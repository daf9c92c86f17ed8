//! Values as bytes, as postcard writes them. A writer of its own, as every recorded intent goes through it on the frame's thread: a number is one store, not a
//! store for each of its bytes.

use std::{error::Error, fmt};

use serde::ser::{self, Serialize, Serializer};

#[cfg(feature = "journal")]
use super::super::recorded::{Collected, DELTA, collecting};

/// Appends to `out`.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where deltas hand their runs over; `None` where a delta has no bytes.
    #[cfg(feature = "journal")]
    runs: Option<&'a mut Collected>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            #[cfg(feature = "journal")]
            runs: None,
        }
    }

    #[cfg(feature = "journal")]
    pub(super) fn recording(out: &'a mut Vec<u8>, runs: &'a mut Collected) -> Self {
        Self { out, runs: Some(runs) }
    }
}

/// Why a value has no bytes. One word, as each call that writes a field returns it.
#[derive(Debug)]
pub(super) struct Unwritten(Box<Box<str>>);

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unwritten {}

impl ser::Error for Unwritten {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Box::new(why.to_string().into()))
    }
}

pub(super) type Written = Result<(), Unwritten>;

impl Writer<'_> {
    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    #[inline]
    fn number(&mut self, value: u64) {
        let byte = |shift: u32| (value >> shift).to_le_bytes()[0];
        let more = |shift: u32| byte(shift) | 0x80;
        // Most are short, and each of these is one store or two.
        match value {
            0..0x80 => self.out.push(byte(0)),
            0x80..0x4000 => self.out.extend_from_slice(&[more(0), byte(7)]),
            0x4000..0x20_0000 => self.out.extend_from_slice(&[more(0), more(7), byte(14)]),
            0x20_0000..0x0100_0000_0000_0000 => self.wide_number(value),
            _ => self.long_number(value.into()),
        }
    }

    /// Of up to eight bytes.
    #[inline(never)]
    fn wide_number(&mut self, value: u64) {
        // Eight groups of seven bits, each in the lower bits of a byte.
        let halves = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
        let quarters = (halves & 0x0000_3fff_0000_3fff) | (halves & 0x0fff_c000_0fff_c000) << 2;
        let groups = (quarters & 0x007f_007f_007f_007f) | (quarters & 0x3f80_3f80_3f80_3f80) << 1;
        // The byte of the last group that is not zero.
        let last = groups.ilog2() / 8;
        let more = 0x8080_8080_8080_8080 & ((1 << (8 * last)) - 1);
        let end = self.out.len() + last as usize + 1;
        self.out.extend_from_slice(&(groups | more).to_le_bytes());
        self.out.truncate(end);
    }

    #[cold]
    fn long_number(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.out.push(value.to_le_bytes()[0]);
    }

    /// Small whatever the sign.
    #[inline]
    fn signed(&mut self, value: i64) {
        self.number(u64::from_ne_bytes((value << 1 ^ value >> 63).to_ne_bytes()));
    }

    #[inline]
    fn length(&mut self, length: Option<usize>) -> Written {
        let Some(length) = length else {
            return Err(ser::Error::custom("a sequence or map whose length is not known beforehand"));
        };
        self.number(length as u64);
        Ok(())
    }
}

/// Numbers of a width of their own.
macro_rules! write_numbers {
    ($($name:ident $type:ty, $with:ident;)*) => {
        $(
            #[inline]
            fn $name(self, value: $type) -> Written {
                self.$with(value.into());
                Ok(())
            }
        )*
    };
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    write_numbers! {
        serialize_u16 u16, number;
        serialize_u32 u32, number;
        serialize_u64 u64, number;
        serialize_u128 u128, long_number;
        serialize_i16 i16, signed;
        serialize_i32 i32, signed;
        serialize_i64 i64, signed;
    }

    fn serialize_i128(self, value: i128) -> Written {
        self.long_number(u128::from_ne_bytes((value << 1 ^ value >> 127).to_ne_bytes()));
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Written {
        self.out.push(value);
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Written {
        self.serialize_u8(u8::from_ne_bytes(value.to_ne_bytes()))
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Written {
        self.serialize_u8(value.into())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Written {
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Written {
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Written {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.number(value.len() as u64);
        self.out.extend_from_slice(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Written {
        self.serialize_u8(0)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        self.out.push(1);
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Written {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Written {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Written {
        self.serialize_u32(index)
    }

    #[inline]
    #[cfg(feature = "journal")]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Written {
        // The one value that finds what it needs on the thread: no other pays for that.
        if name == DELTA
            && let Some(runs) = self.runs.take()
        {
            let written = collecting(runs, || value.serialize(&mut *self));
            self.runs = Some(runs);
            return written;
        }
        value.serialize(self)
    }

    #[inline]
    #[cfg(not(feature = "journal"))]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Written {
        self.number(index.into());
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Unwritten> {
        self.length(length)?;
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unwritten> {
        self.number(index.into());
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self, Unwritten> {
        self.length(length)?;
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unwritten> {
        self.number(index.into());
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
