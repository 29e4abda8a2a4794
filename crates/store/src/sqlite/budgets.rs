//! What is spent of budgets, in the tables `budget_windows` and `budget_pages`.

use std::collections::HashMap;

use async_trait::async_trait;
use model::{KeyId, Meter, TenantId};
use notion::Id;
use rusqlite::{Connection, params};

use super::{SqliteStore, failed};
use crate::{Budgets, Result, SpentWindow, StoreError};

#[async_trait]
impl Budgets for SqliteStore {
    async fn all_spent(&self) -> Result<Vec<SpentWindow>> {
        let doing = "read what is spent of budgets";
        self.reader
            .run(doing, move |db| {
                let mut pages = read_pages(db)?;
                let mut query = db
                    .prepare("SELECT tenant, key, meter, window, spent FROM budget_windows")
                    .map_err(failed(doing))?;
                let rows = query
                    .query_map([], |row| {
                        let text = |at| row.get::<_, String>(at);
                        Ok((text(0)?, text(1)?, text(2)?, row.get(3)?, row.get::<_, i64>(4)?))
                    })
                    .map_err(failed(doing))?;
                rows.map(|row| {
                    let (tenant, key, meter, window, spent) = row.map_err(failed(doing))?;
                    let nonsense = |column| StoreError::Inconsistent {
                        table: "budget_windows",
                        column,
                        row: format!("{tenant}/{key}/{meter}"),
                    };
                    let meter_read = Meter::named(&meter).ok_or_else(|| nonsense("meter"))?;
                    let pages = match meter_read {
                        Meter::PagesPerHour => pages.remove(&(tenant.clone(), key.clone(), window)),
                        _ => None,
                    };
                    Ok(SpentWindow {
                        key: KeyId::parse(&key).ok_or_else(|| nonsense("key"))?,
                        meter: meter_read,
                        window,
                        spent: u64::try_from(spent).map_err(|_| nonsense("spent"))?,
                        pages: pages.unwrap_or_default(),
                        tenant: TenantId::new(tenant.as_str()),
                    })
                })
                .collect()
            })
            .await
    }

    async fn put_spent(&self, windows: Vec<SpentWindow>) -> Result<()> {
        let doing = "note what is spent of budgets";
        self.writer
            .run(doing, move |db| {
                // A failure in the middle must not leave a part in the shared transaction.
                db.execute_batch("SAVEPOINT spent").map_err(failed(doing))?;
                let done = windows.iter().try_for_each(|window| put(db, window));
                let end =
                    if done.is_ok() { "RELEASE spent" } else { "ROLLBACK TO spent; RELEASE spent" };
                db.execute_batch(end).and(done).map_err(failed(doing))
            })
            .await
    }

    async fn forget_spent(&self, meter: Meter, before: i64) -> Result<()> {
        let doing = "forget what was spent of budgets";
        self.writer
            .run(doing, move |db| {
                let forgotten = db.execute(
                    "DELETE FROM budget_windows WHERE meter = $1 AND window < $2",
                    params![meter.as_str(), before],
                );
                forgotten.map_err(failed(doing))?;
                if meter == Meter::PagesPerHour {
                    let sql = "DELETE FROM budget_pages WHERE window < $1";
                    db.execute(sql, [before]).map_err(failed(doing))?;
                }
                Ok(())
            })
            .await
    }
}

/// Pages by tenant, key and window.
type Pages = HashMap<(String, String, i64), Vec<Id>>;

fn read_pages(db: &Connection) -> Result<Pages> {
    let doing = "read which pages budgets have counted";
    let mut query =
        db.prepare("SELECT tenant, key, window, page FROM budget_pages").map_err(failed(doing))?;
    let rows = query
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))
        .map_err(failed(doing))?;
    let mut pages = Pages::new();
    for row in rows {
        let (of, page): (_, String) = row.map_err(failed(doing))?;
        let id = Id::parse(&page).ok_or_else(|| StoreError::Inconsistent {
            table: "budget_pages",
            column: "page",
            row: page.clone(),
        })?;
        pages.entry(of).or_default().push(id);
    }
    Ok(pages)
}

fn put(db: &Connection, it: &SpentWindow) -> rusqlite::Result<()> {
    let (tenant, key) = (it.tenant.as_str(), it.key.as_str());
    db.prepare_cached(
        "INSERT INTO budget_windows (tenant, key, meter, window, spent) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, key, meter)
         DO UPDATE SET window = excluded.window, spent = excluded.spent",
    )?
    .execute(params![tenant, key, it.meter.as_str(), it.window, it.spent.cast_signed()])?;
    if it.meter != Meter::PagesPerHour {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM budget_pages WHERE tenant = $1 AND key = $2 AND window <> $3")?
        .execute(params![tenant, key, it.window])?;
    for page in &it.pages {
        db.prepare_cached(
            "INSERT OR REPLACE INTO budget_pages (tenant, key, page, window)
             VALUES ($1, $2, $3, $4)",
        )?
        .execute(params![tenant, key, page.to_string(), it.window])?;
    }
    Ok(())
}
