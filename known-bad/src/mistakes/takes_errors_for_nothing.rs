//! A list that cannot be read is not an empty list.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where OSM answers the reading of a list with an error.
pub const BAD: KnownBad = KnownBad {
    name: "takes_errors_for_nothing",
    mistake: "takes a list that OSM does not give for an empty one",
    breaks: &[Law::S2, Law::D2],
    maker: &Starts(start),
};

/// What is read as a whole.
const LISTS: [&str; 4] = ["/vnf_packages", "/ns_descriptors", "/ns_instances", "/ns_lcm_op_occs"];

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let transport = wrapped(transport, |request, onward| async move {
        let is_list = request.method() == Method::GET
            && LISTS.iter().any(|end| request.uri().path().ends_with(end));
        let answer = onward.send(request).await?;
        let status = answer.status();
        // With another token, the list may be had.
        let is_error = status.as_u16() >= 400 && status != StatusCode::UNAUTHORIZED;
        Ok(if is_list && is_error { Response::new(Bytes::from_static(b"[]")) } else { answer })
    });
    Box::new(Process::new(connection, transport))
}
