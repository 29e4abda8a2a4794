use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn id(number: usize) -> Id {
    Id::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

fn relation(to: usize) -> Value {
    json!({"type": "relation", "relation": {"data_source_id": id(to), "database_id": id(to + 100)}})
}

fn rollup(relation: &str, target: &str, function: &str) -> Value {
    json!({"type": "rollup", "rollup": {
        "relation_property_id": relation, "rollup_property_id": target, "function": function}})
}

fn formula(expression: &str) -> Value {
    json!({"type": "formula", "formula": {"expression": expression}})
}

fn plain(kind: &str) -> Value {
    json!({"type": kind, kind: {}})
}

/// A schema whose columns have their names for ids.
fn schema(source: Id, columns: &[(&str, Value)]) -> Schema {
    let properties: Map<String, Value> = columns
        .iter()
        .map(|(name, column)| {
            let mut column = column.clone();
            column["id"] = json!(name);
            ((*name).to_owned(), column)
        })
        .collect();
    Schema::read(source, &json!({ "properties": properties })).unwrap()
}

/// The columns of the first table that exist, if those in `inside` are inside.
fn existing(tables: &[(usize, Vec<(&str, Value)>)], inside: &[usize]) -> Vec<(String, Text)> {
    let mut known = Known::default();
    let source = id(tables[0].0);
    loop {
        match known.judge(source) {
            Ok(all) => {
                let existing = all.into_iter().filter_map(|it| Some((it.column.name, it.text?)));
                return existing.collect();
            }
            Err(missing) => {
                assert!(!missing.is_empty());
                for one in missing {
                    match one {
                        Missing::Rulings(_) => unreachable!("policies say nothing"),
                        Missing::Place(at) => {
                            known.put_place(at, inside.iter().any(|it| id(*it) == at));
                        }
                        Missing::Schema(at) => {
                            assert!(
                                at == source || inside.iter().any(|it| id(*it) == at),
                                "the schema of a table outside is nobody's business"
                            );
                            let table = tables.iter().find(|(number, _)| id(*number) == at);
                            let found = table.map(|(_, columns)| Arc::new(schema(at, columns)));
                            known.put_schema(at, found);
                        }
                    }
                }
            }
        }
    }
}

fn names(tables: &[(usize, Vec<(&str, Value)>)], inside: &[usize]) -> Vec<String> {
    existing(tables, inside).into_iter().map(|(name, _)| name).collect()
}

fn world() -> Vec<(usize, Vec<(&'static str, Value)>)> {
    vec![
        (
            1,
            vec![
                ("title", plain("title")),
                ("points", plain("number")),
                ("in", relation(2)),
                ("out", relation(3)),
                ("in sum", rollup("in", "points", "sum")),
                ("in names", rollup("in", "title", "show_original")),
                ("in kinds", rollup("in", "title", "unique")),
                ("out sum", rollup("out", "points", "sum")),
                ("far", rollup("in", "secret", "sum")),
                ("double", formula("prop(\"points\") * 2")),
                ("quad", formula("prop(\"double\") * 2")),
                ("loud", formula("upper(prop(\"title\"))")),
                ("louder", formula("prop(\"loud\") + \"!\"")),
                ("of in sum", formula("prop(\"in sum\") + 1")),
                ("of out sum", formula("prop(\"out sum\") + 1")),
                ("of that", formula("prop(\"of out sum\") + 1")),
                ("of far", formula("prop(\"far\")")),
                ("count in", formula("length(prop(\"in\"))")),
                ("show in", formula("format(prop(\"in\"))")),
                ("of in names", formula("prop(\"in names\")")),
                ("of nothing", formula("prop(\"gone\")")),
                ("round", formula("prop(\"and round\")")),
                ("and round", formula("prop(\"round\")")),
                ("broken", rollup("gone", "points", "sum")),
                ("blind", rollup("in", "gone", "count")),
                ("odd", json!({"type": "hologram"})),
            ],
        ),
        (
            2,
            vec![
                ("title", plain("title")),
                ("points", plain("number")),
                ("back", relation(1)),
                ("out", relation(3)),
                ("secret", rollup("out", "points", "sum")),
            ],
        ),
        (3, vec![("title", plain("title")), ("points", plain("number"))]),
    ]
}

#[test]
fn what_reaches_outside_does_not_exist() {
    let own = |ids: &[&str]| Text::Own(ids.iter().map(|id| (*id).to_owned()).collect());
    let found = existing(&world(), &[1, 2]);
    let found: Vec<_> = found.iter().map(|(name, text)| (name.as_str(), text)).collect();
    assert_eq!(
        found,
        [
            ("title", &own(&["title"])),
            ("points", &Text::None),
            ("in", &Text::None),
            ("in sum", &Text::None),
            ("in names", &Text::Others),
            ("double", &Text::None),
            ("quad", &Text::None),
            ("loud", &own(&["title"])),
            ("louder", &own(&["title"])),
            ("of in sum", &Text::None),
            ("count in", &Text::None),
        ]
    );
    let all = names(&world(), &[1, 2, 3]);
    for name in ["out", "out sum", "far", "of out sum", "of that", "of far"] {
        assert!(all.iter().any(|it| it == name), "{name}: {all:?}");
    }
    for name in
        ["in kinds", "show in", "of in names", "of nothing", "round", "broken", "blind", "odd"]
    {
        assert!(!all.iter().any(|it| it == name), "{name}");
    }
}

#[test]
fn of_a_table_outside_only_the_rows_own_values_exist() {
    assert_eq!(names(&world(), &[2, 3]), ["title", "points"]);
    assert_eq!(names(&world(), &[]), ["title", "points"]);
}

#[test]
fn tables_that_relate_to_themselves_and_to_each_other_are_judged() {
    let tables = vec![
        (
            1,
            vec![
                ("parent", relation(1)),
                ("points", plain("number")),
                ("sum", rollup("parent", "points", "sum")),
                ("there", relation(2)),
                ("theirs", rollup("there", "ours", "sum")),
            ],
        ),
        (2, vec![("back", relation(1)), ("ours", rollup("back", "sum", "max"))]),
    ];
    assert_eq!(names(&tables, &[1, 2]), ["parent", "points", "sum", "there", "theirs"]);
    assert_eq!(names(&tables, &[1]), ["parent", "points", "sum"]);
    // Rollups that are defined by each other.
    let circle = vec![
        (1, vec![("there", relation(2)), ("a", rollup("there", "b", "sum"))]),
        (2, vec![("back", relation(1)), ("b", rollup("back", "a", "sum"))]),
    ];
    assert_eq!(names(&circle, &[1, 2]), ["there"]);
}

#[test]
fn a_name_that_may_mean_two_columns_needs_both() {
    let columns =
        [("out", relation(3)), ("points", plain("number")), ("both", formula("prop(\"x\")"))];
    let mut known = Known::default();
    known.put_place(id(1), true);
    known.put_place(id(3), false);
    let mut table = schema(id(1), &columns);
    // A column that is called like the id of another.
    for column in &mut table.columns {
        match column.name.as_str() {
            "out" => column.id = "x".to_owned(),
            "points" => column.name = "x".to_owned(),
            _ => {}
        }
    }
    known.put_schema(id(1), Some(Arc::new(table)));
    let judged = known.judge(id(1)).unwrap();
    let existing: Vec<_> = judged.iter().filter(|it| it.text.is_some()).collect();
    assert_eq!(existing.len(), 1, "{existing:?}");
}

#[test]
fn a_chain_of_tables_that_is_too_long_ends() {
    let tables: Vec<_> = (1..=60)
        .map(|n| {
            (
                n,
                vec![
                    ("title", plain("title")),
                    ("next", relation(n + 1)),
                    ("deep", if n == 60 { plain("number") } else { rollup("next", "deep", "sum") }),
                ],
            )
        })
        .collect();
    let inside: Vec<usize> = (1..=61).collect();
    assert_eq!(names(&tables, &inside), ["title", "next"]);
    assert_eq!(names(&tables[50..], &inside), ["title", "next", "deep"]);
}

/// What a caller gets of the columns of the first table that sees every table: `-` for what is hidden, `*` for
/// what is masked. `rules` name tables and columns in the same way.
fn ruled(tables: &[(usize, Vec<(&str, Value)>)], rules: &[(usize, &str)]) -> Vec<String> {
    let rule = policy::Rule { id: "pay".into(), says: "".into(), own: true };
    let showing = |table: usize, column: &str| {
        let is = |sign: &str| rules.contains(&(table, format!("{sign}{column}").as_str()));
        match (is("-"), is("*")) {
            (true, _) => Showing::Hidden(Some(rule.clone())),
            (_, true) => Showing::Masked(rule.clone()),
            _ => Showing::Whole,
        }
    };
    let number = |at: Id| tables.iter().find(|(number, _)| id(*number) == at).unwrap();
    let mut known = Known::of(true, true);
    loop {
        let missing = match known.judge(id(tables[0].0)) {
            Ok(all) => {
                let said = all.into_iter().map(|it| match (&it.text, &it.mask) {
                    (None, _) => format!("-{}", it.column.name),
                    (_, Some(_)) => format!("*{}", it.column.name),
                    _ => it.column.name,
                });
                return said.collect();
            }
            Err(missing) => missing,
        };
        for one in missing {
            match one {
                Missing::Place(at) => known.put_place(at, true),
                Missing::Schema(at) => {
                    known.put_schema(at, Some(Arc::new(schema(at, &number(at).1))));
                }
                Missing::Rulings(at) => {
                    let (table, columns) = number(at);
                    let all = columns.iter().map(|(name, _)| showing(*table, name));
                    known.put_rulings(at, all.collect());
                }
            }
        }
    }
}

fn staff() -> Vec<(usize, Vec<(&'static str, Value)>)> {
    let theirs = format!("{{{{notion:block_property:pay:{}:{}}}}}", id(2), id(0));
    vec![
        (
            1,
            vec![
                ("title", plain("title")),
                ("people", relation(2)),
                ("sum", rollup("people", "pay", "sum")),
                ("count", rollup("people", "pay", "count")),
                ("heads", formula("length(prop(\"people\"))")),
                ("of sum", formula("prop(\"sum\") * 2")),
                ("names", rollup("people", "title", "show_original")),
                ("texts", rollup("people", "title", "unique")),
                ("map", formula(&format!("prop(\"people\").map({theirs})"))),
                ("loose", formula("prop(\"people\").map(current.prop(\"title\"))")),
                ("of loose", formula("prop(\"loose\") + 1")),
                ("lead", rollup("people", "team", "show_original")),
                ("of lead", formula("prop(\"lead\")")),
                ("born", plain("created_time")),
                ("of born", formula("prop(\"born\")")),
            ],
        ),
        (
            2,
            vec![
                ("title", plain("title")),
                ("pay", plain("number")),
                ("double", formula("prop(\"pay\") * 2")),
                ("team", relation(1)),
            ],
        ),
    ]
}

/// What is not shown whole.
fn touched(tables: &[(usize, Vec<(&str, Value)>)], rules: &[(usize, &str)]) -> Vec<String> {
    let all = ruled(tables, rules).into_iter();
    all.filter(|it| it.starts_with(['-', '*'])).collect()
}

#[test]
fn whoever_sees_every_object_sees_every_column_that_no_policy_touches() {
    assert_eq!(touched(&staff(), &[]), Vec::<String>::new());
}

#[test]
fn what_is_made_from_a_masked_column_is_masked_and_from_a_hidden_one_hidden() {
    // Formulas that reach through relations could read it, too.
    let reaching = ["-map", "-loose", "-of loose", "-of lead"];
    assert_eq!(
        touched(&staff(), &[(2, "*pay")]),
        [&["*sum", "*count", "*of sum"], &reaching[..]].concat()
    );
    assert_eq!(
        touched(&staff(), &[(2, "-pay")]),
        [&["-sum", "-count", "-of sum"], &reaching[..]].concat()
    );
    let mut people = staff();
    people.reverse();
    assert_eq!(touched(&people, &[(2, "*pay")]), ["*pay", "*double"]);
    assert_eq!(touched(&people, &[(2, "-pay")]), ["-pay", "-double"]);
}

#[test]
fn a_relation_that_is_masked_takes_along_what_goes_through_it() {
    assert_eq!(
        touched(&staff(), &[(1, "*people")]),
        [
            "*people",
            "*sum",
            "*count",
            "*heads",
            "*of sum",
            "*names",
            "*texts",
            "-map",
            "-loose",
            "-of loose",
            "*lead",
            "-of lead"
        ]
    );
}

#[test]
fn what_is_never_empty_is_hidden_in_place_of_masked() {
    let reaching = ["-map", "-loose", "-of loose", "-of lead"];
    assert_eq!(
        touched(&staff(), &[(1, "*born")]),
        [&reaching[..], &["-born", "-of born"]].concat()
    );
}

#[test]
fn where_nobody_knows_what_policies_say_nothing_exists() {
    let mut known = Known::of(true, true);
    known.put_place(id(1), true);
    known.put_schema(id(1), Some(Arc::new(schema(id(1), &[("points", plain("number"))]))));
    assert_eq!(known.judge(id(1)).unwrap_err(), [Missing::Rulings(id(1))]);
    known.put_rulings(id(1), Vec::new());
    assert_eq!(known.judge(id(1)).unwrap()[0].text, None);
}

/// A column of a random world; numbers are tables and columns.
#[derive(Clone, Debug)]
enum Random {
    Plain,
    Relation(usize),
    Rollup(usize, usize),
    Formula(Vec<usize>),
    Unknown,
}

fn random_column() -> impl Strategy<Value = Random> {
    prop_oneof![
        2 => Just(Random::Plain),
        3 => (0_usize..6).prop_map(Random::Relation),
        3 => (0_usize..6, 0_usize..6).prop_map(|(a, b)| Random::Rollup(a, b)),
        2 => prop::collection::vec(0_usize..6, 1..3).prop_map(Random::Formula),
        1 => Just(Random::Unknown),
    ]
}

/// What a column's values can come from, by the letter: every table that can be reached by it.
fn reach(world: &[Vec<Random>], table: usize, column: usize, depth: usize) -> Option<Vec<usize>> {
    if depth > 40 {
        return None;
    }
    match world.get(table)?.get(column)? {
        Random::Plain => Some(vec![table]),
        Random::Unknown => None,
        Random::Relation(to) => Some(vec![table, *to]),
        Random::Rollup(relation, target) => {
            let Random::Relation(to) = world[table].get(*relation)? else { return None };
            let mut all = reach(world, *to, *target, depth + 1)?;
            all.push(table);
            Some(all)
        }
        Random::Formula(named) => {
            let mut all = vec![table];
            for name in named {
                all.extend(reach(world, table, *name, depth + 1)?);
            }
            Some(all)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn nothing_exists_that_can_be_traced_outside(
        world in prop::collection::vec(prop::collection::vec(random_column(), 6), 5),
        inside in prop::collection::vec(any::<bool>(), 6),
    ) {
        let names = ["c0", "c1", "c2", "c3", "c4", "c5"];
        let tables: Vec<(usize, Vec<(&str, Value)>)> = world.iter().enumerate().map(|(n, columns)| {
            let columns = columns.iter().zip(names).map(|(column, name)| {
                let shown = match column {
                    Random::Plain => plain("number"),
                    Random::Unknown => plain("hologram"),
                    Random::Relation(to) => relation(*to),
                    Random::Rollup(relation, target) => rollup(names[*relation], names[*target], "sum"),
                    Random::Formula(named) => {
                        let all: Vec<_> = named.iter().map(|n| format!("length(prop(\"c{n}\"))")).collect();
                        formula(&all.join(" + "))
                    }
                };
                (name, shown)
            });
            (n, columns.collect())
        }).collect();
        let insiders: Vec<usize> = (0..6).filter(|n| inside[*n]).collect();
        let found: Vec<String> = existing(&tables, &insiders).into_iter().map(|(name, _)| name).collect();
        for (index, name) in names.into_iter().enumerate() {
            let column = &world[0][index];
            let traced = reach(&world, 0, index, 0);
            let plain = matches!(column, Random::Plain);
            // Exactly those exist whose values can be traced, and only to what is inside.
            let expected = plain || traced.is_some_and(|all| all.iter().all(|it| inside[*it]));
            prop_assert_eq!(found.iter().any(|it| it == name), expected, "{} {:?}", name, column);
        }
    }
}

#[test]
fn nothing_is_computed_from_rows_of_which_some_are_hidden() {
    let tables = [
        (
            1,
            vec![
                ("title", plain("title")),
                ("part", relation(2)),
                ("whole", relation(3)),
                ("part sum", rollup("part", "points", "sum")),
                ("part count", rollup("part", "title", "count")),
                ("part length", formula("length(prop(\"part\"))")),
                ("of part sum", formula("prop(\"part sum\") + 1")),
                ("whole sum", rollup("whole", "points", "sum")),
                // Rows of the one in rows of the other.
                ("whole parts", rollup("whole", "part", "show_original")),
                ("whole part count", rollup("whole", "part", "count")),
                ("whole part sum", rollup("whole", "part sum", "sum")),
            ],
        ),
        (2, vec![("title", plain("title")), ("points", plain("number")), ("self", relation(2))]),
        (
            3,
            vec![
                ("points", plain("number")),
                ("part", relation(2)),
                ("part sum", rollup("part", "points", "sum")),
            ],
        ),
    ];
    let mut known = Known::default();
    for (number, columns) in &tables {
        known.put_place(id(*number), true);
        known.put_schema(id(*number), Some(Arc::new(schema(id(*number), columns))));
    }
    known.put_in_part(id(2));
    let found = |source: usize| -> Vec<(String, Text)> {
        let all = known.judge(id(source)).unwrap().into_iter();
        all.filter_map(|it| Some((it.column.name, it.text?))).collect()
    };
    let is = |name: &str, text| (name.to_owned(), text);
    let title = || is("title", Text::Own(vec!["title".to_owned()]));
    assert_eq!(
        found(1),
        [title(), is("part", Text::Rows), is("whole", Text::None), is("whole sum", Text::None)]
    );
    assert_eq!(found(2), [title(), is("points", Text::None), is("self", Text::Rows)]);
    assert_eq!(found(3), [is("points", Text::None), is("part", Text::Rows)]);
}
