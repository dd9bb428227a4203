use super::*;
use serde_json::json;

#[track_caller]
fn check_one(vnfd: &Value, files: &[&str], release: Release, expected: &str) {
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    let files = PackageFiles::new(&files, "top");
    let got = check(vnfd, files, release);
    assert_eq!(got.map_or_else(|problem| problem.detail, |()| "fine".into()), expected);
}

/// A VNFD of one VDU, with `change` made.
fn vm(change: impl Fn(&mut Value)) -> Value {
    let mut vnfd = json!({
        "id": "vm", "mgmt-cp": "out", "ext-cpd": [{"id": "out", "int-cpd": {"vdu-id": "box", "cpd": "in"}}],
        "vdu": [{"id": "box", "int-cpd": [{"id": "in"}], "virtual-storage-desc": ["disk"]}],
        "virtual-storage-desc": [{"id": "disk"}],
        "df": [{"id": "d", "instantiation-level": [{"id": "l", "vdu-level": [{"vdu-id": "box"}]}]}],
    });
    change(&mut vnfd);
    vnfd
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    let refused = |change: &dyn Fn(&mut Value), expected| {
        check_one(&vm(change), &[], Release::R10, expected);
    };
    refused(&|_| {}, "fine");
    refused(&|v| v["mgmt-cp"] = json!("x"), "mgmt-cp='x' must match an existing ext-cpd");
    refused(
        &|v| v["mgmt-cp"] = json!(null),
        "'mgmt-cp' is a mandatory field and it is not defined",
    );
    refused(
        &|v| v["ext-cpd"][0]["int-cpd"]["cpd"] = json!("x"),
        "ext-cpd[id='out']:int-cpd must match an existing vdu int-cpd",
    );
    refused(
        &|v| v["vdu"][0]["int-cpd"][0]["int-virtual-link-desc"] = json!("x"),
        "vdu[id='box']:int-cpd[id='in']:int-virtual-link-desc='x' must match an existing \
         int-virtual-link-desc",
    );
    refused(
        &|v| v["vdu"][0]["virtual-storage-desc"] = json!(["x"]),
        "vdu[virtual-storage-desc='x']not defined in vnfd",
    );
    refused(&|v| v["df"] = json!([]), "fine");
    refused(
        &|v| {
            v.as_object_mut().unwrap().shift_remove("df");
        },
        "'df'",
    );
    refused(
        &|v| v["df"][0]["scaling-aspect"] = json!([{"id": "s", "aspect-delta-details": {"deltas": [{"id": "1", "vdu-delta": [{"id": "x"}]}]}}]),
        "df[id='d']:scaling-aspect[id='s']:aspect-delta-details[delta='1']: vdu-id='x' not \
         defined in vdu",
    );
    refused(
        &|v| v["vdu"][0]["alarm"] = json!([{"alarm-id": "a", "vnf-monitoring-param-ref": "x"}]),
        "vdu[id='box']:alarm[id='a']:vnf-monitoring-param-ref='x' not defined in any \
         monitoring-param",
    );
}

#[test]
fn files_of_the_package_are_looked_for() {
    let with_file = vm(|v| v["vdu"][0]["cloud-init-file"] = json!("init.cfg"));
    let missing = "Cloud-init defined in vnf[id=vm]:vdu[id=box] but not present in package";
    check_one(&with_file, &["top/README"], Release::R10, missing);
    check_one(&with_file, &["top/cloud_init/init.cfg"], Release::R10, "fine");
    let with_charm = vm(|v| {
        v["df"][0]["lcm-operations-configuration"] = json!({"operate-vnf-op-config": {"day1-2": [
            {"id": "vm", "execution-environment-list": [{"id": "e", "juju": {"charm": "c"}}]},
        ]}});
    });
    let missing = "Charm defined in vnf[id=vm] but not present in package";
    check_one(&with_charm, &[], Release::R10, missing);
    check_one(&with_charm, &["top/charms/c/metadata.yaml"], Release::R10, "fine");
    let in_zip = ["top/Scripts/charms/c/metadata.yaml"];
    check_one(&with_charm, &in_zip, Release::R10, missing);
    check_one(&with_charm, &in_zip, Release::R19Recorded, "fine");
    let of_machine = |id: &str, place: &str| {
        vm(|v| {
            v["df"][0]["vdu-profile"] = json!([{"id": "box"}]);
            v["df"][0]["lcm-operations-configuration"] = json!({"operate-vnf-op-config": {"day1-2": [
                {"id": id, "execution-environment-list": [{"id": "e", place: {}}]},
            ]}});
        })
    };
    check_one(&of_machine("box", "juju"), &[], Release::R10, missing);
    check_one(&of_machine("box", "helm-chart"), &[], Release::R10, "fine");
    check_one(&of_machine("other", "juju"), &[], Release::R10, "fine");
}

#[test]
fn later_releases_want_charts_without_version() {
    let knf = |chart: &str| json!({"df": [], "kdu": [{"name": "k", "helm-chart": chart}]});
    check_one(&knf("bitnami/openldap:1.2.7"), &[], Release::R19Recorded, "fine");
    check_one(
        &knf("bitnami/openldap:1.2.7"),
        &[],
        Release::R19,
        "helm-chart 'bitnami/openldap:1.2.7' is not valid",
    );
    for fine in ["bitnami/openldap", "openldap", "oci://registry/chart:1.0", "x+y://:"] {
        check_one(&knf(fine), &[], Release::R19, "fine");
    }
    for wrong in ["1x://registry", "o_i://registry", "oci://", "oci:///chart", "oci://?a", "o:r"] {
        let words = format!("helm-chart '{wrong}' is not valid");
        check_one(&knf(wrong), &[], Release::R19, &words);
    }
}

#[test]
fn links_and_monitoring_parameters_have_an_id_once() {
    let refused = |change: &dyn Fn(&mut Value), expected| {
        check_one(&vm(change), &[], Release::R10, expected);
    };
    let links = || json!([{"id": "a"}, {"id": "b"}]);
    refused(
        &|v| {
            v["int-virtual-link-desc"] = links();
            v["vdu"][0]["int-cpd"][0]["int-virtual-link-desc"] = json!("b");
            v["df"][0]["virtual-link-profile"] = json!([{"id": "a"}, {"id": ""}]);
        },
        "fine",
    );
    refused(
        &|v| v["int-virtual-link-desc"] = json!([{"id": "a"}, {"id": "a"}]),
        "Duplicated VLD id in int-virtual-link-desc[id=a]",
    );
    refused(
        &|v| {
            v["int-virtual-link-desc"] = links();
            v["df"][0]["virtual-link-profile"] = json!([{"id": "x"}]);
        },
        "df[id='d']:virtual-link-profile='x' must match an existing int-virtual-link-desc",
    );
    let parameters = |ids: &[&str]| ids.iter().map(|id| json!({"id": id})).collect::<Value>();
    refused(
        &|v| {
            v["vdu"][0]["monitoring-parameter"] = parameters(&["a", "b"]);
            v["df"][0]["monitoring-parameter"] = parameters(&["c"]);
        },
        "fine",
    );
    refused(
        &|v| {
            v["vdu"][0]["monitoring-parameter"] = parameters(&["a"]);
            v["df"][0]["monitoring-parameter"] = parameters(&["a"]);
        },
        "Duplicated monitoring-parameter id in df[id='d']:monitoring-parameter[id='a']",
    );
}

#[test]
fn connection_points_of_a_machine_and_of_a_vnf_have_an_id_once() {
    let again = |place: &str| {
        vm(|v| {
            let points = v.pointer_mut(place).unwrap().as_array_mut().unwrap();
            points.push(points[0].clone());
        })
    };
    let words = "vdu[id='box']:int-cpd[id='in'] is already used by other int-cpd";
    check_one(&again("/vdu/0/int-cpd"), &[], Release::R10, words);
    let words = "ext-cpd[id='out'] is already used by other ext-cpd";
    check_one(&again("/ext-cpd"), &[], Release::R10, words);
}

#[test]
fn machines_have_storage_and_compute_that_are_described_unless_they_are_physical() {
    let check = |vdu: Value, expected: &str| {
        let vnfd = vm(|v| {
            v["vdu"][0].as_object_mut().unwrap().extend(vdu.as_object().unwrap().clone());
        });
        check_one(&vnfd, &[], Release::R10, expected);
    };
    let storage = "vdu[virtual-storage-desc='x']not defined in vnfd";
    check(json!({"virtual-storage-desc": ["disk", "x"]}), storage);
    check(json!({"virtual-storage-desc": ["x"], "pdu-type": "router"}), "fine");
    check(json!({"virtual-storage-desc": null}), "fine");
    let compute = "vdu[virtual-compute-desc='x']not defined in vnfd";
    check(json!({"virtual-compute-desc": "x"}), compute);
    check(json!({"virtual-compute-desc": "x", "pdu-type": "router"}), "fine");
    let without = vm(|v| {
        v["vdu"][0].as_object_mut().unwrap().shift_remove("virtual-storage-desc");
    });
    check_one(&without, &[], Release::R10, "'NoneType' object is not iterable");
}

#[test]
fn profiles_and_levels_name_machines_since_release_19() {
    for (key, value, words) in [
        (
            "vdu-profile",
            json!([{"id": "x"}]),
            "df[id='d']:vdu-profile='x' must match an existing vdu",
        ),
        (
            "instantiation-level",
            json!([{"id": "l", "vdu-level": [{"vdu-id": "x"}]}]),
            "df[id='d']:instantiation-level='l' must match an existing vdu",
        ),
    ] {
        let vnfd = vm(|v| v["df"][0][key] = value.clone());
        check_one(&vnfd, &[], Release::R10, "fine");
        check_one(&vnfd, &[], Release::R19, words);
    }
    check_one(
        &vm(|v| v["df"][0]["vdu-profile"] = json!([{"id": "box"}])),
        &[],
        Release::R19,
        "fine",
    );
}
