//! Limits of a letter and of its way to the reader (crates/courier). The parts of a letter are so
//! bounded that all of them together stay below `LETTER_BYTES_MAX`; letter/clip.rs holds the proof.

/// Bytes of the name of a letter.
pub const LETTER_ID_MAX: usize = 64;

/// Bytes of what the letters of one matter have in common.
pub const LETTER_THREAD_MAX: usize = 255;

/// Bytes of a letter's topic, and of the name of a label.
pub const LETTER_NAME_MAX: usize = 64;

/// Bytes of a letter's subject: a phone shows about 40 characters, a mail header holds 998.
pub const LETTER_SUBJECT_MAX: usize = 255;

/// Bytes of the sentences that a letter begins with.
pub const LETTER_LEAD_MAX: usize = 4096;

/// Facts of a letter.
pub const LETTER_FACTS_MAX: usize = 48;

/// Bytes of the label of a fact, and of the heading of a passage.
pub const LETTER_LABEL_MAX: usize = 128;

/// Bytes of the value of a fact.
pub const LETTER_VALUE_MAX: usize = 512;

/// Passages of a letter.
pub const LETTER_PASSAGES_MAX: usize = 16;

/// Lines of one passage.
pub const LETTER_LINES_MAX: usize = 200;

/// Bytes of one line of a passage.
pub const LETTER_LINE_MAX: usize = 1024;

/// Bytes of the lines of all passages, with [`LETTER_LINE_COST`] for each.
pub const LETTER_LINES_BYTES_MAX: usize = 72 * 1024;

/// What a line takes beside its text: the number that says how long it is.
pub const LETTER_LINE_COST: usize = 4;

/// Labels of a letter.
pub const LETTER_LABELS_MAX: usize = 32;

/// Bytes of a letter's picture: a chart of 600 by 200 points has about 10 KiB.
pub const LETTER_PICTURE_MAX: usize = 64 * 1024;

/// Bytes of the records that a letter carries as JSON.
pub const LETTER_DATA_MAX: usize = 64 * 1024;

/// Readers of one mail, and so mail addresses of one subscription.
pub const MAIL_READERS_MAX: usize = 16;

/// Bytes of a mail address (RFC 5321, 4.5.3.1.3), with room for a name in front of it.
pub const MAIL_ADDRESS_MAX: usize = 320;

/// Bytes of the address of a web hook.
pub const URL_MAX: usize = 2048;

/// Arguments of a command that gets letters.
pub const COMMAND_WORDS_MAX: usize = 32;

/// Bytes of a password, token or key.
pub const SECRET_MAX: usize = 4096;

/// Bytes of the certificates (PEM) that are trusted beside the usual roots; one has about 2 KiB.
pub const CA_BYTES_MAX: usize = 32 * 1024;

/// A connection that is not there after so many seconds is given up.
pub const DELIVERY_CONNECT_S: u64 = 10;

/// A web hook has so many seconds for all of its answer.
pub const DELIVERY_WEBHOOK_S: u64 = 15;

/// Any delivery has so many seconds, whatever the other side does.
pub const DELIVERY_S: u64 = 60;

/// Bytes of the answer of a web hook that are read.
pub const DELIVERY_ANSWER_MAX: usize = 4096;

/// Longest line of a mail server that is taken (RFC 5321, 4.5.3.1.5 asks for 512).
pub const SMTP_LINE_MAX: usize = 2048;

/// Lines of one reply of a mail server; greetings with a list of extensions have about 15.
pub const SMTP_REPLY_LINES_MAX: usize = 64;

/// Bytes of the cause that is given for a failed delivery.
pub const DELIVERY_WHY_MAX: usize = 300;

/// Lines of a recorded conversation; more are counted.
pub const DIALOGUE_LINES_MAX: usize = 200;

/// Bytes of one line of a recorded conversation.
pub const DIALOGUE_LINE_MAX: usize = 512;

/// A file of an operator's own texts of messages, in bytes; all texts of monban have 20 KiB.
pub const TEXTS_FILE_BYTES_MAX: usize = 256 * 1024;

/// One text of it, in bytes: three times as many as the longest of monban's own.
pub const OWN_TEXT_BYTES_MAX: usize = 2000;

/// Placeholders in one text of it; monban's own have at most eight.
pub const OWN_TEXT_HOLES_MAX: usize = 16;
