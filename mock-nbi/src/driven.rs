//! Which operations were driven, by which clients, how often, with which statuses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Clients that are told apart; what comes after counts as others.
const CLIENTS_MAX: usize = 200;
/// Name for clients beyond those.
const OTHERS: &str = "others";

/// Counts by operation, client and status.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    clients: Vec<String>,
    counts: BTreeMap<String, BTreeMap<(String, String), u64>>,
}

impl Driven {
    /// Counts a request; `status` is none when no answer was sent.
    pub(crate) fn count(&mut self, operation: &str, client: &str, status: Option<u16>) {
        let is_known = self.clients.iter().any(|known| known == client);
        if !is_known && self.clients.len() < CLIENTS_MAX {
            self.clients.push(client.to_owned());
        }
        let client = if is_known || self.clients.last().is_some_and(|last| last == client) {
            client
        } else {
            OTHERS
        };
        let of_operation = self.counts.entry(operation.to_owned()).or_default();
        *of_operation.entry((client.to_owned(), word(status))).or_default() += 1;
    }

    /// Takes back what [`Self::count`] counted: the client was sent something else.
    pub(crate) fn uncount(&mut self, operation: &str, client: &str, status: Option<u16>) {
        let is_known = self.clients.iter().any(|known| known == client);
        let client = if is_known { client } else { OTHERS };
        let Some(of_operation) = self.counts.get_mut(operation) else {
            return;
        };
        let counted = (client.to_owned(), word(status));
        let left = of_operation.get(&counted).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            of_operation.insert(counted, left);
        } else {
            of_operation.remove(&counted);
        }
    }

    /// `[{operation, requests, clients: {client: {status: count}}}]`, by name.
    pub(crate) fn to_value(&self) -> Value {
        let operations = self.counts.iter().map(|(operation, counts)| {
            let mut clients = json!({});
            for ((client, status), count) in counts {
                clients[client][status] = json!(count);
            }
            let requests: u64 = counts.values().sum();
            json!({"operation": operation, "requests": requests, "clients": clients})
        });
        operations.collect()
    }
}

fn word(status: Option<u16>) -> String {
    status.map_or_else(|| "none".to_owned(), |status| status.to_string())
}
