//! Which record a fault is about.

use std::borrow::Cow;

use serde_json::Value;

use crate::request::Request;
use crate::state::State;
use crate::state::db::{Collection, text};

/// The record that a request names, or the newest of the collection that its path is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) collection: Collection,
    pub(super) id: String,
    /// URL of the collection, below `/osm`.
    pub(super) base: String,
}

impl Target {
    pub(super) fn of(state: &State, request: &Request) -> Option<Self> {
        let collection = collection_of(request.segments.get(2)?)?;
        let base = format!("/{}", request.segments.get(..3)?.join("/"));
        let given = request.segments.get(3).cloned().or_else(|| {
            let last = request.params.iter().rev().find(|(key, _)| key == "_id");
            last.map(|(_, id)| id.clone())
        });
        let id = match given {
            Some(id) => id,
            None => {
                state.db.iter(collection).last().map(|record| text(&record, "_id").to_owned())?
            }
        };
        Some(Self { collection, id, base })
    }

    pub(super) fn record(&self, state: &State) -> Option<Value> {
        state.db.get(self.collection, &self.id).map(Cow::into_owned)
    }
}

/// The collection that a topic of OSM's URLs is about.
pub(crate) fn collection_of(topic: &str) -> Option<Collection> {
    let table = match topic {
        "vnf_packages" | "vnf_packages_content" => "vnfds",
        "ns_descriptors" | "ns_descriptors_content" => "nsds",
        "ns_instances" | "ns_instances_content" => "nsrs",
        "vnf_instances" => "vnfrs",
        "ns_lcm_op_occs" => "nslcmops",
        "vims" => "vim_accounts",
        "pdu_descriptors" => "pdus",
        "netslice_templates" | "netslice_templates_content" => "nsts",
        "netslice_instances" | "netslice_instances_content" => "nsis",
        "nsi_lcm_op_occs" => "nsilcmops",
        same => same,
    };
    Collection::ALL.iter().copied().find(|collection| collection.table() == table)
}
