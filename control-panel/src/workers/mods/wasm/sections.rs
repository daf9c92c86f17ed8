//! Splits a module into sections, to rebuild it with one of them changed. Pure.

const PREAMBLE: usize = 8;

/// A section as it is in the module.
pub(super) struct Section<'m> {
    pub(super) id: u8,
    pub(super) body: &'m [u8],
}

/// All sections; `None` if one is truncated, or a unique section occurs twice.
pub(super) fn sections(module: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = module.get(PREAMBLE..)?;
    let mut sections: Vec<Section<'_>> = Vec::new();
    while let [id, after @ ..] = rest {
        let (length, after) = leb128(after)?;
        let length = usize::try_from(length).ok()?;
        let body = after.get(..length)?;
        if *id != 0 && sections.iter().any(|section| section.id == *id) {
            return None;
        }
        sections.push(Section { id: *id, body });
        rest = &after[length..];
    }
    Some(sections)
}

/// The module with another body for one of its sections.
pub(super) fn with_section(module: &[u8], sections: &[Section<'_>], id: u8, body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(module.len() + body.len());
    out.extend(module.get(..PREAMBLE)?);
    for section in sections {
        let content = if section.id == id { body } else { section.body };
        out.push(section.id);
        push_leb128(&mut out, u32::try_from(content.len()).ok()?);
        out.extend(content);
    }
    Some(out)
}

/// An unsigned 32-bit number, and the bytes that follow it.
pub(super) fn leb128(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(number).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

pub(super) fn push_leb128(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}
