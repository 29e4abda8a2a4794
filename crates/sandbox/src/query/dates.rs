//! Dates as requests write them, and the periods that filters name.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// A day, or a point in time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) instant: Timestamp,
    pub(crate) has_time: bool,
    /// As it was written.
    text: String,
}

impl Moment {
    /// Reads an ISO 8601 date or date-time; without an offset it is in UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > 60 || !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let moment = |instant, has_time| Some(Self { instant, has_time, text: text.to_owned() });
        if let Ok(instant) = text.parse::<Timestamp>() {
            return moment(instant, true);
        }
        if text.contains('T') || text.contains(' ') {
            let civil: DateTime = text.parse().ok()?;
            return moment(civil.to_zoned(TimeZone::UTC).ok()?.timestamp(), true);
        }
        let day: Date = text.parse().ok()?;
        moment(day.to_zoned(TimeZone::UTC).ok()?.timestamp(), false)
    }

    /// A time in whole minutes, as computed values show it.
    pub(crate) fn at_minute(time: Timestamp) -> Self {
        let text = time.strftime("%Y-%m-%dT%H:%M:00.000+00:00").to_string();
        let instant = text.parse().unwrap_or(time);
        Self { instant, has_time: true, text }
    }

    /// A day.
    pub(crate) fn on(day: Date) -> Option<Self> {
        Self::parse(&day.to_string())
    }

    /// The day in UTC.
    pub(crate) fn day(&self) -> Date {
        self.instant.to_zoned(TimeZone::UTC).date()
    }

    pub(crate) fn shown(&self) -> String {
        self.text.clone()
    }
}

/// A date as answers write it: a day as it is, a time in whole minutes with milliseconds and an
/// offset (measured). `zone` is for times without an offset.
pub(crate) fn normalise(text: &str, zone: &TimeZone) -> Option<String> {
    const WRITTEN: &str = "%Y-%m-%dT%H:%M:00.000%:z";
    let moment = Moment::parse(text)?;
    if !moment.has_time {
        return Some(moment.day().to_string());
    }
    if let Ok(pieces) = jiff::fmt::temporal::Pieces::parse(text)
        && let Some(offset) = pieces.to_numeric_offset()
    {
        let there = moment.instant.to_zoned(TimeZone::fixed(offset));
        return Some(there.strftime(WRITTEN).to_string());
    }
    let civil: DateTime = text.trim_end_matches(['Z', 'z']).parse().ok()?;
    let zone = if text.ends_with(['Z', 'z']) { &TimeZone::UTC } else { zone };
    Some(civil.to_zoned(zone.clone()).ok()?.strftime(WRITTEN).to_string())
}

/// The day that a relative word means.
pub(crate) fn relative(word: &str, now: Timestamp) -> Option<Moment> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let span = match word {
        "today" => Span::new(),
        "tomorrow" => Span::new().days(1),
        "yesterday" => Span::new().days(-1),
        "one_week_ago" => Span::new().days(-7),
        "one_week_from_now" => Span::new().days(7),
        "one_month_ago" => Span::new().months(-1),
        "one_month_from_now" => Span::new().months(1),
        _ => return None,
    };
    Moment::parse(&today.checked_add(span).ok()?.to_string())
}

/// First and last day of the period that an operator like `past_week` names.
pub(crate) fn window(operator: &str, now: Timestamp) -> Option<(Date, Date)> {
    let zoned: Zoned = now.to_zoned(TimeZone::UTC);
    let today = zoned.date();
    let to = |span: Span| today.checked_add(span).ok();
    match operator {
        "this_week" => {
            // Weeks begin on Sunday, as in Notion's default calendar.
            let since = i64::from(today.weekday().since(Weekday::Sunday));
            Some((to(Span::new().days(-since))?, to(Span::new().days(6 - since))?))
        }
        "past_week" => Some((to(Span::new().days(-7))?, today)),
        "past_month" => Some((to(Span::new().months(-1))?, today)),
        "past_year" => Some((to(Span::new().years(-1))?, today)),
        "next_week" => Some((today, to(Span::new().days(7))?)),
        "next_month" => Some((today, to(Span::new().months(1))?)),
        "next_year" => Some((today, to(Span::new().years(1))?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_back_as_notion_writes_them() {
        for (text, expected) in [
            ("2026-01-31", Some("2026-01-31")),
            ("2024-11-25T14:08:00Z", Some("2024-11-25T14:08:00.000+00:00")),
            ("2024-11-25T14:08:00", Some("2024-11-25T14:08:00.000+00:00")),
            ("2026-06-27T17:56:15.377824+01:00", Some("2026-06-27T17:56:00.000+01:00")),
            ("2026-13-01", None),
            ("tomorrow", None),
        ] {
            assert_eq!(normalise(text, &TimeZone::UTC).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_zone_becomes_an_offset() {
        let Ok(london) = TimeZone::get("Europe/London") else { return };
        assert_eq!(
            normalise("2026-06-27T17:57:32.424991", &london).as_deref(),
            Some("2026-06-27T17:57:00.000+01:00")
        );
    }

    #[test]
    fn periods_count_from_now() {
        let now: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        let days = |operator| window(operator, now).map(|(a, b)| (a.to_string(), b.to_string()));
        assert_eq!(days("this_week"), Some(("2026-03-01".to_owned(), "2026-03-07".to_owned())));
        assert_eq!(days("past_month"), Some(("2026-02-04".to_owned(), "2026-03-04".to_owned())));
        assert_eq!(relative("one_week_ago", now).unwrap().shown(), "2026-02-25");
    }
}
