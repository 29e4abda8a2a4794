//! Prompts: a few tasks that a person picks by name, each a page or database and what to do with it. And
//! completion: titles for whoever types the page or database.

use notion::Id;
use rmcp::model::{JsonObject, Prompt, PromptArgument};
use serde_json::{Value, json};

use super::fault::Fault;
use super::flat_out::{short, shown, title};
use super::reach;
use crate::caller::Caller;

/// A task.
pub(crate) struct Task {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// What it is about.
    subject: Subject,
    /// The tool that it cannot do without.
    pub(crate) tool: &'static str,
    /// What the model is asked; `{}` is the subject.
    text: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Subject {
    Page,
    Database,
}

impl Subject {
    fn argument(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Database => "database",
        }
    }
}

/// All of them.
pub(crate) const TASKS: &[Task] = &[
    Task {
        name: "summarize_page",
        title: "Summarise a page",
        description: "What a page says, was decided and is left to do",
        subject: Subject::Page,
        tool: "fetch",
        text: "Fetch {} with its comments. If it is cut, read on. Then tell in a few sentences what it \
               says, and list what was decided and what is left to do, with names and days. Quote nothing \
               that is not there.",
    },
    Task {
        name: "review_database",
        title: "Review a database",
        description: "What is overdue, stuck or unassigned",
        subject: Subject::Database,
        tool: "query",
        text: "Fetch {} to see its columns, then query it: what is overdue, what has not moved for two \
               weeks, what has nobody assigned, as far as its columns tell. Group by person. Change nothing.",
    },
    Task {
        name: "save_notes",
        title: "Save this conversation",
        description: "Notes of this conversation as a new page",
        subject: Subject::Page,
        tool: "create_pages",
        text: "Write notes of this conversation as a page under {}: a title that says what it was about, \
               what was decided, open questions, and next steps as to-dos. Show a dry run first, and make \
               the page when I agree.",
    },
];

impl Task {
    /// The task of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TASKS.iter().find(|task| task.name == name)
    }

    /// As it is listed.
    pub(crate) fn listed(&self) -> Prompt {
        let argument = PromptArgument::new(self.subject.argument())
            .with_description("id or URL")
            .with_required(true);
        Prompt::new(self.name, Some(self.description), Some(vec![argument])).with_title(self.title)
    }

    /// What the model is asked; an error says which argument is missing.
    pub(crate) fn text(&self, arguments: &JsonObject) -> Result<String, String> {
        let name = self.subject.argument();
        let subject = arguments.get(name).and_then(Value::as_str).map(str::trim);
        match subject {
            Some(subject) if !subject.is_empty() && subject.len() <= SUBJECT_MAX => {
                Ok(self.text.replacen("{}", subject, 1))
            }
            _ => Err(format!("`{name}` is an id or URL of at most {SUBJECT_MAX} characters")),
        }
    }
}

/// The longest id or URL.
const SUBJECT_MAX: usize = 2_000;
/// Titles that are offered, and characters of each.
const OFFERED_MAX: usize = 10;
const SLUG_MAX: usize = 60;

/// URLs of pages or databases whose titles have what was typed, for an argument of a prompt.
pub(crate) async fn urls(
    caller: &Caller<'_>,
    task: &Task,
    typed: &str,
) -> Result<Vec<String>, Fault> {
    let pages = task.subject == Subject::Page;
    let found = slugs(caller, typed, if pages { "page" } else { "data_source" }).await?;
    let form = |slug: String| match pages {
        true => format!("https://www.notion.so/{slug}"),
        // The id of a data source makes no URL of Notion.
        false => format!("collection://{}", &slug[slug.len() - 32..]),
    };
    Ok(found.into_iter().map(form).collect())
}

/// `Title-0a1b…` of what has in its title what was typed.
pub(crate) async fn slugs(
    caller: &Caller<'_>,
    typed: &str,
    kind: &str,
) -> Result<Vec<String>, Fault> {
    let typed: String = typed.chars().take(200).collect();
    let body = json!({
        "query": typed,
        "page_size": OFFERED_MAX,
        "filter": {"property": "object", "value": kind},
    });
    let answer = reach::plain(caller, "post-search", Vec::new(), Some(body)).await?;
    let found = answer["results"].as_array().into_iter().flatten();
    let found =
        found.filter(|object| object["id"].as_str().is_some_and(|id| Id::parse(id).is_some()));
    Ok(found.map(slug).collect())
}

fn slug(object: &Value) -> String {
    let title = title(object);
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: String = words.collect::<Vec<_>>().join("-").chars().take(SLUG_MAX).collect();
    let id = shown(&short(&object["id"]));
    if words.is_empty() { id } else { format!("{words}-{id}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_needs_its_subject_and_names_a_tool_that_there_is() {
        let tools: Vec<_> = crate::agent::tools().iter().map(|tool| tool.name).collect();
        for task in TASKS {
            assert!(tools.contains(&task.tool), "{}", task.name);
            let name = task.subject.argument();
            let given = |value: Value| JsonObject::from_iter([(name.to_owned(), value)]);
            let text = task.text(&given(json!(" {} "))).unwrap();
            assert!(text.contains("{}") && !text.contains(" {}  "), "{text}");
            for bad in [json!(""), json!(7), json!("x".repeat(2_001))] {
                assert!(task.text(&given(bad)).unwrap_err().contains(name));
            }
            assert!(task.text(&JsonObject::new()).is_err());
        }
    }

    #[test]
    fn titles_of_any_sort_end_with_the_id() {
        let id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        for (title, expected) in
            [("Zebra: hand/book", "Zebra-hand-book-"), ("日本", ""), ("", "Untitled-")]
        {
            let object = json!({"id": id, "title": [{"plain_text": title}]});
            assert_eq!(slug(&object), format!("{expected}{}", id.replace('-', "")));
        }
    }
}
