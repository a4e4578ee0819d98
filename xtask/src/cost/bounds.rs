//! The table of bounds: `benches/bounds.tsv`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::usage::wrong;

const HEAD: &str = "\
# Instructions for a line. A way may cost a tenth more than its bound (cargo xtask test).
# `cargo xtask cost` writes the last figures; `cargo xtask cost --accept` makes them the bounds.
way\tbound\tlast\twhat
";

/// All bounds, in the order of the file.
pub struct Bounds {
    path: PathBuf,
    ways: Vec<Way>,
}

struct Way {
    name: String,
    bound: Option<f64>,
    last: f64,
    what: String,
}

impl Bounds {
    /// Reads them; none where there is no file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
        let ways = lines.map(|line| {
            let words: Vec<&str> = line.split('\t').collect();
            let [name, bound, last, what] = words[..] else { return None };
            let (bound, last) = (bound.parse().ok()?, last.parse().ok()?);
            Some(Way { name: name.to_owned(), bound: Some(bound), last, what: what.to_owned() })
        });
        let ways: Option<Vec<Way>> = ways.collect();
        let ways = ways.ok_or_else(|| wrong(format!("{} is no table", path.display())))?;
        Ok(Self { path: path.to_owned(), ways })
    }

    /// Takes a figure in; whether it is within the bound, with something to spare.
    pub fn judge(&mut self, name: &str, what: &str, cost: f64, slack: f64) -> Result<(), String> {
        let index = self.ways.iter().position(|way| way.name == name).unwrap_or_else(|| {
            let (name, what) = (name.to_owned(), what.to_owned());
            self.ways.push(Way { name, bound: None, last: cost, what });
            self.ways.len() - 1
        });
        let Some(way) = self.ways.get_mut(index) else { return Ok(()) };
        (way.last, way.what) = (cost, what.to_owned());
        let how = "if that is meant, `cargo xtask cost --accept` and say in the commit why";
        match way.bound {
            None => Err(format!("it has no bound: {how}")),
            Some(bound) if cost > bound * slack => Err(format!(
                "{cost:.0} instructions a line, {:.0} % more than its bound of {bound:.0}: {how}",
                100.0 * (cost / bound - 1.0)
            )),
            Some(_) => Ok(()),
        }
    }

    /// A line for people about one of them.
    pub fn line(&self, name: &str) -> String {
        let Some(way) = self.ways.iter().find(|way| way.name == name) else { return String::new() };
        let bound = way.bound.map_or("none".to_owned(), |bound| format!("{bound:.0}"));
        let told = format!("{:<12} {:>7.0} a line, bound {bound:>7}", way.name, way.last);
        let much_less = way.bound.is_some_and(|bound| way.last < 0.9 * bound);
        let hint = if much_less { "; cheaper: `cargo xtask cost --accept`" } else { "" };
        format!("{told}  ({}){hint}", way.what)
    }

    /// Makes the last figures the bounds.
    pub fn accept(&mut self) {
        for way in &mut self.ways {
            way.bound = Some(way.last);
        }
    }

    /// Writes the file.
    pub fn write(&self) -> io::Result<()> {
        let line = |way: &Way| {
            // A way without a bound is not kept: it has to be accepted first.
            let bound = way.bound?;
            Some(format!("{}\t{bound:.0}\t{:.0}\t{}\n", way.name, way.last, way.what))
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(
            &self.path,
            HEAD.to_owned() + &self.ways.iter().filter_map(line).collect::<String>(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_and_judged() {
        let name = format!("xtask-bounds-{}.tsv", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut bounds = Bounds::read(&path).unwrap();
        assert!(bounds.judge("a", "all", 100.4, 1.1).is_err());
        bounds.accept();
        bounds.write().unwrap();
        let mut bounds = Bounds::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(bounds.judge("a", "all", 109.9, 1.1), Ok(()));
        assert!(bounds.line("a").ends_with("bound     100  (all)"));
        let why = bounds.judge("a", "all", 120.0, 1.1).unwrap_err();
        assert!(why.starts_with("120 instructions a line, 20 % more than its bound of 100"));
        bounds.judge("a", "all", 80.0, 1.1).unwrap();
        assert!(bounds.line("a").contains("cheaper"));
    }
}
