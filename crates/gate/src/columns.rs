//! Columns that reach outside do not exist: relations, and what is computed through them.

use serde_json::Value;

use crate::Gate;
use crate::error::Error;
use crate::locate::Looking;
use crate::view::{Asked, Eyes};

impl Gate {
    /// Takes out of an answer what hidden columns hold, before it is cut down further.
    ///
    /// `answer` is a whole answer, or one object of a list that is filtered. What it turns out that the
    /// caller sees can be noted in `eyes`, so that it need not be looked up once more.
    pub(crate) async fn hide_columns(
        &self,
        _looking: &Looking<'_>,
        _asked: &Asked<'_>,
        _eyes: &mut Eyes,
        _answer: &mut Value,
    ) -> Result<(), Error> {
        Ok(())
    }
}
