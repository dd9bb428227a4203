//! How mistakes in the YAML files of users are told.

/// `FILE:LINE:COLUMN: ` and the parser's own words; no place where the parser knows none.
pub(crate) fn complaint(file: &str, error: &serde_yaml::Error) -> String {
    let words = error.to_string();
    let Some(place) = error.location() else {
        return format!("{file}: {words}");
    };
    let (line, column) = (place.line(), place.column());
    // The parser tells the place among its words too.
    let words = words.replacen(&format!(" at line {line} column {column}"), "", 1);
    format!("{file}:{line}:{column}: {words}")
}
