//! OSM's records as observed ones. Pure.

use serde_json::{Map, Value};

use crate::ids::{
    DescriptorId, KduName, MemberIndex, NsName, OpId, PackageId, PackageKind, VimAccountId,
};
use crate::moment::Moment;
use crate::nbi::{DeployedKdu, NsRecord, OpParams, OpRecord, PackageRecord};
use crate::observed::{
    Change, Content, KduChange, NsState, ObservedInstance, ObservedKdu, ObservedPackage, OpKind,
    Operation, PackageState, REPAIRED_KEY, RunningOperation, Settings, UnnamedInstance,
};

use super::python;

/// A package with its descriptor.
pub(super) fn package(kind: PackageKind, record: PackageRecord) -> ObservedPackage {
    let state =
        match (record.admin.onboarding_state.as_str(), record.admin.operational_state.as_str()) {
            ("ONBOARDED", "ENABLED") => PackageState::Usable,
            ("ONBOARDED", _) => PackageState::Disabled,
            _ => PackageState::WithoutContent,
        };
    let descriptor = record.descriptor;
    let list = |within: &Value, key: &str| -> Vec<Value> {
        within.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let text = |within: &Value, key: &str| within.get(key).and_then(text_or_number);
    let descriptor = Value::Object(descriptor);
    let member = |profile: &Value| {
        let index = MemberIndex::new(text(profile, "id")?).ok()?;
        Some((index, DescriptorId::new(text(profile, "vnfd-id")?).ok()?))
    };
    let profiles = list(&descriptor, "df").into_iter().flat_map(|df| list(&df, "vnf-profile"));
    let members = profiles.filter_map(|profile| member(&profile)).collect();
    let kdus = list(&descriptor, "kdu").into_iter();
    let kdus = kdus.filter_map(|kdu| KduName::new(text(&kdu, "name")?).ok()).collect();
    let id = text(&descriptor, "id").and_then(|id| DescriptorId::new(id).ok());
    let version = text(&descriptor, "version");
    let vnfds = list(&descriptor, "vnfd-id").iter().filter_map(text_or_number).collect::<Vec<_>>();
    let vnfds = vnfds.into_iter().filter_map(|id| DescriptorId::new(id).ok()).collect();
    ObservedPackage {
        kind,
        record: record.record,
        id,
        version,
        modified: Moment::from_epoch_seconds(record.admin.modified),
        state,
        file_name: record.admin.storage.and_then(|storage| storage.zipfile),
        descriptor: Some(descriptor),
        repaired: text(&record.admin.user_defined_data, REPAIRED_KEY),
        content: Content::NotRead,
        members,
        kdus,
        vnfds,
    }
}

fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An instance whose name no file can declare is somebody else's.
pub(super) fn instance(record: NsRecord) -> Result<ObservedInstance, UnnamedInstance> {
    let owner = record.owner();
    let packages = record.nsd_id.into_iter().chain(record.vnfd_ids);
    let packages: Vec<PackageId> = packages.filter_map(|id| PackageId::new(id).ok()).collect();
    let Ok(name) = NsName::new(record.name) else {
        return Err(UnnamedInstance { id: record.id, packages });
    };
    // The word under `_admin` is set when an operation starts, the other one follows it more closely.
    let state = record.ns_state.or(record.admin.ns_state).unwrap_or_default();
    let state = match state.as_str() {
        "NOT_INSTANTIATED" => NsState::NotInstantiated,
        "BUILDING" => NsState::Building,
        "READY" => NsState::Ready,
        "BROKEN" => NsState::Broken,
        "DEGRADED" => NsState::Degraded,
        "TERMINATING" => NsState::Terminating,
        _ => NsState::Other(state),
    };
    let running = record.current_operation.filter(|what| what != "IDLE").map(|what| {
        let id = record.current_operation_id.and_then(|id| OpId::new(id).ok());
        RunningOperation { what, id, since: None }
    });
    let words: Vec<String> =
        [record.error_description, record.error_detail].into_iter().flatten().collect();
    let kdus = record.admin.deployed.map(|deployed| deployed.k8s).unwrap_or_default();
    let kdu = |kdu: DeployedKdu| {
        let status = kdu.detailed_status.as_ref();
        Some(ObservedKdu {
            member: MemberIndex::new(kdu.member_vnf_index?).ok()?,
            name: KduName::new(kdu.kdu_name?).ok()?,
            model: kdu.kdu_model,
            is_as_installed: kdu.operation.as_deref() == Some("install"),
            values: status.and_then(helm_values),
        })
    };
    Ok(ObservedInstance {
        id: record.id,
        name,
        created: Moment::from_epoch_seconds(record.create_time),
        description: record.description,
        nsd: record.nsd_ref.and_then(|id| DescriptorId::new(id).ok()),
        packages,
        owner,
        vim_account: record.datacenter.and_then(|id| VimAccountId::new(id).ok()),
        state,
        running,
        can_reset_values: record.vnffgd.is_some(),
        failure: (!words.is_empty()).then(|| words.join(": ")),
        kdus: kdus.into_iter().flatten().filter_map(kdu).collect(),
        history: None,
    })
}

/// The values in effect, from helm's status as OSM's life-cycle manager stored it: Python's way of
/// printing a dictionary, with the values under `config`.
///
/// Source: OSM LCM `ns.py`, `_on_update_k8s_db`; an instance's record of release 10.
fn helm_values(status: &Value) -> Option<Map<String, Value>> {
    let status = match status {
        Value::String(text) => python::parse_literal(text)?,
        other => other.clone(),
    };
    match status.get("config") {
        Some(Value::Object(values)) => Some(values.clone()),
        // helm prints null, or nothing, for a release that was given no values.
        Some(Value::Null) => Some(Map::new()),
        None => status.get("info").map(|_| Map::new()),
        Some(_) => None,
    }
}

pub(super) fn operation(record: OpRecord) -> Operation {
    let detail = describe_operation(&record);
    let entered = record.status_entered_time.unwrap_or(record.start_time);
    Operation {
        id: record.id,
        state: record.state,
        started: Moment::from_epoch_seconds(record.start_time),
        entered: Moment::from_epoch_seconds(entered),
        detail,
        removes: record.params.autoremove == true,
        changes: changes(&record.kind, &record.params),
        kind: record.kind,
    }
}

/// What an operation does, as `upgrade of KDU front/web`.
pub(crate) fn name_operation(record: &OpRecord) -> String {
    let OpParams { member_vnf_index, kdu_name, primitive, .. } = &record.params;
    match (&record.kind, primitive, member_vnf_index, kdu_name) {
        (OpKind::Instantiate, ..) => "instantiation".to_owned(),
        (OpKind::Terminate, ..) => "termination".to_owned(),
        (OpKind::Action, Some(primitive), Some(member), Some(kdu)) => {
            format!("{primitive} of KDU {member}/{kdu}")
        }
        (OpKind::Action, Some(primitive), ..) => format!("action {primitive}"),
        (kind, ..) => kind.to_string(),
    }
}

/// OSM's words on an operation: its error if there is one, else its status.
pub(crate) fn describe_operation(record: &OpRecord) -> String {
    let error = record.error_message.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let status = record.detailed_status.as_ref().and_then(Value::as_str).map(str::trim);
    error.or(status).filter(|text| !text.is_empty()).unwrap_or("OSM gives no reason").to_owned()
}

/// The values of an upgrade, without what OSM acts on itself.
///
/// Source: OSM LCM v19 `ns.py`, `action`, and N2VC `k8s_helm_base_conn.py`: of its words for old values one
/// that says yes resets or reuses them; with none but such that say no, helm takes the new ones alone.
fn settings(params: &Map<String, Value>) -> Settings {
    let mut values = params.clone();
    let model = values.shift_remove("kdu_model");
    values.shift_remove("kdu_atomic_upgrade");
    let is_yes = |value: &Value| {
        let text = value.as_str().map(str::to_lowercase).unwrap_or_default();
        ["yes", "true", "1"].contains(&text.as_str())
    };
    let mut said = |word: &str| values.shift_remove(word).map(|value| is_yes(&value));
    let resets = said("kdu_reset_values");
    let reuses = [said("kdu_reuse_values"), said("kdu_reset_then_reuse_values")];
    let words = [resets, reuses[0], reuses[1]];
    Settings {
        values,
        model: model.as_ref().and_then(Value::as_str).map(str::to_owned),
        resets: resets == Some(true),
        forgets: words.iter().any(Option::is_some) && !words.contains(&Some(true)),
    }
}

fn changes(kind: &OpKind, params: &OpParams) -> Vec<KduChange> {
    let name = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut found = Vec::new();
    if *kind == OpKind::Action {
        let member = params.member_vnf_index.clone().and_then(|text| MemberIndex::new(text).ok());
        let kdu = params.kdu_name.clone().and_then(|text| KduName::new(text).ok());
        let change = match (params.primitive.as_deref(), &params.primitive_params) {
            (Some("upgrade"), Value::Object(params)) => Some(Change::Set(settings(params))),
            (Some("rollback"), _) => Some(Change::Back),
            _ => None,
        };
        if let (Some(member), Some(kdu), Some(change)) = (member, kdu, change) {
            found.push(KduChange { member, kdu, change });
        }
        return found;
    }
    for vnf in params.additional_params_for_vnf.as_array().into_iter().flatten() {
        let member = name(vnf, "member-vnf-index").and_then(|text| MemberIndex::new(text).ok());
        let kdus = vnf.get("additionalParamsForKdu").and_then(Value::as_array);
        for kdu in kdus.into_iter().flatten() {
            let kdu_name = name(kdu, "kdu_name").and_then(|text| KduName::new(text).ok());
            let values = kdu.get("additionalParams").and_then(Value::as_object);
            if let (Some(member), Some(kdu), Some(values)) = (&member, kdu_name, values) {
                let values = values.clone();
                let change = Change::Set(Settings { values, ..Settings::default() });
                found.push(KduChange { member: member.clone(), kdu, change });
            }
        }
    }
    found
}
