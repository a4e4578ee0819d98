-- Form 1 of the ledger. Times are milliseconds since 1970-01-01T00:00:00Z, addresses and networks
-- are text as monban prints them, ports are a list such as `22,2222` or the word `all`.
-- No STRICT tables: the sqlite3 of RHEL 9 (3.34) cannot open a file that has them.

-- All that was found, decided, ordered, and what happened. Which columns are filled depends on
-- `event`; the rest is NULL.
CREATE TABLE records (
    seq      INTEGER PRIMARY KEY,
    time     INTEGER NOT NULL,
    event    TEXT NOT NULL,   -- found, decided, ordered, happened, noticed
    what     TEXT NOT NULL,   -- brute-force, block, applied, ... or the key of a notice
    subject  TEXT,            -- who is counted and blocked
    address  TEXT,            -- found: the exact address of the last sighting
    service  TEXT,
    user,                     -- as it was typed; a blob where it is no UTF-8 text
    method,
    policy   TEXT,
    failures INTEGER,
    window_s INTEGER,
    first    INTEGER,
    last     INTEGER,
    lines    INTEGER,         -- lines of evidence that were written with it
    scope    TEXT,
    until    INTEGER,         -- of a block; NULL is forever
    because  TEXT,            -- decided: policy, allowed, administrator, ...
    detail   TEXT,            -- the allowing network, the operator's reason, the failure
    finding  INTEGER,         -- decided: the seq of the finding it answers
    order_id INTEGER,         -- ordered, happened
    earlier  INTEGER          -- decided: earlier blocks that are not forgotten
);
CREATE INDEX records_subject ON records (subject, seq) WHERE subject IS NOT NULL;
CREATE INDEX records_block ON records (subject, scope, seq)
    WHERE event = 'decided' AND what = 'block';

-- The lines that a finding rests on, oldest first; the oldest findings may have lost theirs.
CREATE TABLE evidence (
    seq    INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    rule   TEXT NOT NULL,
    weight INTEGER NOT NULL,
    line   NOT NULL,          -- a blob where it is no UTF-8 text
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;

-- The values of a notice, in the order of names.
CREATE TABLE notice_values (
    seq   INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;

-- The open state of the engine.
CREATE TABLE tallies (
    subject  TEXT NOT NULL,
    policy   TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    total    INTEGER NOT NULL,
    marks    BLOB NOT NULL,   -- see codec.rs
    evidence BLOB NOT NULL,
    PRIMARY KEY (subject, policy)
) WITHOUT ROWID;

CREATE TABLE connections (
    key     INTEGER PRIMARY KEY,
    address TEXT,
    told    TEXT NOT NULL,    -- attempts by witness: `1,0,2,0`
    pending INTEGER NOT NULL,
    last    INTEGER NOT NULL
);

CREATE TABLE blocks (
    subject TEXT NOT NULL,
    scope   TEXT NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER,          -- NULL is forever
    policy  TEXT NOT NULL,    -- empty for an operator's
    why     TEXT NOT NULL,
    PRIMARY KEY (subject, scope)
) WITHOUT ROWID;

CREATE TABLE history (
    subject TEXT PRIMARY KEY,
    blocks  INTEGER NOT NULL,
    last    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE successes (
    address TEXT PRIMARY KEY,
    last    INTEGER NOT NULL,
    by_key  INTEGER           -- the last one by key; NULL is never
) WITHOUT ROWID;

-- How far each source was read.
CREATE TABLE positions (
    path      TEXT PRIMARY KEY,
    dev       INTEGER NOT NULL,
    ino       INTEGER NOT NULL,
    offset    INTEGER NOT NULL,
    tail      BLOB NOT NULL,
    head      INTEGER NOT NULL, -- a 64 bit hash, as a signed number
    head_len  INTEGER NOT NULL,
    lines     INTEGER NOT NULL,
    sightings INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    cursor    TEXT NOT NULL
) WITHOUT ROWID;

-- Names that begin with `ledger.` are the ledger's own.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
