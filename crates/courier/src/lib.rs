//! Everything that leaves this host on purpose, and what comes back: messages, and who an address
//! is. It has no files and no state that outlives it; what it is to do, it is told.
#![forbid(unsafe_code)]
