//! The closing tables: packages, instances, operation history.
//!
//! Pure: values in, text out.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};

use crate::hand::{InstanceSeen, OperationSeen, OsmState};

/// The widest a table gets; beyond it cells are wrapped.
const WIDTH: u16 = 100;

/// Of more rows than this, half as many are shown.
const ROWS_MAX: usize = 20;

/// Packages, by kind and id.
pub fn packages(osm: &OsmState) -> String {
    let rows = osm.packages.iter().map(|package| {
        vec![
            package.kind.to_owned(),
            package.id.clone(),
            package.version.clone(),
            package.onboarding_state.clone(),
            package.operational_state.clone(),
        ]
    });
    render("package", &["package", "id", "version", "onboarding", "operational"], rows)
}

/// NS instances and the values of their KDUs.
pub fn instances(osm: &OsmState) -> String {
    let rows = osm.instances.iter().map(|instance| {
        vec![instance.name.clone(), instance.state.clone(), instance.nsd.clone(), values(instance)]
    });
    render("NS instance", &["NS instance", "state", "NSD", "KDU values"], rows)
}

/// Operations, oldest first. Times are counted from `opened_at`, in epoch seconds, or from the first
/// operation when that is 0.
pub fn operations(osm: &OsmState, opened_at: f64) -> String {
    let first = osm.operations.first().map_or(0.0, |operation| operation.started);
    let zero = if opened_at > 0.0 { opened_at } else { first };
    let rows = osm.operations.iter().map(|operation| {
        vec![
            osm.name_of(&operation.instance).to_owned(),
            operation.what.clone(),
            operation.state.clone(),
            clock(operation.started - zero),
            took(operation),
            operation.error.clone(),
        ]
    });
    render(
        "operation",
        &["NS instance", "operation", "state", "asked for at", "took", "OSM's words"],
        rows,
    )
}

/// Minutes, seconds and tenths, as `01:29.5`.
pub fn clock(seconds: f64) -> String {
    // Truncation is meant: what is shown as past is past.
    let tenths = (seconds.max(0.0) * 10.0 + 1e-6) as u64;
    format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

fn took(operation: &OperationSeen) -> String {
    if operation.state == "PROCESSING" {
        return "not over".to_owned();
    }
    format!("{:.1} s", operation.entered - operation.started)
}

fn values(instance: &InstanceSeen) -> String {
    let line = |(kdu, values): &(String, serde_json::Map<String, serde_json::Value>)| {
        let pairs: Vec<String> = values.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        format!("{kdu}: {}", pairs.join(", "))
    };
    instance.kdus.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn render(what: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header);
    let rows: Vec<Vec<String>> = rows.collect();
    let shown = if rows.len() > ROWS_MAX { ROWS_MAX / 2 } else { rows.len() };
    let hidden = rows.len() - shown;
    for row in rows.into_iter().take(shown) {
        table.add_row(row);
    }
    if table.is_empty() {
        return format!("no {what}");
    }
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    if hidden > 0 {
        lines.push(format!("and {hidden} more {what}s"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_minutes_seconds_and_tenths() {
        assert_eq!(clock(0.0), "00:00.0");
        assert_eq!(clock(89.56), "01:29.5");
        assert_eq!(clock(28.2), "00:28.2");
        assert_eq!(clock(-1.0), "00:00.0");
    }
}
