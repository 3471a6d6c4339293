//! Which policy a task runs under, as the operator says by variables of ours.
//!
//! Always holds: only the id of a workflow, which n8n gives, selects a policy by itself. Names, and ids of nodes, are the author's: what they select has to be
//! narrower.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::variables::{Unusable, Variables};

const POLICY: &str = "REMAND_N8N_POLICY";
const POLICIES: &str = "REMAND_N8N_POLICIES";

/// Names or files of policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// For every task of which nothing else is said.
    pub usual: String,
    /// For some.
    pub special: Special,
}

/// What `REMAND_N8N_POLICIES` says: a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Special {
    /// By the id of a workflow.
    pub workflows: BTreeMap<String, String>,
    /// Narrower ones, by the id of a node.
    pub node_ids: BTreeMap<String, String>,
    /// Narrower ones, by the name of a node.
    pub node_names: BTreeMap<String, String>,
    /// Narrower ones, by the name of a workflow.
    pub workflow_names: BTreeMap<String, String>,
}

impl Policies {
    /// As the variables say.
    ///
    /// # Errors
    /// What is said is no such object.
    pub fn read(variables: &Variables<'_>) -> Result<Self, Unusable> {
        let usual = variables.text(POLICY)?.filter(|name| !name.is_empty()).unwrap_or_else(|| "n8n".to_owned());
        let special = match variables.text(POLICIES)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => serde_json::from_str(&text).map_err(|error| Unusable(format!("{POLICIES}: {error}")))?,
            None => Special::default(),
        };
        Ok(Self { usual, special })
    }

    /// Those that need not be narrower than any other.
    pub fn bases(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.usual).chain(self.special.workflows.values()).map(String::as_str)
    }

    /// Those that have to be narrower.
    pub fn narrower(&self) -> impl Iterator<Item = &str> {
        let Special { node_ids, node_names, workflow_names, .. } = &self.special;
        [node_ids, node_names, workflow_names].into_iter().flat_map(BTreeMap::values).map(String::as_str)
    }
}
