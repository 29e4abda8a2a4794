//! The operating system's randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::Chance;

/// The operating system's randomness.
#[derive(Clone, Debug, Default)]
pub struct SystemChance(SystemRandom);

impl SystemChance {
    /// The system's generator.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        // INVARIANT: the generator is seeded from the kernel, which has no failure once it is up.
        self.0.fill(bytes).expect("the operating system gives random bytes");
    }
}
