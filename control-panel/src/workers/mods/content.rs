//! Describes a file that should be a module but is not, instead of dumping its bytes. Pure.

use super::{error::ModError, text::cut, wasm::Code};

/// The first bytes of every WebAssembly file.
const MAGIC: &[u8] = b"\0asm";
const COMPONENT: &str = "a WebAssembly component, and this host takes modules";
/// Characters quoted from a text of an unknown kind.
const QUOTED: usize = 40;

/// Fails for files whose first bytes rule out a module, and names what they seem to be.
pub(super) fn check(code: &Code) -> Result<(), ModError> {
    let (begin, it_is) = match code {
        Code::Binary(bytes) => ("it is no module that this host can run", not_binary(bytes)),
        Code::Text(bytes) => ("its text is no valid WebAssembly", not_text(bytes)),
    };
    it_is.map_or(Ok(()), |it_is| Err(ModError::Module { problem: format!("{begin}: it is {it_is}") }))
}

fn not_binary(bytes: &[u8]) -> Option<String> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Some(match without_space(bytes) {
            text if text.starts_with(b"(module") || text.starts_with(b";;") || text.starts_with(b"(;") => {
                "a WebAssembly text, not a binary module: name it `.wat`".to_owned()
            }
            _ => kind(bytes),
        });
    };
    match rest {
        [1, 0, 0, 0, ..] => None,
        [_, 0, 1, 0, ..] => Some(COMPONENT.to_owned()),
        [a, b, c, d, ..] => {
            let version = u32::from_le_bytes([*a, *b, *c, *d]);
            Some(format!("a WebAssembly module of version {version}, and this host takes version 1"))
        }
        _ => Some(format!("a WebAssembly module that was cut off: it has {} bytes", bytes.len())),
    }
}

fn not_text(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(MAGIC) {
        return Some("a binary WebAssembly module, not a text: name it `.wasm`".to_owned());
    }
    if without_space(bytes).starts_with(b"(component") {
        return Some(COMPONENT.to_owned());
    }
    match without_space(bytes).first() {
        // A list or a comment: the parser reports what is wrong in it, with the position.
        Some(b'(' | b';') => None,
        _ => Some(kind(bytes)),
    }
}

/// Files that begin like this.
fn kind(bytes: &[u8]) -> String {
    const KINDS: [(&[u8], &str); 21] = [
        (b"\x7fELF", "a program or library for Linux"),
        (b"MZ", "a program or library for Windows"),
        (b"\xcf\xfa\xed\xfe", "a program or library for macOS"),
        (b"\xca\xfe\xba\xbe", "a program for macOS or a Java class"),
        (b"!<arch>\n", "a static library"),
        (b"BC\xc0\xde", "LLVM bitcode"),
        (b"\x1f\x8b", "a gzip archive: unpack it"),
        (b"PK\x03\x04", "a zip archive: unpack it"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it"),
        (b"\xfd7zXZ\0", "an xz archive: unpack it"),
        (b"BZh", "a bzip2 archive: unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"%PDF", "a PDF document"),
        (b"#!", "a script"),
        (b"version https://git-lfs.", "a pointer of Git LFS: fetch the file itself with `git lfs pull`"),
        (b"\xff\xfe", "a text in UTF-16"),
        (b"\xfe\xff", "a text in UTF-16"),
        (b"-----BEGIN", "a key or certificate"),
    ];
    if bytes.is_empty() {
        return "an empty file".to_owned();
    }
    if let Some((_, name)) = KINDS.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return (*name).to_owned();
    }
    let text = without_space(bytes);
    let head: Vec<u8> = text.iter().take(512).map(u8::to_ascii_lowercase).collect();
    let has = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    if text.is_empty() {
        return "a file of nothing but blanks".to_owned();
    }
    if head.starts_with(b"<!doctype html") || has(b"<html") {
        return "an HTML page, perhaps an error of the server that it was fetched from".to_owned();
    }
    if head.starts_with(b"<?xml") || head.starts_with(b"<svg") {
        return "an XML document".to_owned();
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return "a file of nothing but zeros".to_owned();
    }
    let begin = &bytes[..bytes.len().min(4 * QUOTED)];
    let readable = match std::str::from_utf8(begin) {
        Ok(text) => Some(text),
        // A character cut in half by the truncation is not a mistake in the text.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&begin[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    match readable.filter(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace())) {
        Some(_) if matches!(text.first(), Some(b'{' | b'[')) => "a JSON text".to_owned(),
        Some(text) => {
            let line = text.trim_start_matches('\u{feff}').trim_start().lines().next().unwrap_or_default();
            format!("a text that begins with `{}`", cut(line, QUOTED))
        }
        None => {
            let bytes: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            format!("a file of an unknown kind that begins with the bytes {}", bytes.join(" "))
        }
    }
}

/// Skips a byte order mark and white space.
fn without_space(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &str = "it is no module that this host can run: it is ";

    fn refusal(code: &Code) -> String {
        check(code).expect_err("it is none").to_string()
    }

    #[test]
    fn what_is_no_binary_module_is_said_to_be_what_it_is() {
        for (bytes, what) in [
            (
                &b"<html>404 not found</html>"[..],
                "an HTML page, perhaps an error of the server that it was fetched from",
            ),
            (
                b"\xef\xbb\xbf\n <!DOCTYPE HTML>\n",
                "an HTML page, perhaps an error of the server that it was fetched from",
            ),
            (b"<?xml version='1.0'?><a/>", "an XML document"),
            (b"{\"error\": 404}\n", "a JSON text"),
            (b"Not Found\nline two", "a text that begins with `Not Found`"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "a pointer of Git LFS: fetch the file itself with `git lfs pull`",
            ),
            (b"\x7fELF\x02", "a program or library for Linux"),
            (b"PK\x03\x04\x14", "a zip archive: unpack it"),
            (b"", "an empty file"),
            (b" \n\t", "a file of nothing but blanks"),
            (&[0; 64], "a file of nothing but zeros"),
            (b"\xde\xad\xbe\xef\x01", "a file of an unknown kind that begins with the bytes de ad be ef"),
            (b"a\x1b[31m", "a file of an unknown kind that begins with the bytes 61 1b 5b 33"),
        ] {
            let message = refusal(&Code::Binary(bytes.to_vec()));
            assert_eq!(message, format!("{BINARY}{what}"));
        }
        let long = refusal(&Code::Binary("é".repeat(1 << 20).into_bytes()));
        assert_eq!(long, format!("{BINARY}a text that begins with `{}…`", "é".repeat(QUOTED)));
    }

    #[test]
    fn modules_under_the_wrong_name_and_of_other_versions_are_distinguished() {
        for (bytes, what) in [
            (&b"\0asm"[..], "a WebAssembly module that was cut off: it has 4 bytes"),
            (b"\0asm\x02\0\0\0", "a WebAssembly module of version 2, and this host takes version 1"),
            (b"\0asm\x0d\0\x01\0", "a WebAssembly component, and this host takes modules"),
            (b" (module)", "a WebAssembly text, not a binary module: name it `.wat`"),
        ] {
            assert_eq!(refusal(&Code::Binary(bytes.to_vec())), format!("{BINARY}{what}"));
        }
        let binary = refusal(&Code::Text(b"\0asm\x01\0\0\0".to_vec()));
        assert_eq!(
            binary,
            "its text is no valid WebAssembly: it is a binary WebAssembly module, not a text: name it `.wasm`"
        );
        let page = refusal(&Code::Text(b"<html>".to_vec()));
        assert!(page.starts_with("its text is no valid WebAssembly: it is an HTML page"), "{page}");
        let component = refusal(&Code::Text(b"(component)".to_vec()));
        assert_eq!(component, format!("its text is no valid WebAssembly: it is {COMPONENT}"));
        for fine in [&b"(module"[..], b";; x", b"\xef\xbb\xbf(module)"] {
            assert_eq!(check(&Code::Text(fine.to_vec())), Ok(()));
        }
        assert_eq!(check(&Code::Binary(b"\0asm\x01\0\0\0 whatever".to_vec())), Ok(()));
    }
}
