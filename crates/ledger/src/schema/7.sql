-- Form 7: alarms, their states and what they told.

CREATE TABLE alarms (
    alarm       TEXT NOT NULL,
    apart       INTEGER NOT NULL, -- 1: one of several states, that of `contributor`
    contributor NOT NULL,         -- an address, user or value; a blob where it is no UTF-8 text
    state       TEXT NOT NULL,    -- INSUFFICIENT_DATA, OK, ALARM
    since       INTEGER NOT NULL,
    last        INTEGER NOT NULL, -- the last datapoint
    memory      BLOB NOT NULL,    -- what it rests on, see wire/alarm.rs of the model
    PRIMARY KEY (alarm, apart, contributor)
) WITHOUT ROWID;

-- Beside a row of `records` whose event is `alarmed`. Its lines stand in `evidence`.
CREATE TABLE alarm_changes (
    seq         INTEGER PRIMARY KEY,
    alarm       TEXT NOT NULL,
    contributor,                  -- NULL: the alarm has one state
    old         TEXT NOT NULL,
    new         TEXT NOT NULL,
    again       INTEGER,          -- still in ALARM: datapoints since that was said
    told        BLOB NOT NULL     -- all of it, see wire/alarm.rs of the model
);
CREATE INDEX alarm_changes_alarm ON alarm_changes (alarm, seq);
