//! What an editor is shown of an attribute, while it is typed.

use super::tokens;

fn shown(args: &str) -> String {
    let expansion = crate::worker::worker(tokens(args), &tokens("async fn rss(cx: Cx) {}")).to_string();
    let (before, rest) = expansion.split_once("editor ! { const _ : () = { ").expect("it comes first");
    assert_eq!(
        before,
        "# [allow (unexpected_cfgs , dead_code , non_snake_case)] fn __keys_of_rss () { # [cfg (rust_analyzer)] :: control_panel :: __private :: "
    );
    rest.split_once(" } ; } ").expect("it ends").0.to_owned()
}

#[test]
fn keys_are_paths_and_what_is_a_path_is_one() {
    const KEYS: &str = "use :: control_panel :: __private :: keys :: worker ::";
    assert_eq!(
        shown("source = Feed::Rss, restart = on_failure, period = \"1m\", inbox = Vec<Ask>, significant"),
        format!(
            "{KEYS} {{ source , restart :: on_failure , period , inbox , significant , }} ; let _ = Feed :: Rss ; let _ : Vec < Ask >;"
        )
    );
}

/// What stands before the cursor is the same with and without what is typed there.
#[test]
fn what_is_half_typed_changes_nothing_before_it() {
    for (before, after) in [
        ("source = Feed::", "source = Feed::Cursor"),
        ("source = Feed::Rss, restart =", "source = Feed::Rss, restart = Cursor"),
        ("source = Feed::Rss,", "source = Feed::Rss, Cursor"),
        ("source = Feed::Rss, res", "source = Feed::Rss, resCursor"),
    ] {
        let (before, after) = (shown(before), shown(after));
        let typed = after.split("Cursor").next().unwrap().trim_end();
        assert!(before.starts_with(typed), "{before}\n{after}");
    }
}

#[test]
fn of_an_attribute_without_arguments_nothing_is_shown() {
    let expansion = crate::worker::worker(tokens(""), &tokens("async fn rss(cx: Cx) {}")).to_string();
    assert!(!expansion.contains("rust_analyzer"), "{expansion}");
}
