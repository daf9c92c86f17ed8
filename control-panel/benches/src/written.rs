//! What was recorded, written down and read back, so that what is measured begins with a heap that has no holes.
//!
//! A recording leaves the memory of several peers behind, in pieces between the messages that are kept. What a contestant keeps then went into those
//! holes, which had fallen out of the cache: to find them was a fifth of its time.

/// It can be written down.
pub trait Written: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut &[u8]) -> Self;
}

/// Written, to be read back when all else of the recording is dropped.
pub fn write<T: Written>(what: &T) -> Vec<u8> {
    let mut out = Vec::new();
    what.write(&mut out);
    out
}

pub fn read<T: Written>(written: &[u8]) -> T {
    let mut from = written;
    let what = T::read(&mut from);
    assert!(from.is_empty());
    what
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Written for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(from: &mut &[u8]) -> Self {
                let (bytes, rest) = from.split_first_chunk().expect("it was written");
                *from = rest;
                Self::from_le_bytes(*bytes)
            }
        }
    )*};
}

numbers!(u8 u32 u64 i64);

impl<A: Written, B: Written> Written for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut &[u8]) -> Self {
        let first = A::read(from);
        (first, B::read(from))
    }
}

impl<T: Written> Written for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        self.iter().for_each(|it| it.write(out));
    }

    fn read(from: &mut &[u8]) -> Self {
        let length = u64::read(from) as usize;
        let mut list = Self::with_capacity(length);
        list.extend((0..length).map(|_| T::read(from)));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let all = vec![(3_u32, vec![b"one".to_vec(), vec![]]), (7, vec![])];
        assert_eq!(read::<Vec<(u32, Vec<Vec<u8>>)>>(&write(&all)), all);
    }
}
