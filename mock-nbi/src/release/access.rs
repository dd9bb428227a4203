//! What differs for users, tokens and the things an administrator registers.

use super::Release;

impl Release {
    /// Whether bodies are checked by a jsonschema that says `should be non-empty` and prefers other
    /// mistakes than 3.2 did.
    ///
    /// Source: jsonschema 3.2.0 and 4.23.0; recorded case `users_crud`, exchange 26.
    pub(crate) fn has_later_jsonschema(self) -> bool {
        self.is_19()
    }

    /// Whether names of users and of remote accounts are any text, not short names only.
    ///
    /// Source: OSM NBI `validation.py` of releases 8 and 19.
    pub(crate) fn has_free_account_names(self) -> bool {
        !self.is_8()
    }

    /// Whether there are VCAs, and clusters and VIM accounts that name one.
    ///
    /// Source: NBI_FACTS.md section 6.
    pub(crate) fn has_vca(self) -> bool {
        !self.is_8()
    }

    /// Whether what is below a package, and the one-step uploads, have permissions of their own.
    ///
    /// Source: OSM NBI `nbi.py` of releases 8 and 19, `valid_url_methods`.
    pub(crate) fn has_finer_permissions(self) -> bool {
        !self.is_8()
    }

    /// Whether helm 2 is among the deployment methods of a cluster.
    pub(crate) fn has_helm_2(self) -> bool {
        !self.is_19()
    }

    /// Whether K8s repositories take credentials.
    ///
    /// Source: OSM NBI `validation.py` of releases 8 and 19.
    pub(crate) fn has_repo_credentials(self) -> bool {
        self.is_19()
    }

    /// Whether passwords must be strong, are kept as bcrypt hashes with their history, and only a
    /// user itself or an administrator changes its name and password.
    ///
    /// Source: NBI_FACTS.md section 12; recorded case `users_crud`.
    pub(crate) fn has_strong_passwords(self) -> bool {
        self.is_19()
    }

    /// Whether accounts are locked, end, and passwords must be changed: switched off where the
    /// recordings were made.
    ///
    /// Source: recordings' README; OSM NBI `nbi.cfg` of release 19.
    pub(crate) fn has_user_management(self) -> bool {
        self.is_19() && self != Self::R19Recorded
    }

    /// Whether a token is looked up before it is deleted, for the log.
    ///
    /// Source: OSM NBI `nbi.py` of releases 8 and 19, `token`.
    pub(crate) fn has_later_login(self) -> bool {
        self.is_19()
    }

    /// Whether the first project has a name for Git.
    pub(crate) fn has_git_names(self) -> bool {
        self.is_19()
    }

    /// Whether one user, project or role can be shown, which the tip of release 8 cannot.
    ///
    /// Source: NBI_FACTS.md section 12.
    pub(crate) fn shows_one_person(self) -> bool {
        !self.is_8()
    }

    /// What a deletion that goes on calls its operation.
    ///
    /// Source: NBI_FACTS.md section 12; Release 10 was not captured.
    pub(crate) fn deletion_key(self) -> &'static str {
        if self.is_19() { "_id" } else { "op_id" }
    }

    /// Whether operations of registered things have a `detailed-status`.
    ///
    /// Source: release10/ns-create.jsonl, exchange 2; OSM NBI `admin_topics.py` of releases 8 and 19.
    pub(crate) fn details_admin_operations(self) -> bool {
        self != Self::R10
    }

    /// Whether the password of a WIM account is encrypted; release 8 looks for it under a name that
    /// its schema does not know.
    pub(crate) fn encrypts_wim_password(self) -> bool {
        !self.is_8()
    }

    /// Whether the cloud credentials in a VIM account's `config` are encrypted, and an OpenStack
    /// account has room for what it uses.
    ///
    /// Source: OSM NBI `admin_topics.py` of releases 8 and 19.
    pub(crate) fn knows_clouds(self) -> bool {
        self.is_19()
    }

    /// Whether an exceeded quota is refused with 422 wherever it is found.
    ///
    /// Source: NBI_FACTS.md section 12; OSM NBI `base_topic.py` of releases 8 and 19.
    pub(crate) fn refuses_quota_as_input(self) -> bool {
        self.is_19()
    }

    /// Whether records come with their `_id` first from the start, as MongoDB stores them. The
    /// database of the recordings moved it there only when a record was replaced.
    ///
    /// Source: release10/ns-create.jsonl, exchange 2; recorded case `sdns_crud`, exchanges 5 and 22.
    pub(crate) fn has_ids_first(self) -> bool {
        self != Self::R19Recorded
    }
}
