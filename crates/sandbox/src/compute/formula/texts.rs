//! Texts in formulas. Patterns of `test`, `match` and `replace` are taken literally: the sandbox has
//! no engine for regular expressions.

use super::eval::{TEXT_MAX, number};
use crate::compute::cell::Cell;

/// Calls a function over texts; `None` if it is none of these.
pub(super) fn call(name: &str, arguments: &[Cell]) -> Option<Cell> {
    let text = arguments.first()?.text();
    let other = |at: usize| arguments.get(at).map(Cell::text);
    let index =
        |at: usize| arguments.get(at).and_then(number).map(|number| number.max(0.0) as usize);
    let is_plain =
        |pattern: &str| !pattern.contains(['\\', '[', '(', '*', '+', '?', '^', '$', '|', '.']);
    Some(match name {
        "lower" => Cell::Text(text.to_lowercase()),
        "upper" => Cell::Text(text.to_uppercase()),
        "trim" => Cell::Text(text.trim().to_owned()),
        // Colours and styles of a text are not part of its plain form.
        "style" | "unstyle" => Cell::Text(text),
        "link" => Cell::Text(text),
        "contains" => Cell::Bool(text.contains(&other(1)?)),
        "substring" => {
            let (from, to) = (index(1)?, index(2).unwrap_or(usize::MAX));
            Cell::Text(text.chars().take(to).skip(from).collect())
        }
        "repeat" => {
            let times = index(1)?;
            if text.len().saturating_mul(times) > TEXT_MAX {
                return None;
            }
            Cell::Text(text.repeat(times))
        }
        "split" => {
            let by = other(1).unwrap_or_else(|| " ".to_owned());
            let parts: Vec<Cell> = if by.is_empty() {
                text.chars().map(|char| Cell::Text(char.to_string())).collect()
            } else {
                text.split(&by).map(|part| Cell::Text(part.to_owned())).collect()
            };
            Cell::List(parts)
        }
        "test" => Cell::Bool(text.contains(&other(1).filter(|pattern| is_plain(pattern))?)),
        "match" => {
            let pattern = other(1).filter(|pattern| is_plain(pattern) && !pattern.is_empty())?;
            Cell::List(text.matches(&pattern).map(|hit| Cell::Text(hit.to_owned())).collect())
        }
        "replace" | "replaceAll" => {
            let pattern = other(1).filter(|pattern| is_plain(pattern) && !pattern.is_empty())?;
            let by = other(2)?;
            let count = if name == "replace" { 1 } else { usize::MAX };
            let out = text.replacen(&pattern, &by, count);
            (out.len() <= TEXT_MAX).then_some(Cell::Text(out))?
        }
        _ => return None,
    })
}
