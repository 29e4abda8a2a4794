//! The record of one call: its intent, its conclusion, and a conclusion even if the call is dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ledger::{Draft, Meta, Outcome, Resource};
use model::Principal;
use notion::Effect;
use store::Phase;

use crate::Shared;
use crate::error::Error;
use crate::recorder::Told;

/// What the action of an intent ends with.
pub(crate) const INTENDED: &str = "_intended";

/// The record of one call. Concluded exactly once: if not by hand, then when it is dropped.
pub(crate) struct Record<'a> {
    shared: &'a Shared,
    /// `None` once the conclusion is handed over.
    draft: Option<Draft>,
    intent: Option<u64>,
    /// The number of an intent that is on its way.
    intending: Option<Told>,
}

impl<'a> Record<'a> {
    /// Opens the record of a call by `principal`.
    pub(crate) fn open(
        shared: &'a Shared,
        principal: &Principal,
        effect: Effect,
        operation: impl Into<Cow<'static, str>>,
        request_id: &str,
    ) -> Self {
        let draft = Draft {
            at: shared.clock.now(),
            principal: principal.name(),
            tenant: principal.tenant.as_str().to_owned(),
            connection: principal.connection.to_string(),
            action: action_of(effect).into(),
            operation: operation.into(),
            resource: Resource { kind: "workspace".into(), id: String::new() },
            result: Outcome::Success,
            reason: None,
            request_id: request_id.to_owned(),
            metadata: on_behalf_of(principal),
        };
        Self { shared, draft: Some(draft), intent: None, intending: None }
    }

    /// The record of an act on notegate's own things.
    pub(crate) fn manage(
        shared: &'a Shared,
        principal: &Principal,
        operation: impl Into<Cow<'static, str>>,
        resource: Resource,
        request_id: &str,
    ) -> Self {
        let mut record = Self::open(shared, principal, Effect::Write, operation, request_id);
        record.change(|draft| {
            draft.action = "manage".into();
            draft.resource = resource;
        });
        record
    }

    /// Says what the call does, once its body is known.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.change(|draft| draft.action = action_of(effect).into());
    }

    /// Says what the call is about.
    pub(crate) fn about(&mut self, kind: &'static str, id: impl ToString) {
        self.change(|draft| draft.resource = Resource { kind: kind.into(), id: id.to_string() });
    }

    /// Adds a fact.
    pub(crate) fn fact(&mut self, name: &'static str, value: impl Into<Meta>) {
        self.change(|draft| drop(draft.metadata.insert(name.into(), value.into())));
    }

    /// Writes the intent, durably, unless that was done. Without it nothing may be sent.
    pub(crate) async fn intend(&mut self) -> Result<(), Error> {
        if self.intent.is_some() {
            return Ok(());
        }
        let Some(draft) = &self.draft else { return Err(Error::Ledger) };
        let mut intent = draft.clone();
        intent.action = format!("{}{INTENDED}", intent.action).into();
        let told = match self.shared.recorder.hand_over(intent, Phase::Intent).await {
            // Kept here while it is waited for, so that a call which is dropped finds it.
            Ok(told) => self.intending.insert(told).await,
            Err(_) => Ok(Err(())),
        };
        self.intending = None;
        match told {
            Ok(Ok(seq)) => {
                self.intent = Some(seq);
                self.fact("intent", seq.cast_signed());
                Ok(())
            }
            Ok(Err(())) | Err(_) => {
                // The recorder itself concludes the intent that it could not write.
                self.draft = None;
                Err(Error::Ledger)
            }
        }
    }

    /// Notion answered with `status`; `code` is Notion's word for an error.
    pub(crate) async fn answered(mut self, status: u16, code: Option<String>) -> Result<(), Error> {
        self.fact("status", i64::from(status));
        let result = if status < 400 { Outcome::Success } else { Outcome::Error };
        self.conclude(result, code.map(Cow::from)).await
    }

    /// It was done.
    pub(crate) async fn done(self) -> Result<(), Error> {
        self.conclude(Outcome::Success, None).await
    }

    /// It ended otherwise than by an error of the gate.
    pub(crate) async fn ended(
        self,
        result: Outcome,
        reason: Option<&'static str>,
    ) -> Result<(), Error> {
        self.conclude(result, reason.map(Cow::from)).await
    }

    /// It ended with `error`: refused, or tried and failed. Gives the error back.
    pub(crate) async fn failed(mut self, error: Error) -> Error {
        let reason = match &error {
            Error::NotFound(_) => "scope",
            other => other.reason().unwrap_or("error"),
        };
        let (result, denied) = if error.is_refusal() && self.intent.is_none() {
            (Outcome::Denied, true)
        } else {
            (Outcome::Error, false)
        };
        if denied {
            self.change(|draft| draft.action = format!("{}_denied", draft.action).into());
        }
        match self.conclude(result, Some(reason.into())).await {
            Ok(()) => error,
            Err(ledger) => ledger,
        }
    }

    /// It was refused, for a reason that no error of the gate says.
    pub(crate) async fn denied(mut self, reason: &'static str) -> Result<(), Error> {
        self.change(|draft| draft.action = format!("{}_denied", draft.action).into());
        self.conclude(Outcome::Denied, Some(reason.into())).await
    }

    /// It was tried and failed, for a reason that no error of the gate says.
    pub(crate) async fn failed_because(self, reason: &'static str) -> Result<(), Error> {
        self.conclude(Outcome::Error, Some(reason.into())).await
    }

    async fn conclude(
        mut self,
        result: Outcome,
        reason: Option<Cow<'static, str>>,
    ) -> Result<(), Error> {
        let Some(mut draft) = self.draft.take() else { return Err(Error::Ledger) };
        draft.result = result;
        draft.reason = reason;
        let recorder = &self.shared.recorder;
        match self.intent {
            // What is done is done: if its conclusion cannot be written now, the recorder keeps it
            // and refuses the next calls.
            Some(intent) => {
                draft.at = self.shared.clock.now();
                let _ = recorder.write(draft, Phase::Conclusion(intent)).await;
                Ok(())
            }
            None if self.shared.strict_ledger => {
                recorder.write(draft, Phase::Whole).await.map(drop).map_err(|_| Error::Ledger)
            }
            None => recorder.note(draft, Phase::Whole).await.map_err(|_| Error::Ledger),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Draft)) {
        if let Some(draft) = &mut self.draft {
            change(draft);
        }
    }
}

/// For whom a key is: its person, its program, and the key that made it.
fn on_behalf_of(principal: &Principal) -> BTreeMap<Cow<'static, str>, Meta> {
    let user = principal.user_id().map(|user| ("user".into(), user.to_string().into()));
    let Some(key) = principal.key() else { return user.into_iter().collect() };
    let agent = key.agent.as_deref().map(|agent| ("agent".into(), agent.into()));
    let parent = key.parent.as_ref().map(|it| ("parent".into(), it.as_str().into()));
    user.into_iter().chain(agent).chain(parent).collect()
}

fn action_of(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Write => "write",
        Effect::Destroy => "delete",
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if let Some(mut draft) = self.draft.take() {
            if let Some(mut told) = self.intending.take() {
                told.close();
                match told.try_recv() {
                    Ok(Ok(seq)) => {
                        draft.metadata.insert("intent".into(), seq.cast_signed().into());
                        self.intent = Some(seq);
                    }
                    // The recorder concludes it: as soon as it is written, or because it cannot be.
                    Ok(Err(())) | Err(_) => return,
                }
            }
            draft.result = Outcome::Error;
            draft.reason = Some("abandoned".into());
            let phase = self.intent.map_or(Phase::Whole, Phase::Conclusion);
            self.shared.recorder.note_now(draft, phase);
        }
    }
}
