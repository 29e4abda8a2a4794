//! Access reports that are being made for the dashboard: they go on while nobody looks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gate::{AccessProgress, AccessQuery, Gate};
use model::{ConnectionId, Principal, TenantId};

use crate::caller::RequestId;

/// The reports that are being made, and the failures that nobody has seen yet: at most one of each
/// connection.
#[derive(Debug, Default)]
pub struct AccessRuns(Mutex<HashMap<Name, Run>>);

type Name = (TenantId, ConnectionId);

/// How a report is doing.
#[derive(Clone, Debug)]
pub(crate) enum Run {
    /// So far.
    Going(AccessProgress),
    /// It broke off, for this reason.
    Failed(String),
}

impl AccessRuns {
    /// How the report of a connection is doing; `None` if none is being made. A failure is told once.
    pub(crate) fn look(&self, tenant: &TenantId, connection: ConnectionId) -> Option<Run> {
        let name = (tenant.clone(), connection);
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.get(&name).cloned();
        if matches!(run, Some(Run::Failed(_))) {
            runs.remove(&name);
        }
        run
    }

    /// Begins a report, unless one is being made.
    pub(crate) fn begin(
        self: &Arc<Self>,
        gate: &Gate,
        principal: Principal,
        connection: ConnectionId,
        request_id: RequestId,
    ) {
        let name = (principal.tenant.clone(), connection);
        {
            let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(runs.get(&name), Some(Run::Going(_))) {
                return;
            }
            runs.insert(name.clone(), Run::Going(AccessProgress::default()));
        }
        let (runs, gate) = (self.clone(), gate.clone());
        tokio::spawn(async move {
            let ended = Ended { runs: &runs, name: &name };
            let query = AccessQuery { connection: Some(connection), only: None };
            let on_progress = |progress| runs.set(name.clone(), Some(Run::Going(progress)));
            let id = request_id.as_str();
            let made = gate.audit_access(&principal, query, id, &on_progress).await;
            drop(ended);
            if let Err(error) = made {
                runs.set(name, Some(Run::Failed(error.to_string())));
            }
        });
    }

    fn set(&self, name: Name, run: Option<Run>) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match run {
            Some(run) => runs.insert(name, run),
            None => runs.remove(&name),
        };
    }
}

/// Whatever ends a report, it is not being made any more.
struct Ended<'a> {
    runs: &'a AccessRuns,
    name: &'a Name,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.runs.set(self.name.clone(), None);
    }
}
