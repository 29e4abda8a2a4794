//! The tables, version by version. Append-only: a released migration is never changed.

use std::path::Path;

use rusqlite::Connection;

use super::{damaged, failed};
use crate::{Result, StoreError};

/// Marks the file as a database of notegate (SQLite's `application_id`): "ngat".
const APPLICATION_ID: i64 = 0x6e67_6174;

const MIGRATIONS: &[&str] = &[
    // 1: connections, keys, the ledger.
    "
    CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT;

    CREATE TABLE connections (
        tenant TEXT NOT NULL,
        bot_id TEXT NOT NULL,
        name TEXT NOT NULL,
        workspace_id TEXT,
        workspace_name TEXT,
        authorized_at INTEGER NOT NULL,
        token BLOB NOT NULL,
        PRIMARY KEY (tenant, bot_id)
    ) STRICT;

    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        hash BLOB NOT NULL,
        name TEXT NOT NULL,
        connection TEXT NOT NULL,
        role TEXT NOT NULL,
        within TEXT NOT NULL,
        capabilities TEXT NOT NULL,
        budget TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        expires_at INTEGER,
        revoked_at INTEGER
    ) STRICT;

    CREATE TABLE ledger (
        tenant TEXT NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        principal TEXT NOT NULL,
        connection TEXT NOT NULL,
        action TEXT NOT NULL,
        operation TEXT NOT NULL,
        resource_type TEXT NOT NULL,
        resource_id TEXT NOT NULL,
        result TEXT NOT NULL,
        reason TEXT,
        request_id TEXT NOT NULL,
        metadata TEXT NOT NULL,
        prev BLOB NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (tenant, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE ledger_checkpoints (
        tenant TEXT PRIMARY KEY,
        seq INTEGER NOT NULL,
        hash BLOB NOT NULL,
        signature TEXT NOT NULL,
        public_key TEXT NOT NULL
    ) STRICT;

    CREATE TABLE ledger_open_intents (
        tenant TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (tenant, seq)
    ) STRICT, WITHOUT ROWID;
    ",
    // webhooks: subscriptions, their pairing, the inbox. The index is for the question which events
    // the ledger knows nothing of.
    "
    CREATE TABLE webhook_pairings (
        tenant TEXT PRIMARY KEY,
        hook TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        open_until INTEGER NOT NULL,
        opened_by TEXT NOT NULL,
        subscription TEXT
    ) STRICT;

    CREATE TABLE webhook_subscriptions (
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        token BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        notion_id TEXT,
        integration_id TEXT,
        PRIMARY KEY (tenant, id)
    ) STRICT;

    CREATE TABLE inbox (
        seq INTEGER PRIMARY KEY,
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        subscription TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        type TEXT NOT NULL,
        entity_type TEXT NOT NULL,
        entity TEXT NOT NULL,
        at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        state TEXT NOT NULL,
        last_error TEXT,
        body BLOB NOT NULL,
        UNIQUE (tenant, event)
    ) STRICT;
    CREATE INDEX inbox_by_tenant ON inbox (tenant);
    CREATE INDEX inbox_waiting ON inbox (tenant, entity) WHERE state = 'new';
    CREATE INDEX inbox_by_age ON inbox (received_at);

    CREATE TABLE inbox_work (
        tenant TEXT NOT NULL,
        entity TEXT NOT NULL,
        first_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        PRIMARY KEY (tenant, entity)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX inbox_work_due ON inbox_work (tenant, due_at);
    CREATE INDEX inbox_work_next ON inbox_work (due_at);

    CREATE INDEX ledger_events ON ledger (tenant, request_id) WHERE operation = 'receive-event';
    ",
    // Access audits, the report sealed.
    "
    CREATE TABLE access_audits (
        tenant TEXT NOT NULL,
        bot_id TEXT NOT NULL,
        at INTEGER NOT NULL,
        total INTEGER NOT NULL,
        report BLOB NOT NULL,
        PRIMARY KEY (tenant, bot_id, at)
    ) STRICT;
    ",
    // tenants; connections with state and several credentials; keys that are bound to no connection.
    // A token of before is carried over sealed as it was, for the place where it was.
    "
    CREATE TABLE tenants (
        name TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE credentials (
        tenant TEXT NOT NULL,
        bot_id TEXT NOT NULL,
        slot TEXT NOT NULL,
        sealed BLOB NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (tenant, bot_id, slot)
    ) STRICT;
    INSERT INTO credentials (tenant, bot_id, slot, sealed, since)
        SELECT tenant, bot_id, 'legacy', token, authorized_at FROM connections;

    ALTER TABLE connections DROP COLUMN token;
    ALTER TABLE connections ADD COLUMN kind TEXT NOT NULL DEFAULT 'internal';
    ALTER TABLE connections ADD COLUMN workspace_icon TEXT;
    ALTER TABLE connections ADD COLUMN owner TEXT;
    ALTER TABLE connections ADD COLUMN duplicated_template_id TEXT;
    ALTER TABLE connections ADD COLUMN capabilities TEXT;
    ALTER TABLE connections ADD COLUMN writer TEXT;
    ALTER TABLE connections ADD COLUMN origin TEXT NOT NULL DEFAULT 'environment';
    ALTER TABLE connections ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
    ALTER TABLE connections ADD COLUMN state_reason TEXT;
    ALTER TABLE connections ADD COLUMN authorized_by TEXT NOT NULL DEFAULT 'operator';
    ALTER TABLE connections ADD COLUMN rotated_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE connections ADD COLUMN last_used_at INTEGER;
    UPDATE connections SET rotated_at = authorized_at;

    CREATE TABLE keys_bound_or_not (
        id TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        hash BLOB NOT NULL,
        name TEXT NOT NULL,
        connection TEXT,
        role TEXT NOT NULL,
        within TEXT NOT NULL,
        capabilities TEXT NOT NULL,
        budget TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        expires_at INTEGER,
        revoked_at INTEGER
    ) STRICT;
    INSERT INTO keys_bound_or_not SELECT * FROM keys;
    DROP TABLE keys;
    ALTER TABLE keys_bound_or_not RENAME TO keys;
    ",
    // Users, and keys that are made for one.
    "
    CREATE TABLE users (
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        email TEXT NOT NULL,
        role TEXT NOT NULL,
        bot_id TEXT,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, id)
    ) STRICT;
    ALTER TABLE keys ADD COLUMN user TEXT;
    ",
    // Keys that keys made; what is spent of budgets, and the pages that were read, in the current
    // windows.
    "
    ALTER TABLE keys ADD COLUMN parent TEXT;
    ALTER TABLE keys ADD COLUMN may_delegate INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE budget_windows (
        tenant TEXT NOT NULL,
        key TEXT NOT NULL,
        meter TEXT NOT NULL,
        window INTEGER NOT NULL,
        spent INTEGER NOT NULL,
        PRIMARY KEY (tenant, key, meter)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE budget_pages (
        tenant TEXT NOT NULL,
        key TEXT NOT NULL,
        page TEXT NOT NULL,
        window INTEGER NOT NULL,
        PRIMARY KEY (tenant, key, page)
    ) STRICT, WITHOUT ROWID;
    ",
    // The ledger: what was dropped from it, how far it is mirrored, bodies of writes.
    "
    CREATE TABLE ledger_pruned (
        tenant TEXT NOT NULL,
        first INTEGER NOT NULL,
        first_hash BLOB NOT NULL,
        last INTEGER NOT NULL,
        last_hash BLOB NOT NULL,
        kept_from INTEGER NOT NULL,
        dropped_at INTEGER NOT NULL,
        dropped_by TEXT NOT NULL,
        signature TEXT NOT NULL,
        public_key TEXT NOT NULL,
        PRIMARY KEY (tenant, last)
    ) STRICT;

    CREATE TABLE ledger_mirrors (
        tenant TEXT PRIMARY KEY,
        done INTEGER NOT NULL,
        pending INTEGER
    ) STRICT;

    CREATE TABLE ledger_bodies (
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        at INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (tenant, id)
    ) STRICT;
    CREATE INDEX ledger_bodies_by_age ON ledger_bodies (tenant, at);
    ",
    // A tenant's own policies, and the agents that keys are for.
    "
    CREATE TABLE policies (
        tenant TEXT NOT NULL,
        version INTEGER NOT NULL,
        text TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (tenant, version)
    ) STRICT;
    ALTER TABLE keys ADD COLUMN agent TEXT;
    ",
    // Keys that may read what the ledger keeps of bodies.
    "
    ALTER TABLE keys ADD COLUMN auditor INTEGER NOT NULL DEFAULT 0;
    ",
    // Groups of users, and who somebody is at the provider where people sign in.
    "
    ALTER TABLE users ADD COLUMN issuer TEXT;
    ALTER TABLE users ADD COLUMN subject TEXT;
    CREATE UNIQUE INDEX users_by_identity ON users (tenant, issuer, subject)
        WHERE subject IS NOT NULL;
    CREATE TABLE user_groups (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, name)
    ) STRICT;
    CREATE TABLE group_members (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        user TEXT NOT NULL,
        PRIMARY KEY (tenant, user, name)
    ) STRICT;
    ",
    // MCP clients that registered, and the keys that people granted to clients.
    "
    CREATE TABLE oauth_clients (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        redirect_uris TEXT NOT NULL,
        auth_method TEXT NOT NULL,
        secret_hash BLOB,
        created_at INTEGER NOT NULL,
        used_at INTEGER
    ) STRICT;
    CREATE TABLE oauth_grants (
        key TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        client_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        resource TEXT NOT NULL,
        scope TEXT NOT NULL,
        subject TEXT NOT NULL,
        generation INTEGER NOT NULL,
        rotated_at INTEGER NOT NULL
    ) STRICT;
    ",
    // Keys that say which tools they are for, and tenants whose callers may bring Notion tokens: the one of
    // an installation for one team always could, where the operator let them.
    "
    ALTER TABLE keys ADD COLUMN tools TEXT;
    ALTER TABLE tenants ADD COLUMN token_passthrough INTEGER NOT NULL DEFAULT 0;
    UPDATE tenants SET token_passthrough = 1 WHERE name = 'default';
    ",
    // Clients that admins enter; which client a grant was for, as people saw it.
    "
    ALTER TABLE oauth_clients ADD COLUMN tenant TEXT;
    ALTER TABLE oauth_grants ADD COLUMN client_name TEXT NOT NULL DEFAULT '';
    ALTER TABLE oauth_grants ADD COLUMN redirect TEXT NOT NULL DEFAULT '';
    ",
];

/// Refuses a file that is no database, or not one of ours, or one of a newer notegate. Changes nothing.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let shown = path.display();
    let doing = "look at its version";
    let tables = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0));
    let tables: i64 = tables.map_err(damaged(path, doing))?;
    let (version, latest) = (pragma(connection, "user_version")?, MIGRATIONS.len() as i64);
    if pragma(connection, "application_id")? != APPLICATION_ID && (version != 0 || tables != 0) {
        return Err(StoreError::Foreign(format!(
            "{shown} is a database of another program: choose another data directory"
        )));
    }
    if version > latest {
        return Err(StoreError::Foreign(format!(
            "{shown} was written by a newer notegate (tables of version {version}, this one knows \
             {latest}): start the newer one"
        )));
    }
    Ok(())
}

/// Brings the tables up to date.
pub(super) fn apply(connection: &mut Connection) -> Result<()> {
    let doing = "bring its tables up to date";
    let (version, latest) = (pragma(connection, "user_version")?, MIGRATIONS.len() as i64);
    if version == latest {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(failed(doing))?;
    for migration in MIGRATIONS.iter().skip(version.unsigned_abs() as usize) {
        transaction.execute_batch(migration).map_err(failed(doing))?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed(doing))?;
    transaction.pragma_update(None, "user_version", latest).map_err(failed(doing))?;
    transaction.commit().map_err(failed(doing))
}

fn pragma(connection: &Connection, name: &str) -> Result<i64> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(failed("look at its version"))
}
