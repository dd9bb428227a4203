//! An OSM that has just what is declared.

use osmops::ids::{NsId, PackageId, VimAccountId};
use osmops::moment::Moment;
use osmops::observed::{
    Content, NsState, ObservedInstance, ObservedKdu, ObservedPackage, ObservedState, PackageState,
};
use osmops::package::UploadName;
use osmops::revision::Revision;
use osmops::secret::NESTED_PREFIX;
use serde_json::{Map, Value, json};

use super::READ_AT;
use super::observed::numbered;
/// Values as OSM keeps them: nested ones as text with a sign before it, and numbers as `osm` users write them.
fn as_stored(values: &Map<String, Value>) -> Map<String, Value> {
    let stored = |value: &Value| match value {
        Value::Array(_) | Value::Object(_) => Value::String(format!("{NESTED_PREFIX}{value}")),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    };
    values.iter().map(|(key, value)| (key.clone(), stored(value))).collect()
}

/// An OSM that has just what is declared, beside objects of others under other names.
///
/// `has_text` says whether values are told as OSM stores them, and not as helm prints them.
pub(in crate::plan_laws) fn matching(
    revision: &Revision,
    others: ObservedState,
    has_text: bool,
) -> ObservedState {
    let desired = &revision.desired;
    let mut packages: Vec<ObservedPackage> = others.packages;
    packages.retain(|have| {
        let is_declared =
            have.id.as_ref().is_some_and(|id| desired.package(have.kind, id).is_some());
        let is_ours = have.upload().is_some_and(|upload| upload.owner == desired.owner);
        !is_declared && !is_ours
    });
    for want in &desired.packages {
        let upload = UploadName {
            folder: want.folder.file_name().to_owned(),
            owner: desired.owner.clone(),
            adopted: false,
            digest: want.digest.clone(),
        };
        let mut descriptor = want.descriptor.json().clone();
        descriptor["_id"] = json!("of OSM's own");
        descriptor["_admin"] = json!({"type": "vnfd"});
        packages.push(ObservedPackage {
            kind: want.key.kind,
            record: PackageId::new("x").unwrap(),
            id: Some(want.key.id.clone()),
            version: want.version.clone(),
            state: PackageState::Usable,
            modified: Moment::from_epoch_seconds(READ_AT - 10.0),
            file_name: Some(upload.to_string()),
            descriptor: Some(descriptor),
            repaired: None,
            content: Content::NotRead,
            members: want
                .members
                .iter()
                .filter_map(|member| Some((member.index.clone()?, member.vnfd.clone())))
                .collect(),
            vnfds: want.members.iter().map(|member| member.vnfd.clone()).collect(),
            kdus: want.kdus.clone(),
        });
    }
    let mut instances = others.instances;
    instances.retain(|have| desired.instance(&have.name).is_none() && have.owner != desired.owner);
    for want in &desired.instances {
        let kdu = |kdu: &osmops::desired::DesiredKdu| ObservedKdu {
            member: kdu.member.0.clone(),
            name: kdu.name.0.clone(),
            model: kdu.model.as_ref().map(|(model, _)| model.clone()),
            is_as_installed: true,
            values: Some(if has_text {
                as_stored(kdu.params.values())
            } else {
                kdu.params.values().clone()
            }),
        };
        instances.push(ObservedInstance {
            id: NsId::new("x").unwrap(),
            name: want.name.clone(),
            created: Moment::from_epoch_seconds(READ_AT - 100.0),
            description: want.description.as_ref().map(|(text, _)| text.clone()),
            nsd: Some(want.nsd.0.clone()),
            packages: Vec::new(),
            owner: desired.owner.clone(),
            vim_account: Some(VimAccountId::new("vim-1").unwrap()),
            state: NsState::Ready,
            running: None,
            failure: None,
            can_reset_values: true,
            kdus: want.kdus.iter().map(kdu).collect(),
            history: Some(Vec::new()),
        });
    }
    numbered(packages, instances, &[])
}
