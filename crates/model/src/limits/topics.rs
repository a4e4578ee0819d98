//! Limits of topics, subscriptions and their messages.

use super::PUBLICATION_KEY_MAX;

/// Topics of one configuration.
pub const TOPICS_MAX: usize = 32;

/// Subscriptions of one configuration: one bit each in what remembers who was told.
pub const SUBSCRIPTIONS_MAX: usize = 64;

/// Bytes of the name of a topic or subscription.
pub const TOPIC_NAME_MAX: usize = 64;

/// Conditions of one topic, silence or side of an inhibition.
pub const MATCHERS_MAX: usize = 16;

/// Values of one such condition, and bytes of each: a value of a label is compared with each of
/// them character by character, and a pattern with many `*` may do so once for each character.
pub const MATCHER_VALUES_MAX: usize = 16;

/// See [`MATCHER_VALUES_MAX`].
pub const MATCHER_VALUE_BYTES_MAX: usize = 128;

/// Labels that a topic groups by.
pub const GROUP_LABELS_MAX: usize = 8;

/// Quiet times of one subscription.
pub const MUTES_MAX: usize = 16;

/// Silences, those of the configuration and those of operators each.
pub const SILENCES_MAX: usize = 128;

/// Bytes of the comment of a silence.
pub const SILENCE_COMMENT_MAX: usize = 255;

/// Inhibitions of one configuration: each is compared with all that lasts.
pub const INHIBITIONS_MAX: usize = 32;

/// Rules of `[logins]`.
pub const LOGIN_RULES_MAX: usize = 64;

/// Bytes of the key of a group: values are cut to an equal share of it.
pub const GROUP_KEY_MAX: usize = 512;

/// Groups that are remembered. One that is quiet makes room before one that lasts; what it had
/// not told yet is counted in the next digest.
pub const NOTIFY_GROUPS_MAX: usize = 2048;

/// Those among them in which nothing lasts: they only keep repeats of their interval together, and
/// a flood makes each of them, and its row in the ledger, anew all the time.
pub const PASSING_GROUPS_MAX: usize = 512;

/// Things that last at once, such as alarms. The least urgent and oldest makes room.
pub const FIRING_MAX: usize = 1024;

/// Bytes of the labels that are kept of each of them, for silences and inhibition.
pub const FIRING_LABELS_BYTES_MAX: usize = 2048;

/// Records that one message tells of: the first half and the last; the others are a number.
pub const DELIVERY_ITEMS_MAX: usize = 10;

/// Messages of one subscription that wait to be delivered. Over it the least urgent and oldest
/// become a number in a digest.
pub const DELIVERIES_WAITING_MAX: usize = 128;

/// Messages of one subscription that are underway at once.
pub const DELIVERIES_UNDERWAY_MAX: usize = 4;

/// Without an answer for so long, in seconds, a message counts as not delivered.
pub const DELIVERY_PATIENCE_S: u64 = 1800;

/// A message that could not be delivered for so long, in seconds, is given up.
pub const DELIVERY_AGE_MAX_S: u64 = 3 * 86_400;

/// Longest time that a server may ask to wait before the next try, in seconds.
pub const RETRY_AFTER_MAX_S: u64 = 3600;

/// Bytes of what was said on the way of a message, for whoever tests it.
pub const DIALOGUE_BYTES_MAX: usize = 32 * 1024;

/// Bytes of all endpoints with their passwords and certificates.
pub const EQUIPMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Variables that a program gets with a message.
pub const RUN_VALUES_MAX: usize = 24;

/// Bytes of the name of such a variable.
pub const RUN_NAME_MAX: usize = 64;

/// Bytes of its value.
pub const RUN_VALUE_MAX: usize = 1024;

/// Told and unanswered things of one subscription that wait for their escalation.
pub const AWAITING_MAX: usize = 64;

/// How long a code confirms a subscription, in seconds; SNS's tokens live as long.
pub const CODE_VALID_S: u64 = 48 * 3600;

/// Codes of one kind that one subscription may have at once: a further one ends the oldest.
pub const CODES_MAX: usize = 3;

/// Wrong codes in an hour before all are refused until its end. A code has 40 bits at least, so
/// nobody guesses one in its 48 hours.
pub const CODE_GUESSES_MAX: u32 = 10;

/// Bytes of one row of the state of notifications.
pub const NOTIFY_ROW_BYTES_MAX: usize = 64 * 1024;

/// Rows of that state.
pub const NOTIFY_ROWS_MAX: usize = SUBSCRIPTIONS_MAX
    + 1
    + SUBSCRIPTIONS_MAX * DELIVERIES_WAITING_MAX
    + NOTIFY_GROUPS_MAX
    + FIRING_MAX
    + SILENCES_MAX;

const _: () = assert!(SUBSCRIPTIONS_MAX <= u64::BITS as usize);
const _: () = assert!(AWAITING_MAX * (PUBLICATION_KEY_MAX + 64) < NOTIFY_ROW_BYTES_MAX);
const _: () = assert!(PUBLICATION_KEY_MAX + 64 <= GROUP_KEY_MAX);
const _: () =
    assert!(2 * TOPICS_MAX * (GROUP_KEY_MAX + TOPIC_NAME_MAX) + 8192 < NOTIFY_ROW_BYTES_MAX);
