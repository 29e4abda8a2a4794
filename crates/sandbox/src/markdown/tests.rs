//! What is read is what was written.

use notion::Id;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::input::rich_text::{append, joins, no_annotations};

fn emoji(name: &str) -> Option<Value> {
    (name == "party").then(|| json!({"id": Id::NIL, "name": "party", "url": "https://e.example/p"}))
}

fn reading(dialect: Dialect) -> Reading<'static> {
    Reading { dialect, emoji: &emoji }
}

fn read(text: &str) -> Vec<Draft> {
    parse_as(text, &reading(Dialect::V1)).unwrap()
}

fn again(text: &str) -> String {
    render(&read(text), Look::default()).markdown
}

/// Kinds and plain texts, children in parentheses.
fn outline(drafts: &[Draft]) -> String {
    let one = |draft: &Draft| {
        let runs = draft.body["rich_text"].as_array().cloned().unwrap_or_default();
        let text: String = runs.iter().filter_map(|run| run["text"]["content"].as_str()).collect();
        let below = outline(&draft.children);
        let below = if below.is_empty() { below } else { format!("({below})") };
        format!("{}:{text}{below}", draft.kind)
    };
    drafts.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_form_of_the_syntax_is_read_and_written() {
    let text = "# Title {color=\"red\"}\n\
        ##### five {toggle=\"true\"}\n\
        \tinside\n\
        text {color=\"gray_bg\"}\n\
        - a\n\t- b\n\t\tc\n\
        7. one\n3. two\n\
        - [ ] open\n- [x] done\n\
        > quoted<br>more\n\
        <details color=\"blue\">\n<summary>more</summary>\n\thidden\n</details>\n\
        <callout icon=\"💡\" color=\"blue_bg\">\n\tmind\n\t- this\n</callout>\n\
        ```rust\nfn main() { *x }\n\n```\n\
        $$\nx^2\n$$\n\
        ---\n\
        <table header-row=\"true\">\n\t<tr>\n\t\t<td>a</td>\n\t\t<td>**b**</td>\n\t</tr>\n</table>\n\
        <empty-block/>\n\
        <columns>\n\t<column>\n\t\tl\n\t</column>\n\t<column>\n\t\tr\n\t</column>\n</columns>\n\
        ![a *b*](https://x.example/i.png)\n\
        <audio src=\"https://x.example/a.mp3\">c</audio>\n\
        <video src=\"https://x.example/v.mp4\"></video>\n\
        <file src=\"https://x.example/f.txt\"></file>\n\
        <pdf src=\"https://x.example/p.pdf\"></pdf>\n\
        <page url=\"https://www.notion.so/38c9ce7b60a4818a9e7bc4a2d1f0e3b5\">Sub \\*page</page>\n\
        <table_of_contents color=\"gray\"/>\n\
        <synced_block>\n\tshared\n</synced_block>";
    let expected = text.replace("#####", "####").replace("7. one\n3. two", "1. one\n2. two");
    assert_eq!(again(text), expected);
    assert_eq!(
        outline(&read(text)),
        "heading_1:Title heading_4:five(paragraph:inside) paragraph:text \
         bulleted_list_item:a(bulleted_list_item:b(paragraph:c)) numbered_list_item:one \
         numbered_list_item:two to_do:open to_do:done quote:quoted\nmore \
         toggle:more(paragraph:hidden) callout:mind(bulleted_list_item:this) \
         code:fn main() { *x }\n equation: divider: table:(table_row:) paragraph: \
         column_list:(column:(paragraph:l) column:(paragraph:r)) image: audio: video: file: pdf: \
         child_page: table_of_contents: synced_block:(paragraph:shared)"
    );
}

#[test]
fn inline_forms_are_read_and_written() {
    for text in [
        "a **b** *c* ~~d~~ `e*` [f](https://x.example/g) $h^2$",
        "***a*** **b *c* d** *e* ***f***",
        "<span underline=\"true\">a</span> <span color=\"red_bg\">**b**</span>",
        "<mention-date start=\"2026-01-01\"/> <mention-date start=\"2026-01-01\" startTime=\"10:00\" \
         end=\"2026-01-02\" endTime=\"11:30\" timeZone=\"UTC\"/>",
        "<mention-template value=\"now\"/> <mention-template value=\"me\"/> :party: :none:",
        "``a`b`` \\*not\\* 2 \\* 3 \\[x\\] \\{y\\} \\| \\^",
        "a<br>b",
    ] {
        assert_eq!(again(text), text);
    }
    let user =
        "<mention-user url=\"user://38c9ce7b-60a4-818a-9e7b-c4a2d1f0e3b5\">Ada</mention-user>";
    let runs = &read(user)[0].body["rich_text"];
    assert_eq!(runs[0]["mention"]["user"]["id"], "38c9ce7b-60a4-818a-9e7b-c4a2d1f0e3b5");
    assert_eq!(runs.as_array().unwrap().len(), 1);
    // What is never closed is text, and what has no address is no link.
    assert_eq!(
        again("a * b ** c ~~ d $5 [x] <i> `q"),
        "a \\* b \\*\\* c \\~\\~ d \\$5 \\[x\\] \\<i\\> \\`q"
    );
    assert_eq!(again("[a](nowhere) **b *c**"), "a **b \\*c**");
    assert_eq!(again("see[^https://x.example/y]"), "see[https://x.example/y](https://x.example/y)");
}

#[test]
fn what_people_write_is_understood() {
    // Blank lines are dropped (measured).
    assert_eq!(again("## New Section\n\nHello\n"), "## New Section\nHello");
    let nested = "- a\n  - b\n    - c\n- d\n    1. e\n   * f";
    assert_eq!(
        outline(&read(nested)),
        "bulleted_list_item:a(bulleted_list_item:b(bulleted_list_item:c)) \
         bulleted_list_item:d(numbered_list_item:e bulleted_list_item:f)"
    );
    let pipes = "| A | B |\n|---|:-:|\n| 1 \\| 2 | **x** |\n| only |";
    let table = &read(pipes)[0];
    assert_eq!((table.children.len(), &table.body["table_width"]), (3, &json!(2)));
    assert_eq!(table.body["has_column_header"], true);
    assert_eq!(table.children[1].body["cells"][0][0]["text"]["content"], "1 | 2");
    let fence = "::: callout {icon=\"🎯\" color=\"green_bg\"}\nAim\n- higher\n:::\nafter";
    assert_eq!(outline(&read(fence)), "callout:Aim(bulleted_list_item:higher) paragraph:after");
    let sloppy = "<details><summary>s</summary>\nin\n</details>\n<callout>one line</callout>\nout";
    assert_eq!(outline(&read(sloppy)), "toggle:s(paragraph:in) callout:one line paragraph:out");
    // The nearest colour of a table counts.
    let colors = "<table>\n<colgroup><col color=\"red\"/><col/></colgroup>\n<tr color=\"blue\">\
        <td color=\"gray\">a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr>\n</table>";
    let cell = |row: usize, column: usize| {
        let cells = &read(colors)[0].children[row].body["cells"];
        cells[column][0]["annotations"]["color"].clone()
    };
    assert_eq!(
        [cell(0, 0), cell(0, 1), cell(1, 0), cell(1, 1)],
        ["gray", "blue", "red", "default"]
    );
    assert_eq!(
        outline(&read("</details>\n<column>\nx\n</column>\r\ny")),
        "paragraph:x paragraph:y"
    );
}

#[test]
fn the_other_dialect_has_tags_for_more() {
    let text = "# a\n\n<p />\n\n<bookmark source=\"https://x.example/b\">c</bookmark>\n\n\
        <image source=\"https://x.example/i.png\"></image>\n\n\
        <columns>\n\t<column ratio=\"0.25\">\n\t\tl\n\t</column>\n\t<column>\n\t\tr\n\t</column>\n\
        </columns>\n\n<synced-block>\n\tx\n</synced-block>\n\n<table-of-contents/>";
    let look = Look { dialect: Dialect::V2, ..Look::default() };
    let parse = |text: &str| parse_as(text, &reading(Dialect::V2)).unwrap();
    assert_eq!(render(&parse(text), look).markdown, text);
    let tags = "<h2 color=\"red\">b</h2>\n\n<quote>q <b>r</b></quote>\n\n<todo checked>d</todo>\n\n\
        <p>a &lt;u&gt; <u>v</u></p>\n\n<equation>x^2</equation>";
    let expected = "heading_2:b quote:q r to_do:d paragraph:a <u> v equation:";
    assert_eq!(outline(&parse(tags)), expected);
    assert_eq!(outline(&read("<quote>q</quote>")), "paragraph:<quote>q</quote>");
}

#[test]
fn too_much_is_refused() {
    let deep: String = (0..200).map(|depth| format!("{}- x\n", "\t".repeat(depth))).collect();
    assert!(parse(&deep).unwrap_err().message.contains("deeper than 50"));
    assert!(parse(&"x\n".repeat(20_001)).unwrap_err().message.contains("20000 blocks"));
    let wide = format!("|{}", "a|".repeat(101));
    assert!(parse(&wide).unwrap_err().message.contains("100 columns"));
}

#[test]
fn hostile_texts_take_no_longer_than_others() {
    for piece in [
        "[",
        "*",
        "**a ",
        "`",
        "`` ",
        "$a ",
        "<a b=\"",
        "[](",
        "](",
        "<span>",
        "[^",
        "~~a",
        "<td>",
        "<mention-date start=\"2026-01-01\">",
        "> ",
        "{color=",
        ":a",
        "<details>",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let drafts = parse(&text);
        assert!(drafts.is_ok() || drafts.is_err());
    }
}

const WORD: &str = "[a-zA-Z0-9é#>*_`~\\[\\](){}|$^<&:;.!+-]{1,6}";

fn url() -> impl Strategy<Value = String> {
    "https://x\\.example/[a-z()\\\\?=&%]{0,8}"
}

/// A run that markdown can say: what is marked does not begin or end with a space.
fn run() -> impl Strategy<Value = Value> {
    let words = prop::collection::vec(WORD, 1..4).prop_map(|words| words.join(" "));
    let text = (words, prop::option::weighted(0.2, url()), prop::bool::weighted(0.1), "[ \n]{0,1}");
    let text = text.prop_map(|(content, url, spaced, edge)| {
        let content = if spaced { format!("{edge}{content}{edge}") } else { content };
        let link = url.map(|url| json!({"url": url}));
        (json!({"type": "text", "text": {"content": content, "link": link}}), spaced)
    });
    let id = "38c9ce7b-60a4-818a-9e7b-c4a2d1f0e3b5";
    let mention = prop::sample::select(vec![
        json!({"type": "user", "user": {"id": id}}),
        json!({"type": "page", "page": {"id": id}}),
        json!({"type": "database", "database": {"id": id}}),
        json!({"type": "date", "date": {"start": "2026-02-03", "end": null, "time_zone": null}}),
        json!({"type": "date", "date": {"start": "2026-02-03T10:00:00.000+05:30",
            "end": "2026-02-03T11:15:00.000+05:30", "time_zone": null}}),
        json!({"type": "template_mention", "template_mention":
            {"type": "template_mention_user", "template_mention_user": "me"}}),
        json!({"type": "template_mention", "template_mention":
            {"type": "template_mention_date", "template_mention_date": "today"}}),
        json!({"type": "custom_emoji", "custom_emoji": emoji("party")}),
    ])
    .prop_map(|mention| (json!({"type": "mention", "mention": mention}), false));
    let equation = "[a-z0-9^_{}$+]([a-z0-9^_{} $\\\\]{0,8}[a-z0-9^}])?"
        .prop_map(|text| (json!({"type": "equation", "equation": {"expression": text}}), false));
    let atom = prop_oneof![6 => text, 1 => mention, 1 => equation];
    let style = prop::collection::vec(prop::bool::weighted(0.25), 5);
    let color = prop::sample::select(vec!["default", "default", "red", "gray_background"]);
    (atom, style, color).prop_map(|((mut run, spaced), style, color)| {
        let mut all = no_annotations();
        for (name, on) in ["bold", "italic", "strikethrough", "underline", "code"].iter().zip(style)
        {
            let is_plain = spaced && *name != "underline";
            let is_code = *name == "code" && run["type"] != "text";
            all[*name] = (on && !is_plain && !is_code).into();
        }
        all["color"] = color.into();
        run["annotations"] = all;
        run
    })
}

fn runs() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(run(), 0..5).prop_map(|runs| {
        let mut out: Vec<Value> = Vec::new();
        for run in runs {
            match out.last_mut() {
                Some(last) if joins(last, &run) => append(last, &run),
                _ => out.push(run),
            }
        }
        out
    })
}

fn leaf() -> impl Strategy<Value = Draft> {
    let color = || prop::sample::select(vec!["default", "default", "blue", "red_background"]);
    let table = (1_usize..4, 1_usize..4, any::<bool>(), any::<bool>()).prop_flat_map(
        |(width, rows, top, left)| {
            prop::collection::vec(prop::collection::vec(runs(), width), rows)
                .prop_map(move |rows| bodies::table(rows, top, left))
        },
    );
    prop_oneof![
        (prop::sample::select(vec!["image", "audio", "video", "pdf", "file"]), url(), runs())
            .prop_map(|(kind, url, caption)| bodies::media(kind, &url, caption)),
        ("[ -~\n\t]{0,40}", prop::sample::select(vec!["rust", "plain text", "c++"])).prop_map(
            |(text, language)| {
                bodies::draft(
                    "code",
                    json!({"caption": [], "rich_text": inline_in::plain(&text),
                    "language": language}),
                )
            }
        ),
        "[ -#%-~\n]{0,20}".prop_map(|text| bodies::draft("equation", json!({"expression": text}))),
        Just(bodies::draft("divider", json!({}))),
        color().prop_map(|color| bodies::draft("table_of_contents", json!({"color": color}))),
        table,
        (prop::sample::select(vec!["child_page", "child_database"]), WORD).prop_map(
            |(kind, title)| {
                let mut page = bodies::draft(kind, json!({"title": title}));
                page.id = Id::parse("38c9ce7b60a4818a9e7bc4a2d1f0e3b5");
                page
            }
        ),
    ]
}

fn blocks() -> impl Strategy<Value = Vec<Draft>> {
    let kinds = vec![
        "paragraph",
        "paragraph",
        "heading_1",
        "heading_3",
        "heading_4",
        "bulleted_list_item",
        "numbered_list_item",
        "to_do",
        "quote",
        "toggle",
        "callout",
    ];
    let color = prop::sample::select(vec!["default", "default", "blue", "red_background"]);
    let tree = leaf().prop_recursive(4, 40, 4, move |inner| {
        let children = prop::collection::vec(inner.clone(), 0..4);
        let text =
            (prop::sample::select(kinds.clone()), runs(), children, color.clone(), any::<bool>());
        let text = text.prop_map(|(kind, runs, children, color, flag)| {
            let is_heading = kind.starts_with("heading");
            let more = match kind {
                "paragraph" => json!({"icon": null}),
                "to_do" => json!({"checked": flag}),
                "callout" if flag => json!({"icon": {"type": "emoji", "emoji": "💡"}}),
                "callout" => json!({"icon": null}),
                _ if is_heading => json!({"is_toggleable": flag}),
                _ => json!(null),
            };
            let mut draft = bodies::text(kind, runs, more, color);
            if !is_heading || flag {
                draft.children = children;
            }
            draft
        });
        let columns = prop::collection::vec(prop::collection::vec(inner.clone(), 1..3), 2..4);
        let columns = columns.prop_map(|columns| {
            let mut list = bodies::draft("column_list", json!({}));
            for children in columns {
                let mut column = bodies::draft("column", json!({}));
                column.children = children;
                list.children.push(column);
            }
            list
        });
        let synced = prop::collection::vec(inner, 0..3).prop_map(|children| {
            let mut synced = bodies::draft("synced_block", json!({"synced_from": null}));
            synced.children = children;
            synced
        });
        prop_oneof![6 => text, 1 => columns, 1 => synced]
    });
    prop::collection::vec(tree, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_come_back_as_they_were(drafts in blocks()) {
        let text = render(&drafts, Look::default());
        let back = read(&text.markdown);
        let differs = || {
            let (was, is) = (format!("{drafts:#?}"), format!("{back:#?}"));
            was.lines().zip(is.lines()).find(|(was, is)| was != is).map(|(a, b)| format!("{a} / {b}"))
        };
        prop_assert!(back == drafts, "{:?}\n{:?}", text.markdown, differs());
        for span in &text.spans {
            prop_assert!(text.markdown.get(span.start..span.end).is_some());
        }
    }

    #[test]
    fn any_text_is_read_and_settles(text in "([ -~\t\néß💡]|\\n|\\*\\*|<[a-z_]{1,8}>|</details>|- |\\| ){0,60}") {
        let once = again(&text);
        prop_assert_eq!(&again(&once), &once);
    }
}
