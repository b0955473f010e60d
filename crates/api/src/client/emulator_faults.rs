//! The typed client's calls to an emulator: faults, scenarios, what was sent, what was asked.

use super::{Client, ClientError};
use crate::emulator::{AppliedScenario, Asked, Fault, NewFault, Sent};
use crate::paths::segment;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

impl Client {
    /// Sets a fault.
    pub async fn emulator_add_fault(&self, fault: &NewFault) -> Result<Fault, ClientError> {
        self.read(self.request(Method::POST, "/emulator/faults").json(fault)).await
    }

    /// The faults that are set, in the order in which they were; those that are used up too.
    pub async fn emulator_faults(&self) -> Result<Vec<Fault>, ClientError> {
        self.read(self.request(Method::GET, "/emulator/faults")).await
    }

    /// Removes a fault.
    pub async fn emulator_remove_fault(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/emulator/faults/{}", segment(id));
        self.started(self.request(Method::DELETE, &path)).await.map(drop)
    }

    /// Removes every fault.
    pub async fn emulator_clear_faults(&self) -> Result<(), ClientError> {
        self.started(self.request(Method::DELETE, "/emulator/faults")).await.map(drop)
    }

    /// Applies a scenario: TOML, as `portolan emulator start --scenario` reads it. Seed and start are for the start alone.
    pub async fn emulator_apply_scenario(&self, toml: &str) -> Result<AppliedScenario, ClientError> {
        let request = self.request(Method::POST, "/emulator/scenario");
        self.read(request.header(CONTENT_TYPE, "application/toml").body(toml.to_owned())).await
    }

    /// What was sent, oldest first.
    pub async fn emulator_outbox(&self) -> Result<Vec<Sent>, ClientError> {
        self.read(self.request(Method::GET, "/emulator/outbox")).await
    }

    /// What was asked, oldest first.
    pub async fn emulator_requests(&self) -> Result<Vec<Asked>, ClientError> {
        self.read(self.request(Method::GET, "/emulator/requests")).await
    }
}
