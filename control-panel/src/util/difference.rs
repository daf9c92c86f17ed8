//! Where two values differ, by their `Debug` output.

pub(crate) mod outline;
#[cfg(feature = "journal")]
pub(crate) mod outlined;

use std::{collections::BTreeMap, fmt};

use self::outline::{Kind, Node, Place, outline};

/// The first place at which two values of one type differ. Made by [`difference`].
///
/// Its `Display` is one line of at most some 500 characters:
///
/// ```
/// use control_panel::testing::difference;
///
/// #[derive(Debug)]
/// struct Page {
///     title: &'static str,
/// }
/// #[derive(Debug)]
/// struct Site {
///     pages: Vec<Page>,
/// }
///
/// let ours = Site { pages: vec![Page { title: "Home" }, Page { title: "Gate" }] };
/// let theirs =
///     Site { pages: vec![Page { title: "Home" }, Page { title: "Door" }] };
/// let found = difference(&ours, &theirs).unwrap();
/// assert_eq!(found.to_string(), r#"pages[1].title: "Gate" != "Door""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Fields by name (`.pages`) or number (`.1`), items by index (`[3]`), entries of a map by key (`["home"]`). The only field of
    /// a tuple (`Some(…)`, a newtype) is left out. Empty where the values differ as a whole.
    pub path: String,
    /// What the left value has there, cut after 160 characters; `nothing` if it has nothing there.
    pub left: String,
    /// What the right value has there.
    pub right: String,
    /// Whether a list on the way has the same items on both sides, in another order: what comes of iterating a `HashMap`.
    pub reordered: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.path.is_empty() { "" } else { ": " };
        let order = if self.reordered { " (the same items in another order)" } else { "" };
        write!(f, "{}{colon}{} != {}{order}", self.path, self.left, self.right)
    }
}

/// Where two values of one type differ; `None` if their `Debug` output does not show it.
///
/// It reads the pretty output (`{:#?}`) as derives and the standard collections write it. Entries of maps and sets are
/// compared by key, in any order, so that a `HashMap` differs only where its entries do. Of a value that implements `Debug` by
/// hand on one line, that line is compared.
///
/// Two maps: the lowest key, in the order of the keys' texts, at which they differ. Two lists: the first index. Costs time and memory in
/// proportion to the outputs, of which the first 16 MiB count.
///
/// ```
/// use control_panel::testing::difference;
/// use std::collections::HashMap;
///
/// let ours = HashMap::from([("home", vec![1, 2]), ("gate", vec![3])]);
/// let mut theirs = ours.clone();
/// assert_eq!(difference(&ours, &theirs), None);
/// theirs.insert("home", vec![1]);
/// assert_eq!(
///     difference(&ours, &theirs).unwrap().to_string(),
///     r#"["home"][1]: 2 != nothing"#
/// );
/// ```
pub fn difference<T: fmt::Debug + ?Sized>(left: &T, right: &T) -> Option<Difference> {
    difference_of_outlines(&outline(left), &outline(right))
}

/// The same, of their outlines.
pub(crate) fn difference_of_outlines(left: &str, right: &str) -> Option<Difference> {
    if left == right {
        return None;
    }
    let (left, right): (Vec<_>, Vec<_>) = (left.lines().collect(), right.lines().collect());
    find(Node::root(&left), Node::root(&right), String::new())
}

/// The part of a value at a path, as [`difference`] writes paths, in its `Debug` output. The whole for an empty path.
pub(crate) fn part<T: fmt::Debug + ?Sized>(value: &T, path: &str) -> Option<String> {
    fn part_at(node: Node<'_>, path: &str, wanted: &str) -> Option<String> {
        if path == wanted {
            return Some(node.lines());
        }
        let mut children = node.children().into_iter();
        children.find_map(|(place, child)| {
            let path = step(path, &place);
            wanted.starts_with(&path).then(|| part_at(child, &path, wanted)).flatten()
        })
    }
    let text = outline(value);
    let lines: Vec<_> = text.lines().collect();
    part_at(Node::root(&lines), "", path)
}

fn find(left: Node<'_>, right: Node<'_>, path: String) -> Option<Difference> {
    if left.same(right) {
        return None;
    }
    let differ = |path, left: Option<Node<'_>>, right: Option<Node<'_>>| {
        let text = |node: Option<Node<'_>>| node.map_or_else(|| "nothing".to_owned(), Node::text);
        Some(Difference { path, left: text(left), right: text(right), reordered: false })
    };
    if left.kind() == Kind::Leaf || left.kind() != right.kind() || left.head() != right.head() {
        return differ(path, Some(left), Some(right));
    }
    let (ours, theirs) = (left.children(), right.children());
    if left.kind() == Kind::Map {
        let (mut ours, mut theirs) = (BTreeMap::from_iter(ours), BTreeMap::from_iter(theirs));
        let keys: Vec<_> = ours.keys().chain(theirs.keys()).cloned().collect();
        let keys = std::collections::BTreeSet::from_iter(keys);
        return keys.into_iter().find_map(|key| {
            let path = step(&path, &key);
            match (ours.remove(&key), theirs.remove(&key)) {
                (Some(left), Some(right)) => find(left, right, path),
                (left, right) => differ(path, left, right),
            }
        });
    }
    let mut found = ours
        .iter()
        .zip(&theirs)
        .find_map(|((place, left), (_, right))| find(*left, *right, step(&path, place)))
        .or_else(|| {
            let (left, right) = (ours.get(theirs.len()), theirs.get(ours.len()));
            let (place, _) = left.or(right)?;
            differ(step(&path, place), left.map(|(_, item)| *item), right.map(|(_, item)| *item))
        })?;
    if left.kind() == Kind::List && ours.len() == theirs.len() {
        let sorted = |items: &[(Place, Node<'_>)]| {
            let mut texts: Vec<_> = items.iter().map(|(_, item)| item.text()).collect();
            texts.sort_unstable();
            texts
        };
        found.reordered |= sorted(&ours) == sorted(&theirs);
    }
    Some(found)
}

fn step(path: &str, place: &Place) -> String {
    match place {
        Place::Only => path.to_owned(),
        Place::Field(name) if path.is_empty() => name.clone(),
        Place::Field(name) => format!("{path}.{name}"),
        Place::Number(number) => format!("{path}.{number}"),
        Place::Index(index) => format!("{path}[{index}]"),
        Place::Key(key) => format!("{path}[{key}]"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

    use super::difference;

    #[derive(Clone, Debug, Default)]
    struct Site {
        name: String,
        pages: Vec<Page>,
        index: BTreeMap<String, usize>,
        places: HashMap<(u8, u8), Place>,
        tags: BTreeSet<&'static str>,
        owner: Option<Owner>,
    }
    #[derive(Clone, Debug, Default)]
    struct Page(String, u8);
    #[derive(Clone, Debug)]
    enum Place {
        Nowhere,
        #[allow(dead_code, reason = "read by `Debug` alone")]
        At {
            x: f64,
            y: f64,
        },
    }
    #[derive(Clone, Debug)]
    struct Owner(Vec<u8>);

    fn site() -> Site {
        Site {
            name: "a: {\n".into(),
            pages: vec![Page("one".into(), 1), Page("tw\"o: [".into(), 2)],
            index: BTreeMap::from([("one: x".into(), 0), ("two".into(), 1)]),
            places: HashMap::from([((1, 2), Place::Nowhere), ((3, 4), Place::At { x: 1.0, y: f64::NAN })]),
            tags: BTreeSet::from(["a", "b"]),
            owner: Some(Owner(vec![7])),
        }
    }

    fn found(change: impl FnOnce(&mut Site)) -> String {
        let (ours, mut theirs) = (site(), site());
        change(&mut theirs);
        difference(&ours, &theirs).map_or_else(String::new, |found| found.to_string())
    }

    #[test]
    fn it_names_the_path() {
        assert_eq!(found(|_| ()), "");
        assert_eq!(found(|site| site.name.push('b')), r#"name: "a: {\n" != "a: {\nb""#);
        assert_eq!(found(|site| site.pages[1].1 = 3), "pages[1].1: 2 != 3");
        assert_eq!(found(|site| site.pages[1].0.clear()), r#"pages[1].0: "tw\"o: [" != """#);
        assert_eq!(found(|site| drop(site.pages.pop())), r#"pages[1]: Page("tw\"o: [", 2) != nothing"#);
        assert_eq!(found(|site| site.pages.insert(0, Page::default())), r#"pages[0].0: "one" != """#);
        assert_eq!(found(|site| _ = site.index.insert("one: x".into(), 9)), r#"index["one: x"]: 0 != 9"#);
        assert_eq!(found(|site| _ = site.index.insert("o".into(), 9)), r#"index["o"]: nothing != 9"#);
        assert_eq!(found(|site| _ = site.tags.remove("a")), r#"tags["a"]: "a" != nothing"#);
        assert_eq!(found(|site| site.owner.as_mut().unwrap().0[0] = 8), "owner[0]: 7 != 8");
        assert_eq!(found(|site| site.owner = None), "owner: Some(Owner([7])) != None");
    }

    #[test]
    fn keys_and_variants_may_be_of_many_lines() {
        let moved = found(|site| _ = site.places.insert((3, 4), Place::At { x: 2.0, y: f64::NAN }));
        assert_eq!(moved, "places[(3, 4)].x: 1.0 != 2.0");
        let gone = found(|site| _ = site.places.insert((3, 4), Place::Nowhere));
        assert_eq!(gone, "places[(3, 4)]: At { x: 1.0, y: NaN } != Nowhere");
        let set = difference(&HashSet::from([[1, 2], [3, 4]]), &HashSet::from([[1, 2]]));
        assert_eq!(set.unwrap().to_string(), "[[3, 4]]: [3, 4] != nothing");
    }

    #[test]
    fn plain_values_differ_as_a_whole_and_the_text_is_bounded() {
        assert_eq!(difference(&1, &2).unwrap().to_string(), "1 != 2");
        assert_eq!(difference(&f64::NAN, &f64::NAN), None);
        let (long, longer) = ("x".repeat(10_000), "x".repeat(10_001));
        let text = difference(&[long], &[longer]).unwrap().to_string();
        assert!(text.chars().count() < 500, "{text}");
        let huge: Vec<u32> = (0..100_000).collect();
        let mut other = huge.clone();
        other[99_999] = 0;
        assert_eq!(difference(&huge, &other).unwrap().to_string(), "[99999]: 99999 != 0");
        let endless = vec!["y".repeat(1000); 40_000];
        assert_eq!(difference(&endless, &endless.clone()), None);
    }

    #[test]
    fn the_same_items_in_another_order_are_said_to_be() {
        assert_eq!(
            difference(&[vec![1, 2, 3]], &[vec![3, 1, 2]]).unwrap().to_string(),
            "[0][0]: 1 != 3 (the same items in another order)"
        );
        assert!(!difference(&[1, 1, 2], &[1, 2, 2]).unwrap().reordered);
    }

    #[test]
    fn what_is_written_by_hand_is_a_line() {
        struct Odd(&'static str);
        impl std::fmt::Debug for Odd {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        let differ = |left, right| difference(&[Odd(left)], &[Odd(right)]).unwrap().to_string();
        assert_eq!(differ("it's {", "it's ["), "[0]: it's { != it's [");
        assert_eq!(differ("a\nb", "a\nc"), "[1]: b != c");
        assert_eq!(differ("", "}"), "[0]:  != }");
    }
}
