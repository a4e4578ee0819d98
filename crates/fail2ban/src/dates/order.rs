//! The order in which templates are tried, and how hits change it.

/// A template's place in the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Which template.
    pub template: usize,
    /// How often it won.
    pub hits: u64,
    /// How much each hit counts.
    pub factor: f64,
    /// When it won last; `None` if it never did.
    pub last_used_s: Option<i64>,
    /// Characters before the date when it won last.
    pub distance: usize,
}

impl Slot {
    /// A template that never won.
    pub fn unused(template: usize, factor: f64) -> Self {
        Self { template, hits: 0, factor, last_used_s: None, distance: usize::MAX }
    }

    fn weight(&self) -> f64 {
        self.hits as f64 * self.factor / self.distance.max(1) as f64
    }
}

/// The templates of a filter in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    slots: Vec<Slot>,
    first_unused: usize,
}

/// A template that did not win for so long gives way to one that just did.
const IDLE_S: i64 = 300;

impl Order {
    pub fn new(slots: Vec<Slot>) -> Self {
        Self { slots, first_unused: 0 }
    }

    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Notes that the template in this place won.
    pub fn won(&mut self, place: usize, now_s: i64, distance: usize) {
        if let Some(slot) = self.slots.get_mut(place) {
            slot.hits += 1;
            slot.last_used_s = Some(now_s);
            slot.distance = distance;
        }
        if self.first_unused == place {
            self.first_unused += 1;
        }
    }

    /// Notes that it won so many times, one after the other, the last of them now.
    pub fn won_often(&mut self, place: usize, times: u64, now_s: i64, distance: usize) {
        self.won(place, now_s, distance);
        if let Some(slot) = self.slots.get_mut(place) {
            slot.hits += times.saturating_sub(1);
        }
    }

    /// Moves the template that just won towards the front if its hits weigh more than those of
    /// the one there; returns its new place.
    pub fn bubble_up(&mut self, place: usize) -> usize {
        if place == 0 || place >= self.slots.len() {
            return place;
        }
        let fast = if self.first_unused < place { self.first_unused } else { place / 2 };
        let target = if self.gives_way(fast, place) {
            fast
        } else if fast != place - 1 && self.gives_way(place - 1, place) {
            place - 1
        } else {
            return place;
        };
        self.slots[target..=place].rotate_right(1);
        while self.slots.get(self.first_unused).is_some_and(|slot| slot.hits > 0) {
            self.first_unused += 1;
        }
        target
    }

    fn gives_way(&self, target: usize, place: usize) -> bool {
        let (Some(there), Some(here)) = (self.slots.get(target), self.slots.get(place)) else {
            return false;
        };
        let idle = match (here.last_used_s, there.last_used_s) {
            (Some(here), Some(there)) => here.saturating_sub(IDLE_S) > there,
            (here, there) => here.is_some() && there.is_none(),
        };
        here.weight() > there.weight() || idle
    }
}
