//! The typed client's calls to an emulator: its clock, its snapshots, its journal, and what offers are brought to.

use super::{Client, ClientError};
use crate::emulator::{Advance, Advanced, EmulatorState, NewSnapshot, Reach, Reached, Snapshot, Speed};
use crate::paths::segment;
use reqwest::Method;

impl Client {
    /// How the emulator stands. A server that is none answers 404.
    pub async fn emulator_state(&self) -> Result<EmulatorState, ClientError> {
        self.read(self.request(Method::GET, "/emulator")).await
    }

    /// Turns the clock on. Where the target cannot be reached the answer is 409, and the clock stays where it was.
    pub async fn emulator_advance(&self, advance: &Advance) -> Result<Advanced, ClientError> {
        self.read(self.request(Method::POST, "/emulator/advance").json(advance)).await
    }

    /// Makes the clock stand.
    pub async fn emulator_freeze(&self) -> Result<EmulatorState, ClientError> {
        self.read(self.request(Method::POST, "/emulator/freeze")).await
    }

    /// Makes the clock run so many seconds in a second.
    pub async fn emulator_speed(&self, speed: u32) -> Result<EmulatorState, ClientError> {
        self.read(self.request(Method::POST, "/emulator/speed").json(&Speed { speed })).await
    }

    /// Begins anew: everything is as at the start. Snapshots stay.
    pub async fn emulator_reset(&self) -> Result<EmulatorState, ClientError> {
        self.read(self.request(Method::POST, "/emulator/reset")).await
    }

    /// The snapshots that are kept, in the order of their names.
    pub async fn emulator_snapshots(&self) -> Result<Vec<Snapshot>, ClientError> {
        self.read(self.request(Method::GET, "/emulator/snapshots")).await
    }

    /// Keeps everything as it is under a name.
    pub async fn emulator_snapshot(&self, name: &str) -> Result<Snapshot, ClientError> {
        let new = NewSnapshot { name: name.to_owned() };
        self.read(self.request(Method::POST, "/emulator/snapshots").json(&new)).await
    }

    /// Makes everything as it was when a snapshot was taken.
    pub async fn emulator_restore(&self, name: &str) -> Result<EmulatorState, ClientError> {
        let path = format!("/emulator/snapshots/{}/restore", segment(name));
        self.read(self.request(Method::POST, &path)).await
    }

    /// Forgets a snapshot.
    pub async fn emulator_forget_snapshot(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("/emulator/snapshots/{}", segment(name));
        self.started(self.request(Method::DELETE, &path)).await.map(drop)
    }

    /// Brings an offer to a status, or a step of it to one, by whatever that takes.
    pub async fn emulator_reach(&self, reach: &Reach) -> Result<Reached, ClientError> {
        self.read(self.request(Method::POST, "/emulator/reach").json(reach)).await
    }

    /// The journal of every publisher and of the marketplace, a JSON line for each entry.
    pub async fn emulator_journal(&self) -> Result<String, ClientError> {
        let response = self.connection.send(self.request(Method::GET, "/emulator/journal"), self.slow).await?;
        Ok(response.text().await?)
    }
}
