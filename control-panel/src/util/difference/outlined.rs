//! A value's `Debug` output in a few numbers, to be compared with those of another program's.

use std::{fmt, hash::Hasher};

use super::{
    outline::{Kind, Node, Place, outline},
    step,
};

/// Of a value's `Debug` output: a number for its name, and one for each of its parts. Entries of maps and sets count in any order. What
/// differs in keys alone, and there behind their 160th character, is not seen.
pub(crate) fn outlined<T: fmt::Debug + ?Sized>(value: &T) -> Vec<u64> {
    let text = outline(value);
    let lines: Vec<_> = text.lines().collect();
    let root = Node::root(&lines);
    let mut numbers = vec![word(root.head())];
    if root.kind() == Kind::Map {
        numbers.push(node(root));
    } else {
        numbers.extend(root.children().into_iter().map(|(place, child)| part(&place, child)));
    }
    numbers
}

/// The first part that has another number, by its path; empty where they differ as a whole.
pub(crate) fn first_other<T: fmt::Debug + ?Sized>(value: &T, known: &[u64]) -> Option<String> {
    let now = outlined(value);
    if now == known {
        return None;
    }
    let text = outline(value);
    let lines: Vec<_> = text.lines().collect();
    let root = Node::root(&lines);
    if now.len() != known.len() || now[0] != known[0] || root.kind() == Kind::Map {
        return Some(String::new());
    }
    let other = now.iter().zip(known).skip(1).position(|(now, known)| now != known)?;
    root.children().get(other).map(|(place, _)| step("", place))
}

fn node(of: Node<'_>) -> u64 {
    let children = of.children();
    let head = word(of.head());
    if children.is_empty() {
        // A leaf, of one line or several.
        return of.rest().fold(head, |hash, line| then(hash, word(line)));
    }
    let parts = children.iter().map(|(place, child)| part(place, *child));
    if of.kind() == Kind::Map { then(head, parts.fold(0, u64::wrapping_add)) } else { parts.fold(head, then) }
}

fn part(place: &Place, child: Node<'_>) -> u64 {
    then(word(&step("", place)), node(child))
}

/// The same on each machine, in each version.
fn word(text: &str) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn then(hash: u64, next: u64) -> u64 {
    let mut hasher = Fnv(hash);
    hasher.write(&next.to_le_bytes());
    hasher.finish()
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{first_other, outlined};

    #[derive(Debug)]
    #[allow(dead_code, reason = "read by `Debug` alone")]
    struct App {
        title: &'static str,
        open: HashMap<u32, Vec<&'static str>>,
        zoom: Option<f32>,
    }

    fn app(open: &[(u32, &[&'static str])]) -> App {
        App { title: "it's {", open: open.iter().map(|(at, of)| (*at, of.to_vec())).collect(), zoom: None }
    }

    #[test]
    fn the_first_part_that_differs_is_named() {
        let known = outlined(&app(&[(1, &["a", "b"]), (2, &[])]));
        assert_eq!(first_other(&app(&[(2, &[]), (1, &["a", "b"])]), &known), None, "in any order");
        for other in
            [&[(1, &["b", "a"][..]), (2, &[])][..], &[(1, &["a", "b"]), (3, &[])], &[(1, &["a", "b"])]]
        {
            assert_eq!(first_other(&app(other), &known).as_deref(), Some("open"), "{other:?}");
        }
        let zoomed = App { zoom: Some(1.5), ..app(&[(1, &["a", "b"]), (2, &[])]) };
        assert_eq!(first_other(&zoomed, &known).as_deref(), Some("zoom"));
        assert_eq!(first_other(&7, &known).as_deref(), Some(""));
        assert_eq!(first_other(&8, &outlined(&7)).as_deref(), Some(""));
        assert_eq!(first_other(&"a\nb", &outlined(&"a\nb")), None);
    }
}
