//! Audits that are kept: compressed, sealed (titles are content), the newest ten of each connection.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use model::{ConnectionId, ExposeSecret, TenantId};
use store::{AuditMade, StoreError, StoredAudit};

use super::report::AccessReport;
use crate::Gate;
use crate::error::Error;

/// Audits of one connection that are kept.
const KEEP: u32 = 10;
/// The largest report that is read back.
const REPORT_MAX: u64 = 512 * 1024 * 1024;

impl Gate {
    /// Keeps a report.
    pub(super) async fn keep_audit(
        &self,
        tenant: &TenantId,
        report: &AccessReport,
    ) -> Result<(), Error> {
        let shared = self.shared.clone();
        let (tenant, bot_id, at) = (tenant.clone(), report.connection, report.at);
        let made = AuditMade { at, total: report.total as u64 };
        // INVARIANT: a report always has a JSON form.
        let text = serde_json::to_vec(report).expect("a report is JSON");
        let row = StoredAudit::row(&tenant, bot_id, at);
        // Off the runtime: a large report takes a moment.
        let sealed = tokio::task::spawn_blocking(move || {
            let sealing = shared.vault.sealing();
            let report = sealing.seal(StoredAudit::place(&row), &pack(&text).into());
            (report, sealing)
        });
        let (report, sealing) = sealed.await.map_err(|_| unreadable(at))?;
        let audit = StoredAudit { made, report };
        self.shared.store.add_access_audit(&tenant, bot_id, audit, KEEP).await?;
        // Held until it is stored.
        drop(sealing);
        Ok(())
    }

    /// The report of a time; the newest if none is named.
    pub(super) async fn kept_audit(
        &self,
        tenant: &TenantId,
        bot_id: ConnectionId,
        at: Option<Timestamp>,
    ) -> Result<Option<AccessReport>, Error> {
        let Some(audit) = self.shared.store.access_audit(tenant, bot_id, at).await? else {
            return Ok(None);
        };
        let shared = self.shared.clone();
        let at = audit.made.at;
        let row = StoredAudit::row(tenant, bot_id, at);
        let opened = tokio::task::spawn_blocking(move || {
            let place = StoredAudit::place(&row);
            let packed = shared.vault.open(place, &audit.report);
            let packed = packed.map_err(|_| unreadable(at))?;
            let text = unpack(packed.expose_secret()).map_err(|_| unreadable(at))?;
            serde_json::from_slice(&text).map_err(|_| unreadable(at))
        });
        opened.await.map_err(|_| unreadable(at))?.map(Some)
    }
}

/// A row that cannot be read: damaged, or sealed for another place.
fn unreadable(at: Timestamp) -> Error {
    let (table, column) = ("access_audits", "report");
    Error::Store(StoreError::Inconsistent { table, column, row: at.to_string() })
}

fn pack(text: &[u8]) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(text).and_then(|()| encoder.finish());
    // INVARIANT: writing into memory does not fail.
    STANDARD_NO_PAD.encode(written.expect("memory takes it"))
}

fn unpack(packed: &str) -> std::io::Result<Vec<u8>> {
    let packed = STANDARD_NO_PAD.decode(packed).map_err(std::io::Error::other)?;
    let mut text = Vec::new();
    DeflateDecoder::new(&*packed).take(REPORT_MAX).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_unpacks() {
        let text = "Grüße ".repeat(1000).into_bytes();
        let packed = pack(&text);
        assert!(packed.len() < text.len() / 10);
        assert_eq!(unpack(&packed).unwrap(), text);
        assert!(unpack("not packed!").is_err());
    }
}
