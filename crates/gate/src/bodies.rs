//! Bodies of writes, kept beside the ledger if it was told to: sealed, bounded, and only for auditors.
//!
//! The entry of the intent names the body and its hash; a random salt under the hash keeps those who read
//! the ledger from guessing what the body was.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ledger::{Meta, Row};
use model::{ExposeSecret, Principal};
use notion::Effect;
use serde::Serialize;
use serde_json::Value;
use store::{StoreError, body_place, body_row};

use crate::Gate;
use crate::error::Error;
use crate::record::Record;

/// The largest body that is kept. Of larger ones the entry says so.
const KEPT_MAX: usize = 64 * 1024;
/// The facts of an entry about its body.
const ID: &str = "body";
const HASH: &str = "body_sha256";
const SIZE: &str = "body_not_kept";

/// A body that was kept.
#[derive(Clone, Debug, Serialize)]
pub struct KeptBody {
    /// The entry that it belongs to.
    pub seq: u64,
    /// Whether it is what the entry says it was.
    pub intact: bool,
    /// What was sent to Notion.
    pub body: Value,
}

impl Gate {
    /// Keeps the body of a write, before its intent. Without that the write is not made: whoever asked for
    /// bodies is not to find gaps.
    pub(crate) async fn keep_body(
        &self,
        principal: &Principal,
        body: Option<&Value>,
        record: &mut Record<'_>,
    ) -> Result<(), Error> {
        let shared = &self.shared;
        let Some(body) = body.filter(|_| shared.keeps_bodies) else { return Ok(()) };
        let text = body.to_string();
        if text.len() > KEPT_MAX {
            record.fact(SIZE, text.len() as i64);
            return Ok(());
        }
        let mut salt = [0; 16];
        shared.chance.fill(&mut salt);
        let salted = format!("{}\n{text}", STANDARD_NO_PAD.encode(salt));
        let id = self.new_request_id();
        record.fact(ID, id.as_str());
        record.fact(HASH, sha256(&salted));
        let row = body_row(&principal.tenant, &id);
        let sealing = shared.vault.sealing();
        let sealed = sealing.seal(body_place(&row), &salted.into());
        let now = shared.clock.now();
        shared.store.add_body(&principal.tenant, &id, now, sealed).await?;
        Ok(())
    }

    /// The body that the ledger keeps for an entry. The look is in the ledger before it is allowed.
    pub async fn audit_body(
        &self,
        principal: &Principal,
        seq: u64,
        request_id: &str,
    ) -> Result<KeptBody, Error> {
        let shared = &self.shared;
        let mut record =
            Record::open(shared, principal, Effect::Read, "read-audit-body", request_id);
        record.about("entry", seq);
        if let Err(refusal) = policy::read_bodies(principal) {
            return Err(record.failed(refusal.into()).await);
        }
        record.intend().await?;
        match self.open_body(principal, seq).await {
            Ok(body) => record.done().await.map(|()| body),
            Err(error) => Err(record.failed(error).await),
        }
    }

    async fn open_body(&self, principal: &Principal, seq: u64) -> Result<KeptBody, Error> {
        let missing = || Error::Missing(format!("no body is kept for entry {seq}"));
        let shared = &self.shared;
        let before = seq.checked_sub(1).ok_or_else(missing)?;
        let rows = shared.store.entries_after(&principal.tenant, before, 1).await?;
        let entry = rows.into_iter().find_map(Row::into_entry).filter(|it| it.seq == seq);
        let entry = entry.ok_or_else(missing)?;
        let (Some(Meta::Text(id)), Some(Meta::Text(hash))) =
            (entry.metadata.get(ID), entry.metadata.get(HASH))
        else {
            return Err(missing());
        };
        let sealed = shared.store.body(&principal.tenant, id).await?.ok_or_else(missing)?;
        let row = body_row(&principal.tenant, id);
        let nonsense = || StoreError::Inconsistent {
            table: "ledger_bodies",
            column: "sealed",
            row: row.clone(),
        };
        let opened = shared.vault.open(body_place(&row), &sealed).map_err(|_| nonsense())?;
        let salted = opened.expose_secret();
        let (_, text) = salted.split_once('\n').ok_or_else(nonsense)?;
        let body = serde_json::from_str(text).map_err(|_| nonsense())?;
        Ok(KeptBody { seq, intact: sha256(salted) == *hash, body })
    }
}

fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
