//! Keeps values that are named like secrets out of everything that is shown.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::desired::{DesiredInstance, DesiredState};
use crate::secret::{STARS, SecretNames, nested_value};

/// The shortest text that is searched for in OSM's words: shorter ones stand in too many others.
const HIDDEN_CHARS_MIN: usize = 4;

/// Whether a mapping that is written in one line, `{user: u, password: p}`, has a key like a secret's.
fn holds_secret(line: &str, names: &SecretNames) -> bool {
    line.split(['{', '[', ','])
        .filter_map(|part| part.split_once(':'))
        .any(|(k, _)| names.is_secret(k))
}

/// A YAML text as it may be shown around a mistake: what stands after a key that is named like a secret
/// becomes stars, as many as it had characters, so that lines and columns stay where they are.
pub fn shown_source(text: &str, names: &SecretNames) -> String {
    let stars =
        |text: &str| text.chars().map(|c| if c == ' ' { ' ' } else { '*' }).collect::<String>();
    let mut shown = String::new();
    // How far in the key of a secret stands whose value goes on below it.
    let mut inside: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let indent = content.len() - content.trim_start().len();
        if inside.is_some_and(|key| indent > key || content.trim().is_empty()) {
            shown.push_str(&stars(content));
        } else {
            inside = None;
            match content.split_once(':') {
                Some((key, value)) if names.is_secret(key) || holds_secret(value, names) => {
                    inside = Some(indent);
                    shown.push_str(key);
                    shown.push(':');
                    shown.push_str(&stars(value));
                }
                _ => shown.push_str(content),
            }
        }
        shown.push_str(line.get(content.len()..).unwrap_or_default());
    }
    shown
}

/// Values that are named like secrets, declared or given to OSM, to be hidden in the words of others: helm repeats its
/// command line when it fails, and OSM repeats helm.
#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Those of every declared instance.
    pub fn of(desired: &DesiredState) -> Self {
        let mut secrets = Self::default();
        for instance in &desired.instances {
            secrets.add_instance(instance);
        }
        secrets
    }

    /// Those among values that were given to OSM.
    pub fn of_values<'a>(
        values: impl IntoIterator<Item = &'a Map<String, Value>>,
        names: &SecretNames,
    ) -> Self {
        let mut secrets = Self::default();
        values.into_iter().for_each(|map| secrets.add_map(map, names, false));
        secrets
    }

    /// Adds those among anything that was given to OSM.
    pub fn add_given(&mut self, given: &Value, names: &SecretNames) {
        self.add(given, names, false);
    }

    /// Adds those that an instance declares.
    pub fn add_instance(&mut self, instance: &DesiredInstance) {
        for kdu in &instance.kdus {
            self.add_map(kdu.params.values(), kdu.params.names(), false);
        }
    }

    fn add_map(&mut self, map: &Map<String, Value>, names: &SecretNames, secret: bool) {
        for (key, value) in map {
            self.add(value, names, secret || names.is_secret(key));
        }
    }

    fn add(&mut self, value: &Value, names: &SecretNames, secret: bool) {
        if let Some(nested) = value.as_str().and_then(nested_value) {
            self.add(&nested, names, secret);
        }
        match value {
            Value::Object(map) => self.add_map(map, names, secret),
            Value::Array(items) => items.iter().for_each(|item| self.add(item, names, secret)),
            Value::String(text) if secret && text.chars().count() >= HIDDEN_CHARS_MIN => {
                self.0.insert(text.clone());
            }
            Value::Number(number) if secret && number.to_string().len() >= HIDDEN_CHARS_MIN => {
                self.0.insert(number.to_string());
            }
            Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) => {}
        }
    }

    /// `text` with every secret in it replaced by stars.
    pub fn hide(&self, text: &str) -> String {
        // The longest first: one secret may begin another.
        let mut secrets: Vec<&String> = self.0.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, STARS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_source_is_shown_with_its_secrets_starred_and_every_column_in_its_place() {
        let text = "auth: {user: u, pass: p}\nuser: bob\nadminPassword: hunter2 # é\nkey:\n  sshKey: |\n    line é\n    two\n  a: 1\n";
        let expected = "auth: ****** ** ***** **\nuser: bob\nadminPassword: ******* * *\nkey:\n  sshKey: *\n    **** *\n    ***\n  a: 1\n";
        assert_eq!(shown_source(text, &SecretNames::default()), expected);
    }

    #[test]
    fn secrets_are_hidden_in_the_words_of_others() {
        let secrets = {
            let mut secrets = Secrets::default();
            let params =
                json!({"auth": "!!yaml {adminPassword: hunter2, pin: 1}", "user": "bob-the-user"});
            secrets.add_map(params.as_object().unwrap(), &SecretNames::default(), false);
            secrets
        };
        let text = "helm upgrade --set auth.adminPassword=hunter2,user=bob-the-user failed";
        let expected = "helm upgrade --set auth.adminPassword=***,user=bob-the-user failed";
        assert_eq!(secrets.hide(text), expected);
    }

    #[test]
    fn what_an_instance_declares_as_secret_is_hidden_whichever_way_it_is_added() {
        use crate::desired::DesiredKdu;
        use crate::ids::{DescriptorId, KduName, MemberIndex, NsName, VimAccountName};
        use crate::secret::Params;
        use crate::source_pos::SourcePos;
        use crate::tree::TreePath;

        let at = SourcePos::whole(TreePath::root());
        let values = json!({"adminPassword": "hunter2", "user": "bob-the-user"});
        let instance = DesiredInstance {
            name: NsName::new("ldap").unwrap(),
            at: at.clone(),
            description: None,
            nsd: (DescriptorId::new("ldap_ns").unwrap(), at.clone()),
            vim_account: (VimAccountName::new("vim").unwrap(), at.clone()),
            kdus: vec![DesiredKdu {
                member: (MemberIndex::new("m").unwrap(), at.clone()),
                name: (KduName::new("k").unwrap(), at.clone()),
                model: None,
                params: Params::new(values.as_object().unwrap().clone(), SecretNames::default()),
                param_positions: vec![at.clone(), at],
            }],
            adopt: false,
            depends_on: Vec::new(),
            recreate: false,
        };
        let mut added = Secrets::default();
        added.add_instance(&instance);
        let of_all =
            Secrets::of(&DesiredState { instances: vec![instance], ..DesiredState::default() });
        for secrets in [added, of_all] {
            let shown = secrets.hide("--set adminPassword=hunter2,user=bob-the-user");
            assert_eq!(shown, "--set adminPassword=***,user=bob-the-user");
        }
    }

    #[test]
    fn a_secret_number_is_hidden_where_it_is_long_enough_to_be_one() {
        let mut secrets = Secrets::default();
        let pins = json!({"pin": 1234, "auth": {"password": 12, "pass": [56789]}});
        secrets.add_map(pins.as_object().unwrap(), &SecretNames::default(), true);
        assert_eq!(secrets.hide("1234 12 56789"), "*** 12 ***");
    }
}
