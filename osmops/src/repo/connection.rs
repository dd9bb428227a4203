//! The connection file: where OSM is and who asks.

use std::sync::Arc;

use crate::secret::Secret;
use crate::source_pos::SourcePos;
use crate::tree::TreePath;
use crate::yaml::{FieldError, Fields, Node, parse_documents};

use super::problem::RepoProblem;

/// The contents of a connection file, as written. What `hostname` means is `nbi::Connection`'s affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFile {
    /// `host:port`, or a URL, and where it stands.
    pub hostname: (String, SourcePos),
    /// The OSM project.
    pub project: String,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password: Secret,
    /// A PEM file with the authorities to trust for https.
    pub ca_file: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// Reads the text of a connection file; `name` is what messages call it.
///
/// # Errors
/// Every problem at once, none of which repeats a value.
pub fn read_connection_file(name: &str, text: &str) -> Result<ConnectionFile, Vec<RepoProblem>> {
    let file = Arc::new(TreePath::root().join(name));
    let documents =
        parse_documents(text).map_err(|error| vec![RepoProblem::from_yaml(&file, error)])?;
    let empty = || {
        let error = FieldError::Missing { key: "hostname".to_owned() };
        vec![RepoProblem::from_field(&file, (1, 1, error))]
    };
    let document = documents.first().ok_or_else(empty)?;
    let mut fields =
        Fields::of(document, "").map_err(|error| vec![RepoProblem::from_field(&file, error)])?;
    let at = |node: &Node| SourcePos::at(&file, node.line, node.column);
    let hostname = fields.required_text("hostname").map(|(text, node)| (text.to_owned(), at(node)));
    let mut text = |key| fields.required_text(key).map(|(text, _)| text.to_owned());
    let (project, user, password) = (text("project"), text("user"), text("password"));
    let ca_file = fields.optional_text("caFile").map(|(text, _)| text.to_owned());
    let insecure = fields.optional_bool("insecureSkipVerify").is_some_and(|(flag, _)| flag);
    let errors = fields.finish();
    if let (true, Some(hostname), Some(project), Some(user), Some(password)) =
        (errors.is_empty(), hostname, project, user, password)
    {
        return Ok(ConnectionFile {
            hostname,
            project,
            user,
            password: Secret::new(password),
            ca_file,
            insecure_skip_verify: insecure,
        });
    }
    Err(errors.into_iter().map(|error| RepoProblem::from_field(&file, error)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_name_the_key_and_never_the_password() {
        let text = "hostname: h:80\nproject: p\nuser: u\npasword: hunter2\n";
        let problems = read_connection_file("secret.yaml", text).unwrap_err();
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["secret.yaml:4:1: unknown key `pasword`, did you mean `password`?"]);
    }
}
