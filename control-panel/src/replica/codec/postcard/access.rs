//! The insides of sequences, maps and enums.

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::read::{Unread, Values, variant};

/// A known number of elements, or of a map's pairs.
pub(super) struct Elements<'v, 'de> {
    pub(super) values: &'v mut Values<'de>,
    pub(super) left: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unread> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.values).map(Some)
    }

    /// None: an element may be large, and nested sequences would each allocate ahead of what is there.
    fn size_hint(&self) -> Option<usize> {
        None
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unread> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unread> {
        seed.deserialize(&mut *self.values)
    }

    fn size_hint(&self) -> Option<usize> {
        None
    }
}

/// One variant of an enum.
pub(super) struct Variant<'v, 'de> {
    pub(super) values: &'v mut Values<'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unread;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unread> {
        variant(self.values, seed).map(|found| (found, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unread;

    fn unit_variant(self) -> Result<(), Unread> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unread> {
        seed.deserialize(self.values)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unread> {
        self.values.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.values.deserialize_tuple(fields.len(), visitor)
    }
}
