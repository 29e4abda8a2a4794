//! Dates in formulas.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit, Zoned};

use crate::compute::cell::{Cell, Period};
use crate::query::dates::Moment;

/// Farther than this nobody counts.
const AMOUNT_MAX: f64 = 100_000.0;

/// Calls a function over dates; `None` where the core ends. (A missing date gives a missing value.)
pub(super) fn call(name: &str, arguments: &[Cell], now: Timestamp) -> Option<Cell> {
    match (name, arguments) {
        ("now", []) => Some(cell(Moment::at_minute(now))),
        ("today", []) => Some(cell(Moment::on(Moment::at_minute(now).day())?)),
        ("dateAdd", [date, amount, unit]) => shift(date, amount, unit, 1.0),
        ("dateSubtract", [date, amount, unit]) => shift(date, amount, unit, -1.0),
        ("dateBetween", [later, earlier, unit]) => between(later, earlier, unit),
        ("dateStart", [Cell::Date(date)]) => {
            let start = date.as_ref().map(|date| Period { start: date.start.clone(), end: None });
            Some(Cell::Date(start))
        }
        ("dateEnd", [Cell::Date(date)]) => {
            let end = date.as_ref().map(|date| date.end.clone().unwrap_or(date.start.clone()));
            Some(Cell::Date(end.map(|start| Period { start, end: None })))
        }
        ("dateRange", [Cell::Date(from), Cell::Date(to)]) => {
            let both = from.as_ref().zip(to.as_ref());
            Some(Cell::Date(both.map(|(from, to)| Period {
                start: from.start.clone(),
                end: Some(to.start.clone()),
            })))
        }
        ("formatDate", [Cell::Date(date), Cell::Text(pattern)]) => {
            let text = date.as_ref().map(|date| super::format::format(&at(&date.start), pattern));
            // Of no date, no text: not even an empty one (measured).
            Some(text.map_or(Cell::Nothing, Cell::Text))
        }
        ("fromTimestamp", [Cell::Number(number)]) => {
            let time = number.and_then(|ms| Timestamp::from_millisecond(ms as i64).ok());
            Some(Cell::Date(time.map(|time| Period { start: Moment::at_minute(time), end: None })))
        }
        ("parseDate", [Cell::Text(text)]) => {
            let start = Moment::parse(text);
            Some(Cell::Date(start.map(|start| Period { start, end: None })))
        }
        (part, [Cell::Date(date)]) => {
            let zoned = date.as_ref().map(|date| at(&date.start));
            let number =
                |of: fn(&Zoned) -> i64| Some(Cell::Number(zoned.as_ref().map(|z| of(z) as f64)));
            match part {
                "minute" => number(|z| z.minute().into()),
                "hour" => number(|z| z.hour().into()),
                "day" => number(|z| z.weekday().to_monday_one_offset().into()),
                "date" => number(|z| z.day().into()),
                "month" => number(|z| z.month().into()),
                "year" => number(|z| z.year().into()),
                "week" => number(|z| z.date().iso_week_date().week().into()),
                "quarter" => number(|z| ((z.month() + 2) / 3).into()),
                "timestamp" => number(|z| z.timestamp().as_millisecond()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn cell(start: Moment) -> Cell {
    Cell::Date(Some(Period { start, end: None }))
}

fn at(moment: &Moment) -> Zoned {
    moment.instant.to_zoned(TimeZone::UTC)
}

fn unit(cell: &Cell) -> Option<Unit> {
    match cell.text().trim_end_matches('s') {
        "minute" => Some(Unit::Minute),
        "hour" => Some(Unit::Hour),
        "day" => Some(Unit::Day),
        "week" => Some(Unit::Week),

        "month" => Some(Unit::Month),
        "year" => Some(Unit::Year),
        _ => None,
    }
}

fn shift(date: &Cell, amount: &Cell, by: &Cell, sign: f64) -> Option<Cell> {
    let (Cell::Date(date), Cell::Number(amount)) = (date, amount) else { return None };
    let by = unit(by)?;
    let (Some(date), Some(amount)) = (date, amount) else { return Some(Cell::Date(None)) };
    if amount.abs() > AMOUNT_MAX {
        return Some(Cell::Date(None));
    }
    let amount = (amount * sign).trunc() as i64;
    let span = match by {
        Unit::Minute => Span::new().try_minutes(amount),
        Unit::Hour => Span::new().try_hours(amount),
        Unit::Day => Span::new().try_days(amount),
        Unit::Week => Span::new().try_weeks(amount),
        Unit::Month => Span::new().try_months(amount),
        _ => Span::new().try_years(amount),
    };
    let Some(moved) = span.ok().and_then(|span| at(&date.start).checked_add(span).ok()) else {
        return Some(Cell::Date(None));
    };
    let is_day = !date.start.has_time && !matches!(by, Unit::Minute | Unit::Hour);
    let moment =
        if is_day { Moment::on(moved.date())? } else { Moment::at_minute(moved.timestamp()) };
    Some(cell(moment))
}

fn between(later: &Cell, earlier: &Cell, by: &Cell) -> Option<Cell> {
    let (Cell::Date(later), Cell::Date(earlier)) = (later, earlier) else { return None };
    let by = unit(by)?;
    let (Some(later), Some(earlier)) = (later, earlier) else { return Some(Cell::Number(None)) };
    let span = at(&earlier.start).until((by, &at(&later.start))).ok()?;
    let number = match by {
        Unit::Minute => span.get_minutes(),
        Unit::Hour => span.get_hours().into(),
        Unit::Day => span.get_days().into(),
        Unit::Week => span.get_weeks().into(),
        Unit::Month => span.get_months().into(),
        _ => span.get_years().into(),
    };
    Some(Cell::Number(Some(number as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_and_are_counted() {
        let now: Timestamp = "2026-03-04T12:30:40Z".parse().unwrap();
        let text = |text: &str| Cell::Text(text.to_owned());
        let today = call("today", &[], now).unwrap();
        assert_eq!(today.text(), "2026-03-04");
        let number = |number: f64| Cell::Number(Some(number));
        let later = call("dateAdd", &[today.clone(), number(1.0), text("months")], now).unwrap();
        assert_eq!(later.text(), "2026-04-04");
        let days = call("dateBetween", &[later, today.clone(), text("days")], now);
        assert_eq!(days, Some(number(31.0)));
        assert_eq!(call("hour", &[call("now", &[], now).unwrap()], now), Some(number(12.0)));
        assert_eq!(call("dateAdd", &[today, text("x"), text("days")], now), None);
    }
}
