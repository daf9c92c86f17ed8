//! Modules that are expensive to compile, written byte by byte: each of about so many bytes.

/// The parts of a module with one memory and a `mod_activate` of no consequence, function 0.
#[derive(Clone)]
pub(crate) struct Parts {
    types: Vec<Vec<u8>>,
    imports: Vec<Vec<u8>>,
    functions: Vec<u8>,
    tables: Vec<Vec<u8>>,
    exports: Vec<Vec<u8>>,
    elements: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
}

const I32: u8 = 0x7f;
const END: u8 = 0x0b;

impl Parts {
    fn new() -> Self {
        let named = |name: &str, rest: [u8; 2]| [&leb(name.len())[..], name.as_bytes(), &rest].concat();
        Self {
            types: vec![vec![0x60, 0, 1, I32], vec![0x60, 0, 0], wide()],
            imports: Vec::new(),
            functions: vec![0],
            tables: Vec::new(),
            exports: vec![named("memory", [2, 0]), named("mod_activate", [0, 0])],
            elements: Vec::new(),
            bodies: vec![vec![0, 0x41, 0, END]],
        }
    }

    /// With another function: of this type, with so many local variables, doing this.
    fn with(mut self, ty: u8, locals: usize, code: &[u8]) -> Self {
        let locals = if locals == 0 { vec![0] } else { [&[1], &leb(locals)[..], &[I32]].concat() };
        self.functions.push(ty);
        self.bodies.push([&locals, code, &[END]].concat());
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let functions: Vec<_> = self.functions.iter().map(|ty| vec![*ty]).collect();
        let bodies: Vec<_> = self.bodies.iter().map(|body| [&leb(body.len()), &body[..]].concat()).collect();
        let sections = [
            (1, vector(&self.types)),
            (2, vector(&self.imports)),
            (3, vector(&functions)),
            (4, vector(&self.tables)),
            (5, vec![1, 0, 1]),
            (7, vector(&self.exports)),
            (9, vector(&self.elements)),
            (10, vector(&bodies)),
        ];
        let sections = sections.into_iter().filter(|(_, body)| body[0] != 0);
        let sections = sections.flat_map(|(id, body)| [&[id], &leb(body.len())[..], &body].concat());
        b"\0asm\x01\0\0\0".iter().copied().chain(sections).collect()
    }
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

fn vector(items: &[Vec<u8>]) -> Vec<u8> {
    [leb(items.len()), items.concat()].concat()
}

/// The type of 32 numbers in and 32 out.
fn wide() -> Vec<u8> {
    [&[0x60, 32][..], &[I32; 32], &[32], &[I32; 32]].concat()
}

/// Pushes 32 numbers, does this with them on the stack, and drops 32.
fn among_32(code: &[u8]) -> Vec<u8> {
    [&[0x41, 1].repeat(32), code, &[0x1a; 32]].concat()
}

/// `mod_activate` alone, with its deep nest of blocks.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    Parts::new().with(1, 0, &[[2, 0x40].repeat(depth), vec![END; depth]].concat()).bytes()
}

/// A condition on a variable and nothing else, again and again.
pub(crate) fn conditions(size: usize) -> Vec<u8> {
    Parts::new().with(1, 1, &[0x20, 0, 4, 0x40, 5, END].repeat(size / 6)).bytes()
}

/// All of them, with their names.
pub(crate) fn all(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let plain = Parts::new;
    let in_block = |code: &[u8]| [&[2, 2], code, &[END]].concat();
    let distinct = |number: usize| format!("{number:07x}").into_bytes();
    let mut types = plain();
    for number in 0..size / 11 {
        let kinds = (0..8).map(|at| [0x7f, 0x7e, 0x7d, 0x7c][(number >> (2 * at)) & 3]).collect::<Vec<u8>>();
        types.types.push([&[0x60, 8][..], &kinds, &[0]].concat());
    }
    let mut same_types = plain();
    same_types.types.extend(vec![vec![0x60, 0, 0]; size / 3]);
    let mut exports = plain();
    exports.exports.extend((0..size / 10).map(|number| [&[7][..], &distinct(number), &[0, 0]].concat()));
    let mut elements = plain();
    elements.tables = vec![vec![0x70, 0, 0]];
    elements.elements = vec![[&[1, 0][..], &leb(size), &vec![0; size]].concat()];
    let mut functions = plain();
    for _ in 0..(size / 46).min(9_900) {
        functions = functions.with(1, 0, &[1; 40]);
    }
    let targets = [&[0x3f, 0, 0x0e][..], &leb(size.min(60_000)), &vec![0; size.min(60_000) + 1]].concat();
    vec![
        ("blocks in blocks", nested(4_900)),
        ("wide conditions in conditions", {
            let depth = 1_000;
            let code = [[0x3f, 0, 4, 2].repeat(depth), vec![END; depth]].concat();
            plain().with(1, 0, &among_32(&code)).bytes()
        }),
        ("conditions", conditions(size)),
        ("loops", plain().with(1, 0, &[3, 0x40, END].repeat(size / 3)).bytes()),
        ("wide conditions", plain().with(1, 0, &among_32(&[0x3f, 0, 4, 2, END].repeat(size / 20))).bytes()),
        (
            "wide branches",
            plain().with(1, 0, &among_32(&in_block(&[0x3f, 0, 0x0d, 0].repeat(size / 40)))).bytes(),
        ),
        (
            "wide calls",
            plain().with(2, 0, &[&among_32(&[0x10, 1].repeat(size / 2))[..], &[0; 1]].concat()).bytes(),
        ),
        ("selections", plain().with(1, 0, &[0x3f, 0, 0x3f, 0, 0x3f, 0, 0x1b, 0x1a].repeat(size / 8)).bytes()),
        ("operators", plain().with(1, 0, &[&[0x3f, 0][..], &vec![0x67; size], &[0x1a]].concat()).bytes()),
        ("a table of branches", plain().with(1, 0, &[&[2, 0x40][..], &targets, &[END]].concat()).bytes()),
        ("variables", plain().with(1, 29_000, &[1]).bytes()),
        ("functions", functions.bytes()),
        ("types", types.bytes()),
        ("one type", same_types.bytes()),
        ("exports", exports.bytes()),
        ("elements", elements.bytes()),
    ]
}
