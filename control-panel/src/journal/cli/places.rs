//! Places on the command line: frames and intents as `FRAME:INTENT`.

use std::str::FromStr;

/// Numbers between colons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place<const N: usize>(pub(super) [u64; N]);

impl<const N: usize> FromStr for Place<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers =
            text.split(':').map(|number| number.parse().map_err(|_| format!("`{number}` is no number")));
        let numbers = numbers.collect::<Result<Vec<u64>, _>>()?;
        let count = numbers.len();
        let numbers =
            numbers.try_into().map_err(|_| format!("{N} numbers with colons between them, not {count}"));
        Ok(Self(numbers?))
    }
}

/// A place in a frame.
pub(super) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_are_numbers_between_colons() {
        assert_eq!("7:0".parse(), Ok(Place([7, 0])));
        assert_eq!("1:2:3:4".parse(), Ok(Place([1, 2, 3, 4])));
        assert_eq!("7".parse::<Place<2>>().unwrap_err(), "2 numbers with colons between them, not 1");
        assert_eq!("7:a".parse::<Place<2>>().unwrap_err(), "`a` is no number");
        assert_eq!("7:".parse::<Place<2>>().unwrap_err(), "`` is no number");
    }
}
