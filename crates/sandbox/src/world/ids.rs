//! Where ids and other made-up values come from: a seeded generator, so that the same history
//! gives the same ids.

use std::collections::VecDeque;

use notion::Id;
use serde::{Deserialize, Serialize};

/// Letters of property ids: what Notion uses, from `:` to `~`.
const PROPERTY_ID_FIRST: u8 = b':';
const PROPERTY_ID_LETTERS: u64 = 69;
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What tokens of the sandbox start with; a gate in front of the real service refuses them.
pub(crate) const TOKEN_PREFIX: &str = "ntn_sandbox";
const TOKEN_LENGTH: usize = 50;
/// What sets the ids of views apart from all others.
const VIEW_STREAM: u64 = 0x7669_6577;

/// A generator (SplitMix64) whose whole state is a few numbers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct IdSource {
    seed: u64,
    drawn: u64,
    /// Ids that were asked for beforehand: the next objects get them.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    wished: VecDeque<Id>,
    /// How many ids of views were drawn.
    #[serde(default)]
    views: u64,
}

impl IdSource {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0, wished: VecDeque::new(), views: 0 }
    }

    /// The ids that the next objects get, in this order; what was wished before is forgotten.
    pub(crate) fn wish(&mut self, ids: impl IntoIterator<Item = Id>) {
        self.wished = ids.into_iter().collect();
    }

    /// Goes on at a place that a text names, so that what is drawn there depends on nothing else.
    pub(crate) fn jump(&mut self, to: &str) {
        // FNV-1a: short, and the same for ever.
        self.drawn = to.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }

    fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        mix(self.seed.wrapping_add(self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number from 0 to below 1.
    pub(crate) fn share(&mut self) -> f64 {
        // So many bits as a float holds exactly.
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.draw().to_be_bytes());
        bytes[8..].copy_from_slice(&self.draw().to_be_bytes());
        bytes[8] = bytes[8] & 0x3f | 0x80;
        bytes
    }

    /// A random id (version 4): databases, users, options, discussions.
    pub(crate) fn random(&mut self) -> Id {
        let mut bytes = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        Id::from_bytes(bytes)
    }

    /// The id of a page, block, data source or comment: version 8, a prefix per workspace, `81`.
    pub(crate) fn object(&mut self) -> Id {
        if let Some(wished) = self.wished.pop_front() {
            return wished;
        }
        let mut bytes = self.bytes();
        bytes[..6].copy_from_slice(&mix(self.seed).to_be_bytes()[..6]);
        bytes[6] = 0x81;
        Id::from_bytes(bytes)
    }

    /// The id of a view: that of an object with `000c` before its last part (measured). Views have a
    /// stream of their own: they come along with databases, and no other id depends on them.
    pub(crate) fn view(&mut self) -> Id {
        self.views = self.views.wrapping_add(1);
        let mut stream = Self::new(mix(self.seed ^ VIEW_STREAM));
        stream.drawn = self.views.wrapping_mul(2);
        let mut bytes = stream.bytes();
        bytes[..6].copy_from_slice(&mix(self.seed).to_be_bytes()[..6]);
        bytes[6] = 0x81;
        bytes[10..12].copy_from_slice(&[0x00, 0x0c]);
        Id::from_bytes(bytes)
    }

    /// The short id of a property, not encoded.
    pub(crate) fn property(&mut self) -> String {
        let mut drawn = self.draw();
        let mut text = String::new();
        for _ in 0..4 {
            let offset = u8::try_from(drawn % PROPERTY_ID_LETTERS).unwrap_or_default();
            text.push(char::from(PROPERTY_ID_FIRST + offset));
            drawn /= PROPERTY_ID_LETTERS;
        }
        text
    }

    /// A token for a connection.
    pub(crate) fn token(&mut self) -> String {
        self.secret(TOKEN_PREFIX)
    }

    /// The token that refreshes another.
    pub(crate) fn refresh_token(&mut self) -> String {
        self.secret("nrt_sandbox")
    }

    /// Something that nobody guesses, as long as Notion's tokens are.
    pub(crate) fn secret(&mut self, prefix: &str) -> String {
        let mut secret = prefix.to_owned();
        while secret.len() < TOKEN_LENGTH {
            let index = usize::try_from(self.draw() % 62).unwrap_or_default();
            secret.push(char::from(ALPHANUMERIC[index]));
        }
        secret
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_notions_and_repeat() {
        let mut source = IdSource::new(7);
        let (page, database) = (source.object(), source.random());
        assert_eq!(page.plain().as_bytes()[12], b'8');
        assert_eq!(database.plain().as_bytes()[12], b'4');
        assert_eq!(Id::parse(&page.to_string()), Some(page));
        assert_eq!(page, IdSource::new(7).object());
        let view = source.view();
        assert_eq!(&view.plain()[20..24], "000c");
        assert!(Id::parse(&view.to_string()).is_some() && view != source.view());
        let token = source.token();
        assert!(token.starts_with(TOKEN_PREFIX) && token.len() == 50, "{token}");
        assert!(source.property().bytes().all(|byte| (0x3a..=0x7e).contains(&byte)));
    }
}
