//! How search compares texts: by words without their endings, any of which is enough (measured:
//! "Markdown Test" finds "Page for testing", "State Page for" finds "report for work", "Custom" finds "Customer 1").

use rust_stemmers::{Algorithm, Stemmer};

/// The stems of the words in a text.
pub(crate) fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| stemmer.stem(word).into_owned()).collect()
}

/// Whether a title holds a word of the query, or the query as it stands.
pub(crate) fn matches(query: &str, wanted: &[String], title: &str) -> bool {
    let title_stems = stems(title);
    wanted.iter().any(|word| title_stems.contains(word))
        || title.to_lowercase().contains(&query.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_do_not_matter_and_one_word_is_enough() {
        let found = |query: &str, title: &str| matches(query, &stems(query), title);
        for (query, title) in [
            ("Markdown Test", "Page for testing max nesting level"),
            ("Linked & Unfurl", "Page for creating link blocks"),
            ("Comments", "Page with page comments"),
            ("Contacts DB", "Bind DB Test"),
            ("created", "creating"),
            ("road", "Roadmap"),
            ("State Page for", "Complete report for work"),
            ("Custom Emoji", "Customer 1"),
        ] {
            assert!(found(query, title), "{query} finds {title}");
        }
        for (query, title) in [("Page for work", "DB at the test"), ("Rich", "Text")] {
            assert!(!found(query, title), "{query} does not find {title}");
        }
    }
}
