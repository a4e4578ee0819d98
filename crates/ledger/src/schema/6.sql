-- Form 6: who is told what. `data` holds all that the router knows, in its own form
-- (crates/notify/src/rows); the other columns are for people.

CREATE TABLE subscriptions (
    name  TEXT PRIMARY KEY,   -- empty: what belongs to no subscription
    topic TEXT NOT NULL,
    state TEXT NOT NULL,      -- pending: not confirmed; active; left
    since INTEGER NOT NULL,
    data  BLOB NOT NULL
) WITHOUT ROWID;

-- What waits to be delivered or is underway.
CREATE TABLE deliveries (
    number       TEXT PRIMARY KEY,
    subscription TEXT NOT NULL,
    reason       TEXT NOT NULL,    -- first, more, repeat, digest, resolved, escalated, service
    next         INTEGER NOT NULL, -- when it is tried next, or was tried last
    data         BLOB NOT NULL
) WITHOUT ROWID;

-- What belongs together, and what lasts.
CREATE TABLE notify_groups (
    what  TEXT NOT NULL,      -- group; firing: something that lasts
    id    TEXT NOT NULL,      -- may hold what a stranger typed
    topic TEXT NOT NULL,      -- of what lasts: its theme
    state TEXT NOT NULL,      -- told, pending; of what lasts: its severity
    since INTEGER NOT NULL,   -- of a group: when it was told last
    data  BLOB NOT NULL,
    PRIMARY KEY (what, id)
) WITHOUT ROWID;

-- Silences that operators made.
CREATE TABLE silences (
    number TEXT PRIMARY KEY,
    by     TEXT NOT NULL,
    state  TEXT NOT NULL,
    since  INTEGER NOT NULL,
    data   BLOB NOT NULL
) WITHOUT ROWID;
