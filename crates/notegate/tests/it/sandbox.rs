//! `notegate sandbox`: what its flags do.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Place, Sandbox};

const PATH: (&str, &str) = ("PATH", "/usr/local/bin:/usr/bin:/bin");

#[test]
fn a_state_file_keeps_the_sandbox_from_run_to_run() {
    let place = Place::new();
    let file = place.join("state.json");
    let arguments = ["--state", file.to_str().unwrap()];
    let sandbox = Sandbox::start_with(&place, &arguments);
    let page = sandbox.control(
        "POST",
        "as-human",
        json!({"method": "POST", "path": "/v1/pages", "body": {
            "parent": {"workspace": true},
            "properties": {"title": [{"text": {"content": "Kept"}}]},
        }}),
    );
    assert!(sandbox.stop().success());
    assert!(!place.join("state.json.new").exists());
    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(kept["nodes"].get(page["id"].as_str().unwrap()).is_some());
    let sandbox = Sandbox::start_with(&place, &arguments);
    let path = format!("/v1/pages/{}", page["id"].as_str().unwrap());
    let read = sandbox.control("POST", "as-human", json!({"method": "GET", "path": path}));
    assert_eq!(read["id"], page["id"]);
    sandbox.stop();
    // What is in the way is not overwritten.
    fs::write(&file, "{}").unwrap();
    let ran = place
        .run(&["sandbox", "serve", "--listen", "127.0.0.1:0", arguments[0], arguments[1]], &[]);
    assert!(ran.expect(2).err.contains("state.json is not a world"), "{ran:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
}

#[test]
fn limits_hold_when_they_are_asked_for() {
    let place = Place::new();
    let sandbox = Sandbox::start_with(&place, &["--limits"]);
    let limits = sandbox.control("GET", "limits", Value::Null);
    assert_eq!((&limits["on"], &limits["per_connection"]), (&json!(true), &json!(180)));
}

#[test]
fn a_directory_is_a_seed() {
    let place = Place::new();
    let seed = place.join("seed");
    fs::create_dir_all(seed.join("Handbook")).unwrap();
    let workspace = "[[connections]]\nname = \"CI\"\ntoken = \"ntn_sandbox_ci\"\n";
    fs::write(seed.join("workspace.toml"), workspace).unwrap();
    fs::write(seed.join("Handbook/Onboarding.md"), "Welcome!\n").unwrap();
    let sandbox = Sandbox::start_with(&place, &["--seed", seed.to_str().unwrap()]);
    assert_eq!(sandbox.full, "ntn_sandbox_ci");
    assert_eq!(sandbox.control("GET", "health", Value::Null)["objects"], 3);
    let seed = seed.to_str().unwrap();
    let exec = ["sandbox", "exec", "--seed", seed, "--", "/bin/sh", "-c", "echo $NOTION_TOKEN"];
    assert_eq!(place.run(&exec, &[PATH]).expect(0).out, "ntn_sandbox_ci\n");
    fs::write(place.join("seed/Broken.md"), "+++\n\nauthor = \"Eve\"\n+++\n").unwrap();
    let ran = place.run(&exec, &[PATH]);
    assert!(ran.expect(2).err.contains("seed/Broken.md:3: there is no person \"Eve\""), "{ran:?}");
    let ran = place.run(&["sandbox", "serve", "--seed", "nowhere"], &[]);
    assert!(ran.expect(2).err.contains("there is no seed nowhere"), "{ran:?}");
}
