//! The manifests of `kind/`: one source for kustomize and for the Helm chart.
//!
//! `BLESS=1` writes the chart anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

/// What a user of the chart may want otherwise: a piece of a manifest, what stands for it in the template, and
/// the name and default of the value.
const VALUES: [(&str, &str, &str, &str); 4] = [
    ("replicas: 1\n", "replicas: {{ .Values.replicas }}\n", "replicas", "1"),
    ("image: osmops:0.1.0\n", "image: {{ .Values.image }}\n", "image", "osmops:0.1.0"),
    ("cpu: 100m,", "cpu: {{ .Values.cpuRequest }},", "cpuRequest", "100m"),
    (
        "limits: {memory: 512Mi}",
        "limits: {memory: {{ .Values.memoryLimit }}}",
        "memoryLimit",
        "512Mi",
    ),
];

const NAMESPACE: (&str, &str) =
    ("namespace: flux-system\n", "namespace: {{ .Release.Namespace }}\n");
const RANGE: &str = "        {{- range .Values.args }}\n        - {{ . }}\n        {{- end }}\n";

fn kind(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kind").join(path)
}

fn read(path: &str) -> String {
    fs_err::read_to_string(kind(path)).unwrap()
}

fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    documents.map(|document| Value::deserialize(document).unwrap()).collect()
}

/// What kustomize installs, by file.
fn manifests() -> BTreeMap<String, String> {
    let kustomization: Value = serde_yaml::from_str(&read("manifests/kustomization.yaml")).unwrap();
    let names = kustomization["resources"].as_array().unwrap().clone();
    let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
    names.map(|name| (name.clone(), read(&format!("manifests/{name}")))).collect()
}

/// The operator's arguments after `run`, as the Deployment has them.
fn arguments(deployment: &str) -> Vec<String> {
    let deployment: Value = serde_yaml::from_str(deployment).unwrap();
    let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    args.as_array().unwrap().iter().skip(1).map(|arg| arg.as_str().unwrap().to_owned()).collect()
}

/// The chart, made of the manifests.
fn chart() -> BTreeMap<String, String> {
    let mut chart = BTreeMap::new();
    let mut values =
        String::from("# Made of kind/manifests; the same without Helm: `kubectl apply -k`.\n");
    for (name, text) in manifests() {
        if name == "crd.yaml" {
            chart.insert(format!("crds/{name}"), text);
            continue;
        }
        let mut text = text.replace(NAMESPACE.0, NAMESPACE.1);
        assert!(!text.contains("flux-system"), "{name} names the namespace in another way");
        if name == "deployment.yaml" {
            for (piece, template, value, default) in VALUES {
                assert_eq!(text.matches(piece).count(), 1, "`{piece}` in {name}");
                text = text.replace(piece, template);
                values.push_str(&format!("{value}: {default}\n"));
            }
            let args = arguments(&read("manifests/deployment.yaml"));
            let lines: String = args.iter().map(|arg| format!("        - {arg}\n")).collect();
            assert_eq!(text.matches(&lines).count(), 1, "the arguments stand one on a line");
            text = text.replace(&lines, RANGE);
            values.push_str("# `osmops run --help` explains them.\nargs:\n");
            values.extend(args.iter().map(|arg| format!("- {arg}\n")));
        }
        chart.insert(format!("templates/{name}"), text);
    }
    let version = env!("CARGO_PKG_VERSION");
    let about = format!(
        "apiVersion: v2\nname: osmops\ndescription: {}\ntype: application\nversion: {version}\nappVersion: {version}\n\
         kubeVersion: \">=1.25.0-0\"\n",
        env!("CARGO_PKG_DESCRIPTION").replace(": ", ", ")
    );
    chart.insert("Chart.yaml".to_owned(), about);
    chart.insert("values.yaml".to_owned(), values);
    chart
}

/// As Helm does it, for the few constructs that the templates use.
fn render(template: &str, values: &Value, namespace: &str) -> String {
    let mut text = template.replace("{{ .Release.Namespace }}", namespace);
    let args = values["args"].as_array().unwrap().iter();
    let args: String = args.map(|arg| format!("        - {}\n", arg.as_str().unwrap())).collect();
    text = text.replace(RANGE, &args);
    for (key, value) in values.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text = text.replace(&format!("{{{{ .Values.{key} }}}}"), &value);
    }
    assert!(!text.contains("{{"), "left over in:\n{text}");
    text
}

#[test]
fn the_chart_is_made_of_the_manifests() {
    for (name, wanted) in chart() {
        let path = kind(&format!("chart/{name}"));
        if std::env::var_os("BLESS").is_some() {
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, &wanted).unwrap();
        }
        let found = fs_err::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "kind/chart/{name} is stale: `make generate` writes it");
    }
}

#[test]
fn the_chart_with_its_defaults_is_what_kustomize_installs() {
    let chart = chart();
    let values: Value = serde_yaml::from_str(&chart["values.yaml"]).unwrap();
    for (name, manifest) in manifests() {
        let is_definition = name == "crd.yaml";
        let folder = if is_definition { "crds" } else { "templates" };
        let template = chart[&format!("{folder}/{name}")].clone();
        let rendered =
            if is_definition { template } else { render(&template, &values, "flux-system") };
        assert_eq!(documents(&rendered), documents(&manifest), "{name}");
    }
    let mut other = values.clone();
    other["image"] = json!("registry.example/osmops:2");
    other["args"] = json!(["--watch-all-namespaces=false"]);
    let deployment = render(&chart["templates/deployment.yaml"], &other, "elsewhere");
    let deployment: Value = serde_yaml::from_str(&deployment).unwrap();
    assert_eq!(deployment["metadata"]["namespace"], "elsewhere");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example/osmops:2");
    assert_eq!(container["args"], json!(["run", "--watch-all-namespaces=false"]));
}

#[test]
fn the_operator_runs_as_nobody_on_a_file_system_that_it_cannot_write() {
    let deployment: Value = serde_yaml::from_str(&read("manifests/deployment.yaml")).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    assert!(container["resources"]["limits"]["memory"].is_string());
    // What it is started with is understood, and ends in time.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_osmops"));
    command.arg("run").args(arguments(&read("manifests/deployment.yaml")));
    command.env("KUBECONFIG", "/nonexistent").env("HOME", "/nonexistent");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no Kubernetes cluster"), "{said}");
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(grace > 25 + 5, "--graceful-shutdown-timeout, and the last words");
}

/// The flags of `osmops run` in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let flags = words.filter(|word| word.starts_with("--") && word.len() > 3);
    flags.map(str::to_owned).collect()
}

#[test]
fn every_flag_of_the_operator_is_explained() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_osmops"));
    let help = command.args(["run", "--help"]).env("COLUMNS", "200").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let has = |line: &&str| line.trim_start().starts_with('-');
    let lines = help.lines().filter(has).map(|line| line.split_whitespace().take(2));
    let of_help = flags(&lines.flatten().collect::<Vec<_>>().join(" "));
    assert!(of_help.len() > 20, "{of_help:?}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let page = fs_err::read_to_string(path).unwrap();
    let table = page.lines().filter(|line| line.starts_with("| `--"));
    let of_page = flags(&table.map(|line| line.split('|').nth(1).unwrap()).collect::<String>());
    let missing: Vec<&String> =
        of_help.difference(&of_page).filter(|flag| *flag != "--help").collect();
    let unknown: Vec<&String> = of_page.difference(&of_help).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}
