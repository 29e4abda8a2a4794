//! How much of a model's context a text takes, and texts that are cut to a budget.

/// About how many tokens a text is: meant to be a little too high for prose and for ids.
///
/// Counting exactly would need a vocabulary of some megabytes; budgets do not need it.
pub(crate) fn estimate(text: &str) -> usize {
    let mut halves = 0;
    let mut run = Run::None;
    for c in text.chars() {
        let next = Run::of(c);
        halves += match (&run, &next) {
            // Seven letters or three digits are one token; a space goes with what follows it.
            (Run::Letters(length), Run::Letters(_)) if length % 7 != 0 => 0,
            (Run::Digits(length), Run::Digits(_)) if length % 3 != 0 => 0,
            (_, Run::Letters(_) | Run::Digits(_) | Run::Other) => 2,
            (Run::Space, Run::Space) | (_, Run::None) => 0,
            (_, Run::Space) => usize::from(c == '\n') * 2,
            (_, Run::Mark) => 1,
        };
        run = run.then(next);
    }
    halves.div_ceil(2)
}

#[derive(Clone, Copy, PartialEq)]
enum Run {
    None,
    Letters(usize),
    Digits(usize),
    Space,
    Mark,
    Other,
}

impl Run {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' => Self::Letters(1),
            '0'..='9' => Self::Digits(1),
            ' ' | '\n' | '\t' | '\r' => Self::Space,
            c if c.is_ascii() => Self::Mark,
            c if c.is_alphabetic() && (c as u32) < 0x2e80 => Self::Letters(1),
            _ => Self::Other,
        }
    }

    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Letters(length), Self::Letters(_)) => Self::Letters(length + 1),
            (Self::Digits(length), Self::Digits(_)) => Self::Digits(length + 1),
            (_, next) => next,
        }
    }
}

/// How far into `text` a budget of tokens goes: to the end of a block of markdown if one ends in
/// time, else to the end of a line, else to a character. Never nowhere, so that asking on ends.
pub(crate) fn fit(text: &str, budget: usize) -> usize {
    let (mut block, mut line, mut at, mut spent, mut fenced) = (0, 0, 0, 0, false);
    for piece in text.split_inclusive('\n') {
        let bare = piece.trim_start_matches('\t');
        // What is further in, or closes something, belongs to what stands before it.
        let begins = bare.len() == piece.len() && !bare.starts_with("</") && !fenced;
        if begins && at > 0 {
            block = at;
        }
        let cost = estimate(piece);
        if spent + cost > budget {
            if block > 0 {
                return block;
            }
            if line > 0 {
                return line;
            }
            return at + inside(piece, budget.saturating_sub(spent));
        }
        if bare.trim_end().starts_with("```") {
            fenced = !fenced;
        }
        spent += cost;
        at += piece.len();
        line = at;
    }
    text.len()
}

/// How much of a line fits: at least a hundred characters.
fn inside(line: &str, budget: usize) -> usize {
    let wanted = budget.saturating_mul(2).max(100);
    line.char_indices().nth(wanted).map_or(line.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_a_block_ends() {
        let text = "# A\none two three\n- a\n\t- b\n\t- c\n# B\nfour";
        assert_eq!(fit(text, 1_000), text.len());
        let cut = fit(text, 14);
        assert!(text[cut..].starts_with("- a\n") || text[cut..].starts_with("# B"), "{cut}");
        let code = format!("```\n{}```\nafter", "line of code\n".repeat(20));
        let cut = fit(&code, 30);
        assert!(code[..cut].ends_with('\n'));
    }

    #[test]
    fn the_estimate_is_near() {
        let prose = "The quick brown fox jumps over the lazy dog, and nobody minds at all.";
        assert!((14..=22).contains(&estimate(prose)), "{}", estimate(prose));
        assert_eq!(estimate(""), 0);
        assert!(estimate("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d") >= 14);
        assert!(estimate("日本語の文章") >= 6);
    }

    proptest::proptest! {
        #[test]
        fn cutting_goes_on_and_ends(text in "[a-z#\\-\\t\\n `<>/é日]{1,400}", budget in 0_usize..60) {
            let (mut rest, mut whole) = (text.as_str(), String::new());
            while !rest.is_empty() {
                let cut = fit(rest, budget);
                proptest::prop_assert!(cut > 0 && rest.is_char_boundary(cut));
                whole.push_str(&rest[..cut]);
                rest = &rest[cut..];
            }
            proptest::prop_assert_eq!(whole, text);
        }
    }
}
