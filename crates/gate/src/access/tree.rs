//! Puts what was found into a tree. Pure, and without recursion: trees can be deeper than a stack.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use model::Connection;
use notion::Id;

use super::found::{Found, Parent};
use super::report::{Above, AccessItem, AccessKind, AccessReport};
use super::survey::Surveyed;

/// Blocks in blocks that are followed; more are a circle.
const BLOCKS_DEEP_MAX: usize = 64;

/// Builds the report of an audit.
pub(super) fn build(surveyed: Surveyed, connection: &Connection, at: Timestamp) -> AccessReport {
    let mut report = AccessReport::empty(connection, at);
    let Surveyed { only, found, blocks, complete, notes, asked } = surveyed;
    (report.complete, report.notes, report.asked) = (complete, notes, asked);
    report.total = found.len();
    let mut tree = Tree::plant(found, only.is_none());
    if only.is_none() {
        tree.tie(&blocks);
        let circles = tree.cut_circles();
        if circles > 0 {
            report.notes.push(format!(
                "{circles} objects stand in a circle by what Notion says, and are shown at the top"
            ));
        }
    }
    report.items = tree.into_items();
    for item in &report.items {
        match item.kind {
            AccessKind::Page => report.counts.page += 1,
            AccessKind::Database => report.counts.database += 1,
            AccessKind::DataSource => report.counts.data_source += 1,
            AccessKind::Block => {}
        }
    }
    report
}

/// Objects, and by index what each stands under.
struct Tree {
    nodes: Vec<Found>,
    index: HashMap<Id, usize>,
    parents: Vec<Option<usize>>,
}

impl Tree {
    /// All objects, each standing alone; with the databases that data sources name, if wanted.
    fn plant(found: Vec<Found>, with_databases: bool) -> Self {
        let mut nodes = found;
        let mut index: HashMap<Id, usize> =
            nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        if with_databases {
            // Search does not tell the title of a database: it gets that of its first data source.
            let mut databases: Vec<(Id, Found)> =
                nodes.iter().filter_map(|node| Some((node.id, database_of(node)?))).collect();
            databases.sort_by_key(|(source, _)| *source);
            for (_, database) in databases {
                if let Entry::Vacant(place) = index.entry(database.id) {
                    place.insert(nodes.len());
                    nodes.push(database);
                }
            }
        }
        let parents = vec![None; nodes.len()];
        Self { nodes, index, parents }
    }

    /// Finds what each object stands under.
    fn tie(&mut self, blocks: &HashMap<Id, Parent>) {
        for at in 0..self.nodes.len() {
            self.parents[at] = self.find(self.nodes[at].parent, blocks).filter(|it| *it != at);
        }
    }

    fn find(&self, parent: Parent, blocks: &HashMap<Id, Parent>) -> Option<usize> {
        let mut parent = parent;
        for _ in 0..BLOCKS_DEEP_MAX {
            let Parent::Under(above, around) = parent else { return None };
            let around = around.as_ref().and_then(|id| self.index.get(id));
            if let Some(at) = self.index.get(&above.id).or(around) {
                return Some(*at);
            }
            parent = *blocks.get(&above.id)?;
        }
        None
    }

    /// Where the way up comes back to itself, it is cut; gives how many were.
    fn cut_circles(&mut self) -> usize {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Not,
            OnThisWay,
            Done,
        }
        let mut seen = vec![Seen::Not; self.nodes.len()];
        let mut cuts = 0;
        for start in 0..self.nodes.len() {
            let mut way = Vec::new();
            let mut next = Some(start);
            while let Some(at) = next {
                match seen[at] {
                    Seen::Done => break,
                    Seen::OnThisWay => {
                        self.parents[at] = None;
                        cuts += 1;
                        break;
                    }
                    Seen::Not => {
                        seen[at] = Seen::OnThisWay;
                        way.push(at);
                        next = self.parents[at];
                    }
                }
            }
            way.into_iter().for_each(|at| seen[at] = Seen::Done);
        }
        cuts
    }

    /// The items, each followed by what is below it; siblings by title.
    fn into_items(self) -> Vec<AccessItem> {
        let Self { nodes, parents, .. } = self;
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        // Last first, because they are taken off the end.
        order.sort_by_cached_key(|at| {
            let node = &nodes[*at];
            std::cmp::Reverse((node.title.to_lowercase(), node.id))
        });
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        let mut stack = Vec::new();
        for at in order {
            match parents[at] {
                Some(parent) => children[parent].push(at),
                None => stack.push((at, 0)),
            }
        }
        let mut nodes: Vec<Option<Found>> = nodes.into_iter().map(Some).collect();
        let places: Vec<Above> =
            nodes.iter().flatten().map(|node| Above { kind: node.kind, id: node.id }).collect();
        let mut items: Vec<AccessItem> = Vec::with_capacity(nodes.len());
        while let Some((at, depth)) = stack.pop() {
            let Some(node) = nodes[at].take() else { continue };
            items.push(item(node, parents[at].map(|parent| places[parent]), depth));
            stack.extend(children[at].drain(..).map(|child| (child, depth + 1)));
        }
        count_below(&mut items);
        items
    }
}

/// The database around a data source, as far as that tells.
fn database_of(source: &Found) -> Option<Found> {
    let Parent::Under(above, _) = source.parent else { return None };
    let is_one = source.kind == AccessKind::DataSource && above.kind == AccessKind::Database;
    is_one.then(|| Found {
        kind: AccessKind::Database,
        id: above.id,
        title: source.title.clone(),
        parent: source.database_parent,
        database_parent: Parent::Unknown,
        url: Some(format!("https://www.notion.so/{}", above.id.plain())),
        last_edited_time: None,
        last_edited_by: None,
        in_trash: false,
        archived: false,
    })
}

fn item(node: Found, parent: Option<Above>, depth: u32) -> AccessItem {
    let out_of_reach = match (parent, node.parent) {
        (None, Parent::Under(above, _)) => Some(above),
        _ => None,
    };
    AccessItem {
        kind: node.kind,
        id: node.id,
        title: node.title,
        parent,
        out_of_reach,
        depth,
        below: 0,
        url: node.url,
        last_edited_time: node.last_edited_time,
        last_edited_by: node.last_edited_by,
        in_trash: node.in_trash,
        archived: node.archived,
    }
}

/// Counts what is below each item; databases are frames and do not count.
fn count_below(items: &mut [AccessItem]) {
    // From the end: an item's subtree is what follows it until one that is no deeper.
    let mut open: Vec<(u32, usize)> = Vec::new();
    for item in items.iter_mut().rev() {
        let mut below = 0;
        while let Some((depth, size)) = open.pop_if(|(depth, _)| *depth > item.depth) {
            below += if depth == item.depth + 1 { size } else { 0 };
        }
        item.below = below;
        open.push((item.depth, below + usize::from(item.kind != AccessKind::Database)));
    }
}

#[cfg(test)]
mod tests {
    use model::{ConnectionId, ConnectionKind, Origin, TenantId};

    use super::super::compare::{compare, compare_with_ids};
    use super::super::report::UNTITLED;
    use super::*;

    fn id(number: usize) -> Id {
        Id::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
    }

    fn under(kind: AccessKind, number: usize) -> Parent {
        Parent::Under(Above { kind, id: id(number) }, None)
    }

    fn object(kind: AccessKind, number: usize, title: &str, parent: Parent) -> Found {
        Found {
            kind,
            id: id(number),
            title: title.to_owned(),
            parent,
            database_parent: Parent::Unknown,
            url: None,
            last_edited_time: None,
            last_edited_by: None,
            in_trash: false,
            archived: false,
        }
    }

    fn page(number: usize, parent: Parent) -> Found {
        object(AccessKind::Page, number, &format!("{number:06}"), parent)
    }

    fn report(found: Vec<Found>, blocks: &[(usize, Parent)]) -> AccessReport {
        let surveyed = Surveyed {
            found,
            blocks: blocks.iter().map(|(block, parent)| (id(*block), *parent)).collect(),
            complete: true,
            ..Surveyed::default()
        };
        build(surveyed, &connection(), Timestamp::UNIX_EPOCH)
    }

    /// What the tree looks like: kind and title by depth, and how much is below.
    fn drawn(report: &AccessReport) -> Vec<String> {
        let line = |item: &AccessItem| {
            let indent = " ".repeat(item.depth as usize);
            format!("{indent}{} {} {}", item.kind, item.title, item.below)
        };
        report.items.iter().map(line).collect()
    }

    #[test]
    fn rows_sources_databases_and_pages() {
        use AccessKind::{Block, DataSource, Database, Page};
        let mut table = object(DataSource, 20, "Tasks", under(Database, 10));
        table.database_parent = under(Block, 90);
        let mut second = object(DataSource, 21, "Notes", under(Database, 10));
        second.database_parent = under(Block, 90);
        let row = Parent::Under(Above { kind: DataSource, id: id(20) }, Some(id(10)));
        let lost = Parent::Under(Above { kind: DataSource, id: id(77) }, Some(id(10)));
        let report = report(
            vec![
                object(Page, 30, "row b", row),
                object(Page, 31, "Row a", row),
                object(Page, 32, "row of another", lost),
                table,
                second,
                object(Page, 1, "Home", Parent::Workspace),
                object(Page, 2, "In a column", under(Block, 91)),
                object(Page, 3, "Elsewhere", under(Page, 66)),
                object(Page, 4, "In a block out of reach", under(Block, 99)),
                object(Page, 5, "Nowhere", Parent::Unknown),
            ],
            // A column list in a page, a column in that; and a block that nobody sees.
            &[(90, under(Page, 1)), (91, under(Block, 90)), (99, Parent::Unknown)],
        );
        assert_eq!(
            drawn(&report),
            [
                "page Elsewhere 0",
                "page Home 6",
                " page In a column 0",
                " database Tasks 5",
                "  data_source Notes 0",
                "  page row of another 0",
                "  data_source Tasks 2",
                "   page Row a 0",
                "   page row b 0",
                "page In a block out of reach 0",
                "page Nowhere 0",
            ]
        );
        assert_eq!((report.total, report.items.len()), (10, 11));
        assert_eq!(
            (report.counts.page, report.counts.database, report.counts.data_source),
            (8, 1, 2)
        );
        let out = |title: &str| {
            let item = report.items.iter().find(|item| item.title == title).unwrap();
            (item.parent.map(|it| it.id), item.out_of_reach.map(|it| it.id))
        };
        assert_eq!(out("Elsewhere"), (None, Some(id(66))));
        assert_eq!(out("In a block out of reach"), (None, Some(id(99))));
        assert_eq!(out("Home"), (None, None));
        assert_eq!(out("Row a"), (Some(id(20)), None));
    }

    #[test]
    fn circles_are_cut_and_nothing_is_lost() {
        use AccessKind::{Block, Page};
        let found = vec![
            page(1, under(Page, 2)),
            page(2, under(Page, 3)),
            page(3, under(Page, 1)),
            page(4, under(Page, 4)),
            page(5, under(Page, 2)),
            page(6, under(Block, 60)),
        ];
        // Blocks in a circle, too.
        let report = report(found, &[(60, under(Block, 61)), (61, under(Block, 60))]);
        assert_eq!(report.items.len(), 6);
        assert_eq!(report.items.iter().filter(|item| item.parent.is_none()).count(), 3);
        assert!(report.notes[0].contains("in a circle"), "{:?}", report.notes);
        let top = &report.items[0];
        assert_eq!((top.depth, top.below), (0, 3));
    }

    #[test]
    fn five_thousand_in_one_chain_or_side_by_side() {
        let chain = (0..5000).map(|number| {
            page(
                number,
                if number == 0 { Parent::Workspace } else { under(AccessKind::Page, number - 1) },
            )
        });
        let mut chain: Vec<_> = chain.collect();
        chain.reverse();
        let deep = report(chain, &[]);
        for (at, item) in deep.items.iter().enumerate() {
            assert_eq!((item.depth as usize, item.below), (at, 4999 - at));
        }
        let fan = (0..5000).map(|number| {
            page(
                number,
                if number == 0 {
                    Parent::Workspace
                } else {
                    under(AccessKind::Page, (number - 1) / 10)
                },
            )
        });
        let fan = report(fan.collect(), &[]);
        assert_eq!((fan.items[0].below, fan.items.len(), fan.total), (4999, 5000, 5000));
        // Each is followed by what is below it.
        for (at, item) in fan.items.iter().enumerate() {
            let subtree = &fan.items[at + 1..=at + item.below];
            assert!(subtree.iter().all(|below| below.depth > item.depth));
        }
    }

    #[test]
    fn what_came_and_went() {
        use AccessKind::{DataSource, Database};
        let table = || object(DataSource, 20, "Tasks", under(Database, 10));
        let before =
            report(vec![page(1, Parent::Workspace), page(2, Parent::Workspace), table()], &[]);
        let after =
            report(vec![page(2, Parent::Workspace), page(3, Parent::Workspace), table()], &[]);
        let ids =
            |changes: &[super::super::Changed]| changes.iter().map(|it| it.id).collect::<Vec<_>>();
        let compared = compare(&before, &after);
        assert_eq!((ids(&compared.added), ids(&compared.removed)), (vec![id(3)], vec![id(1)]));
        assert_eq!(compared.removed[0].title, "000001");
        assert!(!compared.is_equal() && compare(&before, &before).is_equal());
        // The id of a database stands for the tables in it; one of nothing is missing once.
        let compared = compare_with_ids(&[id(2), id(10), id(9), id(9)], &after);
        assert_eq!((ids(&compared.added), ids(&compared.removed)), (vec![id(3)], vec![id(9)]));
        assert_eq!(compared.removed[0].title, UNTITLED);
        assert!(compare_with_ids(&[id(2), id(3), id(20)], &after).is_equal());
    }

    #[test]
    fn a_report_survives_being_written_down() {
        let whole =
            report(vec![page(1, Parent::Workspace), page(2, under(AccessKind::Page, 1))], &[]);
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<AccessReport>(&text).unwrap(), whole);
    }

    fn connection() -> Connection {
        let (tenant, bot) = (TenantId::default(), ConnectionId(id(0)));
        let (kind, origin) = (ConnectionKind::Internal, Origin::Given);
        Connection::new(tenant, bot, "bot", kind, origin, Timestamp::UNIX_EPOCH)
    }
}
