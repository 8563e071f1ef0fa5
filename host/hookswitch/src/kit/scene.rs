//! Where a play takes place: a folder of its own, the CRM behind its door, and a configuration that leads there.

use tempfile::TempDir;

use super::{Kit, crm::Crm, door::Door, scenario::Scenario, sign_in::Issuer, trouble::Trouble};
use crate::config::Loaded;

/// The scene of one play.
pub(super) struct Scene {
    pub(super) crm: std::sync::Arc<Crm>,
    pub(super) loaded: Loaded,
    /// Both last as long as the scene.
    _door: Door,
    _folder: TempDir,
}

impl Kit {
    /// Sets the scene of a scenario.
    ///
    /// # Errors
    ///
    /// What is wrong with the scenario's `plugin` and `server`, or with this machine.
    pub(super) fn scene(&self, scenario: &Scenario, trouble: Option<Trouble>) -> Result<Scene, String> {
        let folder = tempfile::tempdir_in(self.folder.path()).map_err(|error| error.to_string())?;
        let credentials = self.credentials(scenario)?;
        self.sign_in(scenario, &credentials, folder.path())?;
        let mut exchanges = scenario.crm.clone();
        // Behind the scenario's own, which may say what a provider answers.
        for issuer in &credentials.issuers {
            exchanges.push(Issuer::further(issuer)?);
        }
        let crm = Crm::new(exchanges, scenario.folder.clone(), trouble);
        let door = self.network.block_on(Door::open(crm.clone(), self.authority.clone()));
        let door = door.map_err(|error| format!("the CRM's door does not open: {error}"))?;
        let loaded = self.wire(scenario, &credentials, folder.path(), door.address)?;
        Ok(Scene { crm, loaded, _door: door, _folder: folder })
    }
}
