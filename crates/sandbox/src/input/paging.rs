//! `start_cursor` and `page_size`, of queries and of bodies.

use notion::Id;
use serde_json::Value;

use super::check::{Checked, Spot};

/// Most elements of a page; also how many there are when nothing is said.
pub(crate) const PAGE_MAX: usize = 100;

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) size: usize,
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// Of a body: `page_size` is a number.
    pub(crate) fn in_body(body: &Spot) -> Checked<Self> {
        let cursor = body.get("start_cursor");
        let cursor = if cursor.is_null() { None } else { cursor.string_opt()?.map(str::to_owned) };
        let size = body.get("page_size");
        let size_number = match size.value {
            None => None,
            Some(value) => {
                Some(value.as_f64().ok_or_else(|| size.should_be("a number or `undefined`"))?)
            }
        };
        Ok(Self { size: bounded(&size, size_number)?, cursor })
    }

    /// Of a query string: `page_size` is text, and the cursor of these lists is an id.
    pub(crate) fn in_query(query: &Value) -> Checked<Self> {
        let query = Spot::root("query", query);
        let cursor = query.get("start_cursor");
        let cursor_text = cursor.string_opt()?.filter(|text| !text.is_empty());
        if cursor_text.is_some_and(|text| Id::parse(text).is_none()) {
            return Err(cursor.should_be("a valid uuid or `undefined`"));
        }
        let size = query.get("page_size");
        let size_number = match size.string_opt()? {
            None => None,
            Some(text) => {
                Some(text.parse::<f64>().map_err(|_| size.should_be("a number or `undefined`"))?)
            }
        };
        Ok(Self { size: bounded(&size, size_number)?, cursor: cursor_text.map(str::to_owned) })
    }
}

fn bounded(spot: &Spot, size: Option<f64>) -> Checked<usize> {
    let Some(size) = size else { return Ok(PAGE_MAX) };
    if size > 100.0 {
        return Err(
            spot.complain(format!("should be ≤ `100` or `undefined`, instead was `{size}`"))
        );
    }
    if size < 0.0 || size.fract() != 0.0 || size.is_nan() {
        return Err(spot
            .complain(format!("should be an integer ≥ `0` or `undefined`, instead was `{size}`")));
    }
    // Zero counts as not given.
    Ok((1..=PAGE_MAX).find(|whole| *whole as f64 == size).unwrap_or(PAGE_MAX))
}
