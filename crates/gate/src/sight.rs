//! What a caller sees: the one question that everything in an answer is put to.

use model::Principal;
use policy::{Place, Sight};

use crate::Gate;

impl Gate {
    /// What `principal` sees. The same value answers for every object of a call.
    pub(crate) fn sight(&self, principal: &Principal) -> Sight {
        self.policies(principal).sight(principal)
    }

    /// Whether what stands at `place` exists for `principal`. Asked for whatever is to be shown.
    pub(crate) fn sees(&self, principal: &Principal, place: &Place) -> bool {
        self.sight(principal).sees(place)
    }

    /// Whether there is no object that `principal` does not see, so that nothing has to be located. There
    /// may be columns.
    pub(crate) fn sees_every_object(&self, principal: &Principal) -> bool {
        self.sight(principal).is_every_object()
    }

    /// Whether there is nothing that `principal` does not see, so that answers may pass as they come.
    pub(crate) fn sees_everything(&self, principal: &Principal) -> bool {
        self.sight(principal).is_everything()
    }
}
