//! The house rules of this repository, each as a function from text to complaints.
//!
//! `tests/house.rs` runs every one of them over the whole tree. Each rule has a test of itself
//! beside it, on a tiny sample that breaks it: a rule that cannot fail protects nothing.
#![forbid(unsafe_code)]

pub mod architecture;
pub mod layers;
pub mod licences;
pub mod paths;
pub mod rust_text;
pub mod service_files;
pub mod size;
pub mod tree;
pub mod unsafe_code;
pub mod words;
