//! What led to each block in force.

use std::collections::HashMap;

use monban_model::{Scope, Subject, limits};

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
}

/// One query: asking for each block by itself would take 100,000 of them. With so many blocks it
/// takes 0.9 s (SQLite in memory, five lines of evidence each).
const CAUSES: &str = "
    SELECT b.subject, b.scope, h.blocks, f.service, f.failures,
           (SELECT rule FROM evidence e WHERE e.seq = f.seq ORDER BY n DESC LIMIT 1)
    FROM blocks b
    LEFT JOIN history h ON h.subject = b.subject
    LEFT JOIN records d ON d.seq = (
        SELECT max(seq) FROM records r
        WHERE r.subject = b.subject AND r.scope = b.scope
          AND r.event = 'decided' AND r.what = 'block')
    LEFT JOIN records f ON f.seq = d.finding AND f.event = 'found'
    LIMIT ?";

impl Reader {
    /// What led to each block in force, at most [`limits::BLOCKS_MAX`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn causes(&self) -> Result<HashMap<(Subject, Scope), Cause>, LedgerError> {
        let mut statement = self.db.prepare_cached(CAUSES)?;
        let most = i64::try_from(limits::BLOCKS_MAX).unwrap_or(i64::MAX);
        let mut rows = statement.query([most])?;
        let mut found = HashMap::new();
        while let Some(row) = rows.next()? {
            let subject: String = row.get(0)?;
            let Ok(subject) = subject.parse() else { continue };
            let scope = scope_of(&row.get::<_, String>(1)?)?;
            let cause = Cause {
                blocks: row.get::<_, Option<u32>>(2)?.unwrap_or(0),
                service: row.get(3)?,
                failures: row.get::<_, Option<u32>>(4)?.unwrap_or(0),
                rule: row.get(5)?,
            };
            found.insert((subject, scope), cause);
        }
        Ok(found)
    }
}
