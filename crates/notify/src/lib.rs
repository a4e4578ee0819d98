//! From publications to deliveries: topics, groups, rates, silences, retries. As pure as the
//! engine: no clock, file, socket, thread or randomness; the same input gives the same deliveries.
#![forbid(unsafe_code)]
