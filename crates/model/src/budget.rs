//! Budgets: how much a key may do, in Notion's terms, in windows of the gate's clock.

use serde::{Deserialize, Serialize};

/// What is counted, and in which window.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Calls in each minute.
    CallsPerMinute,
    /// Calls in each day (of UTC).
    CallsPerDay,
    /// Different pages read in each hour; a row is a page.
    PagesPerHour,
    /// Blocks written in each hour, nested ones too.
    BlocksPerHour,
    /// Calls that destroy something, in each day (of UTC).
    DeletionsPerDay,
}

impl Meter {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CallsPerMinute,
        Self::CallsPerDay,
        Self::PagesPerHour,
        Self::BlocksPerHour,
        Self::DeletionsPerDay,
    ];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallsPerMinute => "calls_per_minute",
            Self::CallsPerDay => "calls_per_day",
            Self::PagesPerHour => "pages_per_hour",
            Self::BlocksPerHour => "blocks_per_hour",
            Self::DeletionsPerDay => "deletions_per_day",
        }
    }

    /// The meter of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meter| meter.as_str() == name)
    }

    /// How long a window is, in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::CallsPerMinute => 60,
            Self::PagesPerHour | Self::BlocksPerHour => 3600,
            Self::CallsPerDay | Self::DeletionsPerDay => 24 * 3600,
        }
    }

    /// The largest limit that makes sense. Pages are remembered one by one.
    pub fn limit_max(self) -> u32 {
        match self {
            Self::PagesPerHour => 100_000,
            Self::CallsPerMinute
            | Self::CallsPerDay
            | Self::BlocksPerHour
            | Self::DeletionsPerDay => 1_000_000_000,
        }
    }
}

/// How much a key may do; what is not said is not limited.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls in each minute of the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
    /// Calls in each day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_day: Option<u32>,
    /// Different pages read in each hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_per_hour: Option<u32>,
    /// Blocks written in each hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_per_hour: Option<u32>,
    /// Calls that destroy something, in each day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions_per_day: Option<u32>,
}

impl Budget {
    /// The limit of one meter.
    pub fn limit(&self, meter: Meter) -> Option<u32> {
        match meter {
            Meter::CallsPerMinute => self.calls_per_minute,
            Meter::CallsPerDay => self.calls_per_day,
            Meter::PagesPerHour => self.pages_per_hour,
            Meter::BlocksPerHour => self.blocks_per_hour,
            Meter::DeletionsPerDay => self.deletions_per_day,
        }
    }

    /// Each meter that has a limit, with it.
    pub fn limits(&self) -> impl Iterator<Item = (Meter, u32)> {
        Meter::ALL.into_iter().filter_map(|meter| Some((meter, self.limit(meter)?)))
    }

    /// The first limit that makes no sense.
    pub fn nonsense(&self) -> Option<Meter> {
        let makes_none = |&(meter, limit): &(Meter, u32)| limit == 0 || limit > meter.limit_max();
        self.limits().find(makes_none).map(|(meter, _)| meter)
    }

    /// The first meter with more than `outer` has.
    pub fn beyond(&self, outer: &Self) -> Option<Meter> {
        let more = |&(meter, limit): &(Meter, u32)| outer.limit(meter).is_some_and(|it| limit > it);
        self.limits().find(more).map(|(meter, _)| meter)
    }

    /// The same, with the limits of `outer` where there are none.
    pub fn or(&self, outer: &Self) -> Self {
        Self {
            calls_per_minute: self.calls_per_minute.or(outer.calls_per_minute),
            calls_per_day: self.calls_per_day.or(outer.calls_per_day),
            pages_per_hour: self.pages_per_hour.or(outer.pages_per_hour),
            blocks_per_hour: self.blocks_per_hour.or(outer.blocks_per_hour),
            deletions_per_day: self.deletions_per_day.or(outer.deletions_per_day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_members() {
        let all = Budget {
            calls_per_minute: Some(1),
            calls_per_day: Some(2),
            pages_per_hour: Some(3),
            blocks_per_hour: Some(4),
            deletions_per_day: Some(5),
        };
        let json = serde_json::to_value(all).unwrap();
        let named: Vec<_> = all.limits().map(|(meter, limit)| (meter.as_str(), limit)).collect();
        for (name, limit) in &named {
            assert_eq!(json[name], *limit);
            assert_eq!(Meter::named(name).unwrap().as_str(), *name);
        }
        assert_eq!((named.len(), json.as_object().unwrap().len()), (5, 5));
        assert!(serde_json::from_str::<Budget>(r#"{"calls_per_hour":1}"#).is_err());
    }

    #[test]
    fn nonsense_and_more_than_the_outer_budget_are_named() {
        let of = |calls, pages| Budget {
            calls_per_minute: calls,
            pages_per_hour: pages,
            ..Budget::default()
        };
        assert_eq!(of(Some(1), Some(100_000)).nonsense(), None);
        assert_eq!(of(Some(0), None).nonsense(), Some(Meter::CallsPerMinute));
        assert_eq!(of(None, Some(100_001)).nonsense(), Some(Meter::PagesPerHour));
        let outer = of(Some(10), None);
        assert_eq!(of(Some(10), Some(5)).beyond(&outer), None);
        assert_eq!(of(Some(11), None).beyond(&outer), Some(Meter::CallsPerMinute));
        assert_eq!(of(None, Some(5)).or(&outer), of(Some(10), Some(5)));
    }
}
