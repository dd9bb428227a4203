//! Profiles from YAML: unknown keys and impossible values are errors that name file and line.

use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;
use thiserror::Error;

use crate::profile::course::{Ending, Kind, Outcome};
use crate::profile::rule::{Rule, Span};
use crate::profile::{Profile, Uploads};
use crate::yaml_file::complaint;

/// Why a text is no profile.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ProfileError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    base: Base,
    #[serde(default = "one")]
    speed: Speed,
    #[serde(default)]
    uploads: UploadsBody,
    #[serde(default)]
    rules: Vec<CheckedRule>,
}

fn one() -> Speed {
    Speed(1.0)
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Base {
    #[default]
    Instant,
    Realistic,
    Manual,
}

struct Speed(f64);

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let factor = f64::deserialize(deserializer)?;
        if factor.is_finite() && factor > 0.0 {
            Ok(Self(factor))
        } else {
            Err(D::Error::custom(format!("`{factor}` is no speed: it must be above 0")))
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadsBody {
    create_vnf_seconds: Option<SpanBody>,
    create_ns_seconds: Option<SpanBody>,
    update_seconds: Option<SpanBody>,
}

/// Seconds: a number, or two of them.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "no seconds: neither a number nor `{from: NUMBER, to: NUMBER}`")]
enum SpanBody {
    Always(f64),
    Between { from: f64, to: f64 },
}

impl SpanBody {
    fn span(self) -> Result<Span, String> {
        let (from, to) = match self {
            Self::Always(seconds) => (seconds, seconds),
            Self::Between { from, to } => (from, to),
        };
        let time = |seconds: f64| {
            Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{seconds}` is no time"))
        };
        if from > to {
            return Err(format!("`from: {from}` is after `to: {to}`"));
        }
        Ok(Span { from: time(from)?, to: time(to)? })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OutcomeWord {
    Ok,
    Fail,
    Partially,
    Stuck,
    FailedTemp,
    RollingBack,
    RolledBack,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rule")]
struct RuleBody {
    operation: Option<Kind>,
    ns: Option<String>,
    nsd: Option<String>,
    member: Option<String>,
    kdu: Option<String>,
    primitive: Option<String>,
    item: Option<String>,
    name: Option<String>,
    change: Option<String>,
    starts_after_seconds: Option<SpanBody>,
    seconds: Option<SpanBody>,
    stage_seconds: Option<Vec<SpanBody>>,
    outcome: Option<OutcomeWord>,
    detail: Option<String>,
    rollback_seconds: Option<SpanBody>,
    times: Option<u32>,
}

/// What serde reads a rule into, so that what is impossible is told with its line.
struct CheckedRule(Rule);

impl<'de> Deserialize<'de> for CheckedRule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RuleBody::deserialize(deserializer)?.rule().map(Self).map_err(D::Error::custom)
    }
}

impl RuleBody {
    fn rule(self) -> Result<Rule, String> {
        if self.seconds.is_some() && self.stage_seconds.is_some() {
            return Err("`seconds` and `stage_seconds` exclude each other".into());
        }
        if self.ns.is_some() && (self.item.is_some() || self.name.is_some()) {
            return Err("`ns` is for instances, `item` and `name` are for admin items".into());
        }
        let says_admin = self.item.is_some() || self.name.is_some() || self.change.is_some();
        let kind = match (self.operation, says_admin) {
            (None, true) => Some(Kind::Admin),
            (Some(kind), true) if kind != Kind::Admin => {
                return Err(format!(
                    "`item`, `name` and `change` are for admin items, not for `{}`",
                    kind.word()
                ));
            }
            (kind, _) => kind,
        };
        let stages = match (self.seconds, self.stage_seconds) {
            (Some(whole), _) => Some(vec![whole.span()?]),
            (None, Some(stages)) if stages.is_empty() => {
                return Err("`stage_seconds` is empty".into());
            }
            (None, Some(stages)) => {
                Some(stages.into_iter().map(SpanBody::span).collect::<Result<_, _>>()?)
            }
            (None, None) => None,
        };
        let within = self.rollback_seconds.map(SpanBody::span).transpose()?.map(|span| span.to);
        Ok(Rule {
            kind,
            name: self.ns.or(self.name),
            nsd: self.nsd,
            member: self.member,
            kdu: self.kdu,
            primitive: self.primitive,
            item: self.item,
            change: self.change,
            starts_after: self.starts_after_seconds.map(SpanBody::span).transpose()?,
            stages,
            outcome: outcome(self.outcome, self.detail, within)?,
            times: self.times,
        })
    }
}

fn outcome(
    word: Option<OutcomeWord>,
    detail: Option<String>,
    within: Option<Duration>,
) -> Result<Option<Outcome>, String> {
    let is_rolling_back = matches!(word, Some(OutcomeWord::RollingBack));
    if within.is_some() && !is_rolling_back {
        return Err("`rollback_seconds` goes with `outcome: rolling-back`".into());
    }
    let outcome = match word {
        None if detail.is_some() => return Err("`detail` goes with an `outcome`".into()),
        None => return Ok(None),
        Some(OutcomeWord::Ok | OutcomeWord::Stuck) if detail.is_some() => {
            return Err("`detail` goes with an outcome that is not well".into());
        }
        Some(OutcomeWord::Ok) => Outcome::Ends(Ending::Well),
        Some(OutcomeWord::Fail) => Outcome::Ends(Ending::Badly(detail)),
        Some(OutcomeWord::Partially) => Outcome::Ends(Ending::Partly(detail)),
        Some(OutcomeWord::Stuck) => Outcome::Stuck,
        Some(OutcomeWord::FailedTemp) => Outcome::Ends(Ending::ForNow(detail)),
        Some(OutcomeWord::RolledBack) => Outcome::Ends(Ending::RolledBack(detail)),
        Some(OutcomeWord::RollingBack) => Outcome::RollsBack { detail, within },
    };
    Ok(Some(outcome))
}

impl Profile {
    /// Reads a profile from YAML; `file` is its name for messages.
    ///
    /// ```yaml
    /// base: realistic            # instant (default), realistic or manual: what no rule changes
    /// speed: 10                  # divides every time
    /// uploads:                   # how long the clients of uploads wait
    ///   create_vnf_seconds: 20
    ///   update_seconds: {from: 0.5, to: 1}
    /// rules:                     # the first that fits an operation counts
    ///   - operation: action      # instantiate, action, scale, terminate, heal, update, migrate, admin
    ///     ns: "ldap-*"           # globs: ns, nsd, member, kdu, primitive
    ///     primitive: upgrade
    ///     seconds: {from: 10, to: 20}
    ///     outcome: fail          # ok, fail, partially, stuck, failed-temp, rolling-back, rolled-back
    ///     detail: "Error executing command: helm3 upgrade: timed out"
    ///     times: 1               # the second goes by the next rule that fits
    ///   - operation: instantiate
    ///     stage_seconds: [3, 57] # instead of seconds: each stage's
    ///   - item: vim_account      # admin items: item, name, change (create, edit, delete)
    ///     name: "site*"
    ///     outcome: fail
    /// ```
    ///
    /// # Errors
    /// [`ProfileError`] for bad YAML, unknown keys and impossible values, with the line.
    pub fn from_yaml(text: &str, file: &str) -> Result<Self, ProfileError> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
            return Ok(Self::instant());
        }
        let body: File =
            serde_yaml::from_str(text).map_err(|error| ProfileError(complaint(file, &error)))?;
        let base = match body.base {
            Base::Instant => Self::instant(),
            Base::Realistic => Self::realistic(),
            Base::Manual => Self::manual(),
        };
        let span = |seconds: Option<SpanBody>| {
            let span = seconds.map(SpanBody::span).transpose();
            span.map_err(|message| ProfileError(format!("{file}: uploads: {message}")))
        };
        let uploads = Uploads {
            create_vnf: span(body.uploads.create_vnf_seconds)?,
            create_ns: span(body.uploads.create_ns_seconds)?,
            update: span(body.uploads.update_seconds)?,
        };
        let rules = body.rules.into_iter().map(|rule| rule.0).collect();
        Ok(base.speeded_up(body.speed.0).with_rules(rules, uploads))
    }
}
