use super::super::{NSD_BEFORE_SOL006, NST, VNFD, VNFD_BEFORE_SOL006};
use super::*;
use serde_json::json;

/// What was read of a VNFD, or the complaint.
#[track_caller]
fn check(vnfd: &Value, expected: &str) {
    let got = load(&VNFD, &json!({"etsi-nfv-vnfd:vnfd": vnfd}), false);
    let got = got.map_or_else(|complaint| complaint, |loaded| loaded["vnfd"].to_string());
    assert_eq!(got, expected);
}

#[test]
fn what_is_written_has_the_order_and_the_types_of_the_model() {
    check(
        &json!({"version": 1.0, "k8s-cluster": {"version": "v1", "nets": [{"id": 1}]}, "id": true}),
        r#"{"id":"True","version":"1.0","k8s-cluster":{"version":["v1"],"nets":[{"id":"1"}]}}"#,
    );
    check(
        &json!({"virtual-storage-desc": [{"size-of-storage": 4, "id": "s",
            "type-of-storage": "nfv:root-storage"}]}),
        r#"{"virtual-storage-desc":[{"id":"s","type-of-storage":"etsi-nfv-descriptors:root-storage","size-of-storage":"4"}]}"#,
    );
    check(
        &json!({"kdu:kdu": [{"name": "a"}], "product_name": "p", "@x": 1, "id": null}),
        r#"{"product-name":"p","kdu":[{"name":"a"}]}"#,
    );
}

#[test]
fn a_case_of_a_choice_drops_the_other() {
    check(
        &json!({"kdu": [{"name": "a", "helm-chart": "c", "helm-version": "v2", "juju-bundle": "b"}]}),
        r#"{"kdu":[{"name":"a","juju-bundle":"b"}]}"#,
    );
}

#[test]
fn each_mistake_has_its_own_words() {
    check(&json!({"a": 1}), "JSON object contained a key that did not exist (a)");
    check(&json!({"a": {}}), "Invalid attribute specified (a)");
    check(&json!({"a": [1]}), "List specified that did not exist");
    check(&json!({"a": []}), "null");
    check(&json!({"id": {"a": 1}}), "JSON object contained a key that did not exist (a)");
    check(&json!({"vdu": [{"name": "a"}]}), "'id'");
    check(&json!({"vdu": ["a"]}), "string indices must be integers");
    check(&json!({"vdu": [{"id": null}]}), "'a list with a key value must have a key specified'");
    check(&json!({"vdu": [{"id": ""}]}), "'Cannot set a null key for a list entry!'");
    check(&json!({"vdu": [{"id": [1]}]}), "unhashable type: 'list'");
    check(
        &json!({"df": [{"id": "d", "virtual-link-profile": [{"id": "l", "flavour": {"a": 1}}]}]}),
        "JSON object contained a key that did not exist (a)",
    );
    check(
        &json!({"k8s-cluster": 5}),
        "{'error-string': 'k8s_cluster must be of a type compatible with container', \
         'defined-type': 'container', 'generated-type': \
         'YANGDynClass(base=yc_k8s_cluster_etsi_nfv_vnfd__vnfd_k8s_cluster, \
         is_container=\\'container\\', yang_name=\"k8s-cluster\", parent=self, \
         path_helper=self._path_helper, extmethods=self._extmethods, register_paths=True, \
         extensions=None, namespace=\\'urn:etsi:osm:yang:augments:kdu\\', \
         defining_module=\\'kdu\\', yang_type=\\'container\\', is_config=True)'}",
    );
}

#[test]
fn an_empty_list_stands_for_nothing_wherever_it_is() {
    check(
        &json!({"id": "a", "version": [], "k8s-cluster": [], "vdu": [], "kdu": [{"name": "k"}]}),
        r#"{"id":"a","kdu":[{"name":"k"}]}"#,
    );
}

#[test]
fn keys_of_a_list_are_the_same_where_python_takes_them_for_the_same() {
    let machines = |first: Value, second: Value| {
        let vnfd = json!({"vnfd": {"vdu": [{"id": first}, {"id": second}]}});
        load(&VNFD, &vnfd, false).unwrap()["vnfd"]["vdu"].as_array().unwrap().len()
    };
    assert_eq!(machines(json!(true), json!(1)), 1);
    assert_eq!(machines(json!(false), json!(0.0)), 1);
    assert_eq!(machines(json!(true), json!("True")), 2);
    assert_eq!(machines(json!(1), json!("1")), 2);
}

#[test]
fn values_out_of_bounds_are_refused() {
    for (key, value) in [
        ("min-number-of-instances", json!(-1)),
        ("min-number-of-instances", json!(65_536)),
        ("min-number-of-instances", json!("x")),
    ] {
        let mut profile = json!({"id": "p"});
        profile[key] = value;
        let vnfd = json!({"vnfd": {"df": [{"id": "d", "vdu-profile": [profile]}]}});
        let complaint = load(&VNFD, &vnfd, false).unwrap_err();
        assert!(complaint.contains("must be of a type compatible with uint16"), "{complaint}");
    }
}

#[test]
fn force_lets_unknown_keys_pass_but_not_unknown_lists() {
    let forced = |data: Value| load(&NST, &json!({"nst": [data]}), true);
    let known = json!({"nst": [{"id": "a"}]});
    assert_eq!(forced(json!({"id": "a", "x": 1, "y": {"z": 1}})), Ok(known));
    assert!(forced(json!({"id": "a", "x": [1]})).is_err());
}

#[test]
fn models_before_sol006_are_read_the_same_way() {
    let vnfd = json!({"vnfd:vnfd-catalog": {"vnfd": [{"name": "n", "id": "v",
        "vdu": [{"id": "m", "vm-flavor": {"vcpu-count": "2"}}]}]}});
    let expected = r#"{"vnfd-catalog":{"vnfd":[{"id":"v","name":"n","vdu":[{"id":"m","vm-flavor":{"vcpu-count":2}}]}]}}"#;
    assert_eq!(load(&VNFD_BEFORE_SOL006, &vnfd, false).unwrap().to_string(), expected);
    let nsd = json!({"nsd:nsd-catalog": {"nsd": [{"id": "n", "sol006": 1}]}});
    assert!(load(&NSD_BEFORE_SOL006, &nsd, false).is_err());
}

#[test]
fn identities_and_lists_of_leaves_take_what_python_takes() {
    let storage =
        |kind: Value| json!({"virtual-storage-desc": [{"id": "s", "type-of-storage": kind}]});
    check(&storage(json!(5)), "argument of type 'int' is not iterable");
    check(&storage(json!(true)), "argument of type 'bool' is not iterable");
    let point = |key: &str, value: Value| json!({"ext-cpd": [{"id": "e", key: value}]});
    check(
        &point("layer-protocol", json!("nfv:ipv4")),
        r#"{"ext-cpd":[{"id":"e","layer-protocol":["ipv4"]}]}"#,
    );
    check(
        &point("layer-protocol", json!(["ipv4"])),
        r#"{"ext-cpd":[{"id":"e","layer-protocol":["ipv4"]}]}"#,
    );
    check(&point("layer-protocol", json!(5)), "argument of type 'int' is not iterable");
    let versions = |value: Value| json!({"k8s-cluster": {"version": value}});
    check(&versions(json!("a:b")), r#"{"k8s-cluster":{"version":["a:b"]}}"#);
    check(&versions(json!(["a", "b", "a"])), r#"{"k8s-cluster":{"version":["a","b"]}}"#);
    assert!(load(&VNFD, &json!({"vnfd": versions(json!(["a", 1]))}), false).is_err());
    check(
        &json!({"vdu": [{"id": "m", "int-cpd": [{"id": "c", "order": [1, 1.0, 2, 1]}]}]}),
        r#"{"vdu":[{"id":"m","int-cpd":[{"order":[1,2],"id":"c"}]}]}"#,
    );
}

#[test]
fn a_complaint_tells_the_default_and_what_was_possible() {
    let long = "RestrictedClassType(base_type=int, restriction_dict={\\'range\\': \
                [\\'0..65535\\']},int_size=16)";
    let interface = |key: &str, value: &str| json!({"vdu": [{"id": "m", "int-cpd": [{"id": "c", key: value}]}]});
    let compute = |part: &str, key: &str, value: Value| json!({"virtual-compute-desc": [{"id": "c", part: {key: value}}]});
    let storage = json!({"virtual-storage-desc": [{"id": "s", "type-of-storage": "x"}]});
    for (vnfd, words) in [
        (interface("port-security-enabled", "x"), "default=YANGBool(\"true\"), ".to_owned()),
        (interface("port-security-disable-strategy", "x"), "\\'full\\': {}".to_owned()),
        (
            json!({"virtual-storage-desc": [{"id": "s", "type-of-storage": null}]}),
            "argument of type 'NoneType' is not iterable".to_owned(),
        ),
        (compute("virtual-memory", "size", json!(-1)), "default=Decimal(1), ".to_owned()),
        (compute("virtual-cpu", "num-virtual-cpu", json!(0)), format!("default={long}(1), ")),
        (
            storage,
            "\\'etsi-nfv-descriptors:root-storage\\': {\\'@module\\': \
             \\'etsi-nfv-descriptors\\', \\'@namespace\\': \
             \\'urn:etsi:nfv:yang:etsi-nfv-descriptors\\'}"
                .to_owned(),
        ),
    ] {
        let complaint = load(&VNFD, &json!({"vnfd": vnfd}), false).unwrap_err();
        assert!(complaint.contains(&words), "{words}\n{complaint}");
    }
}
