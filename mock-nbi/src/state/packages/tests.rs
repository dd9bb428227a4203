//! Packages by their records alone.

use super::*;
use crate::profile::Profile;

#[test]
fn a_vnf_has_a_type_by_its_machines_and_nothing_else_has_one() {
    let (physical, machine) = (json!({"id": "a", "pdu-type": "t"}), json!({"id": "b"}));
    for (vdus, expected) in [
        (json!([physical, machine]), Some("hnfd")),
        (json!([physical]), Some("pnfd")),
        (json!([machine]), Some("vnfd")),
        (json!([]), None),
    ] {
        let record = json!({"vdu": vdus});
        assert_eq!(vnf_type(Kind::Vnfd, &record), expected, "{record}");
        for kind in [Kind::Nsd, Kind::Nst, Kind::ConfigTemplate] {
            assert_eq!(vnf_type(kind, &record), None, "{record}");
        }
    }
}

#[test]
fn only_descriptors_in_use_in_release_19_are_kept_from_changes() {
    let content = json!({"vnfd": {"id": "v", "product-name": "new"}});
    for (release, kind, is_free) in [
        (Release::R10, Kind::Vnfd, true),
        (Release::R19, Kind::Vnfd, false),
        (Release::R19, Kind::ConfigTemplate, true),
    ] {
        let mut state = State::empty(release, Profile::instant(), 1);
        let old = Bytes::from_static(b"vnfd: {id: v, product-name: old}\n");
        state.files.insert((kind.collection(), "p".to_owned()), Stored::Text(old));
        state.db.put(Collection::VnfInstances, json!({"_id": "i", "vnfd-id": "p"}));
        let params = json!({"nsConfigTemplateId": "p"});
        state.db.put(Collection::NsInstances, json!({"_id": "i", "instantiate_params": params}));
        let got = state.check_changes_in_use(kind, "p", &content);
        assert_eq!(got.is_ok(), is_free, "{release:?} {kind:?}");
    }
}
