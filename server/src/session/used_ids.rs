//! Which request ids a session has used: a bounded set of ranges.
//!
//! Law: an id that was inserted is known for ever; ids that clients count up take one range however many they are, and
//! cost a comparison each: the range that grew last is at hand.

use std::collections::BTreeMap;

/// Disjoint ranges that do not touch, by their first id.
#[derive(Debug, Default)]
pub struct UsedIds {
    ranges: BTreeMap<u64, u64>,
    /// The range that grew at its end last, with its end; `ranges` knows an earlier end of it.
    growing: Option<(u64, u64)>,
}

impl UsedIds {
    /// Whether `id` was used.
    pub fn contains(&self, id: u64) -> bool {
        match self.growing {
            Some((first, last)) if id >= first && id <= last => true,
            // The usual case: the next one.
            Some((_, last)) if last.checked_add(1) == Some(id) && self.is_newest(last) => false,
            _ => self.ranges.range(..=id).next_back().is_some_and(|(_, last)| id <= *last),
        }
    }

    /// Whether no range lies behind `last`, the end of the growing one.
    fn is_newest(&self, last: u64) -> bool {
        self.ranges.last_key_value().is_none_or(|(first, _)| *first <= last)
    }

    /// Whether `id` can be inserted with at most `ranges_max` ranges.
    pub fn has_room(&self, id: u64, ranges_max: u64) -> bool {
        (self.ranges.len() as u64) < ranges_max || self.touches(id)
    }

    fn touches(&self, id: u64) -> bool {
        let follows = |last: u64| last.checked_add(1).is_none_or(|next| id <= next);
        let before = self.ranges.range(..=id).next_back();
        self.growing.is_some_and(|(first, last)| id >= first && follows(last))
            || before.is_some_and(|(_, last)| follows(*last))
            || id.checked_add(1).is_some_and(|next| self.ranges.contains_key(&next))
    }

    /// Marks `id` as used.
    pub fn insert(&mut self, id: u64) {
        if let Some((_, last)) = &mut self.growing
            && last.checked_add(1) == Some(id)
            && self.ranges.last_key_value().is_none_or(|(first, _)| *first <= *last)
        {
            *last = id;
            return;
        }
        self.settle();
        if self.contains(id) {
            return;
        }
        let mut first = id;
        let mut last = id;
        if let Some((before, end)) = self.ranges.range(..id).next_back()
            && *end == id - 1
        {
            first = *before;
        }
        if let Some(end) = id.checked_add(1).and_then(|next| self.ranges.remove(&next)) {
            last = end;
        }
        self.ranges.insert(first, last);
        self.growing = Some((first, last));
    }

    /// Writes the end of the growing range down.
    fn settle(&mut self) {
        if let Some((first, last)) = self.growing.take() {
            self.ranges.insert(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_counted_up_take_one_range() {
        let mut used = UsedIds::default();
        for id in 1..=1000 {
            assert!(used.has_room(id, 1));
            used.insert(id);
        }
        assert_eq!(used.ranges.len(), 1);
    }

    #[test]
    fn the_largest_id_can_be_used() {
        let mut used = UsedIds::default();
        used.insert(u64::MAX);
        assert!(used.contains(u64::MAX) && !used.contains(u64::MAX - 1));
        used.insert(u64::MAX - 1);
        assert_eq!(used.ranges.len(), 1);
    }

    proptest! {
        #[test]
        fn used_ids_are_a_set(ids in prop::collection::vec(1u64..40, 0..60)) {
            let mut used = UsedIds::default();
            let mut model = BTreeSet::new();
            for id in ids {
                let ranges = used.ranges.len() as u64;
                let roomy = used.has_room(id, ranges);
                used.insert(id);
                model.insert(id);
                prop_assert!(!roomy || used.ranges.len() as u64 <= ranges);
            }
            for id in 0..50 {
                prop_assert_eq!(used.contains(id), model.contains(&id));
            }
        }
    }
}
