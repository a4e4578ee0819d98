//! How a pattern is read, in sentences.

use monban_rules::{Clause, Explanation, FieldText, MetricPattern, Relation};
use monban_views::{Say, printable};

/// One sentence a line; what belongs to the one before is indented.
pub fn lines(pattern: &MetricPattern, say: &Say) -> Vec<String> {
    match pattern.explain() {
        Explanation::Everything => vec![say.text("metric-everything", &[])],
        Explanation::Terms { required, optional, excluded, ignored } => {
            let kinds = [
                ("metric-required", required),
                ("metric-optional", optional),
                ("metric-excluded", excluded),
                ("metric-ignored", ignored),
            ];
            let kinds = kinds.iter().filter(|(_, terms)| !terms.is_empty());
            kinds.map(|(key, terms)| say.text(key, &[("terms", &texts(terms))])).collect()
        }
        Explanation::Json(clause) => {
            let mut lines = vec![say.text("metric-object", &[])];
            clause_lines(&clause, 1, &mut lines, say);
            lines
        }
        Explanation::Fields { fields, gap } => field_lines(&fields, gap, say),
    }
}

/// Texts in quotes, and expressions as they are.
fn texts(terms: &[String]) -> String {
    let shown = terms.iter().map(|term| {
        let text = printable(term.as_bytes());
        match term.len() > 2 && term.starts_with('%') && term.ends_with('%') {
            true => text,
            false => format!("\"{text}\""),
        }
    });
    shown.collect::<Vec<_>>().join("  ")
}

fn field_lines(fields: &[FieldText], gap: Option<usize>, say: &Say) -> Vec<String> {
    let least = fields.len().max(usize::from(gap.is_none())).to_string();
    let mut lines = vec![say.text("metric-fields", &[("count", &least)])];
    for (at, field) in fields.iter().enumerate() {
        if gap == Some(at) {
            lines.push(indented(1, &say.text("metric-gap", &[])));
        }
        let place = match gap {
            Some(gap) if at >= gap => {
                let number = (fields.len() - at).to_string();
                say.text("metric-from-end", &[("number", &number)])
            }
            _ => say.text("metric-from-start", &[("number", &(at + 1).to_string())]),
        };
        let name = match &field.name {
            Some(name) => format!("${name}"),
            None => say.text("metric-no-name", &[]),
        };
        lines.push(indented(1, &format!("{place}: {name}")));
        if let Some(clause) = &field.clause {
            clause_lines(clause, 2, &mut lines, say);
        }
    }
    if gap.is_some_and(|gap| gap == fields.len()) {
        lines.push(indented(1, &say.text("metric-gap", &[])));
    }
    if gap.is_none() && !fields.is_empty() {
        lines.push(indented(1, &say.text("metric-rest", &[])));
    }
    lines
}

fn clause_lines(clause: &Clause, depth: usize, lines: &mut Vec<String>, say: &Say) {
    let (key, parts) = match clause {
        Clause::Is { subject, relation, value } => {
            let (subject, value) = (printable(subject.as_bytes()), printable(value.as_bytes()));
            let values = [("subject", subject.as_str()), ("value", value.as_str())];
            lines.push(indented(depth, &say.text(relation_key(*relation), &values)));
            return;
        }
        Clause::All(parts) => ("metric-all", parts),
        Clause::Any(parts) => ("metric-any", parts),
    };
    lines.push(indented(depth, &say.text(key, &[])));
    parts.iter().for_each(|part| clause_lines(part, depth + 1, lines, say));
}

fn relation_key(relation: Relation) -> &'static str {
    match relation {
        Relation::IsNumber => "metric-is-number",
        Relation::IsNotNumber => "metric-is-not-number",
        Relation::IsText => "metric-is-text",
        Relation::IsNotText => "metric-is-not-text",
        Relation::Like => "metric-like",
        Relation::NotLike => "metric-not-like",
        Relation::Finds => "metric-finds",
        Relation::FindsNot => "metric-finds-not",
        Relation::IsAny => "metric-is-any",
        Relation::IsNotAny => "metric-is-not-any",
        Relation::Less => "metric-less",
        Relation::LessOrEqual => "metric-less-or-equal",
        Relation::Greater => "metric-greater",
        Relation::GreaterOrEqual => "metric-greater-or-equal",
        Relation::IsNull => "metric-is-null",
        Relation::IsTrue => "metric-is-true",
        Relation::IsFalse => "metric-is-false",
        Relation::NotExists => "metric-not-exists",
    }
}

fn indented(depth: usize, text: &str) -> String {
    format!("{}{text}", "  ".repeat(depth))
}
