//! S5: what is sent is what the revision of the run has, no more and no less.

use mock_nbi::Collection;
use serde_json::{Map, Value};

use super::writes::{Call, Case};
use super::{Law, Verdicts};
use crate::sim::expected::{Expected, ExpectedInstance};
use crate::sim::osm::text;

/// What stands among the values of an upgrade, and is for OSM itself.
const OSMS_OWN_KEYS: [&str; 2] = ["kdu_model", "kdu_reset_values"];

/// Values by member and KDU.
type ByKdu = Vec<((String, String), Map<String, Value>)>;

/// S5, and that what is made is declared at all (S1).
pub(super) fn of_this_one(
    call: &Call,
    case: &Case<'_, '_>,
    expected: &Expected,
    verdicts: &mut Verdicts,
) {
    let mut test = |holds: bool, how: String| {
        let law = if case.commits_seen > 1 { Law::S5 } else { Law::S1 };
        verdicts.test(law, case.at, holds, || how);
    };
    let recorded = || {
        let record = case.look.record(Collection::NsInstances, call.id.as_ref()?)?;
        Some(text(&record, "name").to_owned())
    };
    if let Some(upload) = call.upload() {
        let is_declared = expected.packages.iter().any(|p| p.digest == upload.digest.as_str());
        test(is_declared, format!("upload of {upload}, which this revision does not have"));
    } else if call.operation.ends_with("_content") && !call.is_of_instances() {
        let name = call.file_name.as_deref().unwrap_or("a file without a name");
        test(false, format!("upload of {name}, which names no digest"));
    } else if call.is_creation() && call.is_of_instances() {
        let name = text(&call.body, "nsName");
        let nsd = case.look.record(Collection::NsDescriptors, text(&call.body, "nsdId"));
        let nsd = nsd.map(|record| text(&record, "id").to_owned());
        let holds = expected.instance(name).is_some_and(|want| {
            // Somebody else may have taken the NSD away.
            let is_of_it = nsd.is_none_or(|nsd| nsd == want.nsd);
            is_of_it && has_values_of(want, &call.body)
        });
        test(holds, format!("NS {name} is made otherwise than this revision has"));
    } else if call.operation.ends_with("/{id}/instantiate") {
        let Some(name) = recorded() else { return };
        let holds = expected.instance(&name).is_some_and(|want| has_values_of(want, &call.body));
        test(holds, format!("NS {name} is deployed with other values than this revision has"));
    } else if call.operation.ends_with("/{id}/action") {
        let Some(name) = recorded() else { return };
        let kdu = (text(&call.body, "member_vnf_index"), text(&call.body, "kdu_name"));
        let mut sent = call.body["primitive_params"].as_object().cloned().unwrap_or_default();
        sent.retain(|key, _| !OSMS_OWN_KEYS.contains(&key.as_str()));
        let declared = expected.instance(&name).and_then(|want| {
            let mut kdus = want.kdus.iter();
            kdus.find(|((member, name), _)| (member.as_str(), name.as_str()) == kdu)
        });
        let holds = declared.is_some_and(|(_, values)| *values == sent);
        test(holds, format!("NS {name} is upgraded to other values than this revision has"));
    }
}

/// Whether a request makes an instance with the declared values and no others.
fn has_values_of(want: &ExpectedInstance, body: &Value) -> bool {
    let mut declared: ByKdu =
        want.kdus.iter().filter(|(_, values)| !values.is_empty()).cloned().collect();
    let mut sent = values_of(body);
    declared.sort_by(|(a, _), (b, _)| a.cmp(b));
    sent.sort_by(|(a, _), (b, _)| a.cmp(b));
    declared == sent
}

fn values_of(body: &Value) -> ByKdu {
    let mut found = Vec::new();
    for vnf in body["additionalParamsForVnf"].as_array().into_iter().flatten() {
        let member = text(vnf, "member-vnf-index");
        for kdu in vnf["additionalParamsForKdu"].as_array().into_iter().flatten() {
            let values = kdu["additionalParams"].as_object().cloned().unwrap_or_default();
            found.push(((member.to_owned(), text(kdu, "kdu_name").to_owned()), values));
        }
    }
    found
}
