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


class Tasks(uno.Schema, db_title='Steps'):
    """A table with a relation to itself."""

    name = uno.PropType.Title('Name')
    hours = uno.PropType.Number('Hours')
    part_of = uno.PropType.Relation('Part of', schema=uno.SelfRef)


class Plans(uno.Schema, db_title='Plans'):
    """A table that sums up another."""

    name = uno.PropType.Title('Name')
    steps = uno.PropType.Relation('Steps', schema=Tasks)
    hours = uno.PropType.Rollup('Hours', relation=steps, rollup=Tasks.hours, calculate=uno.AggFunc.SUM)


class Books(uno.Schema, db_title='Books'):
    """One end of a relation in two ways."""

    name = uno.PropType.Title('Name')
    authors = uno.PropType.Relation('Authors')


class Authors(uno.Schema, db_title='Authors'):
    """The other end."""

    name = uno.PropType.Title('Name')
    books = uno.PropType.Relation('Books', schema=Books, two_way_prop=Books.authors)


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

    def test_relations_and_rollups(self) -> None:
        page = self.notion.create_page(parent=self.root, title='Relations')
        steps = self.notion.create_ds(parent=page, schema=Tasks)
        plans = self.notion.create_ds(parent=page, schema=Plans)
        first = steps.create_page(name='first', hours=2)
        second = steps.create_page(name='second', hours=3, part_of=[first])
        self.assertEqual(second.props.part_of, [first])
        self.assertEqual(plans.create_page(name='plan', steps=[first, second]).props.hours, 5)
        books = self.notion.create_ds(parent=page, schema=Books)
        authors = self.notion.create_ds(parent=page, schema=Authors)
        book = books.create_page(name='A book')
        author = authors.create_page(name='An author', books=[book])
        self.assertEqual(book.reload().props.authors, [author])

    def test_looks_and_blocks_within_blocks(self) -> None:
        page = self.notion.create_page(parent=self.root, title='Looks')
        page.icon = '🧪'
        page.cover = uno.ExternalFile(url='https://example.com/cover.png', name='cover')
        page.reload()
        self.assertEqual(page.icon, '🧪')
        self.assertEqual(page.cover.url, 'https://example.com/cover.png')
        synced = uno.SyncedBlock(uno.Paragraph('in two places'))
        page.append(synced)
        page.append(synced.create_synced())
        columns = uno.Columns(2)
        page.append(columns)
        columns[0].append(uno.Paragraph('left'))
        page.append([uno.Heading4('small'), uno.LinkToPage(self.root), uno.Embed('https://example.com/')])
        kinds = [type(block).__name__ for block in page.reload().children]
        self.assertEqual(kinds, ['SyncedBlock', 'SyncedBlock', 'Columns', 'Heading4', 'LinkToPage', 'Embed'])
        self.assertEqual(page.to_markdown().count('in two places'), 2)
        page.children[3].replace(uno.Paragraph('instead'))
        page.children[5].delete()
        kinds = [type(block).__name__ for block in page.reload().children]
        self.assertEqual(kinds[2:], ['Columns', 'Paragraph', 'LinkToPage'])

    def test_large_and_imported_files(self) -> None:
        large = self.notion.upload(io.BytesIO(b'x' * 21 * 1024 * 1024), file_name='x.txt', mime_type='text/plain')
        self.assertEqual(large.status, uno.FileUploadStatus.UPLOADED)
        imported = self.notion.import_url('https://example.com/a.pdf', 'a.pdf')
        self.assertEqual(imported.status, uno.FileUploadStatus.UPLOADED)
        self.assertGreaterEqual(len(self.notion.list_uploads(uno.FileUploadStatus.UPLOADED)), 2)

    def test_files(self) -> None:
        page = self.notion.create_page(parent=self.root, title='Files')
        upload = self.notion.upload(io.BytesIO(b'hello'), file_name='hello.txt', mime_type='text/plain')
        self.assertEqual(upload.status, uno.FileUploadStatus.UPLOADED)
        page.append(uno.File(upload))
        self.assertEqual(page.reload().children[0].name, 'hello.txt')


if __name__ == '__main__':
    unittest.main()
