//! A run as a picture of time and place: process, way, OSM.
//!
//! As text for a terminal, as SVG for a report.

use std::fmt::Write;

use super::trace::{Line, Trace};

/// Lines that are shown at most; of a longer run the beginning, and all around what went wrong, is enough.
const LINES_MAX: usize = 400;

/// As text: time, what happens to the process, and requests as arrows towards OSM.
pub fn text(trace: &Trace) -> String {
    let mut out = format!("{:>10}  {:<34} {:<9} {}\n", "seconds", "operator", "", "OSM");
    for line in trace.lines().into_iter().take(LINES_MAX) {
        let written = match line {
            Line::Event(event) => {
                let seconds = event.at.as_secs_f64();
                let who =
                    if event.process > 0 { format!("#{} ", event.process) } else { String::new() };
                writeln!(out, "{seconds:>10.3}  {who}{}", event.what)
            }
            Line::Request(request) => {
                let seconds = request.at - trace.began;
                let operation = &request.operation;
                let who = format!("#{}", request.user_agent);
                let (arrow, status) = match request.status {
                    Some(status) => ("──────▶", status.to_string()),
                    None => ("──✗    ", "no answer".to_owned()),
                };
                let fault = request.fault.as_ref().map(|f| format!("  ⚡{f}")).unwrap_or_default();
                writeln!(out, "{seconds:>10.3}  {who:<34} {arrow:<9} {operation} {status}{fault}")
            }
        };
        written.expect("a String takes everything");
    }
    out
}

/// Pixels between two lines.
const STEP: usize = 18;

/// As a picture.
pub fn svg(title: &str, trace: &Trace) -> String {
    let lines = trace.lines();
    let height = 60 + lines.len().min(LINES_MAX) * STEP;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1100\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"12\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"90\" y=\"20\">operator</text><text x=\"420\" y=\"20\">OSM</text>\n\
         <path d=\"M110 30V{height}M430 30V{height}\" stroke=\"#999\"/>\n",
        title = escaped(title)
    );
    for (index, line) in lines.iter().take(LINES_MAX).enumerate() {
        let y = 48 + index * STEP;
        let written = match line {
            Line::Event(event) => writeln!(
                out,
                "<text x=\"5\" y=\"{y}\">{:.3}</text><circle cx=\"110\" cy=\"{dot}\" r=\"3\" fill=\"{colour}\"/>\
                 <text x=\"120\" y=\"{y}\" fill=\"{colour}\">{}</text>",
                event.at.as_secs_f64(),
                escaped(&event.what),
                dot = y - 4,
                colour = if event.what.starts_with("fault") { "#b00" } else { "#333" },
            ),
            Line::Request(request) => {
                let is_lost = request.status.is_none();
                let colour = if request.fault.is_some() || is_lost { "#b00" } else { "#06c" };
                let end = if is_lost { 270 } else { 430 };
                let status = request.status.map_or("no answer".to_owned(), |s| s.to_string());
                writeln!(
                    out,
                    "<text x=\"5\" y=\"{y}\">{:.3}</text><path d=\"M110 {dot}H{end}\" stroke=\"{colour}\"/>\
                     <text x=\"440\" y=\"{y}\" fill=\"{colour}\">{} {status} {}</text>",
                    request.at - trace.began,
                    escaped(&request.operation),
                    escaped(request.fault.as_deref().unwrap_or_default()),
                    dot = y - 4,
                )
            }
        };
        written.expect("a String takes everything");
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
