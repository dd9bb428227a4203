//! Reading a request's body within limits.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;

use crate::server::Limits;

/// How long what is left of a refused body is read and thrown away, so that a client which is still
/// sending gets to see the answer; nginx calls this lingering.
const LINGER: Duration = Duration::from_secs(5);

/// What bodies may take up.
#[derive(Clone, Debug)]
pub(crate) struct BodyLimits {
    bytes_max: usize,
    idle: Duration,
    room: Arc<Room>,
    /// Whether what is left of a refused body is read in the background.
    lingers: bool,
}

impl BodyLimits {
    pub(crate) fn of_server(limits: &Limits) -> Self {
        Self { lingers: true, ..Self::of(limits) }
    }

    pub(crate) fn in_process() -> Self {
        Self::of(&Limits::default())
    }

    fn of(limits: &Limits) -> Self {
        let room = Arc::new(Room { used: AtomicUsize::new(0), max: limits.bodies_bytes });
        Self { bytes_max: limits.body_bytes, idle: limits.body_idle, room, lingers: false }
    }
}

/// Memory for all bodies together.
#[derive(Debug)]
struct Room {
    used: AtomicUsize,
    max: usize,
}

/// A body, and its share of the memory.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    _share: Share,
}

#[derive(Debug)]
struct Share {
    room: Arc<Room>,
    bytes: usize,
}

impl Share {
    /// Takes more; false when there is no more.
    fn grow(&mut self, by: usize) -> bool {
        self.bytes += by;
        self.room.used.fetch_add(by, Ordering::Relaxed) + by <= self.room.max
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Over the limit.
    TooLarge,
    /// The next piece did not come in time.
    Slow,
    /// Other bodies fill the memory.
    NoRoom,
    /// The client broke off.
    Broken(io::Error),
}

/// Reads a whole body.
///
/// # Errors
/// [`Unread`]; a body announced as too large is not even begun.
pub(crate) async fn read(
    mut body: Body,
    headers: &HeaderMap,
    limits: &BodyLimits,
) -> Result<Read, Unread> {
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut share = Share { room: Arc::clone(&limits.room), bytes: 0 };
    let mut bytes = BytesMut::new();
    let refusal = if announced.is_some_and(|length: usize| length > limits.bytes_max) {
        Unread::TooLarge
    } else {
        loop {
            let frame = match tokio::time::timeout(limits.idle, body.frame()).await {
                Err(_) => return Err(Unread::Slow),
                Ok(None) => return Ok(Read { bytes: bytes.freeze(), _share: share }),
                Ok(Some(Err(error))) => return Err(Unread::Broken(io::Error::other(error))),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            if bytes.len() + piece.len() > limits.bytes_max {
                break Unread::TooLarge;
            }
            if !share.grow(piece.len()) {
                break Unread::NoRoom;
            }
            bytes.extend_from_slice(&piece);
        }
    };
    if limits.lingers {
        tokio::spawn(throw_away(body));
    }
    Err(refusal)
}

async fn throw_away(mut body: Body) {
    let all = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(LINGER, all).await;
}
