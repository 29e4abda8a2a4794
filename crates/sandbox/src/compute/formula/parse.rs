//! The parser of formulas: precedence climbing over a small grammar.

/// So deep may parentheses and operators nest.
const DEPTH_MAX: usize = 200;

/// A parsed formula.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Number(f64),
    Text(String),
    Bool(bool),
    /// A property, by encoded id or by name.
    Property(String),
    /// A name that `let` or a function over a list gives.
    Name(String),
    List(Vec<Self>),
    Call(String, Vec<Self>),
    /// A call written as `value.name(…)`.
    Method(Box<Self>, String, Vec<Self>),
    Binary(&'static str, Box<Self>, Box<Self>),
    Negative(Box<Self>),
    Not(Box<Self>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Property(String),
    Sign(&'static str),
}

const SIGNS: [&str; 22] = [
    "==", "!=", ">=", "<=", "&&", "||", "+", "-", "*", "/", "%", "^", "(", ")", ",", ".", "?", ":",
    "[", "]", ">", "<",
];

/// Operators by how tightly they bind, loosest first.
const LEVELS: [&[&str]; 6] = [
    &["or", "||"],
    &["and", "&&"],
    &["==", "!="],
    &[">=", "<=", ">", "<"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Parses a formula that names at most `properties` properties.
pub(super) fn parse(text: &str, properties: usize) -> Option<Tree> {
    let tokens = tokens(text)?;
    let named = tokens.iter().filter(|token| matches!(token, Token::Property(_))).count();
    if named > properties {
        return None;
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let tree = parser.ternary()?;
    (parser.at == tokens.len() && is_bound(&tree, &mut Vec::new())).then_some(tree)
}

/// Whether every name in a formula is given by something around it.
fn is_bound(tree: &Tree, names: &mut Vec<String>) -> bool {
    match tree {
        Tree::Name(name) => names.contains(name),
        Tree::Number(_) | Tree::Text(_) | Tree::Bool(_) | Tree::Property(_) => true,
        Tree::Negative(of) | Tree::Not(of) => is_bound(of, names),
        Tree::Binary(_, left, right) => is_bound(left, names) && is_bound(right, names),
        Tree::List(all) => all.iter().all(|one| is_bound(one, names)),
        Tree::Call(called, arguments) => {
            are_bound(called, &arguments.iter().collect::<Vec<_>>(), names)
        }
        Tree::Method(of, called, arguments) => {
            let all: Vec<&Tree> = std::iter::once(&**of).chain(arguments).collect();
            are_bound(called, &all, names)
        }
    }
}

fn are_bound(called: &str, arguments: &[&Tree], names: &mut Vec<String>) -> bool {
    let before = names.len();
    let mut bound = true;
    for (index, argument) in arguments.iter().enumerate() {
        let is_last = index + 1 == arguments.len();
        match argument {
            Tree::Name(name) if called.starts_with("let") && index % 2 == 0 && !is_last => {
                names.push(name.clone());
            }
            _ => bound &= is_bound(argument, names),
        }
        if index == 0 && OVER_LISTS.contains(&called) {
            names.extend(["current".to_owned(), "index".to_owned()]);
        }
    }
    names.truncate(before);
    bound
}

/// Functions whose second argument is worked out for each element.
const OVER_LISTS: [&str; 7] = ["map", "filter", "some", "every", "find", "findIndex", "count"];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length;
        if rest.starts_with(super::OPEN) {
            let end = rest.find("}}")?;
            let inside = &rest[super::OPEN.len()..end];
            out.push(Token::Property(inside.split(':').next()?.to_owned()));
            length = end + 2;
        } else if first == '"' {
            let (text, used) = string(&rest[1..])?;
            out.push(Token::Text(text));
            length = used + 1;
        } else if first.is_ascii_digit() {
            length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            out.push(Token::Number(rest[..length].parse().ok()?));
        } else if first.is_alphabetic() || first == '_' {
            length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            out.push(Token::Word(rest[..length].to_owned()));
        } else if first == '!' && !rest.starts_with("!=") {
            out.push(Token::Word("not".to_owned()));
            length = 1;
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
            out.push(Token::Sign(sign));
            length = sign.len();
        }
        rest = rest[length..].trim_start();
    }
    Some(out)
}

/// The text up to the closing quote, and how many bytes that took.
fn string(text: &str) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((out, at + 1)),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
    None
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: &'static str) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn ternary(&mut self) -> Option<Tree> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let condition = self.binary(0)?;
        let tree = if self.take("?") {
            let yes = self.ternary()?;
            if !self.take(":") {
                return None;
            }
            Tree::Call("if".to_owned(), vec![condition, yes, self.ternary()?])
        } else {
            condition
        };
        self.depth -= 1;
        Some(tree)
    }

    fn binary(&mut self, level: usize) -> Option<Tree> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.binary(level + 1)?;
            left = Tree::Binary(operator, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn operator(&mut self, among: &[&'static str]) -> Option<&'static str> {
        let written = match self.peek()? {
            Token::Sign(sign) => *sign,
            Token::Word(word) => word.as_str(),
            _ => return None,
        };
        let found = among.iter().find(|operator| **operator == written)?;
        self.at += 1;
        Some(match *found {
            "||" => "or",
            "&&" => "and",
            other => other,
        })
    }

    fn unary(&mut self) -> Option<Tree> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let tree = if self.take("-") {
            Tree::Negative(Box::new(self.unary()?))
        } else if self.peek() == Some(&Token::Word("not".to_owned())) {
            self.at += 1;
            Tree::Not(Box::new(self.unary()?))
        } else {
            let base = self.postfix()?;
            if self.take("^") {
                Tree::Binary("^", Box::new(base), Box::new(self.unary()?))
            } else {
                base
            }
        };
        self.depth -= 1;
        Some(tree)
    }

    fn postfix(&mut self) -> Option<Tree> {
        let mut tree = self.primary()?;
        while self.take(".") {
            let Some(Token::Word(name)) = self.peek().cloned() else { return None };
            self.at += 1;
            if !self.take("(") {
                return None;
            }
            tree = Tree::Method(Box::new(tree), name, self.arguments()?);
        }
        Some(tree)
    }

    fn arguments(&mut self) -> Option<Vec<Tree>> {
        self.list(")")
    }

    /// What is separated by commas, up to `end`.
    fn list(&mut self, end: &'static str) -> Option<Vec<Tree>> {
        let mut all = Vec::new();
        if self.take(end) {
            return Some(all);
        }
        loop {
            all.push(self.ternary()?);
            if self.take(end) {
                return Some(all);
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    fn primary(&mut self) -> Option<Tree> {
        if self.take("(") {
            let tree = self.ternary()?;
            return self.take(")").then_some(tree);
        }
        let token = self.peek()?.clone();
        self.at += 1;
        match token {
            Token::Number(number) => Some(Tree::Number(number)),
            Token::Text(text) => Some(Tree::Text(text)),
            Token::Property(id) => Some(Tree::Property(id)),
            Token::Word(word) => match word.as_str() {
                "true" => Some(Tree::Bool(true)),
                "false" => Some(Tree::Bool(false)),
                _ if self.take("(") => {
                    let arguments = self.arguments()?;
                    match arguments.as_slice() {
                        [Tree::Text(name)] if word == "prop" => Some(Tree::Property(name.clone())),
                        _ => Some(Tree::Call(word, arguments)),
                    }
                }
                _ => Some(Tree::Name(word)),
            },
            Token::Sign("[") => self.list("]").map(Tree::List),
            Token::Sign(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_as_usual_and_refuses_what_is_broken() {
        let tree = parse("1 + 2 * 3", 9).unwrap();
        assert!(matches!(tree, Tree::Binary("+", _, _)));
        assert!(parse("if(true, \"a\", \"b\")", 9).is_some());
        assert!(parse("\"x\".length() > 0 and not false", 9).is_some());
        assert!(parse("let(x, 2, x + 1)", 9).is_some());
        assert!(parse("[1, 2].map(current * 2).sum()", 9).is_some());
        for broken in ["let(x, y, x)", "1 +", "(1", "foo", "\"open", "1 2", "#"] {
            assert!(parse(broken, 9).is_none(), "{broken}");
        }
        assert!(parse(&"(".repeat(5000), 9).is_none());
        assert!(parse(&"-".repeat(5000), 9).is_none());
    }
}
