//! Logins of which one witness told, as bytes: what the ledger keeps of them.

use super::{FrameError, Reader, Wire, Writer};
use crate::limits::{ENTRIES_SAVED_MAX, PAM_NAME_MAX};
use crate::{Address, Asn, EntryRow, EntryStage, Origin, Stamp};

const STAGES: [EntryStage; 3] = [EntryStage::Waits, EntryStage::Told, EntryStage::Line];

/// Rows as bytes, which are no frame and may be longer; at most [`ENTRIES_SAVED_MAX`].
pub fn encode_entries(rows: &[EntryRow]) -> Vec<u8> {
    let mut out = Writer::default();
    out.list(&rows[..rows.len().min(ENTRIES_SAVED_MAX)]);
    out.into_bytes()
}

/// The rows of these bytes.
///
/// # Errors
/// If they are not what [`encode_entries`] writes.
pub fn decode_entries(bytes: &[u8]) -> Result<Vec<EntryRow>, FrameError> {
    let mut from = Reader::over(bytes);
    let rows = from.list(ENTRIES_SAVED_MAX)?;
    if from.is_empty() { Ok(rows) } else { Err(FrameError::Long) }
}

impl Wire for EntryRow {
    fn put(&self, out: &mut Writer) {
        let at = STAGES.iter().position(|one| *one == self.stage);
        out.byte(at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX));
        self.since.put(out);
        self.time.put(out);
        out.text(&self.service, PAM_NAME_MAX);
        self.address.put(out);
        self.origin.country.put(out);
        self.origin.asn.map(|asn| asn.0).put(out);
        for bytes in [&self.user, &self.by, &self.terminal, &self.method, &self.key] {
            bytes.is_some().put(out);
            if let Some(bytes) = bytes {
                out.bytes(bytes, PAM_NAME_MAX);
            }
        }
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, FrameError> {
        let at = usize::from(from.byte()?);
        let stage = STAGES.get(at).copied().ok_or(FrameError::Unknown)?;
        let (since, time) = (Stamp::take(from)?, Stamp::take(from)?);
        let service = from.text(PAM_NAME_MAX)?;
        let address: Option<Address> = Wire::take(from)?;
        let (country, asn): (_, Option<u32>) = (Wire::take(from)?, Wire::take(from)?);
        let origin = Origin { country, asn: asn.map(Asn) };
        let mut bytes = || match bool::take(from)? {
            true => from.byte_list(PAM_NAME_MAX).map(Some),
            false => Ok(None),
        };
        let (user, by, terminal) = (bytes()?, bytes()?, bytes()?);
        let (method, key) = (bytes()?, bytes()?);
        Ok(Self { stage, since, time, service, user, by, address, origin, terminal, method, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_too_many_are_cut() {
        let row = |stage, user: Option<&[u8]>| EntryRow {
            stage,
            since: Stamp(2),
            time: Stamp(1),
            service: "su-l".to_owned(),
            user: user.map(<[u8]>::to_vec),
            by: Some(b"\xff'".to_vec()),
            address: "2001:db8::1".parse().ok(),
            origin: Origin { country: "JP".parse().ok(), asn: Some(Asn(64500)) },
            terminal: None,
            method: Some(b"publickey".to_vec()),
            key: None,
        };
        let rows: Vec<_> = STAGES.into_iter().map(|stage| row(stage, Some(b"alice"))).collect();
        let bytes = encode_entries(&rows);
        assert_eq!(decode_entries(&bytes), Ok(rows));
        for end in 0..bytes.len() {
            assert!(decode_entries(&bytes[..end]).is_err());
        }
        let many = vec![row(EntryStage::Line, None); ENTRIES_SAVED_MAX + 9];
        assert_eq!(decode_entries(&encode_entries(&many)).unwrap().len(), ENTRIES_SAVED_MAX);
    }
}
