//! What a caller sees: the one question that everything in an answer is put to.

use model::Principal;
use policy::Place;

use crate::Gate;

impl Gate {
    /// Whether what stands at `place` exists for `principal`. Asked for whatever is to be shown.
    pub(crate) fn sees(&self, principal: &Principal, place: &Place) -> bool {
        principal.scope().is_none_or(|scope| place.lies_in(scope))
    }

    /// Whether there is nothing that `principal` does not see, so that answers may pass as they come
    /// and nothing has to be located.
    pub(crate) fn sees_everything(&self, principal: &Principal) -> bool {
        principal.scope().is_none()
    }
}
