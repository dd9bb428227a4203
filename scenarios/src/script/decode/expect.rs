//! The value of `expect`.

use osmops::yaml::Node;

use crate::step::{
    End, Expectation, ExpectedInstance, ExpectedPackage, Placed, RequestBounds, Said,
};

use super::Decoder;

fn placed<T>(node: &Node, value: T) -> Placed<T> {
    let line = node.line;
    Placed { line, value }
}

impl Decoder {
    pub(super) fn expectation(&mut self, node: &Node) -> Option<Expectation> {
        let mut fields = self.fields(node, "expect")?;
        if node.entries().is_empty() {
            self.note(node, "`expect` must say what to look at");
        }
        let end = fields.optional("end");
        let plan = fields.optional("plan");
        let changes = fields.optional("changes");
        let requests = fields.optional("requests");
        let inventory = fields.optional("inventory");
        let packages = fields.optional("packages");
        let instances = fields.optional("instances");
        let problems = fields.optional("problems");
        let failures = fields.optional("failures");
        self.take(fields.finish());

        let changes = changes.map(|node| {
            let items = self.list(node, "expect.changes");
            let texts = items.iter().filter_map(|item| self.text(item, "a change"));
            placed(node, texts.collect())
        });
        let inventory = inventory.map(|node| {
            let items = self.list(node, "expect.inventory");
            let texts = items.iter().filter_map(|item| self.text(item, "an item"));
            placed(node, texts.collect())
        });
        let mut expected = Expectation {
            inventory,
            end: end.and_then(|node| self.end(node)),
            plan_actions: plan.and_then(|node| self.plan_actions(node)),
            changes,
            requests: requests.and_then(|node| self.bounds(node)),
            packages: Vec::new(),
            instances: Vec::new(),
            problems: problems.map(|node| self.all_said(node, "problems", "at")),
            failures: failures.map(|node| self.all_said(node, "failures", "item")),
        };
        if let Some(node) = packages {
            for (id, key, value) in self.entries(node, "expect.packages") {
                expected.packages.extend(self.package(id, key, value));
            }
        }
        if let Some(node) = instances {
            for (name, key, value) in self.entries(node, "expect.instances") {
                expected.instances.extend(self.instance(name, key, value));
            }
        }
        Some(expected)
    }

    fn end(&mut self, node: &Node) -> Option<Placed<End>> {
        let word = self.text(node, "expect.end")?;
        let Some(end) = End::ALL.into_iter().find(|end| end.word() == word) else {
            let ends = End::ALL.map(End::word).join(", ");
            self.note(node, format!("`expect.end` must be one of {ends}, but is `{word}`"));
            return None;
        };
        Some(placed(node, end))
    }

    fn plan_actions(&mut self, node: &Node) -> Option<Placed<usize>> {
        let mut fields = self.fields(node, "expect.plan")?;
        let actions = fields.required("actions");
        self.take(fields.finish());
        let actions = self.typed(actions?, "expect.plan.actions")?;
        Some(placed(node, actions))
    }

    fn bounds(&mut self, node: &Node) -> Option<Placed<RequestBounds>> {
        let mut fields = self.fields(node, "expect.requests")?;
        let writes = fields.optional("writes");
        let reads_at_most = fields.optional("reads_at_most");
        let total_at_most = fields.optional("total_at_most");
        self.take(fields.finish());
        let mut number = |node: Option<&Node>, key: &str| {
            node.and_then(|node| self.typed::<u64>(node, &format!("expect.requests.{key}")))
        };
        let bounds = RequestBounds {
            writes: number(writes, "writes"),
            reads_at_most: number(reads_at_most, "reads_at_most"),
            total_at_most: number(total_at_most, "total_at_most"),
        };
        Some(placed(node, bounds))
    }

    fn package(&mut self, id: String, key: &Node, value: &Node) -> Option<Placed<ExpectedPackage>> {
        let mut fields = self.fields(value, &id)?;
        let version = fields.optional_text("version").map(|(t, _)| t.to_owned());
        let state = fields.optional_text("state").map(|(t, _)| t.to_owned());
        let keys = fields.optional("keys");
        self.take(fields.finish());
        let keys = match keys {
            None => serde_json::Map::new(),
            Some(node) => self.typed(node, "keys")?,
        };
        Some(placed(key, ExpectedPackage { id, version, state, keys }))
    }

    fn instance(
        &mut self,
        name: String,
        key: &Node,
        value: &Node,
    ) -> Option<Placed<ExpectedInstance>> {
        let mut fields = self.fields(value, &name)?;
        let state = fields.optional_text("state").map(|(t, _)| t.to_owned());
        let operations = fields.optional("operations");
        let kdus = fields.optional("kdus");
        self.take(fields.finish());
        let operations = match operations {
            None => None,
            Some(node) => Some(self.typed(node, "operations")?),
        };
        let kdus = kdus.map(|node| self.kdus(node)).unwrap_or_default();
        Some(placed(key, ExpectedInstance { name, state, operations, kdus }))
    }

    /// A list of `{<about>: …, says: …}`; it names all that there may be.
    fn all_said(&mut self, node: &Node, key: &str, about: &'static str) -> Placed<Vec<Said>> {
        let mut all = Vec::new();
        for item in self.list(node, &format!("expect.{key}")) {
            let Some(mut fields) = self.item(item, &format!("an item of `expect.{key}`")) else {
                continue;
            };
            let subject = fields.required_text(about).map(|(t, _)| t.to_owned());
            let says = fields.required_text("says").map(|(t, _)| t.to_owned());
            self.take(fields.finish());
            if let (Some(about), Some(says)) = (subject, says) {
                all.push(Said { about, says });
            }
        }
        placed(node, all)
    }
}
