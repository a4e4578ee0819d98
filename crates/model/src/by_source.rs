//! Something of each source, found by the source's number.

use crate::SourceId;
use crate::limits::FILES_MAX;

/// The journal's number, behind those of all files.
pub const JOURNAL: SourceId = SourceId(FILES_MAX as u32);

/// Something of each source. There are at most [`FILES_MAX`] files and [`JOURNAL`]; what comes
/// under a larger number is not kept.
#[derive(Clone, Debug)]
pub struct BySource<T>(Vec<Option<T>>);

impl<T> Default for BySource<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> BySource<T> {
    /// That of this source.
    #[inline]
    pub fn get(&self, source: SourceId) -> Option<&T> {
        self.0.get(source.0 as usize)?.as_ref()
    }

    /// The place for that of this source; `None` if there can be none.
    #[inline]
    pub fn place(&mut self, source: SourceId) -> Option<&mut Option<T>> {
        let at = source.0 as usize;
        if at >= self.0.len() {
            if at > FILES_MAX {
                return None;
            }
            self.0.resize_with(at + 1, || None);
        }
        self.0.get_mut(at)
    }

    /// Puts something in the place of what was there.
    #[inline]
    pub fn insert(&mut self, source: SourceId, item: T) {
        if let Some(place) = self.place(source) {
            *place = Some(item);
        }
    }

    /// Takes out that of this source.
    #[inline]
    pub fn remove(&mut self, source: SourceId) -> Option<T> {
        self.0.get_mut(source.0 as usize)?.take()
    }

    /// How many have something.
    pub fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Takes out all.
    pub fn drain(&mut self) -> impl Iterator<Item = (SourceId, T)> {
        let items = (0..).zip(&mut self.0);
        items.filter_map(|(number, item)| Some((SourceId(number), item.take()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_and_numbers_are_bounded() {
        let mut items = BySource::default();
        for (number, item) in [(3, 'c'), (0, 'a'), (JOURNAL.0, 'j'), (JOURNAL.0 + 1, 'x')] {
            items.insert(SourceId(number), item);
        }
        assert_eq!(items.get(SourceId(3)), Some(&'c'));
        assert_eq!((items.get(SourceId(1)), items.get(SourceId(4096))), (None, None));
        assert_eq!(items.get(SourceId(JOURNAL.0 + 1)), None);
        assert_eq!(items.remove(SourceId(3)), Some('c'));
        assert_eq!(items.place(SourceId(u32::MAX)), None);
        let all: Vec<_> = items.drain().collect();
        assert_eq!(all, [(SourceId(0), 'a'), (JOURNAL, 'j')]);
        assert_eq!(items.drain().count(), 0);
    }
}
