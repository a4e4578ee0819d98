//! Metrics on their way to CloudWatch: a row for each minute that it has not taken.

use monban_model::AwsSum;
use monban_model::wire::{decode_sum, encode_sum};
use rusqlite::{Connection, Row};

use crate::LedgerError;
use crate::state::run;
use crate::words::unknown;

/// All of them, oldest first.
pub(crate) const SUMS: &str = "SELECT id, data FROM aws_sums ORDER BY minute, id";

/// Writes one.
pub(crate) fn write(db: &Connection, sum: &AwsSum) -> Result<(), LedgerError> {
    let insert = "INSERT OR REPLACE INTO aws_sums VALUES (?, ?, ?, ?, ?)";
    let id = sum.id.cast_signed();
    run(db, insert, &[&id, &sum.namespace, &sum.metric, &sum.minute.0, &encode_sum(sum)])
}

/// Forgets one.
pub(crate) fn forget(db: &Connection, id: u64) -> Result<(), LedgerError> {
    run(db, "DELETE FROM aws_sums WHERE id = ?", &[&id.cast_signed()])
}

/// A row of [`SUMS`].
pub(crate) fn read(row: &Row<'_>) -> Result<AwsSum, LedgerError> {
    let id: i64 = row.get(0)?;
    let data: Vec<u8> = row.get(1)?;
    let sum = decode_sum(&data).map_err(|error| unknown("minute of a metric", &error.to_string()));
    sum.map(|sum| AwsSum { id: id.cast_unsigned(), ..sum })
}
