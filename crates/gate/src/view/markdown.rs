//! Pages as markdown.

use super::walk::{Members, Strange, Walk};

/// Cuts a page in markdown down.
pub(super) fn cut(_walk: &mut Walk, _page: &mut Members) -> Result<(), Strange> {
    Ok(())
}
