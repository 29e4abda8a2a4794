//! Five tasks of an agent (`tests/mcp/tasks.json`), as somebody does them who makes no mistake: how many
//! calls, and how many tokens go to and fro. Each task begins with a fresh demo workspace.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::servers::{self, Kind, Servers};
use super::{text_of, tokens};
use crate::{table, workspace};

/// Whose tools, and which steps of the file are for them.
const WAYS: [(&str, Kind, &str); 3] = [
    ("official server", Kind::Official, servers::OFFICIAL_TOOLS),
    ("notegate, official tools", Kind::Notegate, servers::OFFICIAL_TOOLS),
    ("notegate, tools for agents", Kind::Notegate, servers::AGENT_TOOLS),
];

/// One task done one way.
struct Done {
    task: String,
    way: &'static str,
    calls: usize,
    requests: String,
    answers: String,
    /// What went wrong, if something did.
    fault: Option<String>,
}

/// Does all tasks every way, prints, and gives the record.
pub(super) fn run(servers: &Servers) -> Result<Value> {
    let file = workspace::root().join("tests/mcp/tasks.json");
    let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
    let tasks: Vec<Value> = serde_json::from_str(&text)?;
    let mut all = Vec::new();
    for task in &tasks {
        for way in WAYS {
            all.push(done(servers, task, way)?);
        }
    }
    let texts: Vec<String> =
        all.iter().flat_map(|done| [done.requests.clone(), done.answers.clone()]).collect();
    let counted = tokens::count(servers, &texts)?;
    let counted: Vec<(u64, u64)> = counted.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    print!("{}", render(&all, &counted));
    for (done, fault) in all.iter().filter_map(|done| Some((done, done.fault.as_ref()?))) {
        println!("{}, {}: {fault}", done.task, done.way);
    }
    Ok(all
        .iter()
        .zip(counted)
        .map(|(done, (requests, answers))| {
            json!({
                "task": done.task, "way": done.way, "calls": done.calls,
                "tokens_of_requests": requests, "tokens_of_answers": answers, "fault": done.fault,
            })
        })
        .collect())
}

fn done(
    servers: &Servers,
    task: &Value,
    (way, kind, set): (&'static str, Kind, &str),
) -> Result<Done> {
    let name = task["task"].as_str().unwrap_or_default().to_owned();
    let world = World::make(servers)?;
    let mut pipe = servers.pipe(kind, set)?;
    pipe.open()?;
    let mut done = Done {
        task: name,
        way,
        calls: 0,
        requests: String::new(),
        answers: String::new(),
        fault: None,
    };
    for step in task[set].as_array().context("a task has no steps")? {
        let tool = step["tool"].as_str().context("a step has no tool")?;
        let arguments = world.filled_in(&step["arguments"])?;
        let result = pipe.call(tool, &arguments)?;
        let answer = text_of(&result);
        done.calls += 1;
        done.requests.push_str(&format!("{tool} {arguments}\n"));
        done.answers.push_str(&answer);
        // The official server's errors look like successes.
        let says_error = serde_json::from_str::<Value>(&answer)
            .is_ok_and(|it| it["object"] == "error" || it["status"] == "error");
        if result["isError"] == true || says_error {
            let start: String = answer.chars().take(160).collect();
            done.fault = Some(format!("{tool}: {start}"));
        }
    }
    Ok(done)
}

fn render(all: &[Done], counted: &[(u64, u64)]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .zip(counted)
        .map(|(done, (requests, answers))| {
            let end = if done.fault.is_some() { "FAILED" } else { "done" };
            vec![
                done.task.clone(),
                done.way.to_owned(),
                done.calls.to_string(),
                requests.to_string(),
                answers.to_string(),
                (requests + answers).to_string(),
                end.to_owned(),
            ]
        })
        .collect();
    let header = ["task", "tools", "calls", "tokens sent", "tokens received", "together", ""];
    table::render(&header, &rows)
}

/// What the tasks are about.
struct World {
    page: String,
    todo: String,
    source: String,
}

impl World {
    fn make(servers: &Servers) -> Result<Self> {
        let sandbox = servers.sandbox();
        sandbox.reset()?;
        let text = |content: &str| json!([{ "text": { "content": content } }]);
        let todo = |content: &str| json!({ "to_do": { "rich_text": text(content) } });
        let made = json!({
            "parent": { "page_id": sandbox.found("page", "Engineering")? },
            "properties": { "title": text("Harvest plan") },
            "children": [
                { "heading_2": { "rich_text": text("Weather") } },
                { "paragraph": { "rich_text": text("Rain on Monday.") } },
                { "heading_2": { "rich_text": text("Tools") } },
                todo("Sharpen the scythe"),
                todo("Oil the cart"),
            ],
        });
        let page = sandbox.send("POST", "pages", Some(&made))?;
        let page = page["id"].as_str().context("a page without an id")?.to_owned();
        let children = sandbox.send("GET", &format!("blocks/{page}/children"), None)?;
        let todo = children["results"][3]["id"].as_str().context("no to-do")?.to_owned();
        Ok(Self { page, todo, source: sandbox.found("data_source", "Tasks")? })
    }

    fn filled_in(&self, arguments: &Value) -> Result<Value> {
        let text = arguments.to_string();
        let text = text.replace("$page", &self.page).replace("$todo", &self.todo);
        Ok(serde_json::from_str(&text.replace("$source", &self.source))?)
    }
}
