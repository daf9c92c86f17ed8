//! Numbers of types and of values.

use std::collections::HashMap;

use serde::Serialize;

use crate::journal::replay::shape::{content, shape};

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

#[test]
fn another_value_is_another_content_but_for_the_order_of_a_collection() {
    let of = |pairs: &[(u8, f64)]| content(&pairs.iter().copied().collect::<HashMap<_, _>>()).unwrap();
    let known = of(&[(1, 0.5), (2, f64::NAN)]);
    assert_eq!(known, of(&[(2, f64::NAN), (1, 0.5)]));
    for other in
        [of(&[(1, f64::NAN), (2, 0.5)]), of(&[(1, 0.5), (2, -f64::NAN)]), of(&[(1, 0.5), (3, f64::NAN)])]
    {
        assert_ne!(known, other);
    }
    assert_eq!(content(&[3_u8, 4][..]).unwrap(), content(&[4_u8, 3][..]).unwrap(), "as of a hash set");
    assert_ne!(content(&(3_u8, 4_u8)).unwrap(), content(&(4_u8, 3_u8)).unwrap());
    assert_ne!(content("ab").unwrap(), content("ba").unwrap());
}
