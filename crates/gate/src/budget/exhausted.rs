//! Why something is not spent, in words for whoever wanted to spend it.

use std::fmt;

use model::Meter;

/// There is not enough left of a budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exhausted {
    /// By which meter.
    pub meter: Meter,
    /// Whether it is the budget of a key above the caller's.
    pub inherited: bool,
    /// How much there is in a window.
    pub limit: u32,
    /// How much of it is left.
    pub left: u64,
    /// How much the call takes.
    pub asked: u64,
    /// Seconds until there is more.
    pub retry_after: u64,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { meter, inherited, limit, left, asked, retry_after } = *self;
        let (one, more, per, smaller) = match meter {
            Meter::CallsPerMinute => ("call", "calls", "a minute", ""),
            Meter::CallsPerDay => ("call", "calls", "a day", ""),
            Meter::PagesPerHour => {
                ("page", "pages", "an hour", "ask for fewer at once (`page_size`)")
            }
            Meter::BlocksPerHour => ("block", "blocks", "an hour", "write fewer at once"),
            Meter::DeletionsPerDay => ("deletion", "deletions", "a day", "delete fewer at once"),
        };
        let counted = |count: u64| format!("{count} {}", if count == 1 { one } else { more });
        let whose =
            if inherited { "the budget of a key above this one" } else { "the key's budget" };
        let budget = format!("{whose} of {} {per}", counted(limit.into()));
        if asked > 1 && asked > u64::from(limit) {
            let asked = counted(asked);
            write!(f, "this takes {asked}, more than {budget} ever has: {smaller}")
        } else if left == 0 {
            write!(f, "{budget} is spent: try again in {retry_after} s")
        } else {
            let (asked, are) = (counted(asked), if left == 1 { "is" } else { "are" });
            write!(
                f,
                "this takes {asked}, and of {budget} {left} {are} left: {smaller}, or try again in \
                 {retry_after} s"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_is_left_and_what_to_do() {
        let said = |meter, limit, left, asked| {
            let inherited = false;
            Exhausted { meter, inherited, limit, left, asked, retry_after: 9 }.to_string()
        };
        assert_eq!(
            said(Meter::CallsPerMinute, 60, 0, 1),
            "the key's budget of 60 calls a minute is spent: try again in 9 s"
        );
        assert_eq!(
            said(Meter::PagesPerHour, 200, 3, 50),
            "this takes 50 pages, and of the key's budget of 200 pages an hour 3 are left: ask for \
             fewer at once (`page_size`), or try again in 9 s"
        );
        assert_eq!(
            said(Meter::BlocksPerHour, 10, 1, 11),
            "this takes 11 blocks, more than the key's budget of 10 blocks an hour ever has: write \
             fewer at once"
        );
        assert_eq!(
            said(Meter::DeletionsPerDay, 0, 0, 1),
            "the key's budget of 0 deletions a day is spent: try again in 9 s"
        );
        let inherited = Exhausted {
            meter: Meter::DeletionsPerDay,
            inherited: true,
            limit: 1,
            left: 0,
            asked: 1,
            retry_after: 9,
        };
        assert_eq!(
            inherited.to_string(),
            "the budget of a key above this one of 1 deletion a day is spent: try again in 9 s"
        );
    }
}
