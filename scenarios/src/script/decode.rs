//! YAML values → the types of `step`, collecting every mistake.

use std::path::Path;
use std::time::Duration;

use mock_nbi::Release;
use osmops::yaml::{FieldError, Fields, Node, NodeKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::step::{Given, KduValues, OperationsMode, Placed, Policy, Step, WITHIN_DEFAULT};

use super::{Mistake, Script, Source};

mod deed;
mod expect;

/// The words a step can begin with.
#[derive(Clone, Copy)]
enum Verb {
    Apply,
    Plan,
    ByHand,
    Expect,
    Fault,
    Advance,
    Operations,
    EndOperations,
}

impl Verb {
    const ALL: [Self; 8] = [
        Self::Apply,
        Self::Plan,
        Self::ByHand,
        Self::Expect,
        Self::Fault,
        Self::Advance,
        Self::Operations,
        Self::EndOperations,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Plan => "plan",
            Self::ByHand => "by_hand",
            Self::Expect => "expect",
            Self::Fault => "fault",
            Self::Advance => "advance",
            Self::Operations => "operations",
            Self::EndOperations => "end_operations",
        }
    }
}

/// Collects mistakes; every reading function returns `None` after it has noted one.
#[derive(Default)]
struct Decoder {
    mistakes: Vec<Mistake>,
}

/// Decodes a whole file.
pub(super) fn script(file: &Path, document: &Node) -> Result<Script, Vec<Mistake>> {
    let mut decoder = Decoder::default();
    let script = decoder.script(file, document);
    decoder.mistakes.sort_by_key(|m| (m.line, m.column));
    // An anchor used twice is read twice.
    decoder.mistakes.dedup();
    match script {
        Some(script) if decoder.mistakes.is_empty() => Ok(script),
        _ => Err(decoder.mistakes),
    }
}

impl Decoder {
    fn note(&mut self, at: &Node, message: impl Into<String>) {
        let (line, column, message) = (at.line, at.column, message.into());
        self.mistakes.push(Mistake { line, column, message });
    }

    fn take(&mut self, errors: Vec<(u32, u32, FieldError)>) {
        let mistakes = errors.into_iter().map(|(line, column, error)| Mistake {
            line,
            column,
            message: error.to_string(),
        });
        self.mistakes.extend(mistakes);
    }

    /// Starts to read a mapping whose keys messages call `<prefix>.<key>`.
    fn fields<'a>(&mut self, node: &'a Node, prefix: &str) -> Option<Fields<'a>> {
        Fields::of(node, prefix).map_err(|error| self.take(vec![error])).ok()
    }

    /// Starts to read one item of a list; messages call its keys just `<key>`.
    fn item<'a>(&mut self, node: &'a Node, what: &str) -> Option<Fields<'a>> {
        if !matches!(node.kind, NodeKind::Mapping(_)) {
            self.note(node, format!("{what} must be a mapping, but is {}", node.describe()));
            return None;
        }
        self.fields(node, "")
    }

    fn list<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Node] {
        if !matches!(node.kind, NodeKind::Sequence(_)) {
            self.note(node, format!("`{what}` must be a list, but is {}", node.describe()));
        }
        node.items()
    }

    /// A mapping with keys of the file's choice.
    fn entries<'a>(&mut self, node: &'a Node, what: &str) -> Vec<(String, &'a Node, &'a Node)> {
        if !matches!(node.kind, NodeKind::Mapping(_)) {
            self.note(node, format!("`{what}` must be a mapping, but is {}", node.describe()));
        }
        node.entries()
            .iter()
            .map(|(key, value)| {
                let text = key.scalar_text().unwrap_or_default().to_owned();
                (text, key, value)
            })
            .collect()
    }

    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = node.scalar_text().filter(|text| !text.is_empty()).map(str::to_owned);
        if text.is_none() {
            self.note(node, format!("`{what}` must be text, but is {}", node.describe()));
        }
        text
    }

    /// A value whose type says itself what it may be.
    fn typed<T: DeserializeOwned>(&mut self, node: &Node, what: &str) -> Option<T> {
        serde_json::from_value(node.to_json())
            .map_err(|error| self.note(node, format!("`{what}`: {error}")))
            .ok()
    }

    fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        humantime::parse_duration(&text)
            .map_err(|error| {
                self.note(
                    node,
                    format!(
                        "`{what}` must be a duration as `90s` or `2m`, but is `{text}`: {error}"
                    ),
                );
            })
            .ok()
    }

    fn script(&mut self, file: &Path, document: &Node) -> Option<Script> {
        let mut fields = self.fields(document, "")?;
        let purpose = fields.required_text("purpose").map(|(text, _)| text);
        let repository = fields.required("repository");
        let release = fields.optional("release");
        let given = fields.optional("given");
        let steps = fields.required("steps");
        self.take(fields.finish());

        // What is wrong with one part hides nothing that is wrong with another.
        let repository = repository.and_then(|node| self.repository(node));
        let release = match release {
            Some(node) => self.release(node),
            None => Some(Release::default()),
        };
        let mut givens = Vec::new();
        if let Some(node) = given {
            for item in self.list(node, "given") {
                givens.extend(self.given(item));
            }
        }
        let mut decoded = Vec::new();
        if let Some(node) = steps {
            for item in self.list(node, "steps") {
                decoded.extend(self.step(item));
            }
            if matches!(&node.kind, NodeKind::Sequence(items) if items.is_empty()) {
                self.note(node, "`steps` must have at least one step");
            }
        }
        let (repository, is_upstream) = repository?;
        let stem = file.file_stem().unwrap_or_default();
        Some(Script {
            name: stem.to_string_lossy().into_owned(),
            file: file.to_owned(),
            purpose: purpose?.trim().to_owned(),
            repository,
            is_upstream,
            release: release?,
            given: givens,
            steps: decoded,
        })
    }

    fn release(&mut self, node: &Node) -> Option<Release> {
        let word = Value::String(self.text(node, "release")?);
        serde_json::from_value(word)
            .map_err(|error| self.note(node, format!("`release`: {error}")))
            .ok()
    }

    fn repository(&mut self, node: &Node) -> Option<(Placed<Source>, bool)> {
        let mut fields = self.fields(node, "repository")?;
        let trees = fields.optional("trees");
        let git = fields.optional("git");
        let upstream = fields.optional("upstream");
        self.take(fields.finish());
        let upstream = match upstream {
            None => false,
            Some(node) => self.typed::<bool>(node, "repository.upstream")?,
        };
        let source = match (trees, git) {
            (Some(path), None) => Source::Trees(self.text(path, "repository.trees")?),
            (None, Some(place)) => Source::Git(self.text(place, "repository.git")?),
            (None, None) => {
                self.note(node, "`repository` needs `trees` or `git`");
                return None;
            }
            (Some(_), Some(_)) => {
                self.note(node, "`repository` needs `trees` or `git`, not both");
                return None;
            }
        };
        Some((Placed { line: node.line, value: source }, upstream))
    }

    fn given(&mut self, node: &Node) -> Option<Placed<Given>> {
        let mut fields = self.item(node, "something given")?;
        let mut texts = Vec::new();
        for key in ["vim_account", "k8s_cluster", "quota", "package", "ns_instance"] {
            if let Some((text, _)) = fields.optional_text(key) {
                texts.push((key, text.to_owned()));
            }
        }
        let given = match texts.as_slice() {
            [("vim_account", name)] => Some(Given::VimAccount { name: name.clone() }),
            [("package", folder)] => Some(Given::Package { folder: folder.clone() }),
            [("k8s_cluster", name)] => fields.required_text("at").map(|(vim_account, _)| {
                Given::K8sCluster { name: name.clone(), vim_account: vim_account.to_owned() }
            }),
            [("quota", of)] => {
                let at_most = fields.required("at_most").and_then(|node| {
                    let number = node.to_json().as_u64();
                    if number.is_none() {
                        self.note(node, "`at_most` must be a whole number");
                    }
                    number
                });
                at_most.map(|at_most| Given::Quota { of: of.clone(), at_most })
            }
            [("ns_instance", name)] => {
                let nsd = fields.required_text("nsd").map(|(text, _)| text.to_owned());
                let at = fields.required_text("at").map(|(text, _)| text.to_owned());
                let kdus = match fields.optional("kdus") {
                    None => Vec::new(),
                    Some(node) => self.kdus(node),
                };
                let owner = fields.optional_text("owner").map(|(text, _)| text.to_owned());
                match (nsd, at) {
                    (Some(nsd), Some(vim_account)) => {
                        let name = name.clone();
                        Some(Given::NsInstance { name, nsd, vim_account, kdus, owner })
                    }
                    _ => None,
                }
            }
            _ => {
                self.note(
                    node,
                    "one of `vim_account`, `k8s_cluster`, `quota`, `package` and `ns_instance` belongs here",
                );
                None
            }
        };
        self.take(fields.finish());
        let line = node.line;
        given.map(|value| Placed { line, value })
    }

    /// `{member/kdu: {key: value}}`.
    fn kdus(&mut self, node: &Node) -> Vec<KduValues> {
        let mut kdus = Vec::new();
        for (name, key, value) in self.entries(node, "kdus") {
            let Some((member, kdu)) = name.split_once('/') else {
                self.note(key, format!("`{name}` must be `<member>/<kdu>`"));
                continue;
            };
            if let Some(values) = self.typed(value, &name) {
                let (member, kdu) = (member.to_owned(), kdu.to_owned());
                kdus.push(KduValues { member, kdu, values });
            }
        }
        kdus
    }

    fn step(&mut self, node: &Node) -> Option<Placed<Step>> {
        let mut fields = self.item(node, "a step")?;
        let found: Vec<(Verb, &Node)> = Verb::ALL
            .into_iter()
            .filter_map(|verb| Some((verb, fields.optional(verb.word())?)))
            .collect();
        let errors = fields.finish();
        let is_clean = errors.is_empty();
        self.take(errors);
        let [(verb, value)] = found.as_slice() else {
            if is_clean {
                self.note(
                    node,
                    format!("a step is one of {}", Verb::ALL.map(Verb::word).join(", ")),
                );
            }
            return None;
        };
        let step = match *verb {
            Verb::Apply => self.apply(value)?,
            Verb::Plan => Step::Plan { tag: self.text(value, "plan")? },
            Verb::ByHand => Step::ByHand(self.deed(value)?),
            Verb::Expect => Step::Expect(Box::new(self.expectation(value)?)),
            Verb::Fault => Step::Fault(self.typed(value, "fault")?),
            Verb::Advance => Step::Advance(self.duration(value, "advance")?),
            Verb::Operations => {
                Step::Operations(self.typed::<OperationsMode>(value, "operations")?)
            }
            Verb::EndOperations => Step::EndOperations(self.operation_result(value)?),
        };
        Some(Placed { line: node.line, value: step })
    }

    fn apply(&mut self, node: &Node) -> Option<Step> {
        if node.scalar_text().is_some() {
            let tag = self.text(node, "apply")?;
            let policy = Policy::default();
            return Some(Step::Apply { tag, within: WITHIN_DEFAULT, policy });
        }
        let mut fields = self.fields(node, "apply")?;
        let tag = fields.required_text("tag").map(|(text, _)| text.to_owned());
        let within = fields.optional("within");
        let allow_large_prune = fields.optional_bool("allow_large_prune");
        let drift = fields.optional_text("drift");
        self.take(fields.finish());
        let within = match within {
            None => WITHIN_DEFAULT,
            Some(node) => self.duration(node, "apply.within")?,
        };
        let allow_large_prune = allow_large_prune.is_some_and(|(allow, _)| allow);
        let reports_drift = match drift {
            None | Some(("repair", _)) => false,
            Some(("report", _)) => true,
            Some((_, node)) => {
                self.note(node, "`apply.drift` must be `repair` or `report`");
                return None;
            }
        };
        let policy = Policy { allow_large_prune, reports_drift };
        Some(Step::Apply { tag: tag?, within, policy })
    }

    fn operation_result(&mut self, node: &Node) -> Option<mock_nbi::OperationResult> {
        if node.scalar_text() == Some("ok") {
            return Some(mock_nbi::OperationResult::Ok);
        }
        if node.scalar_text().is_some() {
            self.note(node, "`end_operations` must be `ok` or `{fail: <detail>}`");
            return None;
        }
        let mut fields = self.fields(node, "end_operations")?;
        let detail = fields.required_text("fail").map(|(text, _)| text.to_owned());
        self.take(fields.finish());
        detail.map(|detail| mock_nbi::OperationResult::Fail { detail })
    }
}
