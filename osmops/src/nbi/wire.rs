//! Bodies as OSM spells them, reduced to what is read here. Whatever else OSM sends is ignored.
//!
//! Names stay text here: others may have chosen them, and what is no name to us must not spoil a list.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::ids::{KduName, MemberIndex, NsId, NsName, OpId, Owner, PackageId, VimAccountId};
use crate::operation::{OpKind, OpState};

/// The answer to a log-in.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenBody {
    pub(crate) id: String,
    pub(crate) issued_at: f64,
    pub(crate) expires: f64,
}

/// OSM's error body.
#[derive(Debug, Deserialize)]
pub(crate) struct ProblemBody {
    pub(crate) code: String,
    pub(crate) detail: String,
}

/// The id of what was made.
#[derive(Debug, Deserialize)]
pub(crate) struct Created<Id> {
    pub(crate) id: Id,
}

/// The ids of an instance that was made in one step.
#[derive(Debug, Deserialize)]
pub(crate) struct CreatedInstance {
    pub(crate) id: NsId,
    pub(crate) nslcmop_id: OpId,
}

/// A VNF package or NS descriptor of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct PackageRecord {
    #[serde(rename = "_id")]
    pub(crate) record: PackageId,
    #[serde(rename = "_admin", default, deserialize_with = "or_default")]
    pub(crate) admin: PackageAdmin,
    /// Everything else: the descriptor, and what OSM adds to it.
    #[serde(flatten)]
    pub(crate) descriptor: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackageAdmin {
    pub(crate) onboarding_state: String,
    pub(crate) operational_state: String,
    #[serde(default)]
    pub(crate) modified: f64,
    pub(crate) storage: Option<Storage>,
    /// What clients may keep with a package.
    #[serde(default)]
    pub(crate) user_defined_data: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Storage {
    pub(crate) zipfile: Option<String>,
}

/// A VIM account of a list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct VimAccountRecord {
    #[serde(rename = "_id")]
    pub(crate) id: VimAccountId,
    pub(crate) name: String,
}

/// An NS instance of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct NsRecord {
    #[serde(rename = "_id")]
    pub(crate) id: NsId,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(rename = "nsState", default, deserialize_with = "or_default")]
    pub(crate) ns_state: Option<String>,
    #[serde(rename = "currentOperation", default, deserialize_with = "or_default")]
    pub(crate) current_operation: Option<String>,
    #[serde(rename = "currentOperationID", default, deserialize_with = "or_default")]
    pub(crate) current_operation_id: Option<String>,
    #[serde(rename = "errorDescription", default, deserialize_with = "or_default")]
    pub(crate) error_description: Option<String>,
    #[serde(rename = "errorDetail", default, deserialize_with = "or_default")]
    pub(crate) error_detail: Option<String>,
    #[serde(rename = "nsd-ref", default, deserialize_with = "or_default")]
    pub(crate) nsd_ref: Option<String>,
    /// The `_id` of the NSD.
    #[serde(rename = "nsd-id", default, deserialize_with = "or_default")]
    pub(crate) nsd_id: Option<String>,
    /// The `_id`s of the VNFDs.
    #[serde(rename = "vnfd-id", default, deserialize_with = "or_default")]
    pub(crate) vnfd_ids: Vec<String>,
    #[serde(rename = "create-time", default, deserialize_with = "or_default")]
    pub(crate) create_time: f64,
    #[serde(rename = "additionalParamsForNs")]
    pub(crate) additional_params: Option<Value>,
    /// The `_id` of the VIM account.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) datacenter: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) description: Option<String>,
    /// Forwarding graphs, a list that records have since about the release that learned to reset values.
    pub(crate) vnffgd: Option<serde::de::IgnoredAny>,
    #[serde(rename = "_admin", default, deserialize_with = "or_default")]
    pub(crate) admin: NsAdmin,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct NsAdmin {
    #[serde(rename = "nsState")]
    pub(crate) ns_state: Option<String>,
    pub(crate) deployed: Option<Deployed>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deployed {
    #[serde(rename = "K8s", default, deserialize_with = "or_default")]
    pub(crate) k8s: Vec<Option<DeployedKdu>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct DeployedKdu {
    pub(crate) member_vnf_index: Option<String>,
    pub(crate) kdu_name: Option<String>,
    /// The chart of the instantiation; upgrades leave it as it is.
    pub(crate) kdu_model: Option<String>,
    /// What was last done to it: `install`, `upgrade` or `rollback`.
    pub(crate) operation: Option<String>,
    /// helm's answer as Python prints it.
    pub(crate) detailed_status: Option<Value>,
}

/// One operation occurrence.
#[derive(Debug, Deserialize)]
pub(crate) struct OpRecord {
    #[serde(rename = "_id")]
    pub(crate) id: OpId,
    #[serde(rename = "lcmOperationType")]
    pub(crate) kind: OpKind,
    #[serde(rename = "operationState")]
    pub(crate) state: OpState,
    #[serde(rename = "nsInstanceId")]
    pub(crate) ns: NsId,
    #[serde(rename = "startTime", default, deserialize_with = "or_default")]
    pub(crate) start_time: f64,
    /// When it came into its state.
    #[serde(rename = "statusEnteredTime", default, deserialize_with = "or_default")]
    pub(crate) status_entered_time: Option<f64>,
    pub(crate) stage: Option<Value>,
    /// Null until the life-cycle manager takes the operation on.
    #[serde(rename = "queuePosition")]
    pub(crate) queue_position: Option<Value>,
    #[serde(rename = "detailed-status")]
    pub(crate) detailed_status: Option<Value>,
    #[serde(rename = "errorMessage", default, deserialize_with = "or_default")]
    pub(crate) error_message: Option<String>,
    #[serde(rename = "operationParams", default, deserialize_with = "or_default")]
    pub(crate) params: OpParams,
}

/// What an operation was asked for, as far as it sets KDU values.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OpParams {
    pub(crate) member_vnf_index: Option<String>,
    pub(crate) kdu_name: Option<String>,
    pub(crate) primitive: Option<String>,
    #[serde(default, deserialize_with = "maybe_json_text")]
    pub(crate) primitive_params: Value,
    #[serde(rename = "additionalParamsForVnf", default, deserialize_with = "maybe_json_text")]
    pub(crate) additional_params_for_vnf: Value,
    /// Whether a termination removes the instance's record.
    #[serde(default)]
    pub(crate) autoremove: Value,
}

impl OpParams {
    /// Everything that may hold values.
    pub(crate) fn given(&self) -> [&Value; 2] {
        [&self.primitive_params, &self.additional_params_for_vnf]
    }
}

/// What is not of the shape that OSM gives it counts as absent: one record that others spoilt must not spoil
/// a list.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + serde::de::DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Release 19 stores parameters as JSON text, others as objects.
fn maybe_json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
        other => other,
    })
}

/// The key of `additionalParamsForNs` that holds our mark. OSM keeps it as given at an instance's creation.
const OWNER_KEY: &str = "osmops_owner";

impl NsRecord {
    /// Whose mark the record bears.
    pub(crate) fn owner(&self) -> Option<Owner> {
        let mark = self.additional_params.as_ref()?.get(OWNER_KEY)?.as_str()?;
        Owner::new(mark).ok()
    }
}

/// What an NS instance is made with, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInstance {
    /// Its name.
    pub name: NsName,
    /// What OSM shows beside it.
    pub description: Option<String>,
    /// OSM's record of the NSD.
    pub nsd: PackageId,
    /// Where it runs.
    pub vim_account: VimAccountId,
    /// The values of its KDUs.
    pub kdus: Vec<KduParams>,
    /// Kept in the record, so that what we made can be told.
    pub owner: Option<Owner>,
}

/// The values of one KDU.
#[derive(Debug, Clone, PartialEq)]
pub struct KduParams {
    /// The VNF.
    pub member: MemberIndex,
    /// The KDU.
    pub kdu: KduName,
    /// Its values.
    pub params: Map<String, Value>,
}

/// An upgrade of one KDU.
#[derive(Debug, Clone, PartialEq)]
pub struct KduUpgrade {
    /// Which, and its values.
    pub kdu: KduParams,
    /// Its chart; that of the instantiation when there is none.
    pub model: Option<String>,
    /// Whether it loses all other values.
    pub resets: bool,
}

impl KduUpgrade {
    /// The body of `action`. What OSM acts on itself stands among the values.
    pub(crate) fn to_body(&self) -> Value {
        let KduParams { member, kdu, params } = &self.kdu;
        let mut params = params.clone();
        if let Some(model) = &self.model {
            params.insert("kdu_model".to_owned(), json!(model));
        }
        if self.resets {
            params.insert("kdu_reset_values".to_owned(), json!("true"));
        }
        json!({
            "member_vnf_index": member,
            "kdu_name": kdu,
            "primitive": "upgrade",
            "primitive_params": params,
        })
    }
}

impl NewInstance {
    /// The body of `ns_instances_content` and of `instantiate`.
    pub(crate) fn to_body(&self) -> Value {
        let mut body = Map::new();
        body.insert("nsName".to_owned(), json!(self.name));
        body.insert("nsdId".to_owned(), json!(self.nsd));
        body.insert("vimAccountId".to_owned(), json!(self.vim_account));
        if let Some(description) = &self.description {
            body.insert("nsDescription".to_owned(), json!(description));
        }
        if let Some(owner) = &self.owner {
            body.insert("additionalParamsForNs".to_owned(), json!({ OWNER_KEY: owner }));
        }
        // OSM takes each member once, with all its KDUs.
        let mut by_member: Vec<(&MemberIndex, Vec<Value>)> = Vec::new();
        for kdu in self.kdus.iter().filter(|kdu| !kdu.params.is_empty()) {
            let params = json!({ "kdu_name": kdu.kdu, "additionalParams": kdu.params });
            match by_member.iter_mut().find(|(member, _)| **member == kdu.member) {
                Some((_, kdus)) => kdus.push(params),
                None => by_member.push((&kdu.member, vec![params])),
            }
        }
        if !by_member.is_empty() {
            let members: Vec<Value> = by_member
                .into_iter()
                .map(|(m, kdus)| json!({ "member-vnf-index": m, "additionalParamsForKdu": kdus }))
                .collect();
            body.insert("additionalParamsForVnf".to_owned(), Value::Array(members));
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_others_spoilt_spoil_no_list() {
        let spoilt = json!({
            "_id": "1", "name": null, "create-time": "yesterday", "vnfd-id": null, "datacenter": 7,
            "errorDetail": ["a"], "_admin": null,
        });
        let record: NsRecord = serde_json::from_value(spoilt).unwrap();
        assert_eq!((record.name.as_str(), record.vnfd_ids.len()), ("", 0));
        let spoilt = json!({ "_id": "1", "_admin": { "onboardingState": 1 }, "id": null });
        let record: PackageRecord = serde_json::from_value(spoilt).unwrap();
        assert_eq!(record.admin.onboarding_state, "");
        let operation = json!({
            "_id": "1", "lcmOperationType": "dance", "operationState": "DANCING", "nsInstanceId": "2",
            "startTime": null, "operationParams": null,
        });
        let record: OpRecord = serde_json::from_value(operation).unwrap();
        assert_eq!((record.state, record.state.end()), (OpState::Unknown, None));
    }
}
