//! Which part of the graph is seen: pure.

use super::layout::Vector;

/// The least and the greatest zoom.
const ZOOM: std::ops::RangeInclusive<f32> = 0.05..=6.0;
/// The part of the picture that the graph fills when all of it is seen.
const FILLED: f32 = 0.86;

/// Where the picture's middle is in the graph, and how large a unit of the graph is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Camera {
    pub(crate) middle: Vector,
    pub(crate) zoom: f32,
    /// Whether it follows the graph: until somebody moves it.
    pub(crate) follows: bool,
}

impl Default for Camera {
    fn default() -> Self {
        Self { middle: Vector::default(), zoom: 1.0, follows: true }
    }
}

impl Camera {
    /// Where a place of the graph is in the picture, from the picture's middle.
    pub(crate) fn to_picture(self, place: Vector) -> Vector {
        (place - self.middle) * self.zoom
    }

    /// Which place of the graph is there in the picture.
    pub(crate) fn to_graph(self, at: Vector) -> Vector {
        at * (1.0 / self.zoom) + self.middle
    }

    /// Shows all between these corners, in a picture of this size.
    pub(crate) fn fit(&mut self, (low, high): (Vector, Vector), size: Vector) {
        let span = high - low;
        let zoom = (size.x / span.x.max(1.0)).min(size.y / span.y.max(1.0)) * FILLED;
        self.middle = (low + high) * 0.5;
        // A graph of two pages does not fill the window with them.
        self.zoom = zoom.clamp(*ZOOM.start(), 1.6);
    }

    /// Moves the picture.
    pub(crate) fn pan(&mut self, by: Vector) {
        self.middle = self.middle - by * (1.0 / self.zoom);
        self.follows = false;
    }

    /// Makes it larger around that place of the picture, which stays where it is.
    pub(crate) fn zoom_at(&mut self, at: Vector, factor: f32) {
        let place = self.to_graph(at);
        self.zoom = (self.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        self.middle = place - at * (1.0 / self.zoom);
        self.follows = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: Vector, other: Vector) -> bool {
        (one - other).squared() < 1e-3
    }

    #[test]
    fn what_is_under_the_pointer_stays_there_when_it_grows() {
        let mut camera = Camera { middle: Vector::new(10.0, -20.0), zoom: 0.5, follows: true };
        let at = Vector::new(120.0, 45.0);
        let place = camera.to_graph(at);
        camera.zoom_at(at, 3.0);
        assert!(near(camera.to_picture(place), at));
        assert!(!camera.follows, "a hand that moved it keeps it");
        camera.pan(Vector::new(5.0, 7.0));
        assert!(near(camera.to_picture(place), at + Vector::new(5.0, 7.0)));
        for factor in [1e9, 0.0] {
            camera.zoom_at(at, factor);
            assert!(ZOOM.contains(&camera.zoom));
        }
    }

    #[test]
    fn all_is_seen_where_it_fits() {
        let mut camera = Camera::default();
        let corners = (Vector::new(-300.0, 50.0), Vector::new(500.0, 250.0));
        camera.fit(corners, Vector::new(400.0, 300.0));
        for corner in [corners.0, corners.1] {
            let seen = camera.to_picture(corner);
            assert!(seen.x.abs() <= 200.0 && seen.y.abs() <= 150.0, "{seen:?}");
        }
        camera.fit((Vector::default(), Vector::default()), Vector::new(400.0, 300.0));
        assert!(camera.zoom.is_finite() && camera.zoom <= 1.6);
    }
}
