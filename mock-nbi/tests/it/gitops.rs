//! Clusters, profiles, KSUs, OKAs and application instances, which release 19 keeps in Git.
//!
//! Source: OSM NBI `k8s_topics.py`, `acm_topic.py` and `nbi.py` of release 19.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::User;
use crate::gitops_calls::{
    CLUSTERS, OKAS, PROFILES, cluster, expect, make, oka, refuse, settle, upload_oka, user,
};

#[tokio::test(start_paused = true)]
async fn a_cluster_is_made_with_its_profiles_and_an_entry_among_the_older_ones() {
    let user = user().await;
    let body = json!({"name": "Edge", "vim_account": "site", "k8s_version": "1.30"});
    let made = expect(&user, "POST", CLUSTERS, Some(body.clone()), 201).await;
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("Location"), format!("/osm/k8scluster/v1/clusters/{id}"));
    let path = format!("{CLUSTERS}/{id}");
    let record = user.get(&path).await;
    for (key, value) in [
        ("state", json!("IN_CREATION")),
        ("operatingState", json!("PROCESSING")),
        ("resourceState", json!("IN_PROGRESS.REQUEST_RECEIVED")),
        ("created", json!("true")),
        ("git_name", json!("edge")),
        ("region_name", json!("north")),
        ("node_count", json!(0)),
        ("ksu_count", json!(0)),
        ("config", json!({})),
        ("current_operation", Value::Null),
    ] {
        assert_eq!(record[key], value, "{key}");
    }
    let operation = &record["operationHistory"][0];
    assert_eq!(operation["operationType"], "create");
    assert_eq!(operation["operationParams"], body);
    assert_eq!(operation["result"], Value::Null);
    assert!(record["age_pubkey"].is_string() && record["age_privkey"].is_string());
    for kind in PROFILES {
        let profiles = user.get(&format!("{path}/{kind}")).await;
        assert_eq!(profiles[0]["_id"], record[kind][0], "{kind}");
        assert_eq!(profiles[0]["default"], true);
        let listed = user.get(&format!("/k8scluster/v1/{kind}")).await;
        assert_eq!(listed[0], profiles[0]);
    }
    let older = user.get("/admin/v1/k8sclusters?name=Edge").await;
    assert_eq!(older[0]["osm_acm"], true);
    refuse(&user, ("DELETE", &path), json!({}), 422, "State of the Edge cluster is IN_CREATION")
        .await;
    settle(&user);
    assert_eq!(user.get(&path).await["state"], "CREATED");
    expect(&user, "PATCH", &path, Some(json!({"name": "Edge2"})), 204).await;
    assert_eq!(user.get("/admin/v1/k8sclusters?name=Edge2").await[0]["name"], "Edge2");
    expect(&user, "DELETE", &path, None, 204).await;
    assert_eq!(user.get(&path).await["state"], "IN_DELETION");
    settle(&user);
    expect(&user, "GET", &path, None, 404).await;
    assert_eq!(user.get("/admin/v1/k8sclusters").await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn new_clusters_are_refused_in_osms_words() {
    let user = user().await;
    cluster(&user).await;
    let new = |changes: Value| {
        let mut body = json!({"name": "b", "vim_account": "site", "k8s_version": "1"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    let nothing = "database exception database exception Not found any vim_account with \
                   filter='{'name': 'none'}' while 'validating input parameters'";
    for (body, status, words) in [
        (json!({}), 400, "'name'"),
        (json!({"name": "b"}), 400, "'vim_account'"),
        (
            new(json!({"name": "Edge"})),
            409,
            "name 'Edge' already exists for clusters while 'name unique check'",
        ),
        (new(json!({"vim_account": "none"})), 404, nothing),
        (
            new(json!({"x": 1})),
            422,
            "Format error  'Additional properties are not allowed ('x' was unexpected)'  while \
             'validating input parameters'",
        ),
        (
            new(json!({"private_subnet": ["subnet-a", "subnet-a"]})),
            422,
            "Format error at 'private_subnet' '['subnet-a', 'subnet-a'] has non-unique elements'  \
             while 'validating input parameters'",
        ),
        (
            new(json!({"private_subnet": ["subnet-a"], "public_subnet": ["subnet-b"]})),
            400,
            "private_subnet must contain exactly 2 items, got 1",
        ),
    ] {
        refuse(&user, ("POST", CLUSTERS), body, status, words).await;
    }
}

#[tokio::test(start_paused = true)]
async fn clouds_differ_in_whether_nodes_are_counted() {
    let user = user().await;
    let clouds = [("aws", false), ("azure", true), ("gcp", true), ("kubevirt", true)];
    for (cloud, is_counted) in clouds {
        let vim = json!({
            "name": cloud, "vim_type": cloud, "vim_url": "u", "vim_user": "u",
            "vim_password": "p", "vim_tenant_name": "t", "config": {"region_name": "north"},
        });
        expect(&user, "POST", "/admin/v1/vim_accounts", Some(vim), 202).await;
        let bare = json!({"name": cloud, "vim_account": cloud, "k8s_version": "1"});
        let mut counted = bare.clone();
        counted["node_count"] = json!(2);
        counted["node_size"] = json!("large");
        let (good, bad, words) = if is_counted {
            (counted, bare, "node_count and node_size are mandatory parameter")
        } else {
            (bare, counted, "node_count and node_size are not allowed for AWS")
        };
        refuse(&user, ("POST", CLUSTERS), bad, 400, words).await;
        expect(&user, "POST", CLUSTERS, Some(good), 201).await;
    }
}

#[tokio::test(start_paused = true)]
async fn clusters_are_registered_listed_beside_older_ones_and_deregistered() {
    let user = user().await;
    let body = json!({"name": "there", "vim_account": "site", "credentials": {"a": 1}});
    let path = format!("{CLUSTERS}/register");
    refuse(&user, ("POST", &path), body.clone(), 400, "'bootstrap'").await;
    let mut body = body;
    body["bootstrap"] = json!(true);
    let id = make(&user, &path, body).await;
    let one = format!("{CLUSTERS}/{id}");
    assert_eq!(user.get(&one).await["created"], "false");
    let older = json!({
        "name": "old", "vim_account": id, "k8s_version": "1", "nets": {"n": null},
        "credentials": {},
    });
    expect(&user, "POST", "/admin/v1/k8sclusters", Some(older), 202).await;
    let listed = user.get(CLUSTERS).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["name"], &listed[1]["state"]), (&json!("there"), &json!("N/A")));
    let words = "Cannot delete registered cluster. Please deregister.";
    refuse(&user, ("DELETE", &one), json!({}), 422, words).await;
    let gone = expect(&user, "DELETE", &format!("{one}/deregister"), None, 202).await;
    assert_eq!(gone.json(), json!({"_id": id}));
    settle(&user);
    expect(&user, "GET", &one, None, 404).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_scaled_upgraded_and_gives_its_credentials() {
    let user = user().await;
    let one = format!("{CLUSTERS}/{}", cluster(&user).await);
    for (item, body) in
        [("scale", json!({"node_count": 4})), ("upgrade", json!({"k8s_version": "1.31"}))]
    {
        let path = format!("{one}/{item}");
        let answer = expect(&user, "POST", &path, Some(body), 201).await.json();
        let record = user.get(&one).await;
        let last = record["operationHistory"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["op_id"], &last["operationType"]), (&answer["op_id"], &json!(item)));
        assert_eq!(record["operatingState"], "PROCESSING");
        settle(&user);
    }
    let record = user.get(&one).await;
    assert_eq!((&record["node_count"], &record["k8s_version"]), (&json!(4), &json!("1.31")));
    // OSM takes `update` for a new cluster.
    let other = json!({"name": "other", "vim_account": "site", "k8s_version": "1"});
    make(&user, &format!("{one}/update"), other).await;
    let op_id = user.get(&format!("{one}/get_creds")).await["op_id"].clone();
    let file = format!("{one}/get_creds_file/{}", op_id.as_str().unwrap());
    let words = "Not possible to get the credentials of the cluster";
    assert_eq!(expect(&user, "GET", &file, None, 422).await.detail(), words);
    settle(&user);
    let answer = expect(&user, "GET", &file, None, 200).await;
    assert!(String::from_utf8(answer.body).unwrap().starts_with("apiVersion: v1\n"));
    let words = "tuple index out of range";
    let path = format!("{one}/get_creds_file");
    assert_eq!(expect(&user, "GET", &path, None, 400).await.detail(), words);
}

#[tokio::test(start_paused = true)]
async fn profiles_are_made_changed_given_to_clusters_taken_from_them_and_deleted() {
    let user = user().await;
    let one = format!("{CLUSTERS}/{}", cluster(&user).await);
    for kind in PROFILES {
        let path = format!("/k8scluster/v1/{kind}");
        refuse(&user, ("POST", &path), json!({"name": "p"}), 400, "'description'").await;
        let id = make(&user, &path, json!({"name": "p", "description": "d"})).await;
        let profile = format!("{path}/{id}");
        assert_eq!(user.get(&profile).await["state"], "CREATED");
        expect(&user, "PATCH", &profile, Some(json!({"description": "e"})), 204).await;
        assert_eq!(user.get(&profile).await["description"], "e");
        let own = user.get(&one).await[kind][0].as_str().unwrap().to_owned();
        let of_cluster = format!("{one}/{kind}");
        let words = "Cannot edit default profiles";
        let own_path = format!("{path}/{own}");
        refuse(&user, ("PATCH", &own_path), json!({"name": "q"}), 422, words).await;
        let words = "Cannot delete item because it is marked as default";
        refuse(&user, ("DELETE", &own_path), json!({}), 422, words).await;
        let words = "Cannot remove default profile";
        let change = json!({"remove_profile": [{"id": own}]});
        refuse(&user, ("PATCH", &of_cluster), change, 422, words).await;
        let change = |key: &str| Some(json!({key: [{"id": id}]}));
        expect(&user, "PATCH", &of_cluster, change("add_profile"), 204).await;
        settle(&user);
        assert_eq!(user.get(&of_cluster).await[1]["_id"], id.as_str());
        expect(&user, "PATCH", &of_cluster, change("remove_profile"), 204).await;
        settle(&user);
        assert_eq!(user.get(&of_cluster).await.as_array().unwrap().len(), 1);
        expect(&user, "DELETE", &profile, None, 202).await;
        settle(&user);
        expect(&user, "GET", &profile, None, 404).await;
    }
    // Whatever cluster is edited: from then on OSM checks such a change as if it were an edit.
    expect(&user, "PATCH", &one, Some(json!({"description": "d"})), 204).await;
    let words = "Format error  'Additional properties are not allowed ('add_profile' was \
                 unexpected)' ";
    let path = format!("{one}/app_profiles");
    refuse(&user, ("PATCH", &path), json!({"add_profile": []}), 422, words).await;
}

#[tokio::test(start_paused = true)]
async fn node_groups_are_made_in_subnets_of_their_cluster() {
    let user = user().await;
    let path = format!("{CLUSTERS}/{}/nodegroup", cluster(&user).await);
    let group = |subnet: &str| json!({"name": "g", "node_count": 1, "node_size": "s", "private_subnet": [subnet]});
    let words = "No External subnet is used to add nodegroup";
    refuse(&user, ("POST", &path), group("subnet-f"), 422, words).await;
    let words = "Please provide atleast one subnet";
    refuse(&user, ("POST", &path), json!({"name": "g"}), 422, words).await;
    let id = make(&user, &path, group("subnet-a")).await;
    let listed = user.get(&path).await;
    assert_eq!((&listed["count"], &listed["data"][0]["_id"]), (&json!(1), &json!(id)));
    let one = format!("{path}/{id}");
    expect(&user, "PATCH", &one, Some(json!({"description": "d"})), 204).await;
    expect(&user, "POST", &format!("{one}/scale"), Some(json!({"node_count": 3})), 201).await;
    settle(&user);
    let record = user.get(&one).await;
    assert_eq!((&record["description"], &record["node_count"]), (&json!("d"), &json!(3)));
    let gone = expect(&user, "DELETE", &one, None, 202).await.json();
    assert_eq!(user.get(&one).await["operationHistory"][2]["op_id"], gone["_id"]);
    settle(&user);
    expect(&user, "GET", &one, None, 404).await;
}

/// Uploads an OKA as a form; gives the answer.
#[tokio::test(start_paused = true)]
async fn okas_are_uploaded_changed_and_deleted() {
    let user = user().await;
    let id = oka(&user).await;
    let one = format!("{OKAS}/{id}");
    let record = user.get(&one).await;
    assert_eq!((&record["state"], &record["git_name"]), (&json!("CREATED"), &json!("pack")));
    assert_eq!(record["_admin"]["storage"]["zipfile"], "package.tar.gz");
    assert_eq!(user.get(OKAS).await, json!([record]));
    let bare = user.try_upload(&format!("{OKAS}?name=b"), b"x").await.unwrap();
    assert_eq!(bare.detail(), "'RequestBody' object has no attribute 'file'");
    refuse(&user, ("POST", OKAS), json!({}), 400, "'name'").await;
    let words = "No update, new name for the OKA is the same: Pack";
    refuse(&user, ("PATCH", &one), json!({"name": "Pack"}), 409, words).await;
    expect(&user, "PATCH", &one, Some(json!({"description": "e"})), 204).await;
    assert_eq!(upload_oka(&user, "PUT", &one).await.status, 204);
    let record = user.get(&one).await;
    assert_eq!((&record["description"], &record["_admin"]["revision"]), (&json!("e"), &json!(2)));
    assert_eq!(record["operationHistory"][1]["operationParams"]["package"], "package.tar.gz");
    let words = "operatingState of the Pack oka is not IDLE";
    refuse(&user, ("DELETE", &one), json!({}), 422, words).await;
    settle(&user);
    expect(&user, "DELETE", &one, None, 202).await;
    settle(&user);
    expect(&user, "GET", &one, None, 404).await;
}

#[tokio::test(start_paused = true)]
async fn ksus_are_made_of_okas_changed_cloned_moved_and_deleted() {
    let user = user().await;
    let cluster_id = cluster(&user).await;
    let one_cluster = format!("{CLUSTERS}/{cluster_id}");
    let profile_id = user.get(&one_cluster).await["app_profiles"][0].clone();
    let profile = json!({"profile_type": "app_profiles", "_id": profile_id});
    let oka_id = oka(&user).await;
    let ksu = |name: &str, oka: Value| json!({"name": name, "description": "d", "profile": profile, "oka": [oka]});
    let both = json!({"_id": oka_id, "sw_catalog_path": "a/b/c"});
    let words = "Cannot create ksu with both OKA and SW catalog path";
    refuse(&user, ("POST", "/ksu/v1/ksus"), json!({"ksus": [ksu("a", both)]}), 422, words).await;
    refuse(&user, ("POST", "/ksu/v1/ksus"), json!({"x": 1}), 400, "'ksus'").await;
    let new = json!({"ksus": [
        ksu("a", json!({"_id": oka_id})), ksu("b", json!({"sw_catalog_path": "apps/x/chart"})),
    ]});
    let made = expect(&user, "POST", "/ksu/v1/ksus", Some(new), 202).await;
    let ids: Vec<String> = serde_json::from_value(made.json()["id"].clone()).unwrap();
    let place = format!("/osm/ksu/v1/ksus/['{}', '{}']", ids[0], ids[1]);
    assert_eq!(made.header("Location"), place);
    settle(&user);
    assert_eq!(user.get("/ksu/v1/ksus").await.as_array().unwrap().len(), 2);
    let on_cluster = user.get(&format!("{one_cluster}/ksus")).await;
    assert_eq!(on_cluster["count"], 2);
    assert_eq!(on_cluster["data"][0]["package_path"], json!(["infra-controllers/pack"]));
    assert_eq!(on_cluster["data"][1]["package_name"], json!(["x"]));
    let words = "There is a KSU using this package";
    refuse(&user, ("DELETE", &format!("{OKAS}/{oka_id}")), json!({}), 409, words).await;

    let one = format!("/ksu/v1/ksus/{}", ids[0]);
    refuse(&user, ("PATCH", &one), ksu("a", json!({"_id": oka_id})), 400, "'sw_catalog_path'")
        .await;
    let oka = json!({"_id": oka_id, "sw_catalog_path": ""});
    expect(&user, "PATCH", &one, Some(ksu("a2", oka.clone())), 204).await;
    settle(&user);
    assert_eq!(user.get(&one).await["name"], "a2");
    let mut change = ksu("a3", oka);
    change["_id"] = json!(ids[0]);
    let several = Some(json!({"ksus": [change]}));
    let answer = expect(&user, "POST", "/ksu/v1/ksus/update", several, 201).await;
    assert_eq!(answer.json(), json!({"op_id": null}));
    settle(&user);
    let target = Some(json!({"name": "copy", "profile": profile}));
    expect(&user, "POST", &format!("{one}/clone"), target, 201).await;
    settle(&user);
    assert_eq!(user.get("/ksu/v1/ksus?name=copy").await.as_array().unwrap().len(), 1);
    let target = Some(json!({"name": "moved", "profile": profile}));
    let moved = expect(&user, "POST", &format!("{one}/move"), target, 201).await;
    assert!(moved.json()["op_id"].is_string());
    assert_eq!(user.get(&one).await["name"], "moved");
    settle(&user);
    expect(&user, "DELETE", &one, None, 202).await;
    let several = Some(json!({"ksus": [{"_id": ids[1]}]}));
    expect(&user, "POST", "/ksu/v1/ksus/delete", several, 201).await;
    settle(&user);
    expect(&user, "GET", &one, None, 404).await;
}

#[tokio::test(start_paused = true)]
async fn application_instances_are_made_changed_and_deleted() {
    let user = user().await;
    let record = user.get(&format!("{CLUSTERS}/{}", cluster(&user).await)).await;
    let path = "/appinstance/v1/appinstances";
    let body = json!({
        "name": "App", "profile": record["app_profiles"][0], "profile_type": "app_profiles",
        "sw_catalog_path": "apps/x",
    });
    let made = expect(&user, "POST", path, Some(body), 202).await.json();
    assert!(made["op_id"].is_string());
    settle(&user);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(user.get(path).await[0]["git_name"], "app");
    refuse(&user, ("PATCH", &one), json!({"description": "d"}), 400, "'name'").await;
    expect(&user, "PATCH", &one, Some(json!({"name": "App2"})), 202).await;
    settle(&user);
    let params = Some(json!({"params": {"a": 1}}));
    expect(&user, "POST", &format!("{one}/update"), params, 201).await;
    settle(&user);
    let record = user.get(&one).await;
    assert_eq!((&record["name"], &record["params"]), (&json!("App2"), &json!({"a": 1})));
    expect(&user, "DELETE", &one, None, 202).await;
    settle(&user);
    expect(&user, "GET", &one, None, 404).await;
}

#[tokio::test(start_paused = true)]
async fn main_topics_of_release_19_are_unknown_before_and_alarms_always() {
    for release in [Release::R8, Release::R10, Release::R19] {
        let user = User::login(&MockNbi::builder().release(release).build().unwrap()).await;
        for (topic, path) in [
            ("k8scluster", "/k8scluster/v2/clusters"),
            ("ksu", "/ksu/v1/ksus"),
            ("oka", "/oka/v1/oka_packages"),
            ("appinstance", "/appinstance/v1/appinstances"),
            ("nsfm", "/nsfm/v1/alarms"),
        ] {
            let answer = user.call("GET", path, None).await;
            let is_known = release == Release::R19 && topic != "nsfm";
            let words = match (is_known, topic) {
                (true, "k8scluster") => "URL version 'v2' not supported".to_owned(),
                (true, _) => {
                    assert_eq!(answer.status, 200, "{path}");
                    continue;
                }
                _ => format!("URL main_topic '{topic}' not supported"),
            };
            assert_eq!((answer.status, answer.detail()), (405, words));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn records_of_every_collection_survive_a_snapshot() {
    let user = user().await;
    cluster(&user).await;
    let wim = json!({"name": "w", "wim_type": "onos", "wim_url": "u"});
    expect(&user, "POST", "/admin/v1/wim_accounts", Some(wim), 202).await;
    let paths = [CLUSTERS, "/k8scluster/v1/app_profiles", "/admin/v1/wim_accounts"];
    let mut before = Vec::new();
    for path in paths {
        before.push(user.get(path).await);
    }
    let nbi =
        MockNbi::builder().release(Release::R19).snapshot(user.nbi.snapshot()).build().unwrap();
    let again = User { nbi, token: user.token };
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(again.get(path).await, before, "{path}");
    }
}
