//! Where an offer's leads go: the destination in a definition, judged strictly. No fault repeats what is set, for it may be secret.

use crate::definition::Fault;
use serde_json::{Map, Value};
use std::fmt;
use url::Url;

const PREFIX: &str = "microsoft-azure-marketplace.";

/// Where the destination is named, as a JSON pointer into the offer.
pub const DESTINATION: &str = "/definition/offer/microsoft-azure-marketplace.leadDestination";

/// Where the address of the https endpoint is, as a JSON pointer into the offer.
pub const ENDPOINT: &str =
    "/definition/offer/microsoft-azure-marketplace.httpsEndpointLeadConfiguration/httpsEndpointUrl";

/// Where leads go. It holds what is needed to deliver them, and what is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadDestination {
    /// Nothing was said.
    Unset,
    /// Nowhere, and that was chosen.
    None,
    /// An endpoint to which each lead is posted.
    Https(Endpoint),
    /// A table of a storage account.
    Table {
        /// The account's name.
        account: String,
    },
    /// A container of a storage account.
    Blob {
        /// The account's name.
        account: String,
        /// The container's name.
        container: String,
    },
    /// A Salesforce organisation, by its id.
    Salesforce(String),
    /// A Dynamics organisation, by its address.
    Dynamics(String),
    /// A form of Marketo.
    Marketo {
        /// The Munchkin id of the account.
        account: String,
        /// The form's id.
        form: String,
    },
}

/// The address of an https endpoint. There may be a key in it: `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The address.
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(…)")
    }
}

impl LeadDestination {
    /// What it is called in a definition.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unset | Self::None => "None",
            Self::Https(_) => "HttpsEndpoint",
            Self::Table { .. } => "AzureTable",
            Self::Blob { .. } => "AzureBlob",
            Self::Salesforce(_) => "Salesforce",
            Self::Dynamics(_) => "Dynamics",
            Self::Marketo { .. } => "Marketo",
        }
    }
}

/// The lead destination of a definition with its secrets in their places.
///
/// # Errors
/// Every fault of the destination and of its settings. Those of other destinations are not looked at.
pub fn destination(definition: &Value) -> Result<LeadDestination, Vec<Fault>> {
    let offer = definition.get("offer");
    let said = offer.and_then(|offer| offer.get(format!("{PREFIX}leadDestination"))).unwrap_or(&Value::Null);
    let Some(said) = said.as_str().map(str::trim).filter(|said| !said.is_empty()) else {
        return Ok(LeadDestination::Unset);
    };
    let settings = |member| Settings::new(offer, member, said);
    match said.to_ascii_lowercase().as_str() {
        "none" => Ok(LeadDestination::None),
        "httpsendpoint" | "https" => https(settings("httpsEndpointLeadConfiguration")),
        "azuretable" | "table" => table(settings("tableLeadConfiguration")),
        "azureblob" | "blob" => blob(settings("blobLeadConfiguration")),
        "salesforce" => salesforce(settings("salesForceLeadConfiguration")),
        "dynamics" | "dynamicsonline" | "crm" => dynamics(settings("crmLeadConfiguration")),
        "marketo" => marketo(settings("marketoLeadConfiguration")),
        _ => {
            let mend = "Use None, AzureTable, AzureBlob, Salesforce, Dynamics, HttpsEndpoint or Marketo.";
            let place = format!("/offer/{PREFIX}leadDestination");
            Err(vec![Fault::new("NotAllowed", place, "This is no lead destination.", mend)])
        }
    }
}

/// The settings of one destination, with the faults found in them so far.
struct Settings<'a> {
    name: String,
    members: Option<&'a Map<String, Value>>,
    /// Whether there is nothing in them, which is one fault.
    is_missing: bool,
    faults: Vec<Fault>,
}

impl<'a> Settings<'a> {
    fn new(offer: Option<&'a Value>, member: &str, said: &str) -> Self {
        let name = format!("{PREFIX}{member}");
        let members = offer.and_then(|offer| offer.get(&name)).and_then(Value::as_object);
        // What is neither text nor null has the wrong type, and the schema says so.
        let filled = |value: &Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
        // Where only one thing is to be set, the fault is at its place, once there is a place.
        let single =
            matches!(member, "tableLeadConfiguration" | "blobLeadConfiguration" | "httpsEndpointLeadConfiguration");
        let is_missing = members.is_none_or(|members| members.is_empty() || (!single && !members.values().any(filled)));
        let mut settings = Self { name, members, is_missing, faults: Vec::new() };
        if is_missing {
            let place = &settings.name;
            let mend = format!("Fill in `{place}`, or set leadDestination to `None`.");
            let message = format!("Leads shall go to `{}`, whose settings are missing or empty.", shown(said));
            settings.faults.push(Fault::new("Required", format!("/offer/{place}"), message, mend));
        }
        settings
    }

    /// A member that is filled in.
    fn optional(&self, member: &str) -> Option<&'a str> {
        self.members?.get(member)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A member that must be filled in.
    fn required(&mut self, member: &str) -> &'a str {
        let text = self.optional(member);
        if text.is_none() && !self.is_missing {
            let mend = format!("Fill in `{}/{member}`, or set leadDestination to `None`.", self.name);
            self.fault("Required", member, format!("`{member}` is missing or empty."), mend);
        }
        text.unwrap_or_default()
    }

    fn fault(&mut self, code: &str, member: &str, message: impl Into<String>, mend: impl Into<String>) {
        self.faults.push(Fault::new(code, format!("/offer/{}/{member}", self.name), message, mend));
    }

    /// Refuses a member that is filled in and not of its form.
    fn of_the_form(&mut self, member: &str, text: &str, fits: bool, form: &str) {
        if !text.is_empty() && !fits {
            self.fault("BadFormat", member, format!("`{member}` is not of the right form."), form);
        }
    }

    fn judged(self, destination: LeadDestination) -> Result<LeadDestination, Vec<Fault>> {
        if self.faults.is_empty() { Ok(destination) } else { Err(self.faults) }
    }

    /// The account of a storage connection string.
    fn storage_account(&mut self) -> String {
        const MEMBER: &str = "connectionString";
        let text = self.required(MEMBER);
        if text.is_empty() {
            return String::new();
        }
        match storage_account(text) {
            Ok(account) => account,
            Err((message, mend)) => {
                self.fault("BadFormat", MEMBER, message, mend);
                String::new()
            }
        }
    }
}

fn https(mut settings: Settings<'_>) -> Result<LeadDestination, Vec<Fault>> {
    let url = settings.required("httpsEndpointUrl");
    let form = "Write an https address without user name and password, like https://leads.contoso.example/new.";
    settings.of_the_form("httpsEndpointUrl", url, is_https(url), form);
    let endpoint = Endpoint(url.to_owned());
    settings.judged(LeadDestination::Https(endpoint))
}

fn table(mut settings: Settings<'_>) -> Result<LeadDestination, Vec<Fault>> {
    let account = settings.storage_account();
    settings.judged(LeadDestination::Table { account })
}

fn blob(mut settings: Settings<'_>) -> Result<LeadDestination, Vec<Fault>> {
    let account = settings.storage_account();
    let container = settings.required("containerName");
    let form = "Use 3 to 63 lower-case letters, digits and single `-`, beginning and ending with a letter or digit.";
    settings.of_the_form("containerName", container, is_container(container), form);
    settings.judged(LeadDestination::Blob { account, container: container.to_owned() })
}

fn salesforce(mut settings: Settings<'_>) -> Result<LeadDestination, Vec<Fault>> {
    let member = if settings.optional("oid").is_some() { "oid" } else { "organizationId" };
    let id = settings.required(member);
    let fits = matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    settings.of_the_form(
        member,
        id,
        fits,
        "Give the organisation's id: 15 or 18 letters and digits, beginning with 00D.",
    );
    settings.judged(LeadDestination::Salesforce(id.to_owned()))
}

fn dynamics(mut settings: Settings<'_>) -> Result<LeadDestination, Vec<Fault>> {
    let url = settings.required("organizationUrl");
    let form = "Write the organisation's https address, like https://contoso.crm.example.";
    settings.of_the_form("organizationUrl", url, is_https(url), form);
    let application = ["tenantId", "clientId", "clientSecret"];
    let signs_in_by = |member: &&str| settings.optional(member).is_some();
    // Whoever has begun to name a user means one.
    let members: &[&str] =
        match ["userName", "password"].iter().any(signs_in_by) && !application.iter().any(signs_in_by) {
            true => &["userName", "password"],
            false => &application,
        };
    for member in members {
        settings.required(member);
    }
    settings.judged(LeadDestination::Dynamics(url.to_owned()))
}

fn marketo(mut settings: Settings<'_>) -> Result<LeadDestination, Vec<Fault>> {
    let account = settings.required("munchkinAccountId");
    let words: Vec<&str> = account.split('-').collect();
    let fits = words.len() == 3 && words.iter().all(|word| is_word(word, 3));
    settings.of_the_form("munchkinAccountId", account, fits, "Copy the Munchkin id, like 123-PQR-789.");
    let form = settings.required("formId");
    let digits = form.len() <= 9 && form.bytes().all(|byte| byte.is_ascii_digit());
    settings.of_the_form("formId", form, digits, "Give the form's number, like 1179.");
    // A form is reached by its server, or by an application of the account.
    if ["clientId", "clientSecret"].iter().all(|member| settings.optional(member).is_none()) {
        let server = settings.required("serverId");
        let fits = server.len() <= 63 && server.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        settings.of_the_form(
            "serverId",
            server,
            fits,
            "Give the server's id, like ys12, without app- and marketo.com.",
        );
    } else {
        settings.required("clientId");
        settings.required("clientSecret");
    }
    settings.judged(LeadDestination::Marketo { account: account.to_owned(), form: form.to_owned() })
}

/// The account that a connection string of Azure storage names, or what is wrong with it and how to mend it.
fn storage_account(text: &str) -> Result<String, (&'static str, &'static str)> {
    const FORM: &str = "Copy it whole: DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=….";
    let mut parts = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or(("A part of the connection string has no value.", FORM))?;
        parts.push((name.trim(), value.trim()));
    }
    let part = |wanted: &str| {
        let mut found = parts.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value);
        found.next().filter(|value| !value.is_empty() && found.next().is_none())
    };
    let account = part("AccountName").ok_or(("The connection string does not name one account.", FORM))?;
    if !(3..=24).contains(&account.len()) || !account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return Err((
            "The account's name in the connection string can be none.",
            "Use 3 to 24 lower-case letters and digits.",
        ));
    }
    let key = part("AccountKey").ok_or(("The connection string does not hold one account key.", FORM))?;
    if !is_base64(key) {
        return Err(("The account key in the connection string is not base64.", FORM));
    }
    let is_https = |value: &str| value.eq_ignore_ascii_case("https");
    if !part("DefaultEndpointsProtocol").is_some_and(is_https) {
        return Err(("The connection string does not say https.", "Let it begin with DefaultEndpointsProtocol=https."));
    }
    Ok(account.to_owned())
}

fn is_https(text: &str) -> bool {
    let url = Url::parse(text);
    url.is_ok_and(|url| {
        url.scheme() == "https" && url.host().is_some() && url.username().is_empty() && url.password().is_none()
    })
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn is_container(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn is_word(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn shown(said: &str) -> String {
    said.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::{LeadDestination, destination};
    use serde_json::{Value, json};

    const STORAGE: &str =
        "DefaultEndpointsProtocol=https;AccountName=contosoleads;AccountKey=aHVzaA==;EndpointSuffix=core.example";

    fn judge(said: &str, member: &str, settings: &Value) -> Result<LeadDestination, String> {
        let prefix = "microsoft-azure-marketplace.";
        let definition = json!({"offer": {
            format!("{prefix}leadDestination"): said,
            format!("{prefix}{member}"): settings,
        }});
        destination(&definition).map_err(|faults| {
            let told = format!("{faults:?}");
            assert!(!told.contains("hush") && !told.contains("aHVzaA"), "a secret is told: {told}");
            let place = |pointer: &str| pointer.rsplit(['/', '.']).next().unwrap_or_default().to_owned();
            faults.iter().map(|f| format!("{} {}", place(&f.pointer), f.code)).collect::<Vec<_>>().join(", ")
        })
    }

    #[test]
    fn every_destination_is_read_with_its_settings() {
        let table = json!({ "connectionString": STORAGE });
        let blob = json!({"connectionString": STORAGE, "containerName": "leads-1"});
        let user = json!({"organizationUrl": "https://crm.example", "userName": "u", "password": "hush"});
        let application =
            json!({"organizationUrl": "https://crm.example", "tenantId": "t", "clientId": "c", "clientSecret": "hush"});
        let form = json!({"serverId": "ys12", "munchkinAccountId": "123-PQR-789", "formId": "1179"});
        let account = "contosoleads".to_owned();
        for (said, member, settings, expected) in [
            ("AzureTable", "table", &table, LeadDestination::Table { account: account.clone() }),
            ("table", "table", &table, LeadDestination::Table { account: account.clone() }),
            ("AzureBlob", "blob", &blob, LeadDestination::Blob { account, container: "leads-1".into() }),
            ("Dynamics", "crm", &user, LeadDestination::Dynamics("https://crm.example".into())),
            ("crm", "crm", &application, LeadDestination::Dynamics("https://crm.example".into())),
            (
                "Marketo",
                "marketo",
                &form,
                LeadDestination::Marketo { account: "123-PQR-789".into(), form: "1179".into() },
            ),
            ("None", "marketo", &json!({}), LeadDestination::None),
            ("", "marketo", &json!({}), LeadDestination::Unset),
            (
                "Salesforce",
                "salesForce",
                &json!({"oid": "00D000000000abc"}),
                LeadDestination::Salesforce("00D000000000abc".into()),
            ),
        ] {
            assert_eq!(judge(said, &format!("{member}LeadConfiguration"), settings), Ok(expected), "{said}");
        }
        assert_eq!(destination(&json!({})), Ok(LeadDestination::Unset));
        let url = json!({"httpsEndpointUrl": "https://leads.example/new?key=hush"});
        let endpoint = judge("HttpsEndpoint", "httpsEndpointLeadConfiguration", &url).unwrap();
        assert!(!format!("{endpoint:?}").contains("hush"));
        assert!(matches!(endpoint, LeadDestination::Https(endpoint) if endpoint.url().ends_with("=hush")));
    }

    #[test]
    fn every_fault_is_told_at_its_place_without_what_is_there() {
        let of = |text: &str| json!({ "connectionString": text });
        let storage = |from: &str, to: &str| of(&STORAGE.replace(from, to));
        for (said, member, settings, expected) in [
            ("Pigeon", "table", json!({}), "leadDestination NotAllowed"),
            ("AzureTable", "table", json!({}), "tableLeadConfiguration Required"),
            ("AzureTable", "table", json!(null), "tableLeadConfiguration Required"),
            ("AzureTable", "table", of(" "), "connectionString Required"),
            ("AzureTable", "table", of("hush"), "connectionString BadFormat"),
            ("AzureTable", "table", storage("AccountName=contosoleads;", ""), "connectionString BadFormat"),
            ("AzureTable", "table", storage("contosoleads", "Contoso leads"), "connectionString BadFormat"),
            ("AzureTable", "table", storage("AccountKey=aHVzaA==;", ""), "connectionString BadFormat"),
            ("AzureTable", "table", storage("aHVzaA==", "hush!"), "connectionString BadFormat"),
            ("AzureTable", "table", storage("aHVzaA==", "aHVzaA="), "connectionString BadFormat"),
            ("AzureTable", "table", storage("aHVzaA==", "===="), "connectionString BadFormat"),
            ("AzureTable", "table", storage("=https", "=http"), "connectionString BadFormat"),
            ("AzureTable", "table", storage("DefaultEndpointsProtocol=https;", ""), "connectionString BadFormat"),
            ("AzureTable", "table", of(&format!("{STORAGE};AccountKey=aHVzaA==")), "connectionString BadFormat"),
            ("AzureBlob", "blob", of(STORAGE), "containerName Required"),
            (
                "AzureBlob",
                "blob",
                json!({"connectionString": STORAGE, "containerName": "a--b"}),
                "containerName BadFormat",
            ),
            (
                "AzureBlob",
                "blob",
                json!({"connectionString": STORAGE, "containerName": "Leads"}),
                "containerName BadFormat",
            ),
            ("Salesforce", "salesForce", json!({"oid": "00D000000000abcd"}), "oid BadFormat"),
            ("Salesforce", "salesForce", json!({"organizationId": "00D0000-0000abc"}), "organizationId BadFormat"),
            ("Salesforce", "salesForce", json!({"oid": ""}), "salesForceLeadConfiguration Required"),
            (
                "Dynamics",
                "crm",
                json!({"organizationUrl": "http://crm.example", "userName": "u", "password": "hush"}),
                "organizationUrl BadFormat",
            ),
            (
                "Dynamics",
                "crm",
                json!({"organizationUrl": "https://crm.example"}),
                "tenantId Required, clientId Required, clientSecret Required",
            ),
            (
                "Dynamics",
                "crm",
                json!({"organizationUrl": "https://crm.example", "userName": "u"}),
                "password Required",
            ),
            ("Dynamics", "crm", json!({"password": "hush"}), "organizationUrl Required, userName Required"),
            ("HttpsEndpoint", "httpsEndpoint", json!({"httpsEndpointUrl": ""}), "httpsEndpointUrl Required"),
            (
                "HttpsEndpoint",
                "httpsEndpoint",
                json!({"httpsEndpointUrl": "http://a.example?hush"}),
                "httpsEndpointUrl BadFormat",
            ),
            (
                "HttpsEndpoint",
                "httpsEndpoint",
                json!({"httpsEndpointUrl": "https://u:hush@a.example"}),
                "httpsEndpointUrl BadFormat",
            ),
            ("HttpsEndpoint", "httpsEndpoint", json!({"httpsEndpointUrl": "https://"}), "httpsEndpointUrl BadFormat"),
            ("Marketo", "marketo", json!({"serverId": "ys12"}), "munchkinAccountId Required, formId Required"),
            (
                "Marketo",
                "marketo",
                json!({"munchkinAccountId": "1-2-3", "formId": "1179", "serverId": "a.b"}),
                "munchkinAccountId BadFormat, serverId BadFormat",
            ),
            (
                "Marketo",
                "marketo",
                json!({"munchkinAccountId": "123-PQR-789", "formId": "x", "clientId": "c"}),
                "formId BadFormat, clientSecret Required",
            ),
        ] {
            let judged = judge(said, &format!("{member}LeadConfiguration"), &settings);
            assert_eq!(judged.unwrap_err(), expected, "{said} {settings}");
        }
    }
}
