-- Form 5: who came in, and from where each account did before.
--
-- Records have two events more. `entered`: `user` is the account that was entered, `what` is who told
-- of it (log, hook, both), `subject` and `address` are NULL at a console, the rest is in `logins`.
-- `here`: a finding about this host; `what` is its name, `detail` its severity, its values are in
-- `notice_values`. What logins before this form tell of places is found by src/places.rs.
CREATE TABLE logins (
    seq          INTEGER PRIMARY KEY,
    by,                       -- the account that was left; a blob where it is no UTF-8 text
    key,                      -- the key that was shown: kind and fingerprint
    terminal,
    last_ever    INTEGER,     -- when that account came in before
    last_network INTEGER,     -- the same from that network
    last_address INTEGER      -- the same from that address
);

UPDATE records SET event = 'entered', what = 'log'
    WHERE event = 'found' AND what IN ('login', 'login-after-failures');
INSERT INTO logins (seq) SELECT seq FROM records WHERE event = 'entered';

CREATE TABLE places (
    service TEXT NOT NULL,
    user    NOT NULL,         -- a blob where it is no UTF-8 text; `alice>root` for who became whom
    origin  TEXT NOT NULL,    -- a network with its prefix length; empty is anywhere
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (service, user, origin)
) WITHOUT ROWID;
