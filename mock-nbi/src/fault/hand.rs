//! What faults do to OSM's records: OSM's own troubles, and someone else's hand.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::target::Target;
use crate::request::Request;
use crate::state::State;
use crate::state::db::{Collection, READ_BY, admin_of, list, merge_patch, set, text};
use crate::state::quota::quota_name;

/// What a VIM account in ERROR says.
const VIM_TROUBLE: &str = "VIM is not reachable";

/// Someone else's request: method, path with query below `/osm`, body.
pub(crate) type OtherRequest = (String, String, Option<Value>);

/// Changes the record.
pub(crate) fn edit(state: &mut State, request: &Request, patch: &Map<String, Value>, now: f64) {
    change(state, request, |record| {
        merge_patch(record, &Value::Object(patch.clone()));
        set(admin_of(record), "modified", now);
    });
}

fn change(state: &mut State, request: &Request, act: impl FnOnce(&mut Value)) {
    if let Some(target) = Target::of(state, request)
        && let Some(mut record) = target.record(state)
    {
        act(&mut record);
        state.db.put(target.collection, record);
    }
}

/// The request by which someone deletes the record.
pub(crate) fn deletion(state: &State, request: &Request) -> Option<OtherRequest> {
    let Target { base, id, .. } = Target::of(state, request)?;
    Some(("DELETE".into(), format!("{base}/{id}?FORCE=true"), None))
}

/// Removes the record where OSM has no request for it, as for operations.
pub(crate) fn delete(state: &mut State, request: &Request) {
    if let Some(target) = Target::of(state, request) {
        state.db.remove(target.collection, &target.id);
    }
}

/// The request that the fault spells out, `{id}` put in.
pub(crate) fn other_request(
    state: &State,
    request: &Request,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> OtherRequest {
    let id = Target::of(state, request).map(|target| target.id).unwrap_or_default();
    (method.to_owned(), path.replace("{id}", &id), body)
}

/// The request by which someone scales the NS instance out: by the first scaling aspect of its
/// VNFs, else its first KDU to one replica more.
pub(crate) fn scaling(state: &State, request: &Request) -> Option<OtherRequest> {
    let target = Target::of(state, request).filter(|t| t.collection == Collection::NsInstances)?;
    let vnfrs: Vec<Value> = state
        .db
        .with(Collection::VnfInstances, "nsr-id-ref", &target.id)
        .map(Cow::into_owned)
        .collect();
    let path = |action: &str| format!("/nslcm/v1/ns_instances/{}/{action}", target.id);
    for vnfr in &vnfrs {
        let member = text(vnfr, "member-vnf-index-ref");
        if let Some(vnfd) = state.db.get(Collection::VnfPackages, text(vnfr, "vnfd-id"))
            && let Some(aspect) =
                list(&vnfd, "df").iter().flat_map(|df| list(df, "scaling-aspect")).next()
        {
            let step = json!({"scaling-group-descriptor": text(aspect, "id"),
                "member-vnf-index": member});
            let body = json!({"scaleType": "SCALE_VNF", "scaleVnfData":
                {"scaleVnfType": "SCALE_OUT", "scaleByStepData": step}});
            return Some(("POST".into(), path("scale"), Some(body)));
        }
    }
    let vnfr = vnfrs.iter().find(|vnfr| !list(vnfr, "kdur").is_empty())?;
    let body = json!({
        "member_vnf_index": text(vnfr, "member-vnf-index-ref"),
        "kdu_name": text(&list(vnfr, "kdur")[0], "kdu-name"),
        "primitive": "upgrade",
        "primitive_params": {"replicaCount": "2"},
    });
    Some(("POST".into(), path("action"), Some(body)))
}

/// Puts a copy of the record beside it, under an id of its own.
pub(crate) fn copy(state: &mut State, request: &Request, now: f64) {
    if let Some(target) = Target::of(state, request)
        && let Some(mut record) = target.record(state)
    {
        let id = state.ids.uuid();
        for key in ["_id", "id"] {
            if text(&record, key) == target.id {
                set(&mut record, key, id.as_str());
            }
        }
        set(&mut record, "_id", id.as_str());
        let admin = admin_of(&mut record);
        set(admin, "created", now);
        set(admin, "modified", now);
        if record.get("create-time").is_some() {
            set(&mut record, "create-time", now);
        }
        if target.collection == Collection::VnfPackages {
            state.keep_revision(&record);
        }
        state.db.put(target.collection, record);
    }
}

/// Gives the record another id, and those that belong to an NS instance with it.
pub(crate) fn renew(state: &mut State, request: &Request, now: f64) {
    let Some(target) = Target::of(state, request) else {
        return;
    };
    let Some(record) = state.db.remove(target.collection, &target.id) else {
        return;
    };
    let id = state.ids.uuid();
    let mut renewed = with_other_id(&record, &target.id, &id);
    let admin = admin_of(&mut renewed);
    set(admin, "created", now);
    set(admin, "modified", now);
    if target.collection == Collection::VnfPackages {
        state.forget_revisions(&record);
        state.keep_revision(&renewed);
    }
    state.db.put(target.collection, renewed);
    if let Some(files) = state.files.remove(&(target.collection, target.id.clone())) {
        state.files.insert((target.collection, id.clone()), files);
    }
    if target.collection != Collection::NsInstances {
        return;
    }
    if let Some(releases) = state.helm.by_ns.remove(&target.id) {
        state.helm.by_ns.insert(id.clone(), releases);
    }
    for (collection, key) in
        [(Collection::VnfInstances, "nsr-id-ref"), (Collection::Operations, "nsInstanceId")]
    {
        let of_instance: Vec<Value> = state
            .db
            .iter(collection)
            .filter(|record| text(record, key) == target.id)
            .map(|record| with_other_id(&record, &target.id, &id))
            .collect();
        for record in of_instance {
            state.db.put(collection, record);
        }
    }
}

fn with_other_id(record: &Value, old: &str, new: &str) -> Value {
    match record {
        Value::String(text) => Value::String(text.replace(old, new)),
        Value::Array(items) => items.iter().map(|item| with_other_id(item, old, new)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), with_other_id(value, old, new)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => record.clone(),
    }
}

/// Takes the content of a package away.
pub(crate) fn empty_package(state: &mut State, request: &Request) {
    change(state, request, |record| {
        let admin = admin_of(record);
        set(admin, "onboardingState", "CREATED");
        set(admin, "operationalState", "DISABLED");
        if let Some(fields) = admin.as_object_mut() {
            fields.shift_remove("storage");
        }
    });
    if let Some(target) = Target::of(state, request) {
        state.files.remove(&(target.collection, target.id));
    }
}

/// Loses the operations of an NS instance.
pub(crate) fn lose_operations(state: &mut State, request: &Request) {
    if let Some(target) =
        Target::of(state, request).filter(|t| t.collection == Collection::NsInstances)
    {
        state.engine.forget(&target.id);
        let is_of_instance = |operation: &Value| text(operation, "nsInstanceId") == target.id;
        state.db.remove_where(Collection::Operations, is_of_instance);
    }
}

/// Puts every VIM account into ERROR; gives what the life-cycle manager says of it.
pub(crate) fn disable_vims(state: &mut State) -> String {
    let vims: Vec<Value> = state.db.iter(Collection::VimAccounts).map(Cow::into_owned).collect();
    let first = vims.first().map(|vim| text(vim, "_id").to_owned()).unwrap_or_default();
    for mut vim in vims {
        let admin = admin_of(&mut vim);
        set(admin, "operationalState", "ERROR");
        set(admin, "detailed-status", VIM_TROUBLE);
        state.db.put(Collection::VimAccounts, vim);
    }
    format!("VIM={first} is not available. operationalState=ERROR")
}

/// Lowers the quota of the token's project to what there is.
pub(crate) fn reach_quota(state: &mut State, request: &Request) {
    let Some(collection) = request.segments.get(2).and_then(|t| super::target::collection_of(t))
    else {
        return;
    };
    let token = request.bearer().and_then(|bearer| state.tokens.get(bearer));
    let (Some(quota), Some(token)) = (quota_name(collection), token) else {
        return;
    };
    let project_id = text(token, "project_id").to_owned();
    let count = state.db.count_with(collection, READ_BY, &project_id);
    if let Some(project) = state.db.get(Collection::Projects, &project_id) {
        let mut project = project.into_owned();
        if !project["quotas"].is_object() {
            set(&mut project, "quotas", json!({}));
        }
        set(&mut project["quotas"], quota, count);
        state.db.put(Collection::Projects, project);
    }
}

/// Answers a list as if it came earlier: with these records in place of today's.
pub(crate) fn with_records<T>(
    state: &mut State,
    request: &Request,
    records: Vec<Value>,
    act: impl FnOnce(&mut State) -> T,
) -> T {
    let Some(collection) = request.segments.get(2).and_then(|t| super::target::collection_of(t))
    else {
        return act(state);
    };
    let today = records_of(state, topic_of(request));
    state.db.remove_where(collection, |_| true);
    for record in records {
        state.db.put(collection, record);
    }
    let outcome = act(state);
    state.db.remove_where(collection, |_| true);
    for record in today {
        state.db.put(collection, record);
    }
    outcome
}

/// The topic of a request's URL, which says which collection it is about.
pub(crate) fn topic_of(request: &Request) -> &str {
    request.segments.get(2).map(String::as_str).unwrap_or_default()
}

/// Every record of the collection that a topic of URLs is about.
pub(crate) fn records_of(state: &State, topic: &str) -> Vec<Value> {
    super::target::collection_of(topic)
        .map(|collection| state.db.iter(collection).map(Cow::into_owned).collect())
        .unwrap_or_default()
}

/// The quota's text with which Release 8 and 10 refuse with 401.
///
/// Source: NBI_FACTS.md section 14.
pub(crate) fn quota_text(state: &State, request: &Request) -> String {
    let token = request.bearer().and_then(|bearer| state.tokens.get(bearer));
    let project = token.map_or("admin", |token| text(token, "project_name"));
    let project_id = token.map_or("", |token| text(token, "project_id"));
    let topic = request.segments.get(2).and_then(|t| super::target::collection_of(t));
    let quota = topic.and_then(quota_name).unwrap_or("ns_instances");
    format!("quota ({quota}=500) exceeded for project {project} ({project_id})")
}

/// OSM's words for a status where it has some of its own: for an unknown id.
pub(crate) fn words(request: &Request, status: u16) -> Option<String> {
    let id = request.segments.get(3)?;
    let collection = super::target::collection_of(request.segments.get(2)?)?;
    (status == 404).then(|| {
        format!(
            "database exception database exception Not found any {} with filter='{{'_id': '{id}'}}'",
            collection.singular()
        )
    })
}
