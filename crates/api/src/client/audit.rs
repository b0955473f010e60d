//! The typed client's calls about who did what.

use super::{Client, ClientError, Of};
use crate::audit::AuditPage;
use crate::paths::segment;
use bytes::Bytes;
use reqwest::{Method, Response};
use std::fmt;

/// An audit on its way as a file.
pub struct Exported(Response);

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exported")
    }
}

impl Exported {
    /// The next bytes of it; none at its end.
    ///
    /// # Errors
    /// [`ClientError`], also where it broke off before its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        Ok(self.0.chunk().await?)
    }
}

impl Client {
    /// A page of who did what at a publisher, the newest first. `query` holds `after`, `before`, `$top`, `order` and filters;
    /// `nextLink` has those of the next page.
    pub async fn get_publisher_audit(&self, publisher: &str, query: &[(&str, &str)]) -> Result<AuditPage, ClientError> {
        self.read(self.request(Method::GET, &audit_of(Of::Publisher(publisher))).query(query)).await
    }

    /// The same of the marketplace's staff.
    pub async fn get_marketplace_audit(&self, query: &[(&str, &str)]) -> Result<AuditPage, ClientError> {
        self.read(self.request(Method::GET, &audit_of(Of::Marketplace)).query(query)).await
    }

    /// All that was done, as a file: `format` is `csv` or `jsonl`, and `query` as for pages.
    pub async fn export_audit(
        &self,
        of: Of<'_>,
        format: &str,
        query: &[(&str, &str)],
    ) -> Result<Exported, ClientError> {
        let request = self.request(Method::GET, &audit_of(of)).query(query).query(&[("format", format)]);
        self.connection.send(request, self.slow).await.map(Exported)
    }
}

fn audit_of(of: Of<'_>) -> String {
    match of {
        Of::Publisher(publisher) => format!("/api/publishers/{}/audit", segment(publisher)),
        Of::Marketplace => "/api/audit".to_owned(),
    }
}
