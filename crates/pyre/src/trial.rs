//! What a pattern would cost an engine that only goes back and forth, as CPython's does.

use crate::Options;
use crate::backtrack::Program;
use crate::error::Error;
use crate::ir;
use crate::parse::parse;

/// A pattern on the engine that goes back, whatever engine it would have here.
pub struct Trial {
    program: Program,
}

impl Trial {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(pattern: &str, options: Options) -> Result<Self, Error> {
        // The limits of a pattern are checked where it is compiled for use.
        crate::Regex::new(pattern, options)?;
        let ast = parse(pattern, options)?;
        Ok(Self { program: Program::as_written(&ir::of(&ast), ast.group_names.len()) })
    }

    /// How often a search of the text goes back; `most` and one if it is more.
    pub fn backtracks(&self, text: &str, most: u32) -> u32 {
        self.program.backtracks(text, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_without_end_is_measured() {
        let count = |pattern: &str, text: &str| {
            let trial = Trial::new(pattern, Options::default()).expect("a pattern");
            trial.backtracks(text, 50_000)
        };
        let words = "x ".repeat(24) + "!";
        assert_eq!(count(r"^(?:[^\[]+ )*\[", &words), 50_001);
        assert!(count(r"^(?:[^\[ ]+ )*\[", &words) < 500);
        assert!(count("^x*x*x*$", &("x".repeat(24) + "!")) > 1000);
    }
}
