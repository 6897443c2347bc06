//! What is found out once in a process.

use std::sync::{Mutex, PoisonError};

/// Findings by key, for a `static`.
#[derive(Debug)]
pub struct Memo<K, V>(Mutex<Vec<(K, V)>>);

impl<K: PartialEq, V: Clone> Memo<K, V> {
    /// Nothing is known yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What is known of `key`, or else what `find` finds out; others wait for it.
    pub fn get(&self, key: K, find: impl FnOnce(&K) -> V) -> V {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = known.iter().find(|(of, _)| *of == key) {
            return value.clone();
        }
        let found = find(&key);
        known.push((key, found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_found_out_again() {
        let memo = Memo::new();
        assert_eq!(memo.get("one", |key| key.len()), 3);
        assert_eq!(memo.get("one", |_| unreachable!()), 3);
        assert_eq!(memo.get("three", |key| key.len()), 5);
    }
}
