"""notion-client (notion-sdk-py): the Python SDK, synchronous and asynchronous."""

import asyncio
import os
import unittest

from notion_client import APIResponseError, AsyncClient, Client
from notion_client.helpers import collect_paginated_api

WHERE = {'auth': os.environ['NOTION_TOKEN'], 'base_url': os.environ['NOTION_BASE_URL']}


def text(content: str) -> list:
    """Rich text of one run."""
    return [{'text': {'content': content}}]


class NotionClient(unittest.TestCase):
    """What a script does with it."""

    def setUp(self) -> None:
        self.notion = Client(**WHERE)
        self.addCleanup(self.notion.close)
        found = self.notion.search(query='Engineering', filter={'property': 'object', 'value': 'page'})
        self.root = found['results'][0]['id']

    def test_pages_and_blocks(self) -> None:
        page = self.notion.pages.create(
            parent={'page_id': self.root}, properties={'title': {'title': text('From Python')}}
        )
        self.notion.blocks.children.append(page['id'], children=[{'to_do': {'rich_text': text('x'), 'checked': True}}])
        blocks = collect_paginated_api(self.notion.blocks.children.list, block_id=page['id'])
        self.assertTrue(blocks[0]['to_do']['checked'])
        self.assertTrue(self.notion.blocks.delete(blocks[0]['id'])['in_trash'])

    def test_data_sources(self) -> None:
        database = self.notion.databases.create(
            parent={'type': 'page_id', 'page_id': self.root},
            title=text('From Python'),
            initial_data_source={'properties': {'Name': {'title': {}}, 'Tags': {'multi_select': {}}}},
        )
        source = database['data_sources'][0]['id']
        for name in ('a', 'b'):
            self.notion.pages.create(
                parent={'data_source_id': source},
                properties={'Name': {'title': text(name)}, 'Tags': {'multi_select': [{'name': name}]}},
            )
        rows = collect_paginated_api(
            self.notion.data_sources.query,
            data_source_id=source,
            page_size=1,
            filter={'property': 'Tags', 'multi_select': {'contains': 'b'}},
        )
        self.assertEqual(len(rows), 1)

    def test_errors(self) -> None:
        with self.assertRaises(APIResponseError) as caught:
            self.notion.pages.retrieve('00000000-0000-4000-8000-000000000000')
        self.assertEqual(caught.exception.code, 'object_not_found')

    def test_async(self) -> None:
        async def names() -> list:
            async with AsyncClient(**WHERE) as notion:
                users = await notion.users.list()
                return [user['name'] for user in users['results']]

        self.assertIn('Ada Marsh', asyncio.run(names()))


if __name__ == '__main__':
    unittest.main()
