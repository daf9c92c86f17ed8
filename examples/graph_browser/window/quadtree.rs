//! Which nodes repel each other, in less than a look at each pair: what is far away repels as one (Barnes and Hut, 1986).

use super::layout::Vector;

/// Nodes in a leaf at most.
const LEAF: usize = 8;
/// How often a square is divided at most: nodes in one place would be divided forever.
const DEEPEST: u32 = 20;
/// A square repels as one if its side is this part of its distance, squared.
const FAR: f32 = 0.81;

/// A square of the plane.
#[derive(Debug, Clone, Copy)]
struct Square {
    /// Its nodes, in `order`.
    from: usize,
    to: usize,
    middle: Vector,
    side: f32,
    /// The first of its four quarters, which follow each other; none for a leaf.
    quarters: Option<usize>,
}

/// The nodes by where they are.
#[derive(Debug, Default)]
pub(super) struct Quadtree {
    points: Vec<Vector>,
    /// Nodes, those of a square together.
    order: Vec<usize>,
    squares: Vec<Square>,
    stack: Vec<usize>,
}

impl Quadtree {
    /// Takes these nodes in place of those before.
    pub(super) fn fill(&mut self, points: impl Iterator<Item = Vector>) {
        self.points.clear();
        self.points.extend(points);
        self.order.clear();
        self.order.extend(0..self.points.len());
        self.squares.clear();
        let reach = self.points.iter().fold(1.0_f32, |reach, at| reach.max(at.x.abs()).max(at.y.abs()));
        self.squares.push(self.square(0, self.points.len(), 2.0 * reach));
        self.divide(0, Vector::default(), reach, 0);
    }

    fn square(&self, from: usize, to: usize, side: f32) -> Square {
        let sum = self.order[from..to].iter().fold(Vector::default(), |sum, index| sum + self.points[*index]);
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let middle = sum * (1.0 / (to - from).max(1) as f32);
        Square { from, to, middle, side, quarters: None }
    }

    fn divide(&mut self, square: usize, centre: Vector, half: f32, depth: u32) {
        let Square { from, to, .. } = self.squares[square];
        if to - from <= LEAF || depth == DEEPEST {
            return;
        }
        let points = &self.points;
        let quarter = |index: &usize| (points[*index].y >= centre.y, points[*index].x >= centre.x);
        // Stable, so that the order within a square depends on nothing but the nodes.
        self.order[from..to].sort_by_key(quarter);
        let first = self.squares.len();
        self.squares[square].quarters = Some(first);
        let mut begins = from;
        let sides = [(false, false), (false, true), (true, false), (true, true)];
        for side in sides {
            let count = self.order[begins..to].iter().take_while(|index| quarter(index) == side).count();
            self.squares.push(self.square(begins, begins + count, half));
            begins += count;
        }
        for (number, (below, right)) in sides.into_iter().enumerate() {
            let step = |positive| if positive { half / 2.0 } else { -half / 2.0 };
            let centre = centre + Vector::new(step(right), step(below));
            self.divide(first + number, centre, half / 2.0, depth + 1);
        }
    }

    /// How the others push the node `index`, which is at `at`.
    pub(super) fn push(&mut self, index: usize, at: Vector) -> Vector {
        let mut push = Vector::default();
        self.stack.clear();
        self.stack.push(0);
        while let Some(square) = self.stack.pop() {
            let Square { from, to, middle, side, quarters } = self.squares[square];
            if from == to {
                continue;
            }
            let away = at - middle;
            if side * side < FAR * away.squared() {
                #[expect(clippy::cast_precision_loss, reason = "a weight")]
                let weight = (to - from) as f32;
                push += away * (weight / away.squared().max(1.0));
            } else if let Some(first) = quarters {
                self.stack.extend(first..first + 4);
            } else {
                for &other in self.order[from..to].iter().filter(|other| **other != index) {
                    push += one(index, other, at - self.points[other]);
                }
            }
        }
        push
    }
}

/// How one node pushes another that is this far away. Two in one place part: the later one to the right.
fn one(index: usize, other: usize, away: Vector) -> Vector {
    let squared = away.squared();
    if squared < 1e-6 {
        return Vector::new(if index > other { 1.0 } else { -1.0 }, 0.0);
    }
    away * (1.0 / squared.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scattering that repeats.
    fn scattered(count: u32) -> Vec<Vector> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            #[expect(clippy::cast_precision_loss, reason = "16 bits")]
            let unit = (state >> 16) as f32;
            unit / 65.536 - 500.0
        };
        (0..count).map(|_| Vector::new(next(), next())).collect()
    }

    #[test]
    fn it_pushes_as_each_pair_would() {
        let points = scattered(500);
        let mut tree = Quadtree::default();
        tree.fill(points.iter().copied());
        for (index, at) in points.iter().enumerate() {
            let exact = points
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index)
                .fold(Vector::default(), |sum, (other, place)| sum + one(index, other, *at - *place));
            let off = (tree.push(index, *at) - exact).squared().sqrt();
            assert!(off < 0.15 * exact.squared().sqrt().max(0.5), "{index}: {off} of {exact:?}");
        }
    }

    #[test]
    fn nodes_in_one_place_part_and_do_not_hang() {
        let mut tree = Quadtree::default();
        tree.fill([Vector::new(3.0, 3.0); 100].into_iter());
        let (left, right) = (tree.push(0, Vector::new(3.0, 3.0)), tree.push(99, Vector::new(3.0, 3.0)));
        assert!(left.x < 0.0 && right.x > 0.0, "{left:?} {right:?}");
        tree.fill(std::iter::empty());
        assert_eq!(tree.push(0, Vector::default()), Vector::default());
    }
}
