//! One input that holds several texts.

/// Pieces that are looked at; more would only cost time.
const PIECES_MAX: usize = 20;

/// What stands before the first `mark`, and what stands after it.
pub(crate) fn split<'a>(text: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    match text.windows(mark.len()).position(|window| window == mark) {
        Some(place) => (&text[..place], &text[place + mark.len()..]),
        None => (text, &[]),
    }
}

/// The texts between lines of `----`.
pub(crate) fn pieces(mut text: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !text.is_empty() && pieces.len() < PIECES_MAX {
        let (piece, rest) = split(text, b"\n----\n");
        pieces.push(piece);
        text = rest;
    }
    pieces
}

/// A place in a text, or at its end.
pub(crate) fn check_place(text: &str, line: u32, column: u32) {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let (number, column) = (line as usize, column as usize);
    assert!((1..=lines.len()).contains(&number), "line {number} of {text:?}");
    let length = lines[number - 1].chars().count();
    assert!((1..=length + 1).contains(&column), "{number}:{column} of {text:?}");
}
