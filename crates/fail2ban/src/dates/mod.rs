//! Finding and reading the date of a line exactly as fail2ban does.
//!
//! A filter has a list of templates: those of its `datepattern`, else 31 default ones. Which of
//! them wins depends on the lines before: the template of the last line is tried first at the
//! same place, hits move a template to the front, one that only looks at the beginning of the
//! line ends the search. So a `DateFinder` has a history, and lines must come in their order.
//!
//! What is found is cut out of the line before the filter's expressions see it, also if it turns
//! out to be no date (February 30).

mod abbreviations;
mod beginnings;
mod bounds;
mod characters;
mod civil;
mod custom;
mod epoch;
mod finder;
mod forms;
mod glance;
mod heads;
mod keys;
mod line;
mod memo;
mod order;
mod scan;
mod starts;
mod steady;
mod steps;
mod template;
mod tokens;
mod usual;
mod value;
mod zone;

pub(crate) use beginnings::{Beginning, Beginnings, bits};
pub(crate) use characters::digit_value;
pub use finder::{DateFinder, Error, Found, TemplateInfo};
pub(crate) use memo::LineMemo;
pub(crate) use steady::Steady;
pub use zone::Zone;
