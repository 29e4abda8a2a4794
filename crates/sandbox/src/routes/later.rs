//! Async tasks, and the work that was put off.

use notion::Version;
use notion::catalogue::Operation;
use serde_json::Value;

use super::{Request, Scene, meeting_notes, templates};
use crate::fail::Fail;
use crate::query::session::Sessions;
use crate::render::Object;
use crate::webhooks;
use crate::world::World;
use crate::world::access::Who;
use crate::world::later::{By, Job, Outcome, Task, Work};

/// When to ask again (measured).
const POLL_AFTER_SECONDS: u64 = 2;
/// What an id begins with (measured: `task_` and 32 hexadecimal digits).
const PREFIX: &str = "task_";

/// Takes a write in whose answer comes later. What is wrong with it shows in the task (measured).
pub(super) fn accept(scene: &mut Scene, name: &str, request: &Request) -> Result<Value, Fail> {
    let Some(operation) = Operation::named(name) else { return Err(Fail::no_route()) };
    let mut body = request.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.shift_remove("allow_async");
    }
    let id = format!("{PREFIX}{}", scene.world.ids.random().plain());
    let work = Work::Task {
        id: id.clone(),
        operation: operation.name.to_owned(),
        path: request.path.clone(),
        body,
    };
    if !scene.world.put_off(&scene.who, scene.version, work) {
        return Err(Fail::full());
    }
    let path = operation.path.replace('{', ":").replace('}', "");
    let task = Task {
        id,
        by: scene.who.connection,
        created_time: scene.now(),
        name: format!("{} {path}", operation.verb.as_str()),
        outcome: None,
    };
    let answer = shown(scene, &task);
    scene.world.keep_task(task);
    Ok(answer)
}

/// `GET /v1/async_tasks/{task_id}`
pub(super) fn retrieve(scene: &mut Scene, request: &Request) -> Result<Value, Fail> {
    let id = request.path["task_id"].as_str().unwrap_or_default();
    match scene.world.task(id).filter(|task| task.by == scene.who.connection) {
        Some(task) => Ok(shown(scene, task)),
        None => Err(Fail::not_found("async_task", id, &scene.who, scene.version)),
    }
}

fn shown(scene: &Scene, task: &Task) -> Value {
    let status = task.status(scene.now());
    let operation = Object::default().with("surface", "rest").with("name", task.name.as_str());
    let mut shown = Object::new("async_task")
        .with("id", task.id.as_str())
        .with("status", status)
        .with("status_url", format!("{}/v1/async_tasks/{}", scene.world.base_url, task.id))
        .with("created_time", task.created_time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
        .with_if(task.outcome.is_none(), "poll_after_seconds", POLL_AFTER_SECONDS)
        .with("operation", operation.done());
    match &task.outcome {
        Some(Outcome::Succeeded(result)) => shown = shown.with("result", result.clone()),
        Some(Outcome::Failed(error)) => shown = shown.with("error", error.clone()),
        None => {}
    }
    shown.done()
}

/// Does what is due.
pub(crate) fn run_due(world: &mut World, sessions: &mut Sessions) {
    while let Some(job) = world.next_due() {
        let done = run(world, sessions, &job);
        webhooks::gather(world);
        if let Work::Task { id, .. } = &job.work {
            let outcome = match done {
                Ok(answer) => Outcome::Succeeded(last(answer)),
                Err(fail) => {
                    let mut error = fail.body("");
                    if let Some(members) = error.as_object_mut() {
                        members.shift_remove("request_id");
                    }
                    Outcome::Failed(error)
                }
            };
            world.end_task(id, outcome);
        }
    }
}

fn run(world: &mut World, sessions: &mut Sessions, job: &Job) -> Result<Value, Fail> {
    let who = who(world, job.by).ok_or_else(Fail::bad_token)?;
    let version = Version::parse(&job.version).unwrap_or(Version::LATEST);
    let mut scene = Scene { world, sessions, who, version };
    match &job.work {
        Work::Template(application) => {
            templates::apply(&mut scene, application);
            Ok(Value::Null)
        }
        Work::Transcript { .. } | Work::Summary { .. } => {
            meeting_notes::go_on(&mut scene, &job.work);
            Ok(Value::Null)
        }
        Work::Task { operation, path, body, .. } => {
            let operation = Operation::named(operation).ok_or_else(Fail::no_route)?;
            let request = Request { path: path.clone(), query: Value::Null, body: body.clone() };
            super::run(&mut scene, operation, &request)
        }
    }
}

fn who(world: &World, by: By) -> Option<Who> {
    match by {
        By::Person(id) => world.person(id),
        By::Connection(id) => world.who_is(id),
    }
}

/// In the result of a task, `object` and `id` of markdown come last (measured).
fn last(mut answer: Value) -> Value {
    if let Some(members) = answer
        .as_object_mut()
        .filter(|all| all.get("object").is_some_and(|it| it == "page_markdown"))
    {
        for key in ["id", "object"] {
            if let Some(value) = members.shift_remove(key) {
                members.insert(key.to_owned(), value);
            }
        }
    }
    answer
}
