//! Parameters of requests, target by target.

use super::*;

#[test]
fn names_are_checked_and_nested_values_become_text_where_they_stand() {
    let mut request = json!({"additionalParamsForVnf": [{
        "member-vnf-index": "a",
        "additionalParams": {"x": [1]},
        "additionalParamsForKdu": [{"kdu_name": "k", "additionalParams": {"a.b": {"c": 1}}}],
    }]});
    let vnf = format(&mut request, Target::Vnf("a"), &json!({}), Release::R10).unwrap();
    assert_eq!(vnf.values, Some(json!({"x": "!!yaml - 1\n"})));
    let own = &request["additionalParamsForVnf"][0];
    assert_eq!(own["additionalParams"], json!({"x": [1]}));
    format(&mut request, Target::Kdu("a", "k"), &json!({}), Release::R10).unwrap();
    let own = &request["additionalParamsForVnf"][0]["additionalParamsForKdu"][0];
    assert_eq!(own["additionalParams"], json!({"a.b": "!!yaml c: 1\n"}));
    // A VDU has the VNF's parameters when it has none of its own.
    let vdu = format(&mut request, Target::Vdu("a", "v"), &json!({}), Release::R10).unwrap();
    assert_eq!(vdu.values, Some(json!({"x": "!!yaml - 1\n"})));
}

#[test]
fn names_that_no_template_could_use_are_refused_except_for_charts() {
    let refusal = |request: Value, target| {
        let mut request = request;
        format(&mut request, target, &json!({}), Release::R10).unwrap_err().detail
    };
    let member = |key: &str, list: &str, id: &str| {
        json!({"additionalParamsForVnf": [{"member-vnf-index": "1", list: [
            {id: "x", "additionalParams": {key: 1}}]}]})
    };
    assert_eq!(
        refusal(member("a-b", "additionalParamsForVdu", "vdu_id"), Target::Vdu("1", "x")),
        "Invalid param name at additionalParamsForVnf[member-vnf-index=1].\
         additionalParamsForVdu[vdu_id=x]:a-b. Must contain only alphanumeric characters and \
         underscores, and cannot start with a digit"
    );
    assert_eq!(
        refusal(member("a$b", "additionalParamsForKdu", "kdu_name"), Target::Kdu("1", "x")),
        "Invalid param at additionalParamsForVnf[member-vnf-index=1].\
         additionalParamsForKdu[kdu_name=x]:a$b. Keys must not contain $ symbol"
    );
}

#[test]
fn what_a_day_1_primitive_refers_to_must_be_given() {
    let vnfd = json!({"id": "v", "df": [{"lcm-operations-configuration": {
    "operate-vnf-op-config": {"day1-2": [{"id": "v", "initial-config-primitive": [
        {"name": "config", "parameter": [
            {"name": "ip", "value": "<rw_mgmt_ip>"}, {"name": "t", "value": "<touch>"}]}
    ]}]}}}]});
    let mut request = json!({});
    let refusal = format(&mut request, Target::Vnf("1"), &vnfd, Release::R10).unwrap_err();
    assert_eq!(
        refusal.detail,
        "Parameter '<touch>' needed for vnfd[id=v]:day1-2 configuration:\
         initial-config-primitive[name=config] not supplied"
    );
    let mut request = json!({"additionalParamsForVnf": [
        {"member-vnf-index": "1", "additionalParams": {"touch": "f"}}]});
    assert!(format(&mut request, Target::Vnf("1"), &vnfd, Release::R10).is_ok());
}

#[test]
fn a_name_is_of_letters_digits_and_underscores_and_begins_with_no_digit() {
    for (name, is_fine) in
        [("a", true), ("_a1", true), ("Z_9", true), ("1a", false), ("a.b", false), ("", false)]
    {
        let mut request = json!({"additionalParamsForNs": {name: 1}});
        let got = format(&mut request, Target::Ns, &json!({}), Release::R10);
        assert_eq!(got.is_ok(), is_fine, "{name}");
    }
}

#[test]
fn only_what_stands_in_angle_brackets_refers_to_a_parameter() {
    for value in ["<", "<>x", "<touch", "touch>", "touch", ""] {
        let nsd = json!({"id": "n", "df": [{}], "ns-configuration": {
            "initial-config-primitive": [
                {"name": "config", "parameter": [{"name": "t", "value": value}]}]}});
        assert!(format(&mut json!({}), Target::Ns, &nsd, Release::R10).is_ok(), "{value}");
    }
}

#[test]
fn what_a_day_1_primitive_of_the_ns_refers_to_must_be_given() {
    let nsd = json!({"id": "n", "df": [{}], "ns-configuration": {"initial-config-primitive": [
        {"name": "config", "parameter": [{"name": "t", "value": "<touch>"}]}]}});
    let refusal = format(&mut json!({}), Target::Ns, &nsd, Release::R10).unwrap_err();
    assert!(refusal.detail.starts_with("Parameter '<touch>' needed for"), "{}", refusal.detail);
    let mut request = json!({"additionalParamsForNs": {"touch": "f"}});
    assert!(format(&mut request, Target::Ns, &nsd, Release::R10).is_ok());
}

#[test]
fn names_for_charts_have_dots_since_release_10() {
    for (release, is_fine) in [(Release::R8, false), (Release::R10, true), (Release::R19, true)] {
        let mut request = json!({"additionalParamsForVnf": [{"member-vnf-index": "1",
            "additionalParamsForKdu": [{"kdu_name": "k", "additionalParams": {"a.b": 1}}]}]});
        let got = format(&mut request, Target::Kdu("1", "k"), &json!({}), release);
        assert_eq!(got.is_ok(), is_fine, "{release:?}");
    }
}

#[test]
fn before_sol006_a_vdu_needs_what_its_own_configuration_refers_to() {
    let vnfd = json!({"id": "v", "vdu": [
        {"id": "a", "vdu-configuration": {"initial-config-primitive": [
            {"name": "config", "parameter": [{"name": "t", "value": "<touch>"}]}]}},
        {"id": "b"}]});
    for (vdu, is_fine) in [("a", false), ("b", true)] {
        let got = format(&mut json!({}), Target::Vdu("1", vdu), &vnfd, Release::R8);
        assert_eq!(got.is_ok(), is_fine, "{vdu}");
    }
}

#[test]
fn a_setting_that_is_null_or_empty_is_none() {
    let item = json!({"null": null, "empty": "", "given": "x"});
    let params = Params { item: Some(item), ..Params::default() };
    for key in ["null", "empty", "other"] {
        assert_eq!(params.setting(key), None, "{key}");
    }
    assert_eq!(params.setting("given"), Some(&json!("x")));
}
