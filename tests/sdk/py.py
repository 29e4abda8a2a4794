"""notion-client (Python) 3.x: the same scenario as scenario.mjs, in the Python SDK's words.

One JSON line per exchange on stdout, with the text of the answer as it arrived.
"""

import json
import os
import sys

import httpx
from notion_client import APIResponseError, Client
from notion_client.helpers import collect_paginated_api, is_full_block, is_full_page

UNKNOWN_PAGE = "0dead000-0000-4000-8000-000000000404"

# A text with what gets lost first on the way: astral characters, escapes, combining marks.
AWKWARD = 'Grüße, 日本語, 🧑\u200d🚀, e\u0301, "quoted", back\\slash, tab\t, line\u2028end'


def need(name):
    value = os.environ.get(name)
    if not value:
        print(
            f"{name} is not set: run these scripts by `cargo xtask test --only sdk`",
            file=sys.stderr,
        )
        sys.exit(2)
    return value


class Recorder:
    """Keeps the text of every answer under the name of the step that caused it."""

    def __init__(self):
        self.current = "before the first step"

    def hook(self, response):
        response.read()
        self.emit(
            {
                "step": self.current,
                "request": f"{response.request.method} {response.request.url.raw_path.decode()}",
                "status": response.status_code,
                "content_type": response.headers.get("content-type"),
                "notion_request_id": response.headers.get("x-notion-request-id"),
                "body": response.content.decode("utf-8"),
            }
        )

    def step(self, name, action, *args, **kwargs):
        self.current = name
        try:
            return action(*args, **kwargs)
        except Exception as error:
            raise RuntimeError(f'step "{name}": {error}') from error

    def refused(self, name, action, *args, **kwargs):
        """A step that Notion refuses; what the SDK made of the refusal is recorded as well."""
        self.current = name
        try:
            answer = action(*args, **kwargs)
        except APIResponseError as error:
            self.emit(
                {
                    "step": name,
                    "error": {
                        "name": type(error).__name__,
                        "code": str(error.code),
                        "status": error.status,
                        "message": str(error),
                    },
                }
            )
            return
        raise RuntimeError(f'step "{name}": expected a refusal, got {json.dumps(answer)}')

    @staticmethod
    def emit(line):
        print(json.dumps(line, ensure_ascii=True), flush=True)


def expect(condition, message):
    """Fails the run if the product answers wrongly in the same way on both sides."""
    if not condition:
        raise RuntimeError(message)


def text(content, **annotations):
    item = {"type": "text", "text": {"content": content}}
    if annotations:
        item["annotations"] = annotations
    return item


def block(index):
    """The nth block of the long page: one of several types, so that many shapes are compared."""
    rich_text = [text(f"Block {index}")]
    return [
        {"heading_3": {"rich_text": rich_text}},
        {"bulleted_list_item": {"rich_text": rich_text}},
        {"to_do": {"rich_text": rich_text, "checked": index % 2 == 0}},
        {"code": {"rich_text": rich_text, "language": "rust"}},
        {"quote": {"rich_text": rich_text}},
        {"divider": {}},
        {"paragraph": {"rich_text": rich_text}},
    ][index % 7]


def property_of_type(table, kind):
    names = [name for name, schema in table["properties"].items() if schema["type"] == kind]
    return names[0] if names else None


def run():
    root_page, team_page = need("ROOT_PAGE_ID"), need("TEAM_PAGE_ID")
    source, database = need("DATA_SOURCE_ID"), need("DATABASE_ID")
    recorder = Recorder()
    step, refused = recorder.step, recorder.refused
    options = {"auth": need("TOKEN"), "base_url": need("BASE_URL")}
    if os.environ.get("NOTION_VERSION"):
        options["notion_version"] = os.environ["NOTION_VERSION"]
    # Proxy variables of the machine must not come between the SDK and 127.0.0.1.
    http = httpx.Client(event_hooks={"response": [recorder.hook]}, trust_env=False)
    client = Client(client=http, **options)
    everything = collect_paginated_api

    # --- who is there
    me = step("me", client.users.me)
    expect(me["type"] == "bot", f"users.me should be a bot, is {me['type']}")
    users = step("list users", everything, client.users.list, page_size=2)
    expect(users, "no users")
    step("retrieve a user", client.users.retrieve, users[0]["id"])

    # --- finding things
    found = step("search, paged", everything, client.search, page_size=3)
    expect(len(found) > 3, f"search should have more than one page, found {len(found)}")
    expect(len({item["id"] for item in found}) == len(found), "search repeats objects")
    step(
        "search by kind",
        everything,
        client.search,
        filter={"property": "object", "value": "data_source"},
        sort={"timestamp": "last_edited_time", "direction": "ascending"},
        page_size=2,
    )

    # --- reading
    root = step("retrieve a page", client.pages.retrieve, root_page)
    expect(is_full_page(root), "the root page is not a full page for the SDK")
    step("retrieve a page as a block", client.blocks.retrieve, root_page)
    step(
        "children of a page",
        everything,
        client.blocks.children.list,
        block_id=root_page,
        page_size=2,
    )
    refused("retrieve an unknown page", client.pages.retrieve, UNKNOWN_PAGE)
    refused("retrieve with a malformed id", client.pages.retrieve, "no-id")

    # --- a page with content
    page = step(
        "create a page with children",
        client.pages.create,
        parent={"page_id": team_page},
        icon={"type": "emoji", "emoji": "🧪"},
        properties={"title": {"title": [text(f"Parity: {AWKWARD}")]}},
        children=[
            {"heading_2": {"rich_text": [text("Start")]}},
            {"paragraph": {"rich_text": [text(AWKWARD, bold=True, color="red")]}},
            {
                "toggle": {
                    "rich_text": [text("A toggle")],
                    "children": [{"paragraph": {"rich_text": [text("inside")]}}],
                }
            },
        ],
    )
    blocks = [block(index) for index in range(250)]
    for start in range(0, len(blocks), 100):
        step(
            f"append blocks from {start}",
            client.blocks.children.append,
            page["id"],
            children=blocks[start : start + 100],
        )
    children = step(
        "read the blocks back, paged",
        everything,
        client.blocks.children.list,
        block_id=page["id"],
        page_size=100,
    )
    expect(len(children) == 253, f"expected 253 blocks, got {len(children)}")
    expect(all(map(is_full_block, children)), "not every block is a full block for the SDK")
    step(
        "insert a block after the first",
        client.blocks.children.append,
        page["id"],
        children=[{"paragraph": {"rich_text": [text("second")]}}],
        after=children[0]["id"],
    )
    step(
        "update a block",
        client.blocks.update,
        children[1]["id"],
        paragraph={"rich_text": [text("changed", italic=True)]},
    )
    step("delete a block", client.blocks.delete, children[252]["id"])
    refused(
        "append too many blocks",
        client.blocks.children.append,
        page["id"],
        children=[block(index) for index in range(101)],
    )

    # --- a table
    step("retrieve the database", client.databases.retrieve, database)
    table = step("retrieve the schema", client.data_sources.retrieve, source)
    title, number = property_of_type(table, "title"), property_of_type(table, "number")
    query = client.data_sources.query
    rows = step("query, paged", everything, query, data_source_id=source, page_size=2)
    expect(len(rows) > 2, f"the demo table should have more than two rows, has {len(rows)}")
    step(
        "query with filter and sort",
        everything,
        query,
        data_source_id=source,
        filter={
            "and": [
                {"property": title, "title": {"is_not_empty": True}},
                {
                    "or": [
                        {"property": title, "title": {"contains": "a"}},
                        {"property": title, "title": {"contains": "e"}},
                    ]
                },
            ]
        },
        sorts=[{"property": title, "direction": "descending"}],
        page_size=2,
    )
    refused(
        "query an unknown property",
        query,
        source,
        filter={"property": "No such property", "checkbox": {"equals": True}},
    )

    def values(name, amount):
        properties = {title: {"title": [text(name)]}}
        if number:
            properties[number] = {"number": amount}
        return properties

    row = step(
        "create a row",
        client.pages.create,
        parent={"type": "data_source_id", "data_source_id": source},
        properties=values("Row α", 0.1 + 0.2),
    )
    step("update a row", client.pages.update, row["id"], properties=values("Row β", -1.5e-9))
    step(
        "retrieve the title of a row",
        client.pages.properties.retrieve,
        row["id"],
        table["properties"][title]["id"],
    )
    step(
        "query for the new row",
        query,
        source,
        filter={"property": title, "title": {"equals": "Row β"}},
    )

    # --- comments
    comment = step(
        "create a comment",
        client.comments.create,
        parent={"page_id": page["id"]},
        rich_text=[text(AWKWARD)],
    )
    step(
        "answer in the discussion",
        client.comments.create,
        discussion_id=comment["discussion_id"],
        rich_text=[text("answer")],
    )
    comments = step(
        "list comments", everything, client.comments.list, block_id=page["id"], page_size=1
    )
    expect(len(comments) == 2, f"expected two comments, got {len(comments)}")

    # --- the trash
    trashed = step("trash the page", client.pages.update, page["id"], in_trash=True)
    expect(trashed["in_trash"] is True, "the page is not in the trash")
    step("retrieve the trashed page", client.pages.retrieve, page["id"])
    restored = step("restore the page", client.pages.update, page["id"], in_trash=False)
    expect(restored["in_trash"] is False, "the page is still in the trash")
    step("trash the row", client.pages.update, row["id"], in_trash=True)
    step(
        "query without the trashed row",
        everything,
        query,
        data_source_id=source,
        page_size=100,
    )


if __name__ == "__main__":
    run()
