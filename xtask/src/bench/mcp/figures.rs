//! Figures of both servers, side by side.

use serde_json::{Value, json};

use crate::table;

/// One figure of both servers, and how many times better ours is.
pub(super) struct Figure {
    name: String,
    official: f64,
    notegate: f64,
    ratio: f64,
    aim: Option<Aim>,
}

#[derive(Clone, Copy)]
enum Aim {
    /// So many times better.
    Times(f64),
    /// Not more than that.
    AtMost(f64),
}

impl Figure {
    /// The smaller, the better.
    pub(super) fn fewer(name: impl Into<String>, official: f64, notegate: f64) -> Self {
        Self { name: name.into(), official, notegate, ratio: official / notegate, aim: None }
    }

    /// The larger, the better.
    pub(super) fn more(name: impl Into<String>, official: f64, notegate: f64) -> Self {
        Self { name: name.into(), official, notegate, ratio: notegate / official, aim: None }
    }

    /// Wanted: so many times better.
    pub(super) fn aim(self, times: f64) -> Self {
        Self { aim: Some(Aim::Times(times)), ..self }
    }

    /// Wanted: not more than that.
    pub(super) fn at_most(self, most: f64) -> Self {
        Self { aim: Some(Aim::AtMost(most)), ..self }
    }

    fn is_reached(&self) -> Option<bool> {
        self.aim.map(|aim| match aim {
            Aim::Times(times) => self.ratio >= times,
            Aim::AtMost(most) => self.notegate <= most,
        })
    }

    pub(super) fn record(&self) -> Value {
        json!({
            "name": self.name,
            "official": self.official,
            "notegate": self.notegate,
            "times_better": self.ratio,
            "reached": self.is_reached(),
        })
    }
}

/// All of them as a table.
pub(super) fn render(figures: &[Figure]) -> String {
    let number = |value: f64| match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    };
    let rows: Vec<Vec<String>> = figures
        .iter()
        .map(|figure| {
            let aim = figure.aim.map(|aim| match aim {
                Aim::Times(times) => format!("{times:.0} times"),
                Aim::AtMost(most) => format!("≤ {most:.0}"),
            });
            let reached = figure.is_reached().map(|reached| if reached { "yes" } else { "NO" });
            vec![
                figure.name.clone(),
                number(figure.official),
                number(figure.notegate),
                format!("{:.1}", figure.ratio),
                aim.unwrap_or_default(),
                reached.unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    table::render(&["figure", "official", "notegate", "times better", "aim", "reached"], &rows)
}

/// The middle one.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_means_less_time_and_more_calls() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        let time = Figure::fewer("ms", 400.0, 10.0).aim(20.0);
        assert_eq!((time.ratio, time.is_reached()), (40.0, Some(true)));
        let calls = Figure::more("calls", 10.0, 100.0).aim(20.0);
        assert_eq!((calls.ratio, calls.is_reached()), (10.0, Some(false)));
        let list = Figure::fewer("tokens", 17_500.0, 4_000.0).at_most(6_000.0);
        assert_eq!(list.is_reached(), Some(true));
        assert!(render(&[calls]).contains("NO"));
    }
}
