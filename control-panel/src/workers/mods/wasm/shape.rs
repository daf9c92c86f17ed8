//! Estimates the cost of compiling a module before it is compiled: the compiler cannot be interrupted, and some shapes of code
//! expand 400-fold. Pure.

use wasmparser::{
    BinaryReaderError, BlockType, CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind,
    FunctionBody, Operator, Parser, Payload, TableInit,
};

use super::super::error::ModError;

/// Maximum nesting of blocks: a `switch` with this many cases is the deepest that compilers generate.
const NESTED: usize = 5_000;
/// Maximum operators of a constant expression, such as the offset of data: compilers generate 3. The engine evaluates and drops
/// them recursively.
const CONST_OPERATORS: usize = 100;
/// Maximum locals of all functions together: the compiler spends time on each.
const LOCALS: u64 = 4_000_000;

/// The maximum bytes that the engine needs, as measured with wasmi 2.0 and rounded up (`tests/mod_memory.rs` verifies them).
mod cost {
    pub(super) const OPERATOR: usize = 48;
    pub(super) const CALL: usize = 64;
    pub(super) const BLOCK: usize = 104;
    /// For each value that goes into a block, or out of one by a branch.
    pub(super) const VALUE: usize = 56;
    /// For each open block, and each value that goes into or comes out of it.
    pub(super) const OPEN: usize = 320;
    pub(super) const OPEN_VALUE: usize = 104;
    pub(super) const TARGET: usize = 64;
    pub(super) const LOCAL: usize = 64;
    pub(super) const FUNCTION: usize = 192;
    pub(super) const TYPE: usize = 320;
    pub(super) const NAME: usize = 256;
    pub(super) const GLOBAL: usize = 128;
    pub(super) const SEGMENT: usize = 128;
    pub(super) const ELEMENT: usize = 32;
}

/// The findings about a module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The bytes that the engine may need to compile it, and for as long as it is loaded.
    pub(super) cost: usize,
    /// Positions of operators in the module on which the engine may fail: [`mend`](super::mend).
    pub(super) stores: Vec<Store>,
    /// Where each function's body begins and ends.
    pub(super) bodies: Vec<std::ops::Range<usize>>,
}

/// An integer `store` more than 64 KiB beyond its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) at: usize,
    pub(super) of_i64: bool,
}

/// Analyses a module. Malformed parts are left to the engine, which compiles nothing after them.
pub(super) fn examine(module: &[u8]) -> Result<Shape, ModError> {
    let mut examiner = Examiner::default();
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(Stop::from).and_then(|payload| examiner.payload(payload)) {
            Ok(()) => {}
            Err(Stop::Malformed) => break,
            Err(Stop::Beyond(error)) => return Err(error),
        }
    }
    // The module's own bytes are kept too.
    examiner.shape.cost = examiner.cost().saturating_add(module.len());
    Ok(examiner.shape)
}

enum Stop {
    Malformed,
    Beyond(ModError),
}

impl From<BinaryReaderError> for Stop {
    fn from(_: BinaryReaderError) -> Self {
        Self::Malformed
    }
}

fn beyond(what: String, most: u64) -> Stop {
    Stop::Beyond(ModError::TooComplex { what, most })
}

/// How many values a function or block takes and returns.
#[derive(Debug, Clone, Copy, Default)]
struct Arity {
    takes: usize,
    gives: usize,
}

/// An open block.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The number of values that a branch to it carries.
    label: usize,
    cost: usize,
    values: usize,
}

#[derive(Debug, Default)]
struct Examiner {
    shape: Shape,
    types: Vec<Arity>,
    /// The types of the functions with a body.
    functions: Vec<u32>,
    locals: u64,
    /// The maximum over all functions, which are compiled one at a time.
    scratch: usize,
}

impl Examiner {
    fn cost(&self) -> usize {
        self.shape.cost.saturating_add(self.scratch)
    }

    fn add(&mut self, bytes: usize) {
        self.shape.cost = self.shape.cost.saturating_add(bytes);
    }

    fn payload(&mut self, payload: Payload<'_>) -> Result<(), Stop> {
        match payload {
            Payload::TypeSection(types) => {
                for group in types {
                    for ty in group?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            return Err(Stop::Malformed);
                        };
                        let arity = Arity { takes: ty.params().len(), gives: ty.results().len() };
                        self.add(cost::TYPE + 8 * (arity.takes + arity.gives));
                        self.types.push(arity);
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports {
                    let import = import?;
                    self.add(cost::NAME + 4 * (import.module.len() + import.name.len()));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    self.add(cost::NAME + 4 * export?.name.len());
                }
            }
            Payload::FunctionSection(functions) => {
                for function in functions {
                    self.functions.push(function?);
                    self.add(cost::FUNCTION);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    if let TableInit::Expr(expression) = table?.init {
                        constant(&expression)?;
                    }
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    constant(&global?.init_expr)?;
                    self.add(cost::GLOBAL);
                }
            }
            Payload::ElementSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    if let ElementKind::Active { offset_expr, .. } = &segment.kind {
                        constant(offset_expr)?;
                    }
                    self.add(cost::SEGMENT);
                    match segment.items {
                        ElementItems::Functions(items) => self.add(cost::ELEMENT * items.count() as usize),
                        ElementItems::Expressions(_, items) => {
                            for item in items {
                                constant(&item?)?;
                                self.add(cost::ELEMENT);
                            }
                        }
                    }
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    if let DataKind::Active { offset_expr, .. } = &segment.kind {
                        constant(offset_expr)?;
                    }
                    self.add(cost::SEGMENT + segment.data.len());
                }
            }
            Payload::CodeSectionEntry(body) => self.body(&body)?,
            _ => {}
        }
        Ok(())
    }

    fn arity(&self, ty: u32) -> Arity {
        usize::try_from(ty).ok().and_then(|ty| self.types.get(ty)).copied().unwrap_or_default()
    }

    fn block(&self, ty: BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { takes: 0, gives: 1 },
            BlockType::FuncType(ty) => self.arity(ty),
        }
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), Stop> {
        let number = self.shape.bodies.len();
        self.shape.bodies.push(body.range());
        let own = self.functions.get(number).map_or_else(Arity::default, |ty| self.arity(*ty));
        let mut locals = own.takes as u64;
        for group in body.get_locals_reader()? {
            locals = locals.saturating_add(u64::from(group?.0));
        }
        self.locals = self.locals.saturating_add(locals);
        if self.locals > LOCALS {
            return Err(beyond(
                format!("its functions have {} local variables and more", self.locals),
                LOCALS,
            ));
        }
        let base = cost::LOCAL.saturating_mul(usize::try_from(locals).unwrap_or(usize::MAX));
        let mut blocks = vec![Open { label: own.gives, cost: base, values: own.gives }];
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let at = operators.original_position();
            let operator = operators.read()?;
            let open = blocks.last().copied().unwrap_or(Open { label: 0, cost: base, values: 0 });
            let branch = |depth: u32| {
                let label = blocks.len().checked_sub(1 + depth as usize).and_then(|at| blocks.get(at));
                cost::VALUE * label.map_or(0, |block| block.label)
            };
            self.shape.cost = self.shape.cost.saturating_add(match &operator {
                Operator::Nop => 0,
                Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                    let arity = self.block(*blockty);
                    let label =
                        if matches!(operator, Operator::Loop { .. }) { arity.takes } else { arity.gives };
                    let values = arity.takes + arity.gives;
                    let within = open.cost.saturating_add(cost::OPEN + cost::OPEN_VALUE * values);
                    blocks.push(Open { label, cost: within, values });
                    if blocks.len() > NESTED {
                        let what =
                            format!("its function {number} nests more than {NESTED} blocks in each other");
                        return Err(beyond(what, NESTED as u64));
                    }
                    self.scratch = self.scratch.max(within);
                    cost::BLOCK + 8 * values
                }
                Operator::Else => cost::BLOCK + cost::VALUE * open.values,
                Operator::End => {
                    blocks.pop();
                    cost::OPERATOR + 8 * open.values
                }
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                    cost::BLOCK + branch(*relative_depth)
                }
                Operator::BrTable { targets } => {
                    cost::BLOCK + branch(targets.default()) + cost::TARGET * targets.len() as usize
                }
                Operator::Return => cost::BLOCK + cost::VALUE * own.gives,
                Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::ReturnCall { .. } => {
                    cost::CALL
                }
                _ => cost::OPERATOR,
            });
            if let Some(of_i64) = far_store(&operator) {
                self.shape.stores.push(Store { at, of_i64 });
            }
        }
        self.scratch = self.scratch.max(base);
        Ok(())
    }
}

/// Returns the type if it is an integer store at an offset of more than 64 KiB.
fn far_store(operator: &Operator<'_>) -> Option<bool> {
    let (memarg, of_i64) = match operator {
        Operator::I32Store { memarg } | Operator::I32Store8 { memarg } | Operator::I32Store16 { memarg } => {
            (memarg, false)
        }
        Operator::I64Store { memarg }
        | Operator::I64Store8 { memarg }
        | Operator::I64Store16 { memarg }
        | Operator::I64Store32 { memarg } => (memarg, true),
        _ => return None,
    };
    (memarg.offset > u64::from(u16::MAX)).then_some(of_i64)
}

fn constant(expression: &ConstExpr<'_>) -> Result<(), Stop> {
    let mut operators = expression.get_operators_reader();
    for _ in 0..=CONST_OPERATORS {
        if operators.eof() {
            return Ok(());
        }
        operators.read()?;
    }
    let what = format!("it has a constant expression of more than {CONST_OPERATORS} operators");
    Err(beyond(what, CONST_OPERATORS as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<Shape, ModError> {
        examine(&wat::parse_str(text).expect("valid text"))
    }

    fn refused(text: &str) -> String {
        shape(text).expect_err("more than any compiler makes").to_string()
    }

    #[test]
    fn what_no_compiler_makes_is_named_with_its_limit() {
        // The text parser rejects parentheses nested this deeply, but accepts plain instructions.
        let nested =
            |depth: usize| format!("(module (func {} {}))", "block ".repeat(depth), "end ".repeat(depth));
        assert!(shape(&nested(NESTED - 1)).is_ok());
        assert_eq!(
            refused(&nested(NESTED)),
            "its function 0 nests more than 5000 blocks in each other: this host takes at most 5000, and no compiler makes more"
        );
        let sum = |terms: usize| format!("(i32.const 0) {}", "(i32.const 1) (i32.add) ".repeat(terms));
        for place in
            ["(global i32 {})", "(memory 1) (data (offset {}))", "(table 1 funcref) (elem (offset {}) func)"]
        {
            assert!(shape(&format!("(module {})", place.replace("{}", &sum(40)))).is_ok(), "{place}");
            let message = refused(&format!("(module {})", place.replace("{}", &sum(60))));
            assert!(
                message.starts_with("it has a constant expression of more than 100 operators"),
                "{message}"
            );
        }
        let locals = format!("(func (local {})) ", "i32 ".repeat(30_000)).repeat(140);
        assert!(
            refused(&format!("(module {locals})")).contains("local variables"),
            "30,000 in each of 140 functions"
        );
    }

    #[test]
    fn what_is_malformed_is_the_engines_to_judge() {
        let whole = wat::parse_str(
            r#"(module (func (loop (br 0))) (memory (export "m") 1) (data (i32.const 0) "x"))"#,
        );
        let whole = whole.expect("valid text");
        for cut in 0..whole.len() {
            assert!(examine(&whole[..cut]).is_ok());
            for flip in 0..8 {
                let mut bytes = whole.clone();
                bytes[cut] ^= 1 << flip;
                // It neither panics nor loops forever.
                let _ = examine(&bytes);
            }
        }
    }

    #[test]
    fn a_branch_that_carries_many_values_costs_for_each() {
        let cost = |values: usize| {
            let types = "i32 ".repeat(values);
            let branches = "(br_if 0 (memory.size)) ".repeat(100);
            let text = format!(
                "(module (memory 1) (func (result {types}) {} (block (param {types}) (result {types}) {branches})))",
                "(i32.const 1) ".repeat(values)
            );
            shape(&text).expect("plain").cost
        };
        assert!(cost(32) > cost(0) + 100 * 32 * 50);
    }
}
