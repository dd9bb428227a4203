//! A page for people.

use std::fmt::{self, Write as _};

use super::{Call, Refusal, Reply, basics};
use crate::problem::escape_html;
use crate::world::World;

/// How many requests the page shows.
const REQUESTS_SHOWN: usize = 50;

pub(super) fn page(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    let page = render(world).map_err(|error| Refusal::bad_request(&error))?;
    Ok(Reply::Text("text/html; charset=utf-8", page))
}

fn render(world: &World) -> Result<String, fmt::Error> {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>mock-nbi</title>\n\
         <style>body{font:15px sans-serif;margin:2em}td,th{text-align:left;padding:0 1em 0 0}\
         .bad{color:#b00}</style></head>\n<body><h1>mock-nbi</h1>\n\
         <p><a href=\"/_mock/openapi.json\">control API</a> · \
         <a href=\"/_mock/metrics\">metrics</a> · <a href=\"/_mock/journal\">journal</a> · \
         <a href=\"/_mock/journal.har\">HAR</a> · <a href=\"/_mock/conformance\">conformance</a> · \
         <a href=\"/_mock/near-misses\">near misses</a></p>\n",
    );
    let census = basics::census(world);
    for (title, counts) in [("Records", census.records), ("Operations", census.operations)] {
        writeln!(page, "<h2>{title}</h2><table>")?;
        for (name, count) in counts {
            writeln!(page, "<tr><td>{}</td><td>{count}</td></tr>", escape_html(&name))?;
        }
        page.push_str("</table>\n");
    }
    let entries = world.journal.entries();
    writeln!(
        page,
        "<h2>Requests</h2><p>{} in the journal; the last come first.</p><table>",
        entries.len()
    )?;
    for entry in entries.iter().rev().take(REQUESTS_SHOWN) {
        let status = entry.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let class = if entry.status.is_some_and(|status| status < 400) { "" } else { "bad" };
        let note = entry.fault.as_deref().or(entry.near_miss.as_deref()).unwrap_or_default();
        writeln!(
            page,
            "<tr><td>{}</td><td>{} {}</td><td class=\"{class}\">{status}</td><td>{}</td></tr>",
            entry.n,
            escape_html(&entry.method),
            escape_html(&entry.path),
            escape_html(note),
        )?;
    }
    page.push_str("</table></body></html>\n");
    Ok(page)
}
