//! What a route needs, judged before its handler runs. A refusal is in the ledger like every other.

use std::borrow::Cow;

use ledger::Resource;
use model::Principal;
use policy::Refusal;

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

impl Gate {
    /// Refuses whoever may not manage the tenant.
    pub async fn require_manager(
        &self,
        principal: &Principal,
        operation: impl Into<Cow<'static, str>>,
        route: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        self.required(
            self.policies(principal).manage(principal),
            principal,
            operation.into(),
            route,
            request_id,
        )
        .await
    }

    /// Refuses whoever may neither manage the tenant nor make keys below an own one.
    pub async fn require_steward(
        &self,
        principal: &Principal,
        operation: impl Into<Cow<'static, str>>,
        route: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let judged = self.steward(principal).map(drop);
        self.required(judged, principal, operation.into(), route, request_id).await
    }

    /// Refuses whoever may neither manage nor audit.
    pub async fn require_auditor(
        &self,
        principal: &Principal,
        operation: impl Into<Cow<'static, str>>,
        route: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let judged = self.reader_of_ledger(principal);
        self.required(judged, principal, operation.into(), route, request_id).await
    }

    /// Refuses whoever is not the operator of the installation.
    pub async fn require_operator(
        &self,
        principal: &Principal,
        operation: impl Into<Cow<'static, str>>,
        route: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let judged = policy::operate(principal);
        self.required(judged, principal, operation.into(), route, request_id).await
    }

    async fn required(
        &self,
        judged: Result<(), Refusal>,
        principal: &Principal,
        operation: Cow<'static, str>,
        route: &str,
        request_id: &str,
    ) -> Result<(), Error> {
        let Err(refusal) = judged else { return Ok(()) };
        let resource = Resource { kind: "route".into(), id: route.to_owned() };
        let record = Record::manage(&self.shared, principal, operation, resource, request_id);
        Err(record.failed(refusal.into()).await)
    }
}
