//! The arithmetic that a configuration may hold: fail2ban hands it to Python's `eval`, here it is
//! parsed. There are numbers, the operators of numbers, a few functions and the names that the
//! caller gives; no text, no assignment, no attribute of anything.

use std::cmp::Ordering;

use monban_model::limits::FAIL2BAN_EXPRESSION_DEPTH_MAX;

use super::number::{Fault, Number};
use super::token::{Token, tokens};

/// An expression that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(Node);

/// Where an expression cannot be understood: the offset in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnderstood(pub usize);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(Number),
    Name(String),
    Minus(Box<Node>),
    Not(Box<Node>),
    /// An operator of two numbers.
    Two(&'static str, Box<Node>, Box<Node>),
    /// `a < b <= c`.
    Chain(Box<Node>, Vec<(&'static str, Node)>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    /// Yes, condition, no.
    If(Box<Node>, Box<Node>, Box<Node>),
    Call(String, Vec<Node>),
}

/// Functions with the least and the most they take.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("min", 2, 64),
    ("max", 2, 64),
    ("abs", 1, 1),
    ("int", 1, 1),
    ("float", 1, 1),
    ("round", 1, 1),
    ("pow", 2, 2),
    ("math.exp", 1, 1),
    ("math.log", 1, 1),
    ("math.log2", 1, 1),
    ("math.log10", 1, 1),
    ("math.sqrt", 1, 1),
    ("math.pow", 2, 2),
    ("math.floor", 1, 1),
    ("math.ceil", 1, 1),
];

/// Operators from the loosest to the tightest; those of a row bind alike, from left to right.
const LEVELS: &[&[&str]] = &[&["<<", ">>"], &["+", "-"], &["*", "/", "//", "%"]];

impl Expression {
    /// Reads an expression in which the given names may stand.
    ///
    /// # Errors
    /// Where it is no expression of ours.
    pub fn parse(text: &str, names: &[&str]) -> Result<Self, NotUnderstood> {
        let tokens = tokens(text).map_err(NotUnderstood)?;
        let end = text.chars().count();
        let mut parser = Parser { tokens, at: 0, end, names, depth: 0 };
        let node = parser.whole()?;
        match parser.tokens.get(parser.at) {
            None => Ok(Self(node)),
            Some((_, at)) => Err(NotUnderstood(*at)),
        }
    }

    /// Its value. `look_up` knows the names that were given to [`Expression::parse`].
    ///
    /// # Errors
    /// What Python would raise.
    pub fn eval(&self, look_up: &dyn Fn(&str) -> Option<Number>) -> Result<Number, Fault> {
        eval(&self.0, look_up)
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    at: usize,
    end: usize,
    names: &'a [&'a str],
    depth: usize,
}

impl Parser<'_> {
    /// `a if b else c`.
    fn whole(&mut self) -> Result<Node, NotUnderstood> {
        self.depth += 1;
        if self.depth > FAIL2BAN_EXPRESSION_DEPTH_MAX {
            return Err(self.wrong());
        }
        let yes = self.or()?;
        let node = if self.takes_word("if") {
            let condition = self.or()?;
            if !self.takes_word("else") {
                return Err(self.wrong());
            }
            let no = self.whole()?;
            Node::If(Box::new(yes), Box::new(condition), Box::new(no))
        } else {
            yes
        };
        self.depth -= 1;
        Ok(node)
    }

    fn or(&mut self) -> Result<Node, NotUnderstood> {
        let mut node = self.and()?;
        while self.takes_word("or") {
            node = Node::Or(Box::new(node), Box::new(self.and()?));
        }
        Ok(node)
    }

    fn and(&mut self) -> Result<Node, NotUnderstood> {
        let mut node = self.not()?;
        while self.takes_word("and") {
            node = Node::And(Box::new(node), Box::new(self.not()?));
        }
        Ok(node)
    }

    fn not(&mut self) -> Result<Node, NotUnderstood> {
        if self.takes_word("not") {
            return Ok(Node::Not(Box::new(self.nested(Self::not)?)));
        }
        let first = self.level(0)?;
        let mut rest = Vec::new();
        while let Some(sign) = self.takes_sign(&["<=", ">=", "==", "!=", "<", ">"]) {
            rest.push((sign, self.level(0)?));
        }
        Ok(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn level(&mut self, level: usize) -> Result<Node, NotUnderstood> {
        let Some(signs) = LEVELS.get(level) else { return self.signed() };
        let mut node = self.level(level + 1)?;
        while let Some(sign) = self.takes_sign(signs) {
            node = Node::Two(sign, Box::new(node), Box::new(self.level(level + 1)?));
        }
        Ok(node)
    }

    fn signed(&mut self) -> Result<Node, NotUnderstood> {
        match self.takes_sign(&["+", "-"]) {
            Some("-") => Ok(Node::Minus(Box::new(self.nested(Self::signed)?))),
            Some(_) => self.nested(Self::signed),
            None => self.power(),
        }
    }

    /// `**` binds tighter than a sign on its left and looser than one on its right.
    fn power(&mut self) -> Result<Node, NotUnderstood> {
        let base = self.one()?;
        if self.takes_sign(&["**"]).is_none() {
            return Ok(base);
        }
        Ok(Node::Two("**", Box::new(base), Box::new(self.nested(Self::signed)?)))
    }

    fn one(&mut self) -> Result<Node, NotUnderstood> {
        let wrong = self.wrong();
        let Some((token, _)) = self.tokens.get(self.at).cloned() else { return Err(wrong) };
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Node::Number(number)),
            Token::Sign("(") => {
                let inner = self.whole()?;
                self.needs(")")?;
                Ok(inner)
            }
            Token::Sign(_) => Err(wrong),
            Token::Name(name) => match name.as_str() {
                "True" => Ok(Node::Number(Number::Whole(1))),
                "False" => Ok(Node::Number(Number::Whole(0))),
                "math.e" => Ok(Node::Number(Number::Real(std::f64::consts::E))),
                "math.pi" => Ok(Node::Number(Number::Real(std::f64::consts::PI))),
                known if self.names.contains(&known) => Ok(Node::Name(name)),
                _ => self.call(name, wrong),
            },
        }
    }

    fn call(&mut self, name: String, wrong: NotUnderstood) -> Result<Node, NotUnderstood> {
        let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
        let &(_, least, most) = known.ok_or(wrong)?;
        self.needs("(")?;
        let mut values = Vec::new();
        while self.takes_sign(&[")"]).is_none() {
            values.push(self.whole()?);
            if self.takes_sign(&[","]).is_none() {
                self.needs(")")?;
                break;
            }
        }
        if values.len() < least || values.len() > most {
            return Err(wrong);
        }
        Ok(Node::Call(name, values))
    }

    fn nested(
        &mut self,
        inner: fn(&mut Self) -> Result<Node, NotUnderstood>,
    ) -> Result<Node, NotUnderstood> {
        self.depth += 1;
        if self.depth > FAIL2BAN_EXPRESSION_DEPTH_MAX {
            return Err(self.wrong());
        }
        let node = inner(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.at), Some((Token::Name(name), _)) if name == word);
        self.at += usize::from(found);
        found
    }

    fn takes_sign(&mut self, signs: &[&str]) -> Option<&'static str> {
        let Some((Token::Sign(sign), _)) = self.tokens.get(self.at) else { return None };
        let sign = *sign;
        signs.contains(&sign).then(|| {
            self.at += 1;
            sign
        })
    }

    fn needs(&mut self, sign: &'static str) -> Result<(), NotUnderstood> {
        let wrong = self.wrong();
        self.takes_sign(&[sign]).map(|_| ()).ok_or(wrong)
    }

    fn wrong(&self) -> NotUnderstood {
        NotUnderstood(self.tokens.get(self.at).map_or(self.end, |(_, at)| *at))
    }
}

fn eval(node: &Node, look_up: &dyn Fn(&str) -> Option<Number>) -> Result<Number, Fault> {
    let value = |node: &Node| eval(node, look_up);
    match node {
        Node::Number(number) => Ok(*number),
        Node::Name(name) => look_up(name).ok_or(Fault::Kind),
        Node::Minus(inner) => Ok(value(inner)?.negate()),
        Node::Not(inner) => Ok(Number::Whole(i128::from(!value(inner)?.is_yes()))),
        Node::Two(sign, one, two) => apply(sign, value(one)?, value(two)?),
        Node::Chain(first, rest) => {
            let mut before = value(first)?;
            for (sign, next) in rest {
                let next = value(next)?;
                if !holds(sign, before.compare(next)) {
                    return Ok(Number::Whole(0));
                }
                before = next;
            }
            Ok(Number::Whole(1))
        }
        Node::And(one, two) => {
            let first = value(one)?;
            if first.is_yes() { value(two) } else { Ok(first) }
        }
        Node::Or(one, two) => {
            let first = value(one)?;
            if first.is_yes() { Ok(first) } else { value(two) }
        }
        Node::If(yes, condition, no) => value(if value(condition)?.is_yes() { yes } else { no }),
        Node::Call(name, values) => {
            let values: Result<Vec<Number>, Fault> = values.iter().map(value).collect();
            call(name, &values?)
        }
    }
}

fn apply(sign: &str, one: Number, two: Number) -> Result<Number, Fault> {
    match sign {
        "+" => Ok(one.add(two)),
        "-" => Ok(one.subtract(two)),
        "*" => Ok(one.multiply(two)),
        "/" => one.divide(two),
        "//" => one.divide_floor(two),
        "%" => one.remainder(two),
        "**" => one.power(two),
        "<<" => one.shift(two, true),
        ">>" => one.shift(two, false),
        _ => Err(Fault::Kind),
    }
}

fn holds(sign: &str, order: Option<Ordering>) -> bool {
    match sign {
        "<" => order == Some(Ordering::Less),
        ">" => order == Some(Ordering::Greater),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        "==" => order == Some(Ordering::Equal),
        _ => order != Some(Ordering::Equal),
    }
}

fn call(name: &str, values: &[Number]) -> Result<Number, Fault> {
    let first = values.first().copied().ok_or(Fault::Kind)?;
    let real = |value: f64| {
        if value.is_nan() { Err(Fault::Kind) } else { Ok(Number::Real(value)) }
    };
    let pick = |wanted: Ordering| {
        let better = |best: Number, next: &Number| {
            if next.compare(best) == Some(wanted) { *next } else { best }
        };
        Ok(values.iter().fold(first, better))
    };
    match name {
        "min" => pick(Ordering::Less),
        "max" => pick(Ordering::Greater),
        "abs" => Ok(if first.real() < 0.0 { first.negate() } else { first }),
        "int" => first.truncate(),
        "float" => real(first.real()),
        "round" => Number::Real(first.real().round_ties_even()).truncate(),
        "pow" => first.power(values.get(1).copied().ok_or(Fault::Kind)?),
        "math.pow" => real(first.real().powf(values.get(1).copied().ok_or(Fault::Kind)?.real())),
        // Python raises OverflowError where this would be infinite.
        "math.exp" => real(first.real().exp()).and_then(finite),
        "math.log" | "math.log2" | "math.log10" if first.real() <= 0.0 => Err(Fault::Kind),
        "math.log" => real(first.real().ln()),
        "math.log2" => real(first.real().log2()),
        "math.log10" => real(first.real().log10()),
        "math.sqrt" => real(first.real().sqrt()),
        "math.floor" => Number::Real(first.real().floor()).truncate(),
        "math.ceil" => Number::Real(first.real().ceil()).truncate(),
        _ => Err(Fault::Kind),
    }
}

fn finite(number: Number) -> Result<Number, Fault> {
    if number.real().is_finite() { Ok(number) } else { Err(Fault::Kind) }
}
