//! Mistakes in files, shown in rustc's form.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use monban_config::Bundle;
use monban_model::Problem;
use monban_views::printable;

/// All problems with the lines they are about.
pub fn show(problems: &[Problem], bundle: Option<&Bundle>) -> String {
    problems.iter().map(|problem| show_one(problem, bundle)).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn show_one(problem: &Problem, bundle: Option<&Bundle>) -> String {
    let source = bundle.and_then(|bundle| {
        let mut files = bundle.config.iter().chain(&bundle.rules);
        files.find(|file| file.file == problem.file).map(|file| file.text.as_str())
    });
    let Some((text, line)) = source.and_then(|text| {
        let line = text.lines().nth(problem.line.checked_sub(1)? as usize)?;
        Some((text, line))
    }) else {
        return printable(problem.to_string().as_bytes());
    };
    let _ = text;
    let shown = printable(line.as_bytes());
    // Escaped characters move columns; then the whole line is marked.
    let column = problem.column.saturating_sub(1) as usize;
    let span = if shown == line && column < line.len() && line.is_char_boundary(column) {
        column..end_of_word(line, column)
    } else {
        0..shown.len()
    };
    let snippet = Snippet::source(shown.as_str())
        .line_start(problem.line as usize)
        .path(problem.file.as_str())
        .annotation(AnnotationKind::Primary.span(span).label(problem.why.as_str()));
    let mut group =
        Group::with_title(Level::ERROR.primary_title(problem.what.as_str())).element(snippet);
    if !problem.hint.is_empty() {
        group = group.element(Level::HELP.message(problem.hint.as_str()));
    }
    Renderer::plain().render(&[group])
}

fn end_of_word(line: &str, from: usize) -> usize {
    let rest = &line[from..];
    let stop = rest.char_indices().skip(1).find(|(_, c)| c.is_whitespace() || ",=]".contains(*c));
    from + stop.map_or(rest.len(), |(at, _)| at)
}
