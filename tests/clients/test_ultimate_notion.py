"""ultimate-notion: an object mapper over Notion, in Python, against the sandbox."""

import io
import os
import tempfile
import unittest
from datetime import date

# The library writes a configuration file at import time; it belongs to this run only.
os.environ.setdefault(
    'ULTIMATE_NOTION_CONFIG', os.path.join(tempfile.mkdtemp(prefix='ultimate-notion-'), 'config.toml')
)

import ultimate_notion as uno  # noqa: E402


class Sizes(uno.OptionNS):
    """Options of a select property."""

    SMALL = uno.Option('Small', color=uno.Color.GREEN)
    LARGE = uno.Option('Large', color=uno.Color.RED)


class Makers(uno.Schema, db_title='Makers'):
    """Where things come from."""

    name = uno.PropType.Title('Name')


class Things(uno.Schema, db_title='Things'):
    """A table with most types of property."""

    name = uno.PropType.Title('Name')
    price = uno.PropType.Number('Price', format=uno.NumberFormat.EURO)
    twice = uno.PropType.Formula('Twice', formula='prop("Price") * 2')
    note = uno.PropType.Text('Note')
    size = uno.PropType.Select('Size', options=Sizes)
    sizes = uno.PropType.MultiSelect('Sizes', options=Sizes)
    bought = uno.PropType.Date('Bought')
    sold = uno.PropType.Checkbox('Sold')
    site = uno.PropType.URL('Site')
    made_by = uno.PropType.Relation('Made by', schema=Makers)
    created = uno.PropType.CreatedTime('Created')


class UltimateNotion(unittest.TestCase):
    """The flows of its documentation."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.notion = uno.Session(base_url=os.environ['NOTION_BASE_URL'])
        cls.root = cls.notion.search_page('Engineering').item()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.notion.close()

    def test_users(self) -> None:
        self.assertTrue(self.notion.whoami().is_bot)
        self.assertIn('Ada Marsh', [user.name for user in self.notion.all_users()])

    def test_pages_and_blocks(self) -> None:
        page = self.notion.create_page(parent=self.root, title='From ultimate-notion')
        page.append([
            uno.Heading1('Hello'),
            uno.Paragraph('text'),
            uno.BulletedItem('item'),
            uno.ToDoItem('open'),
            uno.Code('print(1)', language=uno.CodeLang.PYTHON),
            uno.Callout('careful'),
            uno.Quote('said'),
            uno.Divider(),
            uno.ToggleItem('more'),
            uno.Equation('x^2'),
            uno.Bookmark('https://example.com/'),
            uno.TableOfContents(),
            uno.Columns(2),
        ])
        table = uno.Table(2, 2)
        page.append(table)
        table[0, 0] = 'cell'
        page.append(uno.Paragraph('inserted'), after=page.children[0])
        kinds = [type(block).__name__ for block in page.reload().children]
        self.assertEqual(kinds[:3], ['Heading1', 'Paragraph', 'Paragraph'])
        self.assertEqual(kinds[-1], 'Table')
        text = page.to_markdown()
        for part in ('## Hello', '- item', '- [ ] open', 'print(1)', '> said', 'cell', 'inserted'):
            self.assertIn(part, text)
        page.comments.append('Looks fine.')
        self.assertEqual(len(page.comments), 1)
        page.title = 'Renamed'
        self.assertEqual(page.reload().title, 'Renamed')
        page.delete()
        self.assertTrue(page.is_deleted)
        page.restore()
        self.assertFalse(page.reload().is_deleted)

    def test_tables(self) -> None:
        page = self.notion.create_page(parent=self.root, title='Tables')
        makers = self.notion.create_ds(parent=page, schema=Makers)
        things = self.notion.create_ds(parent=page, schema=Things)
        maker = makers.create_page(name='Acme')
        for name, price, size in (('Anvil', 40.0, 'Large'), ('Rocket', 99.5, 'Large'), ('Seed', 1.0, 'Small')):
            row = things.create_page(
                name=name, price=price, size=size, sizes=[size], bought=date(2026, 1, 2), made_by=[maker]
            )
        self.assertEqual(row.props.twice, 2.0)
        self.assertEqual(row.props.made_by, [maker])
        self.assertEqual(len(things.get_all_pages()), 3)
        found = things.query.filter(uno.prop('Size') == 'Large').sort(uno.prop('Price').desc()).execute()
        self.assertEqual([str(page.title) for page in found.to_pages()], ['Rocket', 'Anvil'])
        cheap = things.query.filter((uno.prop('Price') < 50) & (uno.prop('Name').contains('an'))).execute()
        self.assertEqual([str(page.title) for page in cheap.to_pages()], ['Anvil'])
        row.props.sold = True
        row.props.note = 'gone'
        sold = things.query.filter(uno.prop('Sold') == True).execute()  # noqa: E712
        self.assertEqual([str(page.title) for page in sold.to_pages()], ['Seed'])
        things.schema['Weight'] = uno.PropType.Number()
        self.assertIn('Weight', [prop.name for prop in things.reload().schema])
        things.schema['Weight'].delete()
        self.assertNotIn('Weight', [prop.name for prop in things.reload().schema])
        things.delete()
        self.assertTrue(things.is_deleted)

    def test_files(self) -> None:
        page = self.notion.create_page(parent=self.root, title='Files')
        upload = self.notion.upload(io.BytesIO(b'hello'), file_name='hello.txt', mime_type='text/plain')
        self.assertEqual(upload.status, uno.FileUploadStatus.UPLOADED)
        page.append(uno.File(upload))
        self.assertEqual(page.reload().children[0].name, 'hello.txt')


if __name__ == '__main__':
    unittest.main()
