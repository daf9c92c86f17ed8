//! Changing the policy.

use std::collections::BTreeMap;

/// A form by which a viewer changes the policy: the program says which fields there are, and what becomes of them.
///
/// ```
/// use control_panel::{
///     ControlPanel, GraphIntent, Spawner,
///     dashboard::{PolicyField, PolicyForm},
/// };
/// use std::{collections::BTreeMap, sync::Arc};
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// #[derive(Clone, Default)]
/// struct Policy {
///     most_open: usize,
/// }
///
/// struct Form(Spawner<Update, Policy>);
///
/// impl PolicyForm for Form {
///     fn fields(&self) -> Vec<PolicyField> {
///         vec![PolicyField::new(
///             "most_open",
///             "Most pages open",
///             self.0.policy().most_open,
///         )]
///     }
///
///     fn submit(&self, values: &BTreeMap<String, String>) -> Result<(), String> {
///         let most_open =
///             values.get("most_open").ok_or("most_open is missing")?;
///         let most_open =
///             most_open.parse().map_err(|error| format!("most_open: {error}"))?;
///         self.0.set_policy(Policy { most_open });
///         Ok(())
///     }
/// }
///
/// let panel = ControlPanel::<Update, Policy>::new();
/// let form = Form(panel.spawner());
/// form.submit(&BTreeMap::from([("most_open".to_owned(), "3".to_owned())]))
///     .unwrap();
/// assert_eq!(panel.policy().most_open, 3);
/// ```
pub trait PolicyForm: Send + Sync + 'static {
    /// The fields, with their present values.
    fn fields(&self) -> Vec<PolicyField>;

    /// Sets the policy. `values` has what the viewer entered, by the fields' names; the program checks it.
    ///
    /// # Errors
    /// What is wrong, in words for the viewer.
    fn submit(&self, values: &BTreeMap<String, String>) -> Result<(), String>;
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PolicyField {
    /// Its name in what is submitted.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Its present value.
    pub value: String,
}

impl PolicyField {
    /// Creates a field.
    pub fn new(name: impl Into<String>, label: impl Into<String>, value: impl std::fmt::Display) -> Self {
        Self { name: name.into(), label: label.into(), value: value.to_string() }
    }
}
