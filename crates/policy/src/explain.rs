//! Why: the decision about a call that somebody might make, in words. It goes the very way that calls go
//! ([`Policies::admit`], [`Admission::reach`](crate::Admission::reach)), so that it cannot say otherwise.

use std::sync::Arc;

use model::Principal;
use notion::{Capability, Effect, Operation};
use serde::Serialize;

use crate::engine::{About, Column, Decision, Policies};
use crate::permit::{Aim, Place, Showing, Target};
use crate::refusal::{Refusal, weakest};
use crate::schema::Action;

/// The decision about a call, and why.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether it is allowed.
    pub decision: Outcome,
    /// What decided: the `@id` of a policy, or the word for a rule that is no policy (`role`, `scope`,
    /// `capability`, …).
    pub rule: String,
    /// The rule's sentence.
    pub because: String,
    /// What would have to be otherwise for the call to be allowed, as far as that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
    /// Whether the object does not exist for the caller: the answer is a 404.
    pub hidden: bool,
    /// Whether it is about a column that is there for the caller, but without its values.
    pub masked: bool,
}

/// Whether a call is allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is.
    Allow,
    /// It is not.
    Deny,
}

impl Explanation {
    /// What is said of a column.
    pub fn of_column(showing: Showing) -> Self {
        let (rule, hidden, masked) = match showing {
            Showing::Whole => (None, false, false),
            Showing::Masked(rule) => (Some(rule), false, true),
            Showing::Hidden(rule) => (rule, true, false),
        };
        let decision = if hidden || masked { Outcome::Deny } else { Outcome::Allow };
        let needed = rule
            .as_ref()
            .map(|it| format!("the policy `{}` would have to make an exception", it.id));
        let (rule, because) = match rule {
            Some(rule) => (rule.id.to_string(), rule.says.to_string()),
            None if hidden => {
                let because =
                    "it is made from what the caller does not see, or what nobody can resolve";
                ("scope".to_owned(), because.to_owned())
            }
            None => ("columns".to_owned(), "who sees a table sees its columns".to_owned()),
        };
        Self { decision, rule, because, needed, hidden, masked }
    }
}

impl Policies {
    /// Says whether `principal` may make a call that touches `aim`, and why. Here, other than for a call,
    /// the aim has always to be known.
    pub fn explain(
        self: &Arc<Self>,
        principal: &Principal,
        operation: &'static Operation,
        effect: Effect,
        needs_too: Option<Capability>,
        aim: &Aim,
    ) -> Explanation {
        let admitted = self.admit(principal, operation, effect, needs_too);
        match admitted.and_then(|admission| admission.reach(aim)) {
            Ok(_) => {
                let action = Action::Call(operation, effect);
                allowed(self.deciding(principal, action, aim))
            }
            Err(refusal) => self.refused(principal, &refusal, aim),
        }
    }

    /// Says what `principal` gets of a column of the table that `aim` names, going by what policies say of
    /// that very column.
    pub fn explain_column(
        self: &Arc<Self>,
        principal: &Principal,
        table: &Target,
        column: Column<'_>,
    ) -> Explanation {
        let sight = self.sight(principal);
        if !sight.sees(&table.place) {
            let refusal = Refusal::Scope { kind: table.kind, id: table.id };
            let aim = Aim { targets: vec![table.clone()], nowhere: false };
            return self.refused(principal, &refusal, &aim);
        }
        Explanation::of_column(sight.of_column(&table.place, column))
    }

    /// Says whether `principal` may manage keys, people, connections, policies and the ledger.
    pub fn explain_manage(self: &Arc<Self>, principal: &Principal) -> Explanation {
        match self.manage(principal) {
            Ok(()) => allowed(self.decide(&self.caller(principal), Action::Manage, About::Tenant)),
            Err(refusal) => self.refused(principal, &refusal, &Aim::default()),
        }
    }

    /// The decision about the first object of `aim`, or about the workspace.
    fn deciding(&self, principal: &Principal, action: Action, aim: &Aim) -> Decision {
        let caller = self.caller(principal);
        let connection = principal.connection;
        match aim.targets.first() {
            // It was allowed, so it is allowed wherever it stands.
            Some(target) if target.place == Place::Unknown => self.decide(
                &caller,
                action,
                About::Object { path: &[], own: false, connection, row: None },
            ),
            Some(target) => self.at(&caller, action, connection, &target.place),
            None => {
                let about = About::Workspace { connection, at_top: aim.nowhere };
                self.decide(&caller, action, about)
            }
        }
    }

    fn refused(&self, principal: &Principal, refusal: &Refusal, aim: &Aim) -> Explanation {
        let hidden = matches!(refusal, Refusal::Scope { .. });
        let (rule, because, needed) = match refusal {
            Refusal::Policy { rule } => (
                rule.id.to_string(),
                rule.says.to_string(),
                Some(format!("the policy `{}` would have to make an exception", rule.id)),
            ),
            Refusal::Scope { kind, id } => {
                let target = aim.targets.iter().find(|target| target.id == *id);
                let caller = self.caller(principal);
                let seen =
                    target.map(|target| self.see(&caller, principal.connection, &target.place));
                match seen.and_then(|seen| seen.rule) {
                    Some(rule) => (
                        rule.id.to_string(),
                        rule.says.to_string(),
                        Some(format!("the policy `{}` would have to make an exception", rule.id)),
                    ),
                    None if principal.scope().is_none() => (
                        "scope".to_owned(),
                        format!("nobody can say where the {kind} {id} stands"),
                        Some("the connection must be able to reach it".to_owned()),
                    ),
                    None => (
                        "scope".to_owned(),
                        format!("the {kind} {id} is not inside the scope of the key"),
                        Some(format!(
                            "a scope with {id}, or with something that it stands in; or a policy that \
                             permits to `see` it and to do this"
                        )),
                    ),
                }
            }
            Refusal::Role { permission, .. } => (
                "role".to_owned(),
                refusal.to_string(),
                Some(format!("the role `{}`", weakest(*permission))),
            ),
            Refusal::Capability { needs } => {
                ("capability".to_owned(), refusal.to_string(), Some(format!("a key with {needs}")))
            }
            Refusal::ScopedManager => (
                "scope".to_owned(),
                refusal.to_string(),
                Some("a key of an admin without a scope".to_owned()),
            ),
            Refusal::NoPlace => (
                "scope".to_owned(),
                refusal.to_string(),
                Some("a parent inside the scope".to_owned()),
            ),
            other => (other.reason().to_owned(), other.to_string(), None),
        };
        Explanation { decision: Outcome::Deny, rule, because, needed, hidden, masked: false }
    }
}

fn allowed(decision: Decision) -> Explanation {
    let (rule, because) = match decision.rule {
        Some(rule) => (rule.id.to_string(), rule.says.to_string()),
        None => ("scope".to_owned(), "it is allowed wherever it stands".to_owned()),
    };
    Explanation {
        decision: Outcome::Allow,
        rule,
        because,
        needed: None,
        hidden: false,
        masked: false,
    }
}
