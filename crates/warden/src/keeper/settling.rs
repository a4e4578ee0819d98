//! Whether bans of an actor that died may still be in the kernel.

/// How far the successor of an actor that died is with what that one made: all of it is to be made
/// again or ended before anybody can take it away. One that ends before leaves that to the next.
#[derive(Debug)]
pub(super) struct Settling {
    inherits: bool,
    /// The watcher knows which jails are to be started: before, it has no orders for them.
    pub(super) begun: bool,
    /// The watcher has more orders than it has given.
    pub(super) more: bool,
    settled: bool,
}

impl Settling {
    /// That of an actor that was just started.
    pub(super) const fn after(inherits: bool) -> Self {
        Self { inherits, begun: false, more: true, settled: false }
    }

    /// All orders that it was given are done.
    pub(super) const fn rest(&mut self) {
        self.settled |= self.begun && !self.more;
    }

    /// Whether nothing of the bans is left when its jails have ended.
    pub(super) const fn leaves_nothing(&self) -> bool {
        self.settled || !self.inherits
    }
}
