//! `formatDate`: the tokens of Moment.js, in English.

use jiff::Zoned;

/// Longest token first, so that `MMMM` is not read as `MM` twice.
const TOKENS: [&str; 34] = [
    "YYYY", "GGGG", "MMMM", "dddd", "MMM", "ddd", "DDDD", "DDD", "YY", "MM", "DD", "Do", "dd",
    "HH", "hh", "mm", "ss", "SSS", "WW", "ww", "ZZ", "Y", "Q", "M", "D", "d", "E", "H", "h", "m",
    "s", "W", "w", "Z",
];

/// A time in the form that `pattern` describes; what is no token, and what stands in brackets, stays.
pub(super) fn format(time: &Zoned, pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '['
            && let Some(end) = rest.find(']')
        {
            out.push_str(&rest[1..end]);
            rest = &rest[end + 1..];
        } else if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(**token)) {
            out.push_str(&shown(time, token));
            rest = &rest[token.len()..];
        } else if let Some(tail) = rest.strip_prefix('A') {
            out.push_str(if time.hour() < 12 { "AM" } else { "PM" });
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('a') {
            out.push_str(if time.hour() < 12 { "am" } else { "pm" });
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("LT") {
            out.push_str(&format(time, "h:mm A"));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("LLLL") {
            out.push_str(&format(time, "dddd, MMMM D, YYYY h:mm A"));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("LLL") {
            out.push_str(&format(time, "MMMM D, YYYY h:mm A"));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("LL") {
            out.push_str(&format(time, "MMMM D, YYYY"));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('L') {
            out.push_str(&format(time, "MM/DD/YYYY"));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('X') {
            out.push_str(&time.timestamp().as_second().to_string());
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('x') {
            out.push_str(&time.timestamp().as_millisecond().to_string());
            rest = tail;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn shown(time: &Zoned, token: &str) -> String {
    let hour = (time.hour() + 11) % 12 + 1;
    let week = time.date().iso_week_date();
    let weekday = time.weekday();
    let ordinal = || {
        let day = time.day();
        let ending = match (day % 10, day) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        format!("{day}{ending}")
    };
    match token {
        "YYYY" | "Y" => time.year().to_string(),
        "GGGG" => week.year().to_string(),
        "YY" => format!("{:02}", time.year().rem_euclid(100)),
        "Q" => ((time.month() + 2) / 3).to_string(),
        "MMMM" => time.strftime("%B").to_string(),
        "MMM" => time.strftime("%b").to_string(),
        "MM" => format!("{:02}", time.month()),
        "M" => time.month().to_string(),
        "DDDD" => format!("{:03}", time.day_of_year()),
        "DDD" => time.day_of_year().to_string(),
        "DD" => format!("{:02}", time.day()),
        "Do" => ordinal(),
        "D" => time.day().to_string(),
        "dddd" => time.strftime("%A").to_string(),
        "ddd" => time.strftime("%a").to_string(),
        "dd" => time.strftime("%a").to_string().chars().take(2).collect(),
        "d" => weekday.to_sunday_zero_offset().to_string(),
        "E" => weekday.to_monday_one_offset().to_string(),
        "WW" | "ww" => format!("{:02}", week.week()),
        "W" | "w" => week.week().to_string(),
        "HH" => format!("{:02}", time.hour()),
        "H" => time.hour().to_string(),
        "hh" => format!("{hour:02}"),
        "h" => hour.to_string(),
        "mm" => format!("{:02}", time.minute()),
        "m" => time.minute().to_string(),
        "ss" => format!("{:02}", time.second()),
        "s" => time.second().to_string(),
        "SSS" => format!("{:03}", time.millisecond()),
        "ZZ" => time.strftime("%z").to_string(),
        _ => time.strftime("%:z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn formats_like_moment() {
        let time: jiff::Timestamp = "2026-03-04T15:07:09Z".parse().unwrap();
        let time = time.to_zoned(TimeZone::UTC);
        for (pattern, expected) in [
            ("YWD", "2026104"),
            ("MMMM D, YYYY", "March 4, 2026"),
            ("ddd Do MMM YY, h:mm A", "Wed 4th Mar 26, 3:07 PM"),
            ("[Year] Y, x", "Year 2026, 1772636829000"),
            ("L", "03/04/2026"),
        ] {
            assert_eq!(format(&time, pattern), expected, "{pattern}");
        }
    }
}
