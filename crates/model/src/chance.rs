//! Randomness is passed in, so that a test can own it.

use std::fmt;

/// A source of random bytes, good enough for secrets unless a test says otherwise.
pub trait Chance: fmt::Debug + Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// `length` random characters of `[0-9A-Za-z]`, each equally likely.
pub fn base62(chance: &dyn Chance, length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        chance.fill(&mut bytes);
        // 248 is the largest multiple of 62 in a byte: what lies above would favour some digits.
        let digits =
            bytes.iter().filter(|byte| **byte < 248).map(|byte| BASE62[usize::from(byte % 62)]);
        text.extend(digits.take(length - text.len()).map(char::from));
    }
    text
}

pub(crate) const BASE62: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
