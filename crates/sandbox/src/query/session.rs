//! Cursors. Lists of children, users and comments name the next element; queries and searches keep
//! their result in a session, of which the cursor is opaque.

use indexmap::IndexMap;
use notion::Id;

use crate::fail::Fail;
use crate::input::paging::Paging;
use crate::world::ids::IdSource;

/// So many results are kept; older ones go first.
const SESSIONS_MAX: usize = 64;
/// Names of sessions are drawn apart from the ids of objects, which must not depend on reading.
const SEED: u64 = 0x6375_7273_6f72;
/// A query or search ends here.
pub(crate) const RESULTS_MAX: usize = 10_000;

/// The results of queries that have more pages.
#[derive(Debug)]
pub(crate) struct Sessions {
    all: IndexMap<String, Session>,
    /// Where their names come from; it goes on when they are forgotten, so that no old cursor fits.
    names: IdSource,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { all: IndexMap::new(), names: IdSource::new(SEED) }
    }
}

#[derive(Debug)]
struct Session {
    /// Who asked what; a cursor is of no use for anything else.
    key: String,
    ids: Vec<Id>,
}

impl Sessions {
    /// Cuts a page out of a result; `run` works the result out when there is no session for it.
    /// The flag says whether the result was cut at the limit.
    pub(crate) fn page(
        &mut self,
        key: String,
        paging: &Paging,
        run: impl FnOnce() -> Result<Vec<Id>, Fail>,
    ) -> Result<(Vec<Id>, Option<String>, bool), Fail> {
        let Some(cursor) = &paging.cursor else {
            let mut ids = run()?;
            let is_cut = ids.len() > RESULTS_MAX;
            ids.truncate(RESULTS_MAX);
            let page: Vec<Id> = ids.iter().take(paging.size).copied().collect();
            let next = ids.get(paging.size).map(|next| {
                let session = self.names.random().to_string();
                let cursor = format!("s:{session}:{next}");
                self.keep(session, Session { key, ids: ids.clone() });
                cursor
            });
            return Ok((page, next, is_cut));
        };
        let bad = || Fail::bad_cursor(cursor);
        let (session, at) =
            cursor.strip_prefix("s:").and_then(|rest| rest.split_once(':')).ok_or_else(bad)?;
        let at = Id::parse(at).ok_or_else(bad)?;
        let kept = self.all.get(session).filter(|kept| kept.key == key).ok_or_else(bad)?;
        let start = kept.ids.iter().position(|id| *id == at).ok_or_else(bad)?;
        let page = kept.ids.iter().skip(start).take(paging.size).copied().collect();
        let next = kept.ids.get(start + paging.size).map(|next| format!("s:{session}:{next}"));
        Ok((page, next, kept.ids.len() == RESULTS_MAX))
    }

    fn keep(&mut self, name: String, session: Session) {
        if self.all.len() >= SESSIONS_MAX {
            self.all.shift_remove_index(0);
        }
        self.all.insert(name, session);
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }
}

/// Cuts a page out of a list whose cursor is the id of the next element.
pub(crate) fn slice(all: &[Id], paging: &Paging) -> Result<(Vec<Id>, Option<String>), Fail> {
    let start = match &paging.cursor {
        None => 0,
        Some(cursor) => {
            let at = Id::parse(cursor);
            let found = at.and_then(|at| all.iter().position(|id| *id == at));
            found.ok_or_else(|| Fail::bad_cursor(cursor))?
        }
    };
    let page = all.iter().skip(start).take(paging.size).copied().collect();
    Ok((page, all.get(start + paging.size).map(Id::to_string)))
}
