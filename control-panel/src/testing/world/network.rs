//! The links of all nodes, and what goes beside them.

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::Rng,
    World,
    link::{Link, Sent},
    objects::Objects,
    report::WorldReport,
    roles::Roles,
};
use crate::{
    anti_entropy::{Local, Message, Options},
    replica::{Delta, State},
};

/// With more nodes not all connect with all others.
const ALL: usize = 8;
/// But with their neighbours, and so many others.
const OTHERS: usize = 2;
/// Of a hundred messages that are lost: so many break the connection. The others are sent again.
const BREAKS: u64 = 25;
/// The longest that a frame is. No message takes longer than [`LATENCY`], as a session's times are real ones.
const FRAME: Duration = Duration::from_millis(100);
const LATENCY: Duration = Duration::from_secs(3);
/// In how many frames what arrived is stored, unless it waits for its past.
pub(super) const SETTLES: u64 = 4;

/// What comes by no session.
pub(super) enum Beside<Op> {
    /// A delta that travels in a session too.
    Copy(Delta<Op>),
    /// What no honest replica makes.
    Forged(Delta<Op>),
}

type ToNode<S> = (usize, Beside<<S as State>::Op>);

pub(super) struct Network<S: State> {
    pub(super) rng: Rng,
    delay: u64,
    /// Of a hundred deltas so many come twice; and what is left of a hundred until the next one does.
    duplicates: u64,
    until_duplicate: u64,
    loss: u64,
    pub(super) links: Vec<Link<S>>,
    /// Which side of which links each node is.
    of: Vec<Vec<(usize, usize)>>,
    /// By the frame in which it arrives, with the node.
    beside: BTreeMap<u64, Vec<ToNode<S>>>,
    /// The side of each node, for each cut.
    cuts: Vec<Vec<bool>>,
    now: Duration,
    frame_time: Duration,
    pub(super) options: Options,
    /// How many messages were sent in this frame.
    pub(super) sent: u64,
}

impl<S: State> Network<S> {
    pub(super) fn new(world: &World, roles: &Roles, mut rng: Rng) -> Self {
        let &World { delay, duplicates, loss, .. } = world;
        let links: Vec<_> = pairs(roles, &mut rng).into_iter().map(Link::new).collect();
        let mut of = vec![Vec::new(); roles.nodes()];
        for (index, link) in links.iter().enumerate() {
            for (side, node) in link.ends.into_iter().enumerate() {
                of[node].push((index, side));
            }
        }
        let frame_time = FRAME.min(LATENCY / u32::try_from(delay).unwrap_or(u32::MAX));
        // A message that is sent again takes twice as long. Each side answers in its own frame.
        let frames = |frames: u64| frame_time * u32::try_from(frames).unwrap_or(u32::MAX);
        let options = Options {
            hello: frames(4 * delay + 8),
            took: frames(Self::took_of(delay)),
            ..Options::default()
        };
        Self {
            until_duplicate: rng.below(3 * duplicates.clamp(1, 33)),
            rng,
            delay,
            duplicates,
            loss,
            links,
            of,
            beside: BTreeMap::new(),
            cuts: Vec::new(),
            now: Duration::ZERO,
            frame_time,
            options,
            sent: 0,
        }
    }

    /// In how many frames what was sent must be taken.
    pub(super) fn took_of(delay: u64) -> u64 {
        4 * delay + SETTLES + 8
    }

    /// Which side of which links a node is.
    pub(super) fn sides(&self, node: usize) -> impl Iterator<Item = (usize, usize)> + use<S> {
        self.of[node].clone().into_iter()
    }

    /// Since a link's connection began.
    pub(super) fn since(&self, link: usize) -> Duration {
        self.now.saturating_sub(self.links[link].began)
    }

    /// A frame passes.
    pub(super) fn pass(&mut self) {
        self.now += self.frame_time;
        self.sent = 0;
    }

    /// Where nothing is on its way, and nothing waits, time passes until a session has something to do.
    pub(super) fn skip(&mut self) {
        let silent = self.sent == 0 && self.beside.is_empty() && self.links.iter().all(Link::is_silent);
        if let Some(deadline) = self.links.iter().filter_map(Link::deadline).min().filter(|_| silent) {
            self.now = self.now.max(deadline);
        }
    }

    /// Whether all are connected, and nothing is on its way or to be done.
    pub(super) fn rests(&self) -> bool {
        let rests = |link: &Link<S>| {
            link.is_up()
                && link.is_silent()
                && link.sides.iter().flatten().all(|side| side.session.is_caught_up())
        };
        self.sent == 0 && self.beside.is_empty() && self.links.iter().all(rests)
    }

    /// Two that are there connect, unless a partition is between them.
    pub(super) fn connect(&mut self, frame: u64, link: usize, locals: [Local; 2], report: &mut WorldReport) {
        if self.is_cut(link) {
            report.cut += 1;
            self.later(frame, link);
            return;
        }
        self.links[link].connect(locals, self.options, self.now);
    }

    /// They try again.
    pub(super) fn later(&mut self, frame: u64, link: usize) {
        self.links[link].connects_at = frame + 1 + self.rng.below(self.delay);
    }

    fn is_cut(&self, link: usize) -> bool {
        let [one, other] = self.links[link].ends;
        self.cuts.iter().any(|sides| sides[one] != sides[other])
    }

    /// One side's next message. When it arrives, if it does.
    pub(super) fn send(
        &mut self,
        frame: u64,
        (link, side): (usize, usize),
        message: Message<Objects<S>>,
        report: &mut WorldReport,
    ) -> Option<u64> {
        self.sent += 1;
        report.messages += 1;
        if self.links[link].is_broken() {
            return None;
        }
        let mut delay = 1 + self.rng.below(self.delay);
        if self.rng.chance(self.loss) {
            report.lost += 1;
            if self.rng.chance(BREAKS) {
                report.lost += self.links[link].break_off(frame, self.delay, &mut self.rng);
                return None;
            }
            delay += self.delay;
        }
        report.delayed += u64::from(delay > 1);
        if let Message::Delta(delta) = &message
            && self.is_duplicate()
        {
            report.duplicates += 1;
            let to = self.links[link].ends[1 - side];
            self.send_beside(frame, to, Beside::Copy(delta.clone()));
        }
        Some(self.links[link].send(side, frame + delay, Some(message)))
    }

    /// At even distances, and of the first three one: a short run has some too.
    fn is_duplicate(&mut self) -> bool {
        let duplicates = self.duplicates.min(100);
        let is_duplicate = self.until_duplicate < duplicates;
        self.until_duplicate =
            if is_duplicate { self.until_duplicate + 100 } else { self.until_duplicate } - duplicates;
        is_duplicate
    }

    /// What arrives at a side by this frame, if it reads.
    pub(super) fn arrival(
        &mut self,
        (link, side): (usize, usize),
        frame: u64,
        report: &mut WorldReport,
    ) -> Option<Sent<S>> {
        let link = &mut self.links[link];
        let has_stalled = link.has_stalled;
        let arrived = link.arrival(side, frame);
        report.stalls += u64::from(link.has_stalled && !has_stalled);
        arrived
    }

    /// What comes by itself, in no order.
    pub(super) fn send_beside(&mut self, frame: u64, to: usize, what: Beside<S::Op>) {
        let at = frame + 1 + self.rng.below(self.delay);
        self.beside.entry(at).or_default().push((to, what));
    }

    /// What comes so in this frame, in random order.
    pub(super) fn beside(&mut self, frame: u64) -> Vec<ToNode<S>> {
        let mut arrived = self.beside.remove(&frame).unwrap_or_default();
        self.rng.shuffle(&mut arrived);
        arrived
    }

    /// A session said its last.
    pub(super) fn leave(&mut self, frame: u64, (link, side): (usize, usize)) {
        self.links[link].leave(side, frame, self.delay, &mut self.rng);
    }

    /// A node is gone: what it had sent arrives in part.
    pub(super) fn crash(&mut self, frame: u64, node: usize, report: &mut WorldReport) {
        for (link, side) in self.sides(node) {
            report.unreachable += self.links[link].break_off(frame, self.delay, &mut self.rng);
            self.leave(frame, (link, side));
        }
    }

    /// A random side of those that are connected.
    pub(super) fn any_up(&mut self) -> Option<(usize, usize)> {
        let up: Vec<_> = (0..self.links.len()).filter(|link| self.links[*link].is_up()).collect();
        let link = *self.rng.pick(&up)?;
        Some((link, self.rng.index(2)))
    }

    /// Which nodes hear each other, from now on.
    pub(super) fn set_cuts(&mut self, frame: u64, cuts: Vec<Vec<bool>>, report: &mut WorldReport) {
        self.cuts = cuts;
        for link in 0..self.links.len() {
            if self.is_cut(link) {
                report.cut += 1 + self.links[link].break_off(frame, self.delay, &mut self.rng);
            }
        }
    }

    /// From now on each message arrives, in the next frame.
    pub(super) fn calm(&mut self, frame: u64) {
        (self.delay, self.duplicates, self.loss) = (1, 0, 0);
        self.cuts.clear();
        self.links.iter_mut().for_each(|link| link.calm(frame));
    }
}

/// Which nodes connect with each other.
fn pairs(roles: &Roles, rng: &mut Rng) -> Vec<[usize; 2]> {
    let nodes = roles.nodes();
    let all = (0..nodes).flat_map(|one| (one + 1..nodes).map(move |other| [one, other]));
    let mut pairs: Vec<_> = all.filter(|[one, other]| roles.may_connect(*one, *other)).collect();
    if nodes > ALL {
        let circle: Vec<_> = (0..nodes).filter(|node| !roles.is_twin(*node)).collect();
        let is_next = |one: usize, other: usize| {
            let places = [one, other].map(|node| circle.iter().position(|it| *it == node));
            matches!(places, [Some(one), Some(other)] if other == one + 1 || (one, other + 1) == (0, circle.len()))
        };
        let mut wanted: Vec<[usize; 2]> = Vec::new();
        for node in 0..nodes {
            let mut own: Vec<_> = pairs.iter().filter(|pair| pair.contains(&node)).copied().collect();
            rng.shuffle(&mut own);
            wanted.extend(&own[..own.len().min(OTHERS)]);
        }
        pairs.retain(|[one, other]| is_next(*one, *other) || wanted.contains(&[*one, *other]));
    }
    pairs
}
