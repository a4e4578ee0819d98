//! What is kept from line to line.

use crate::json::Texts;
use crate::last_tag::LastTag;
use crate::memo::Memo;

/// What reading lines needs besides the rules: room for the unescaped texts of one line, the head
/// of the line before, and what was said of the messages before.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) texts: Texts,
    pub(crate) last_tag: LastTag,
    pub(crate) memo: Memo,
}
