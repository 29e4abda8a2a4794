-- The tables of version 1, with a connection and a key.
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
PRAGMA application_id = 1852268916;
PRAGMA user_version = 1;
INSERT INTO connections VALUES ('default', '00000000-0000-4000-8000-000000000001', 'Old', NULL, 'W',
    1700000001000000, x'010203');
INSERT INTO keys VALUES ('000000000one', 'default', x'0707070707070707070707070707070707070707070707070707070707070707', 'one', '00000000-0000-4000-8000-000000000001',
    'admin', '[]', '["read_content"]', '{}', 1700000001000000, 'operator', NULL, NULL);
