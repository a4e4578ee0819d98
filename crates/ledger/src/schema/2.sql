-- Form 2: the state of fail2ban's jails.

CREATE TABLE jails (
    jail   TEXT NOT NULL,
    what   TEXT NOT NULL,     -- ticket: failures without a ban; ban: in force; known: banned before;
                              -- spared: failures that were not counted
    id     TEXT NOT NULL,     -- an address or network; `text ...` for what is neither
    since  INTEGER,           -- of a ban
    until  INTEGER,           -- of a ban; NULL is forever
    earlier INTEGER,          -- of a ban: earlier bans of the same in that jail
    data   BLOB NOT NULL,     -- all that the jail knows, in its own form
    PRIMARY KEY (jail, what, id)
) WITHOUT ROWID;
