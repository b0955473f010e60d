//! A small browser: it keeps cookies as browsers do, and is sent on only where the test lets it.

use crate::world::{Answer, World};
use http::HeaderMap;
use reqwest::Method;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A browser with its cookies for one service.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    address: SocketAddr,
    /// The service as it calls itself.
    pub public_url: &'static str,
    pub cookies: BTreeMap<String, String>,
    /// What it calls itself.
    pub agent: String,
}

impl Browser {
    pub fn new(world: &World) -> Self {
        Self::at(world.address, world.public_url)
    }

    pub fn at(address: SocketAddr, public_url: &'static str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, address, public_url, cookies: BTreeMap::new(), agent: "Test/1.0".into() }
    }

    /// Asks for an address, on the service or, with scheme and host, elsewhere; keeps the service's cookies.
    pub async fn ask(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let local = match url.strip_prefix(self.public_url) {
            Some(path) => Some(path.to_owned()),
            None => url.starts_with('/').then(|| url.to_owned()),
        };
        let target = local.as_ref().map_or(url.to_owned(), |path| format!("http://{}{path}", self.address));
        let mut request = self.http.request(method.parse::<Method>().unwrap(), target).body(body.to_owned());
        if local.is_some() {
            let host = self.public_url.split_once("://").unwrap().1;
            if !headers.iter().any(|(name, _)| *name == "host") {
                request = request.header("host", host);
            }
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !cookies.is_empty() && !headers.iter().any(|(name, _)| *name == "cookie") {
                request = request.header("cookie", cookies.join("; "));
            }
        }
        request = request.header("user-agent", &self.agent);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if local.is_some() {
            self.keep(&headers);
        }
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    /// Keeps and drops cookies; panics where one is not set as it should be.
    fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all("set-cookie") {
            let mut parts = line.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let attributes: Vec<&str> = parts.collect();
            for wanted in ["Path=/", "HttpOnly", "SameSite=Lax"] {
                assert!(attributes.contains(&wanted), "{line:?}");
            }
            let encrypted = self.public_url.starts_with("https://");
            assert_eq!(attributes.contains(&"Secure"), encrypted, "{line:?}");
            assert_eq!(name.starts_with("__Host-"), encrypted, "{line:?}");
            assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{line:?}");
            if attributes.contains(&"Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub async fn get(&mut self, url: &str) -> Answer {
        self.ask("GET", url, &[("sec-fetch-site", "same-origin")], "").await
    }

    /// Sends a form from one of the service's own pages.
    pub async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(url, form, &[("sec-fetch-site", "same-origin"), ("origin", self.public_url)]).await
    }

    /// Sends a form with these headers.
    pub async fn post_with(&mut self, url: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let headers: Vec<_> = kind.iter().chain(headers).copied().collect();
        self.ask("POST", url, &headers, &body).await
    }

    /// Goes where answers send, until one sends nowhere.
    pub async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            let location = answer.header("location").to_owned();
            answer = self.get(&location).await;
        }
        panic!("it never ends");
    }

    /// Asks, and follows.
    pub async fn open(&mut self, url: &str) -> Answer {
        let answer = self.get(url).await;
        self.follow(answer).await
    }

    /// Begins to sign in with a password; gives the address of the sign-in page.
    pub async fn begin(&mut self, at: &str) -> String {
        let answer = self.get(&format!("/sign-in?at={at}&then=/account")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("location").to_owned()
    }

    /// Sends the password; gives the answer, which sends back with a code.
    pub async fn password(&mut self, mail: &str, password: &str) -> Answer {
        let page = self.begin("built-in").await;
        self.post(&page, &[("mail", mail), ("password", password)]).await
    }

    /// Signs in with a password, up to the page that it wanted.
    pub async fn sign_in(&mut self, mail: &str, password: &str) -> Answer {
        let answer = self.password(mail, password).await;
        self.follow(answer).await
    }

    /// The names of its cookies.
    pub fn cookie_names(&self) -> Vec<&str> {
        self.cookies.keys().map(String::as_str).collect()
    }

    /// The cookie of the session; empty where there is none.
    pub fn session(&self) -> String {
        self.cookies.get("portolan").cloned().unwrap_or_default()
    }

    /// Whether the service knows who this is.
    pub async fn is_in(&mut self) -> bool {
        let answer = self.get("/account").await;
        assert!(matches!(answer.status, 200 | 303), "{}", answer.body);
        answer.status == 200
    }

    /// The token that forms of the account page bring along.
    pub async fn form_token(&mut self) -> String {
        let page = self.get("/account").await;
        field(&page.body, "form_token")
    }
}

/// The value of the first hidden field of this name.
pub fn field(page: &str, name: &str) -> String {
    let rest = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}")).1;
    rest.split_once('"').unwrap().0.to_owned()
}

/// `url` with a query's member as it is given; without it where nothing is given.
pub fn query_with(url: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.retain(|(known, _)| known != name);
    pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

/// A query's member.
pub fn query_of(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Whether a page says this. What is put into sentences is set apart by marks that nobody sees.
pub fn says(page: &Answer, words: &str) -> bool {
    page.body.replace(['\u{2068}', '\u{2069}'], "").contains(words)
}
