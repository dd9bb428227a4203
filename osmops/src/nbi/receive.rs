//! An answer, as it arrives: kept whole, cut into records, or written away.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::response::Parts;
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::answer::{Answer, list_fault};
use super::elements::{Elements, TakeRecord};
use super::error::NbiError;
use super::request::RequestLine;
use super::transport::AnswerBody;

/// The longest answer that is kept whole. Lists and packages are not: they go on as they arrive.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What becomes of a successful answer's body.
pub(super) enum Sink<'a> {
    /// It is kept.
    Keep,
    /// It is a list, and each of its records goes here as it arrives.
    Records(&'a mut TakeRecord<'a>),
    /// It goes here as it arrives.
    Bytes(&'a mut (dyn Write + Send)),
}

/// Takes in the answer that `opening` begins. Where it is not kept, only the wait for the next piece is
/// limited: a long one may take long, as long as it comes.
pub(super) async fn receive(
    line: &RequestLine,
    limit: Duration,
    opening: impl Future<Output = Result<(Parts, AnswerBody), NbiError>>,
    sink: &mut Sink<'_>,
) -> Result<Answer, NbiError> {
    if let Sink::Keep = sink {
        let whole = async {
            let (parts, body) = opening.await?;
            keep(line, parts, body).await
        };
        return within(line, limit, whole).await;
    }
    let (parts, body) = within(line, limit, opening).await?;
    if !parts.status.is_success() {
        return within(line, limit, keep(line, parts, body)).await;
    }
    let pieces = Pieces { line, limit, body };
    match sink {
        Sink::Keep => unreachable!("an answer that is kept was received above"),
        Sink::Records(take) => receive_list(line, parts, pieces, *take).await,
        Sink::Bytes(sink) => receive_bytes(line, parts, pieces, *sink).await,
    }
}

/// A body, piece by piece.
struct Pieces<'a> {
    line: &'a RequestLine,
    limit: Duration,
    body: AnswerBody,
}

impl Pieces<'_> {
    /// The next piece; none after the last one.
    async fn next(&mut self) -> Result<Option<Bytes>, NbiError> {
        let frame = async { Ok(self.body.frame().await) };
        match within(self.line, self.limit, frame).await? {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
            Some(Err(source)) => Err(NbiError::Interrupted { request: self.line.clone(), source }),
        }
    }
}

async fn receive_list(
    line: &RequestLine,
    parts: Parts,
    mut pieces: Pieces<'_>,
    take: &mut TakeRecord<'_>,
) -> Result<Answer, NbiError> {
    let mut elements = Elements::default();
    // What is no list is shown as it begins.
    let mut beginning = Bytes::new();
    while let Some(piece) = pieces.next().await? {
        if beginning.is_empty() {
            beginning = piece.clone();
        }
        if let Err(fault) = elements.feed(&piece, take) {
            return Err(list_fault(line, &Answer::new(parts, beginning), fault));
        }
    }
    match elements.finish() {
        Ok(()) => Ok(Answer::new(parts, Bytes::new())),
        Err(fault) => Err(list_fault(line, &Answer::new(parts, beginning), fault)),
    }
}

async fn receive_bytes(
    line: &RequestLine,
    parts: Parts,
    mut pieces: Pieces<'_>,
    sink: &mut (dyn Write + Send),
) -> Result<Answer, NbiError> {
    while let Some(piece) = pieces.next().await? {
        let not_kept = |source| NbiError::NotKept { request: line.clone(), source };
        sink.write_all(&piece).map_err(not_kept)?;
    }
    Ok(Answer::new(parts, Bytes::new()))
}

/// Ends with [`NbiError::TimedOut`] when `doing` takes too long.
async fn within<T>(
    line: &RequestLine,
    limit: Duration,
    doing: impl Future<Output = Result<T, NbiError>>,
) -> Result<T, NbiError> {
    let over = |_| Err(NbiError::TimedOut { request: line.clone(), limit });
    timeout(limit, doing).await.unwrap_or_else(over)
}

/// A whole answer.
async fn keep(line: &RequestLine, parts: Parts, body: AnswerBody) -> Result<Answer, NbiError> {
    // Boxed so that what awaits it can be proven `Send`.
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().boxed().await.map_err(|source| {
        if source.is::<http_body_util::LengthLimitError>() {
            NbiError::TooLong { request: line.clone(), limit_bytes: ANSWER_BYTES_MAX }
        } else {
            NbiError::Interrupted { request: line.clone(), source }
        }
    })?;
    Ok(Answer::new(parts, body.to_bytes()))
}
