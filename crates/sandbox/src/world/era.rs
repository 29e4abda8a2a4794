//! What Notion changed over the years without a new version. A world answers as Notion did at a time
//! that one may choose (`POST /_sandbox/era`): to compare it with what was recorded then.

use jiff::Timestamp;

/// Seconds of 2026-01-01: measured as here described until 2025-11-22, and changed from 2026-06-18.
const OF_2026: i64 = 1_767_225_600;
/// Seconds of 2025-01-01 (measured on 2024-12-30 and from 2025-10-05, not in between).
const OF_2025: i64 = 1_735_689_600;
/// Seconds of 2024-01-01 (measured on 2022-11-16 and on 2024-12-30, not in between).
const OF_2024: i64 = 1_704_067_200;
/// Seconds of 2022-01-01 (measured in answers of 2021 and of 2022, not in between).
const OF_2022: i64 = 1_640_995_200;

/// A stretch of time in which Notion's answers had one form.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Era {
    /// Refusals say nothing of sharing.
    Of2021,
    /// They do, but do not name the connection. Answers have no `request_id`, objects no `in_trash`
    /// and no `public_url`, and queries list pages.
    Of2022,
    /// Answers have them. Pages are not locked, and comments do not tell under which name they stand.
    Of2024,
    /// They do; rows without a sort stand in the order of their ids; `archived` comes before
    /// `in_trash`, and pages have no `is_archived`.
    Of2025,
    /// As in Notion today: rows come newest first, and old versions have the key order of the new.
    Of2026,
}

impl Era {
    pub(crate) fn at(now: Timestamp) -> Self {
        match now.as_second() {
            ..OF_2022 => Self::Of2021,
            OF_2022..OF_2024 => Self::Of2022,
            OF_2024..OF_2025 => Self::Of2024,
            OF_2025..OF_2026 => Self::Of2025,
            _ => Self::Of2026,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_begin_where_they_were_measured() {
        let at = |text: &str| Era::at(text.parse().unwrap());
        assert_eq!(at("2021-08-01T00:00:00Z"), Era::Of2021);
        assert_eq!(at("2022-11-16T00:00:00Z"), Era::Of2022);
        assert_eq!(at("2024-12-30T00:00:00Z"), Era::Of2024);
        assert_eq!(at("2025-11-22T00:00:00Z"), Era::Of2025);
        assert_eq!(at("2026-06-18T00:00:00Z"), Era::Of2026);
    }
}
