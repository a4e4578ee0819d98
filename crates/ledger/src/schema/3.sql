-- Form 3: what the actions of a jail made of a ban.

ALTER TABLE jails ADD COLUMN made TEXT;  -- of a ban: some or none; NULL is all
