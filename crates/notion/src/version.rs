//! The dated versions of Notion's API (`Notion-Version`).

use std::fmt;

/// A version that Notion accepts; later ones compare greater.
///
/// Source: <https://developers.notion.com/reference/versioning>.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Version {
    /// The first public beta.
    V2021_05_11,
    /// Rich-text property values are called `rich_text`.
    V2021_05_13,
    /// Appending answers with the new children.
    V2021_08_16,
    /// The text of blocks is called `rich_text`.
    V2022_02_22,
    /// Parents are always the direct parent.
    V2022_06_28,
    /// Databases are split into containers and data sources.
    V2025_09_03,
    /// `position` instead of `after`, `in_trash` instead of `archived`.
    V2026_03_11,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 7] = [
        Self::V2021_05_11,
        Self::V2021_05_13,
        Self::V2021_08_16,
        Self::V2022_02_22,
        Self::V2022_06_28,
        Self::V2025_09_03,
        Self::V2026_03_11,
    ];
    /// The oldest one.
    pub const FIRST: Self = Self::V2021_05_11;
    /// The one that current SDKs send unless told otherwise.
    pub const DEFAULT: Self = Self::V2025_09_03;
    /// The newest one.
    pub const LATEST: Self = Self::V2026_03_11;

    /// Reads the value of a `Notion-Version` header.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// The date, as the header carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2021_05_11 => "2021-05-11",
            Self::V2021_05_13 => "2021-05-13",
            Self::V2021_08_16 => "2021-08-16",
            Self::V2022_02_22 => "2022-02-22",
            Self::V2022_06_28 => "2022-06-28",
            Self::V2025_09_03 => "2025-09-03",
            Self::V2026_03_11 => "2026-03-11",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
