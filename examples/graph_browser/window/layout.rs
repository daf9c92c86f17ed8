//! Where the nodes are: a force-directed layout that cools down and stops. Pure: no clock, no window; the same graph gives the same picture.
//!
//! Linked nodes attract each other like springs, all repel each other, and a weak pull holds together what is not linked. Each step moves
//! the nodes less than the one before, until the layout is cold: then nothing moves, and a window that shows it can sleep.

use std::ops::{Add, AddAssign, Mul, Sub};

use super::quadtree::Quadtree;

/// How long a link wants to be.
const LINK: f32 = 70.0;
/// How strongly nodes repel each other.
const CHARGE: f32 = 420.0;
/// How strongly all are drawn to the middle.
const GRAVITY: f32 = 0.06;
/// What is left of a node's speed after a step.
const FRICTION: f32 = 0.6;
/// What is left of the heat after a step: from 1 to [`COLD`] in 300 steps.
const COOLING: f32 = 0.977_24;
/// Below it nothing moves.
const COLD: f32 = 0.001;
/// How hot it is after a change: hot enough to make room, too cold to shuffle what is settled.
const STIRRED: f32 = 0.3;
/// From one new node to the next, in radians: no two lie in one direction.
const GOLDEN_ANGLE: f32 = 2.399_963;

/// A point, or a way from one to another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Vector {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl Vector {
    pub(crate) const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The square of its length.
    pub(crate) fn squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }
}

impl Add for Vector {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl AddAssign for Vector {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Vector {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Vector {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

/// A node that moves.
#[derive(Debug, Clone, Copy, Default)]
struct Body {
    at: Vector,
    speed: Vector,
    /// How many links it has.
    links: u32,
    /// Where it is held.
    pinned: Option<Vector>,
}

/// The layout of a graph.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    bodies: Vec<Body>,
    /// Each pair of linked nodes once, the lower first.
    links: Vec<(u32, u32)>,
    heat: f32,
    tree: Quadtree,
}

impl Layout {
    /// Takes in a graph of `count` nodes with these links. What was placed stays near its place.
    pub(crate) fn set(&mut self, count: usize, links: impl IntoIterator<Item = (u32, u32)>) {
        let mut links: Vec<_> = links
            .into_iter()
            .filter(|(from, to)| from != to && (*from.max(to) as usize) < count)
            .map(|(from, to)| (from.min(to), from.max(to)))
            .collect();
        links.sort_unstable();
        links.dedup();
        if links == self.links && count == self.bodies.len() {
            return;
        }
        self.links = links;
        let known = self.bodies.len().min(count);
        self.bodies.resize(count, Body::default());
        for body in &mut self.bodies {
            body.links = 0;
        }
        for &(from, to) in &self.links {
            self.bodies[from as usize].links += 1;
            self.bodies[to as usize].links += 1;
        }
        self.place(known);
        self.heat = if known == 0 { 1.0 } else { self.heat.max(STIRRED) };
    }

    /// Gives the nodes from `known` on their first place: beside a neighbour that has one, or on a spiral.
    fn place(&mut self, known: usize) {
        let mut neighbours = vec![None; self.bodies.len()];
        for &(from, to) in &self.links {
            // Only one before it has a place by the time that it gets its own.
            neighbours[to as usize].get_or_insert(from);
        }
        for (index, neighbour) in neighbours.into_iter().enumerate().skip(known) {
            #[expect(clippy::cast_precision_loss, reason = "a direction and a distance, roughly")]
            let turns = index as f32;
            let angle = turns * GOLDEN_ANGLE;
            let direction = Vector::new(angle.cos(), angle.sin());
            self.bodies[index].at = match neighbour {
                Some(near) => self.bodies[near as usize].at + direction * (LINK * 0.5),
                None => direction * (10.0 * (turns + 0.5).sqrt()),
            };
        }
    }

    /// Where a node is.
    pub(crate) fn at(&self, index: usize) -> Option<Vector> {
        self.bodies.get(index).map(|body| body.at)
    }

    /// Each pair of linked nodes once.
    pub(crate) fn links(&self) -> &[(u32, u32)] {
        &self.links
    }

    /// Holds a node in its place, or lets it go. The rest makes room.
    pub(crate) fn pin(&mut self, index: usize, place: Option<Vector>) {
        let Some(body) = self.bodies.get_mut(index) else { return };
        if body.pinned == place {
            return;
        }
        body.pinned = place;
        if let Some(place) = place {
            body.at = place;
            body.speed = Vector::default();
        }
        self.heat = self.heat.max(STIRRED);
    }

    /// Whether nothing moves any more.
    pub(crate) fn is_cold(&self) -> bool {
        self.heat < COLD
    }

    /// Moves the nodes by one step, unless it is cold.
    pub(crate) fn step(&mut self) {
        if self.is_cold() {
            return;
        }
        self.attract();
        self.repel();
        for body in &mut self.bodies {
            body.speed += body.at * (-GRAVITY * self.heat);
            body.speed = body.speed * FRICTION;
            match body.pinned {
                Some(place) => (body.at, body.speed) = (place, Vector::default()),
                None => body.at += body.speed,
            }
        }
        self.heat *= COOLING;
        if self.is_cold() {
            self.heat = 0.0;
        }
    }

    fn attract(&mut self) {
        for &(from, to) in &self.links {
            let (from, to) = (from as usize, to as usize);
            let (a, b) = (self.bodies[from], self.bodies[to]);
            let way = (b.at + b.speed) - (a.at + a.speed);
            let length = way.squared().sqrt().max(1.0);
            // A hub is held by many springs: each is weak, and it moves less than what hangs on it.
            #[expect(clippy::cast_precision_loss, reason = "a node has not that many links")]
            let (of_a, of_b) = (a.links as f32, b.links as f32);
            let pull = way * ((length - LINK) / length * self.heat / of_a.min(of_b).max(1.0));
            let share = of_a / (of_a + of_b);
            self.bodies[to].speed += pull * -share;
            self.bodies[from].speed += pull * (1.0 - share);
        }
    }

    fn repel(&mut self) {
        self.tree.fill(self.bodies.iter().map(|body| body.at));
        let strength = CHARGE * self.heat;
        for (index, body) in self.bodies.iter_mut().enumerate() {
            body.speed += self.tree.push(index, body.at) * strength;
        }
    }

    /// The corners of the smallest box around all nodes.
    pub(crate) fn bounds(&self) -> Option<(Vector, Vector)> {
        let first = self.bodies.first()?.at;
        Some(self.bodies.iter().fold((first, first), |(low, high), Body { at, .. }| {
            (Vector::new(low.x.min(at.x), low.y.min(at.y)), Vector::new(high.x.max(at.x), high.y.max(at.y)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(count: usize, links: &[(u32, u32)]) -> (Layout, usize) {
        let mut layout = Layout::default();
        layout.set(count, links.iter().copied());
        let steps = settle(&mut layout);
        (layout, steps)
    }

    fn settle(layout: &mut Layout) -> usize {
        let mut steps = 0;
        while !layout.is_cold() {
            layout.step();
            steps += 1;
            assert!(steps < 1_000, "it never cools");
        }
        steps
    }

    fn distance(layout: &Layout, a: usize, b: usize) -> f32 {
        (layout.at(a).expect("there") - layout.at(b).expect("there")).squared().sqrt()
    }

    fn places(layout: &Layout) -> Vec<Vector> {
        (0..layout.bodies.len()).filter_map(|index| layout.at(index)).collect()
    }

    /// Two rings of nodes with one bridge.
    const RINGS: [(u32, u32); 11] =
        [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (5, 6), (6, 7), (7, 8), (8, 9), (9, 5), (0, 5)];

    #[test]
    fn it_cools_down_stops_and_stays() {
        let (mut layout, steps) = settled(10, &RINGS);
        assert!((250..350).contains(&steps), "{steps}");
        let before = places(&layout);
        layout.step();
        layout.set(10, RINGS);
        layout.step();
        assert_eq!(places(&layout), before, "cold, and the same graph is no change");
        assert!(before.iter().all(|at| at.x.is_finite() && at.y.is_finite()));
    }

    #[test]
    fn the_same_graph_gives_the_same_picture_in_whichever_order_its_links_come() {
        let (layout, _) = settled(10, &RINGS);
        let turned: Vec<_> = RINGS.iter().rev().map(|(from, to)| (*to, *from)).chain(RINGS).collect();
        assert_eq!(places(&settled(10, &turned).0), places(&layout));
    }

    #[test]
    fn what_is_linked_is_near_and_nothing_lies_on_another() {
        let (layout, _) = settled(10, &RINGS);
        assert!(
            distance(&layout, 1, 2) < distance(&layout, 1, 7),
            "a ring is nearer to itself than to the other"
        );
        for a in 0..10 {
            for b in 0..a {
                assert!(distance(&layout, a, b) > 15.0, "{a} and {b}: {}", distance(&layout, a, b));
            }
        }
        let (lonely, _) = settled(40, &[]);
        let (low, high) = lonely.bounds().expect("nodes");
        assert!((high - low).squared().sqrt() < 2_000.0, "what is not linked is held together");
    }

    #[test]
    fn a_new_node_stirs_the_rest_a_little_and_comes_beside_its_neighbour() {
        let (mut layout, _) = settled(10, &RINGS);
        let before = places(&layout);
        layout.set(11, RINGS.into_iter().chain([(3, 10)]));
        assert!(!layout.is_cold());
        settle(&mut layout);
        let moved =
            before.iter().zip(places(&layout)).map(|(a, b)| (b - *a).squared().sqrt()).fold(0.0, f32::max);
        assert!(moved < 2.0 * LINK, "{moved}");
        assert!(distance(&layout, 3, 10) < 2.0 * LINK);
        layout.set(2, [(0, 1)]);
        assert_eq!(layout.bodies.len(), 2, "operations that are taken back take nodes away");
        settle(&mut layout);
    }

    #[test]
    fn a_pinned_node_stays_where_it_is_held() {
        let (mut layout, _) = settled(10, &RINGS);
        let place = Vector::new(400.0, -250.0);
        layout.pin(0, Some(place));
        assert!(!layout.is_cold(), "the rest follows");
        settle(&mut layout);
        assert_eq!(layout.at(0), Some(place));
        assert!(distance(&layout, 0, 1) < 4.0 * LINK, "{}", distance(&layout, 0, 1));
        layout.pin(0, Some(place));
        assert!(layout.is_cold(), "held where it was held");
        layout.pin(0, None);
        settle(&mut layout);
        assert_ne!(layout.at(0), Some(place));
    }

    #[test]
    fn nonsense_is_left_out() {
        let (layout, _) = settled(2, &[(0, 0), (0, 9), (9, 9)]);
        assert!(layout.links().is_empty());
        assert_eq!(settled(0, &[]).0.bounds(), None);
    }
}
