//! What led to each block in force.

use std::collections::HashMap;

use monban_model::{Because, ByOrigin, Scope, Subject, limits};

use crate::words::scope_of;
use crate::{LedgerError, Reader};

/// What led to a block. Where a record was dropped to keep the file small, its part is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// How many blocks of this subject there were, this one among them, without a quiet time
    /// between that forgets them; 0 if that is not known.
    pub blocks: u32,
    /// The service of the last failure, such as `sshd`.
    pub service: Option<String>,
    /// The rule that read the last line, such as `sshd/failed`.
    pub rule: Option<String>,
    /// The failures that were counted; 0 if that is not known.
    pub failures: u32,
    /// Whether an operator wanted it.
    pub by_hand: bool,
    /// Whether another fail2ban made it, before monban took its place.
    pub taken_over: bool,
    /// The table of `[[origin]]` that says so, and where the address is, if that is why.
    pub origin: Option<Box<ByOrigin>>,
}

/// Whose block, of which ports, and by which policy: a jail's is called `jail NAME`.
pub type Caused = (Subject, Scope, String);

/// One query: asking for each block by itself would take 100,000 of them. With so many blocks it
/// takes 0.9 s (SQLite in memory, five lines of evidence each).
const CAUSES: &str = "
    SELECT b.subject, b.scope, b.policy, h.blocks, f.service, f.failures,
           (SELECT rule FROM evidence e WHERE e.seq = f.seq ORDER BY n DESC LIMIT 1),
           d.because, d.detail
    FROM blocks b
    LEFT JOIN history h ON h.subject = b.subject
    LEFT JOIN records d ON d.seq = (
        SELECT max(seq) FROM records r
        WHERE r.subject = b.subject AND r.scope = b.scope
          AND r.event = 'decided' AND r.what = 'block')
    LEFT JOIN records f ON f.seq = d.finding AND f.event = 'found'
    LIMIT ?";

/// The same for the bans of jails. A decision names an IPv6 address with its prefix length.
const CAUSES_OF_JAILS: &str = "
    SELECT j.id, 'all', 'jail ' || j.jail, j.earlier + 1, f.service, f.failures,
           (SELECT rule FROM evidence e WHERE e.seq = f.seq ORDER BY n DESC LIMIT 1),
           d.because, NULL
    FROM (SELECT jail, earlier,
                 CASE WHEN instr(id, ':') AND NOT instr(id, '/') THEN id || '/128' ELSE id END AS id
          FROM jails WHERE what = 'ban') j
    LEFT JOIN records d ON d.seq = (
        SELECT max(seq) FROM records r
        WHERE r.subject = j.id AND r.scope = 'all' AND r.policy = 'jail ' || j.jail
          AND r.event = 'decided' AND r.what = 'block')
    LEFT JOIN records f ON f.seq = d.finding AND f.event = 'found'
    LIMIT ?";

impl Reader {
    /// What led to each block in force, at most [`limits::BLOCKS_MAX`], and to each ban of a jail.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn causes(&self) -> Result<HashMap<Caused, Cause>, LedgerError> {
        let mut found = HashMap::new();
        self.find_causes(CAUSES, limits::BLOCKS_MAX, &mut found)?;
        self.find_causes(CAUSES_OF_JAILS, limits::JAIL_BANS_MAX, &mut found)?;
        Ok(found)
    }

    fn find_causes(
        &self,
        query: &str,
        most: usize,
        found: &mut HashMap<Caused, Cause>,
    ) -> Result<(), LedgerError> {
        let mut statement = self.db.prepare_cached(query)?;
        let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            let subject: String = row.get(0)?;
            let Ok(subject) = subject.parse() else { continue };
            let scope = scope_of(&row.get::<_, String>(1)?)?;
            let because: Option<String> = row.get(7)?;
            let cause = Cause {
                blocks: row.get::<_, Option<u32>>(3)?.unwrap_or(0),
                service: row.get(4)?,
                failures: row.get::<_, Option<u32>>(5)?.unwrap_or(0),
                rule: row.get(6)?,
                by_hand: because.as_deref() == Some("operator"),
                origin: match because.as_deref() {
                    Some("origin") => {
                        let detail: Option<String> = row.get(8)?;
                        detail.and_then(|by| by.parse().ok()).map(Box::new)
                    }
                    _ => None,
                },
                taken_over: because.as_deref() == Some(Because::TakenOver.word()),
            };
            found.insert((subject, scope, row.get(2)?), cause);
        }
        Ok(())
    }
}
