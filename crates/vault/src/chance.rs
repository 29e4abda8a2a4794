//! The operating system's randomness, from itself: a library's generator of its own would first gather
//! entropy for 25 ms, which is longer than everything else that a start does.

use model::Chance;

/// The operating system's randomness.
#[derive(Clone, Debug, Default)]
pub struct SystemChance;

impl SystemChance {
    /// The system's generator.
    pub fn new() -> Self {
        Self
    }
}

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        // INVARIANT: the kernel's generator has no failure once it is up.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
