//! From text to tree, by the rules of CPython 3.11 and later.

mod class;
mod escape;
mod flags;
mod group;
mod quantifier;
mod token;

use std::collections::HashMap;
use std::ops::Range;

use monban_model::limits::{REGEX_DEPTH_MAX, REGEX_GROUPS_MAX, REGEX_TEXT_MAX};

use crate::Options;
use crate::ast::{Anchor, Ast, Flags, Kind, Node};
use crate::error::{Error, Hint};
use crate::width::{self, Width};
use token::{Token, Tokens};

/// Parses a pattern. Nothing of what Python's `re` accepts is refused, except characters by name,
/// lone surrogates and what is over a limit; nothing it refuses is accepted.
pub fn parse(pattern: &str, options: Options) -> Result<Ast, Error> {
    if pattern.len() > REGEX_TEXT_MAX {
        let message = format!("the pattern is longer than {REGEX_TEXT_MAX} bytes");
        return Err(Error::new(REGEX_TEXT_MAX, message));
    }
    let flags = Flags {
        ignore_case: options.ignore_case,
        multiline: options.multiline,
        dot_all: options.dot_all,
        ascii: options.ascii,
        verbose: false,
    };
    let mut parser = Parser {
        tokens: Tokens::new(pattern)?,
        flags,
        unicode_asked: false,
        names: vec![None],
        numbers: HashMap::new(),
        widths: vec![None],
        behind: None,
        conditions: Vec::new(),
        behinds: Vec::new(),
        depth: 0,
    };
    let root = parser.alternatives(flags, true)?;
    parser.finish(root)
}

struct Parser {
    tokens: Tokens,
    /// The flags of the whole pattern.
    flags: Flags,
    /// Whether `(?u)` was given, which the ASCII flag contradicts.
    unicode_asked: bool,
    names: Vec<Option<String>>,
    numbers: HashMap<String, usize>,
    /// How long the text of each group can be; `None` while it is open.
    widths: Vec<Option<Width>>,
    /// The number of groups where the outermost look-behind began.
    behind: Option<usize>,
    /// Groups by number that a conditional asks for, and where.
    conditions: Vec<(usize, usize)>,
    /// Where a look-behind has no fixed length; said only if nothing else is wrong.
    behinds: Vec<usize>,
    depth: usize,
}

impl Parser {
    fn finish(self, root: Node) -> Result<Ast, Error> {
        if self.flags.ascii && self.unicode_asked {
            return Err(Error::new(0, "ASCII and UNICODE flags are incompatible"));
        }
        if self.tokens.peek().is_some() {
            let error = self.tokens.error("unbalanced parenthesis", 0);
            return Err(error.hint(Hint::EscapeBracket));
        }
        for (group, position) in &self.conditions {
            if *group >= self.names.len() {
                return Err(Error::new(*position, format!("invalid group reference {group}")));
            }
        }
        if let Some(position) = self.behinds.first() {
            let error = Error::new(*position, "look-behind requires fixed-width pattern");
            return Err(error.hint(Hint::FixLength));
        }
        Ok(Ast { root, group_names: self.names, flags: self.flags })
    }

    /// `a|b|c` up to a closing bracket or the end. `outermost` is the pattern itself, where flags
    /// may be set for everything.
    fn alternatives(&mut self, flags: Flags, outermost: bool) -> Result<Node, Error> {
        let start = self.tokens.position();
        if self.depth >= REGEX_DEPTH_MAX {
            let message = format!("groups are nested deeper than {REGEX_DEPTH_MAX}");
            return Err(Error::new(start, message));
        }
        self.depth += 1;
        let mut branches = vec![self.sequence(flags, outermost)?];
        let flags = if outermost { self.flags } else { flags };
        while self.tokens.eat('|')? {
            branches.push(self.sequence(flags, false)?);
        }
        self.depth -= 1;
        let span = self.span(start);
        Ok(match branches.len() {
            1 => branches.swap_remove(0),
            _ => Node { kind: Kind::Alternation(branches), span, flags },
        })
    }

    /// One item after the other up to `|`, a closing bracket or the end.
    fn sequence(&mut self, mut flags: Flags, first: bool) -> Result<Node, Error> {
        let from = self.tokens.position();
        let mut items: Vec<Node> = Vec::new();
        while let Some(token) = self.tokens.peek() {
            if matches!(token, Token::Char('|' | ')')) {
                break;
            }
            let start = self.tokens.position();
            self.tokens.take()?;
            let kind = match token {
                Token::Char(c) if flags.verbose && self.skips(c)? => continue,
                Token::Escape(c) => self.escape(c)?,
                Token::Char('.') => Kind::Dot,
                Token::Char('^') => Kind::Anchor(Anchor::Start),
                Token::Char('$') => Kind::Anchor(Anchor::End),
                Token::Char('[') => Kind::Class(self.class(start)?),
                Token::Char('(') => match self.group(start, flags, first && items.is_empty())? {
                    group::Opened::Node(kind) => kind,
                    group::Opened::Comment => continue,
                    group::Opened::Flags => {
                        flags = self.flags;
                        continue;
                    }
                },
                Token::Char(c @ ('*' | '+' | '?' | '{')) => {
                    match self.quantifier(c, start, &mut items)? {
                        Some(literal) => literal,
                        None => continue,
                    }
                }
                Token::Char(c) => Kind::Literal(c),
            };
            let span = self.span(start);
            items.push(Node { kind, span, flags });
        }
        let span = self.span(from);
        Ok(match items.len() {
            0 => Node { kind: Kind::Empty, span, flags },
            1 => items.swap_remove(0),
            _ => Node { kind: Kind::Concat(items), span, flags },
        })
    }

    /// Whether the character means nothing in a verbose pattern; takes a comment to its end.
    fn skips(&mut self, c: char) -> Result<bool, Error> {
        if c != '#' {
            return Ok(matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c'));
        }
        while let Some(token) = self.tokens.take()? {
            if token == Token::Char('\n') {
                break;
            }
        }
        Ok(true)
    }

    /// Opens a group and gives its number.
    fn open(&mut self, name: Option<String>) -> Result<usize, Error> {
        let number = self.names.len();
        let back = name.as_ref().map_or(0, |name| name.chars().count() + 1);
        if number > REGEX_GROUPS_MAX {
            let message = format!("more than {REGEX_GROUPS_MAX} groups");
            return Err(self.tokens.error(message, back));
        }
        if let Some(name) = &name {
            if let Some(old) = self.numbers.get(name) {
                let message = format!(
                    "redefinition of group name '{name}' as group {number}; was group {old}"
                );
                return Err(self.tokens.error(message, back));
            }
            self.numbers.insert(name.clone(), number);
        }
        self.names.push(name);
        self.widths.push(None);
        Ok(number)
    }

    fn close(&mut self, number: usize, node: &Node) {
        let width = width::of(node, &self.widths);
        if let Some(slot) = self.widths.get_mut(number) {
            *slot = Some(width);
        }
    }

    fn is_closed(&self, group: usize) -> bool {
        self.widths.get(group).is_some_and(Option::is_some)
    }

    /// In a look-behind, only groups that were complete before it can be asked for.
    fn check_behind(&self, group: usize) -> Result<(), Error> {
        let Some(groups) = self.behind else {
            return Ok(());
        };
        if !self.is_closed(group) {
            return Err(self.tokens.error("cannot refer to an open group", 0));
        }
        if group >= groups {
            let message = "cannot refer to group defined in the same lookbehind subpattern";
            return Err(self.tokens.error(message, 0));
        }
        Ok(())
    }

    fn span(&self, start: usize) -> Range<usize> {
        self.tokens.byte(start)..self.tokens.byte(self.tokens.position())
    }
}
