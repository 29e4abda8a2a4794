//! Prints formulas as Notion does: spaces around operators and after commas, parentheses around an
//! operation inside another one and nowhere else (measured).

use super::parse::Tree;
use crate::compute::cell::number_text;

/// The text of a formula; `property` writes the placeholder of a property.
pub(super) fn print(tree: &Tree, property: &dyn Fn(&str) -> String) -> String {
    let inner = |tree: &Tree| {
        let text = print(tree, property);
        if matches!(tree, Tree::Binary(..)) { format!("({text})") } else { text }
    };
    match tree {
        Tree::Number(number) => number_text(*number),
        Tree::Text(text) => quoted(text),
        Tree::Bool(on) => on.to_string(),
        Tree::Property(called) => property(called),
        Tree::Name(name) => name.clone(),
        Tree::List(all) => {
            let all: Vec<String> = all.iter().map(|one| print(one, property)).collect();
            format!("[{}]", all.join(", "))
        }
        Tree::Call(name, arguments) => {
            let all: Vec<String> = arguments.iter().map(|one| print(one, property)).collect();
            format!("{name}({})", all.join(", "))
        }
        Tree::Method(of, name, arguments) => {
            let all: Vec<String> = arguments.iter().map(|one| print(one, property)).collect();
            format!("{}.{name}({})", inner(of), all.join(", "))
        }
        Tree::Binary(operator, left, right) => {
            format!("{} {operator} {}", inner(left), inner(right))
        }
        Tree::Negative(of) => format!("-{}", inner(of)),
        // Nobody has recorded a negation; so the language's own documentation writes it.
        Tree::Not(of) => format!("not {}", inner(of)),
    }
}

/// A text literal.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => {
                out.push('\\');
                out.push(char);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn prints_as_notion_does() {
        for (text, expected) in [
            (
                "1+dateBetween(now(),today(),\"years\")*2",
                "1 + (dateBetween(now(), today(), \"years\") * 2)",
            ),
            ("((1 == 2))", "1 == 2"),
            ("if((-1<0), \"a\\\"b\", (3 % 7))", "if(-1 < 0, \"a\\\"b\", 3 % 7)"),
            ("(1 - 2) + 3", "(1 - 2) + 3"),
            ("prop(\"X\") * 2", "<X> * 2"),
        ] {
            let tree = parse(text, 9).unwrap();
            assert_eq!(print(&tree, &|called| format!("<{called}>")), expected, "{text}");
        }
    }
}
