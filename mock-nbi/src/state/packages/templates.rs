//! Templates of instantiation parameters for NS instances (release 19).
//!
//! Source: OSM NBI `descriptor_topics.py` (`NsConfigTemplateTopic`), `instance_topics.py`
//! (`NsrTopic.new`) and `base_topic.py` (`delete`).

use serde_json::{Value, json};

use crate::descriptor::{Kind, is_truthy, no_attribute};
use crate::input::instances::{NS_CONFIG_TEMPLATE, PARAMS_FOR_VNFS, VLDS, VNFS};
use crate::problem::Problem;
use crate::python;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, set, text};
use crate::state::session::{Access, Session};

impl State {
    /// Checks what is uploaded for a template; a new `config` takes the place of the old one.
    ///
    /// # Errors
    /// 422 by schema while the template is not complete; 422 for a name that another template of
    /// any project has, another NSD, and parameters that no instantiation would take.
    pub(super) fn check_template(
        &self,
        old: &Value,
        edit: &Value,
        record: &mut Value,
    ) -> Result<(), Problem> {
        if !["name", "nsdId", "config"].iter().all(|key| is_truthy(old.get(*key))) {
            schema::check(edit, &NS_CONFIG_TEMPLATE, self.release, "")?;
        }
        let invalid = |problem: Problem| {
            let detail = problem.detail;
            Problem::unprocessable(format!(
                "Error in instantiation parameters validation: {detail}"
            ))
        };
        for (key, value) in edit.as_object().into_iter().flatten() {
            match key.as_str() {
                "name" => self.check_template_name(text(old, "_id"), value).map_err(invalid)?,
                "nsdId" if is_truthy(old.get("nsdId")) => {
                    return Err(invalid(Problem::bad_request("Nsd id cannot be edited")));
                }
                "config" => {
                    self.check_config(value).map_err(invalid)?;
                    set(record, "config", value.clone());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_template_name(&self, id: &str, name: &Value) -> Result<(), Problem> {
        let Some(name) = name.as_str().filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        let is_other = |template: &Value| text(template, "_id") != id;
        match self.db.find_with(Collection::NsConfigTemplates, "name", name, is_other) {
            Some(_) => Err(Problem::bad_request(format!("{name} of the template already exist"))),
            None => Ok(()),
        }
    }

    fn check_config(&self, config: &Value) -> Result<(), Problem> {
        let Some(fields) = config.as_object() else {
            let name = python::type_name(config);
            return Err(Problem::bad_request(format!("'{name}' object has no attribute 'items'")));
        };
        for (key, value) in fields {
            let wanted = match key.as_str() {
                "vnf" => {
                    check_flavors(value)?;
                    &VNFS
                }
                "vld" => &VLDS,
                "additionalParamsForVnf" => &PARAMS_FOR_VNFS,
                // Python's own complaint about the missing key.
                unknown => return Err(Problem::bad_request(python::repr_str(unknown))),
            };
            schema::check(value, wanted, self.release, "")?;
        }
        Ok(())
    }

    /// Puts a template's parameters in place of those of a request; the template is then in use.
    ///
    /// # Errors
    /// 400 for a template that is not there, 409 for a disabled one.
    pub(in crate::state) fn apply_template(
        &mut self,
        session: &Session,
        body: &mut Value,
    ) -> Result<(), Problem> {
        let id = text(body, "nsConfigTemplateId").to_owned();
        let session = session.with(Access::Write);
        let template = self.db.get(Collection::NsConfigTemplates, &id);
        let Some(template) = template.filter(|template| session.sees(template)) else {
            return Err(no_attribute("NoneType"));
        };
        for key in ["vnf", "additionalParamsForVnf", "additionalParamsForNs", "vld"] {
            if let Some(value) = template["config"].get(key) {
                set(body, key, value.clone());
            }
        }
        if text(&template["_admin"], "operationalState") == "DISABLED" {
            return Err(Problem::conflict(format!(
                "ns_config_template with id '{id}' is DISABLED, and thus cannot be used to create \
                 a network service while 'checking ns_config_templateOperationalState'"
            )));
        }
        if let Some(template) = self.db.get_mut(Collection::NsConfigTemplates, &id) {
            set(&mut template["_admin"], "usageState", "IN_USE");
        }
        Ok(())
    }

    /// Removes the templates of an NSD.
    pub(super) fn forget_templates_of(&mut self, nsd_id: &str) {
        for id in self.db.ids_with(Collection::NsConfigTemplates, "nsdId", nsd_id) {
            self.forget_package(Kind::ConfigTemplate, &id);
        }
    }
}

/// Every member names its machines, and each has one flavour at most.
fn check_flavors(members: &Value) -> Result<(), Problem> {
    for member in iterated(members)? {
        let Value::Object(member) = member else {
            return Err(no_attribute(python::type_name(&member)));
        };
        for machine in iterated(member.get("vdu").unwrap_or(&Value::Null))? {
            if !machine.is_object() {
                return Err(no_attribute(python::type_name(&machine)));
            }
            if ["vim-flavor-name", "vim-flavor-id"].iter().all(|key| is_truthy(machine.get(*key))) {
                return Err(Problem::bad_request(
                    "Instantiation parameters vim-flavor-name and vim-flavor-id are mutually \
                     exclusive",
                ));
            }
        }
    }
    Ok(())
}

/// What a loop of Python's over a value meets.
fn iterated(value: &Value) -> Result<Vec<Value>, Problem> {
    Ok(match value {
        Value::Array(items) => items.clone(),
        Value::Object(fields) => fields.keys().map(|key| json!(key)).collect(),
        Value::String(text) => text.chars().map(|c| json!(c.to_string())).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let name = python::type_name(value);
            return Err(Problem::bad_request(format!("'{name}' object is not iterable")));
        }
    })
}
