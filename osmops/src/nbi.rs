//! The only module that knows OSM's URLs and bodies.
//!
//! In: a [`Connection`] and a [`Transport`]. Out: [`Nbi`], with one method for each call that we use, and
//! [`NbiError`]s that name their request. Invariant: a write is sent once; the one exception is a write
//! that OSM refused unread because the token had expired.

mod answer;
mod client;
mod clock;
mod connection;
mod elements;
mod error;
mod exchange;
mod filter;
mod receive;
mod refusal;
mod request;
mod session;
mod token;
mod transport;
mod wire;

pub use client::StartedInstance;
pub use connection::{Authorities, Connection, ConnectionError, Hostname};
pub use error::NbiError;
pub use exchange::Exchange;
pub use refusal::Refusal;
pub use request::{RequestLine, TimeLimits, Upload};
pub use session::Nbi;
pub use transport::{
    AnswerBody, Body, BoxError, Transport, TransportError, TransportSetupError, full,
};
pub(crate) use wire::{DeployedKdu, NsRecord, OpParams, OpRecord, PackageRecord, VimAccountRecord};
pub use wire::{KduParams, KduUpgrade, NewInstance};
