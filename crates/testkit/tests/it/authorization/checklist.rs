//! Every row of the checklists for authorization has a test that bears its number.
//!
//! The checklists lie beside the workspace (`../shared/mcp.md`); where they are not, there is nothing to
//! compare with. What a test with a number proves is for its readers to judge: this finds rows without any.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rows of three lists, by the number that they begin with.
fn rows(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("- [ ] "));
    let names = rows.filter_map(|row| row.split_whitespace().next());
    let ours = names.filter(|name| ["AS-", "RS-", "NC-"].iter().any(|list| name.starts_with(list)));
    ours.map(str::to_owned).collect()
}

/// The names of all functions under a directory that are tests by their attribute.
fn tests_under(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_under(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
                match name {
                    Some(name) if is_test => {
                        found.extend(name.split('(').next().map(str::to_owned));
                        is_test = false;
                    }
                    Some(_) => is_test = false,
                    None => {
                        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test")
                    }
                }
            }
        }
    }
}

#[test]
fn every_row_of_the_checklists_has_a_test_with_its_number() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(text) = std::fs::read_to_string(root.join("../shared/mcp.md")) else {
        eprintln!("skipped: the checklists (../shared/mcp.md) are not beside this workspace");
        return;
    };
    let rows = rows(&text);
    assert!(rows.len() > 45, "the lists are not as they were: {rows:?}");
    let mut tests = Vec::new();
    tests_under(&root.join("crates"), &mut tests);
    let has = |row: &str| {
        let number = row.to_lowercase().replace('-', "_");
        tests.iter().any(|test| {
            let rest = test.strip_prefix(&number);
            let later = test.split_once(&format!("_{number}")).map(|(_, rest)| rest);
            rest.or(later).is_some_and(|rest| rest.starts_with('_'))
        })
    };
    let missing: Vec<_> = rows.iter().filter(|row| !has(row)).collect();
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
}
