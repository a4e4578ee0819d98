//! Several metrics over the same lines: what they have in common is done once for each line.

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

use super::pattern::{Form, MetricScratch};
use super::reader::{MetricReader, MetricReading};

/// So many texts are searched for one after the other; more in one pass.
const FEW: usize = 8;

/// Metrics that are read from the same lines.
///
/// A line without the text that a pattern needs is not asked about, and a line of JSON is read
/// once for all patterns on JSON.
#[derive(Clone, Debug, Default)]
pub struct MetricSet {
    readers: Vec<MetricReader>,
    gates: Vec<Gate>,
    /// The texts of the numbered gates.
    texts: Option<AhoCorasick>,
    text_count: usize,
    shadows: bool,
}

/// What lets a line through to a metric.
#[derive(Clone, Debug)]
enum Gate {
    /// Every line.
    Open,
    /// One that is a JSON object.
    Json,
    /// One with this text.
    Text(Box<Finder<'static>>),
    /// One with the text of this number.
    Numbered(usize),
}

impl MetricSet {
    /// Puts metrics together; their order gives their numbers.
    pub fn new(readers: Vec<MetricReader>) -> Self {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut gates: Vec<Gate> = Vec::new();
        let mut shadows = false;
        for reader in &readers {
            let pattern = reader.pattern();
            gates.push(match (&pattern.form, pattern.needed_text()) {
                (Form::Json(json), _) => {
                    shadows |= json.has_wildcard;
                    Gate::Json
                }
                (_, None) => Gate::Open,
                (_, Some(needed)) => {
                    let known = texts.iter().position(|text| text == needed);
                    Gate::Numbered(known.unwrap_or_else(|| {
                        texts.push(needed.to_vec());
                        texts.len() - 1
                    }))
                }
            });
        }
        let many = (texts.len() > FEW).then(|| AhoCorasick::new(&texts).ok()).flatten();
        if many.is_none() {
            for gate in &mut gates {
                if let Gate::Numbered(number) = gate {
                    *gate = Gate::Text(Box::new(Finder::new(&texts[*number]).into_owned()));
                }
            }
        }
        Self { readers, gates, text_count: texts.len(), texts: many, shadows }
    }

    /// The metrics, by their numbers.
    pub fn readers(&self) -> &[MetricReader] {
        &self.readers
    }

    /// Tells of each metric to which the message says something, with its number and in their
    /// order; [`MetricReading::Nothing`] is not told. Linear time, nothing allocated but in
    /// `scratch`.
    pub fn read(
        &self,
        message: &[u8],
        scratch: &mut MetricScratch,
        tell: &mut dyn FnMut(usize, MetricReading<'_>),
    ) {
        self.find_texts(message, scratch);
        // Read for the first pattern that asks for it.
        let mut is_object = None;
        for (number, (reader, gate)) in self.readers.iter().zip(&self.gates).enumerate() {
            let is_open = match gate {
                Gate::Open | Gate::Json => true,
                Gate::Text(finder) => finder.find(message).is_some(),
                Gate::Numbered(number) => scratch.present.get(*number) == Some(&true),
            };
            let matches = is_open
                && match &reader.pattern().form {
                    Form::Json(json) => {
                        let document = &mut scratch.document;
                        *is_object.get_or_insert_with(|| document.read(message, self.shadows))
                            && json.holds(message, document)
                    }
                    _ => reader.pattern().matches(message, scratch),
                };
            let reading = matches.then(|| reader.of_match(message, scratch));
            if let Some(reading) = reading.or(reader.of_other().filter(|_| !matches)) {
                tell(number, reading);
            }
        }
    }

    /// Notes which of the numbered texts are in the message.
    fn find_texts(&self, message: &[u8], scratch: &mut MetricScratch) {
        let Some(texts) = &self.texts else { return };
        scratch.present.clear();
        scratch.present.resize(self.text_count, false);
        for found in texts.find_overlapping_iter(message) {
            if let Some(present) = scratch.present.get_mut(found.pattern().as_usize()) {
                *present = true;
            }
        }
    }
}
