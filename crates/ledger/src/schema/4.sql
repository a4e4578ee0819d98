-- Form 4: open connections stand together, some dozens in a row. In a flood thousands of them
-- change between two commits, and each in a row of its own costs as much as all of such a row.

CREATE TABLE open_connections (
    shard INTEGER PRIMARY KEY,  -- the first byte of their keys
    count INTEGER NOT NULL,
    rows  BLOB NOT NULL         -- by key, see shards.rs
);
