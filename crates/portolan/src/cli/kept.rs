//! Credentials that were kept by `portolan login`: one for each server's address, in the keyring or in a file of the user's own.

use super::fault::Fault;
use super::system_keyring;
use api::client::{ClientSecret, Credentials, Token};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use url::Url;

/// Where a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Store {
    /// In the system's keyring.
    Keyring,
    /// In a file that only you may read.
    File,
}

/// What is written down for one server. The secret is in it only where it is kept in the file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Record {
    store: Store,
    /// Of a service principal; a token has none.
    client_id: Option<String>,
    tenant: Option<String>,
    audience: Option<String>,
    secret: Option<String>,
}

/// The directory where it is written down what is kept for which server.
#[derive(Clone, Debug)]
pub(super) struct Shelf(PathBuf);

impl Shelf {
    /// The user's own: `$XDG_DATA_HOME/portolan`, or `~/.local/share/portolan`.
    ///
    /// # Errors
    /// Where nobody can know the user's home.
    pub(super) fn of_user() -> Result<Self, Fault> {
        let given = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || std::env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".local/share"));
        let nowhere = "nobody says where your files are: set HOME, or say who asks with PORTOLAN_TOKEN";
        given.or_else(home).map(|data| Self(data.join("portolan"))).ok_or_else(|| Fault::not_signed_in(nowhere))
    }

    /// The file.
    pub(super) fn file(&self) -> PathBuf {
        self.0.join("credentials.toml")
    }

    /// What is kept for the server at this address, and where.
    ///
    /// # Errors
    /// Where the file must not be used, or the keyring gives nothing.
    pub(super) fn find(&self, server: &str) -> Result<Option<(Credentials, Store)>, Fault> {
        let server = spelled(server);
        let Some(record) = self.records()?.remove(&server) else { return Ok(None) };
        let file = self.file();
        let broken = |what: &str| {
            let text = format!("{}: what is kept for {server} has no {what}: run portolan login", file.display());
            Fault::not_signed_in(text)
        };
        let secret = match record.store {
            Store::File => record.secret.ok_or_else(|| broken("secret"))?,
            Store::Keyring => from_keyring(&server)?,
        };
        let credentials = match (record.client_id, record.tenant, record.audience) {
            (Some(client_id), Some(tenant), Some(audience)) => {
                Credentials::Secret(ClientSecret { client_id, client_secret: secret, tenant, audience })
            }
            (None, None, None) => Credentials::token(secret),
            // A secret is no token: it is sent for one, or not at all.
            (None, ..) => return Err(broken("client-id")),
            (_, None, _) => return Err(broken("tenant")),
            (.., None) => return Err(broken("audience")),
        };
        Ok(Some((credentials, record.store)))
    }

    /// Keeps credentials for the server at this address, in place of those that were kept for it.
    ///
    /// # Errors
    /// Where they cannot be kept there.
    pub(super) fn keep(&self, server: &str, credentials: &Credentials, store: Store) -> Result<(), Fault> {
        let server = spelled(server);
        let (secret, known) = match credentials {
            Credentials::Token(Token(token)) => (token, None),
            Credentials::Secret(known) => (&known.client_secret, Some(known)),
            Credentials::Nobody => return Err(Fault::not_signed_in("there is nothing to keep: nobody signed in")),
        };
        let record = Record {
            store,
            client_id: known.map(|known| known.client_id.clone()),
            tenant: known.map(|known| known.tenant.clone()),
            audience: known.map(|known| known.audience.clone()),
            secret: (store == Store::File).then(|| secret.clone()),
        };
        let held = if store == Store::Keyring { into_keyring(&server, secret)? } else { None };
        let changed = self.change(|records| records.insert(server.clone(), record));
        if changed.is_err() && store == Store::Keyring {
            // What nothing points to must not stay there; what was there before is still pointed to.
            match held {
                Some(held) => into_keyring(&server, &held).map(drop),
                None => forgotten(&server),
            }?;
        }
        let before = changed?;
        if store == Store::File && before.is_some_and(|before| before.store == Store::Keyring) {
            forgotten(&server)?;
        }
        Ok(())
    }

    /// Forgets what is kept for the server at this address; says whether something was.
    ///
    /// # Errors
    /// Where it cannot.
    pub(super) fn forget(&self, server: &str) -> Result<bool, Fault> {
        let server = spelled(server);
        if !self.records()?.contains_key(&server) {
            return Ok(false);
        }
        let before = self.change(|records| records.remove(&server))?;
        if before.is_some_and(|before| before.store == Store::Keyring) {
            forgotten(&server)?;
        }
        Ok(true)
    }

    fn records(&self) -> Result<BTreeMap<String, Record>, Fault> {
        let path = self.file();
        let unusable = |why: String| Fault::not_signed_in(format!("{}: {why}", path.display()));
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            file => file.map_err(|error| unusable(error.to_string()))?,
        };
        let readable = |error: io::Error| unusable(error.to_string());
        only_ours(&file, &path, "chmod 600")?;
        only_ours(&File::open(&self.0).map_err(readable)?, &self.0, "chmod 700")?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(readable)?;
        // What a parser says of a line shows the line.
        let broken = |_| unusable("it cannot be read; remove it, and run portolan login".to_owned());
        toml::from_str(&text).map_err(broken)
    }

    /// Changes the file, whole or not at all. Of two that do so at once, one waits.
    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Record>) -> T) -> Result<T, Fault> {
        let path = self.file();
        let fault = |error: io::Error| {
            let text = format!("{}: {error}; nothing was kept there. Say who asks with PORTOLAN_TOKEN", path.display());
            Fault::not_signed_in(text)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(fault)?;
        let directory = File::open(&self.0).map_err(fault)?;
        directory.lock().map_err(fault)?;
        let mut records = self.records()?;
        let changed = change(&mut records);
        let text = toml::to_string(&records).map_err(|error| fault(io::Error::other(error.to_string())))?;
        // Such a file is made for its user alone.
        let mut file = NamedTempFile::new_in(&self.0).map_err(fault)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(fault)?;
        file.persist(&path).map_err(|error| fault(error.error))?;
        Ok(changed)
    }
}

fn only_ours(file: &File, path: &Path, mend: &str) -> Result<(), Fault> {
    let mode = file.metadata().map(|known| known.permissions().mode()).unwrap_or(0o777);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Fault::not_signed_in(format!("{path}: others may use it, so that it is not used; run: {mend} {path}")))
}

/// The secret that the keyring has.
fn from_keyring(server: &str) -> Result<String, Fault> {
    let found = system_keyring::find(server).map_err(|why| {
        Fault::not_signed_in(format!(
            "the credentials for {server} are in the system's keyring, and it does not give them: {why}. Unlock it, or run \
             portolan login with --store file, or set PORTOLAN_TOKEN"
        ))
    })?;
    let gone = || format!("the credentials for {server} are not in the system's keyring any more: run portolan login");
    found.ok_or_else(|| Fault::not_signed_in(gone()))
}

/// Puts a secret into the keyring; gives back the one that it had before.
fn into_keyring(server: &str, secret: &str) -> Result<Option<String>, Fault> {
    let kept = system_keyring::find(server).and_then(|before| system_keyring::keep(server, secret).map(|()| before));
    kept.map_err(|why| {
        Fault::not_signed_in(format!(
            "nothing was kept, for the system's keyring cannot be used: {why}. Add --store file to keep it in a file that \
             only you may read, or keep nothing and set PORTOLAN_TOKEN"
        ))
    })
}

fn forgotten(server: &str) -> Result<(), Fault> {
    system_keyring::forget(server).map_err(|why| {
        Fault::not_signed_in(format!(
            "portolan does not use it any more, but the system's keyring may still hold the secret of portolan for {server}: \
             {why}. Remove it there"
        ))
    })
}

/// The address as it is written down, however it was typed.
fn spelled(server: &str) -> String {
    let url = Url::parse(server).map_or_else(|_| server.to_owned(), String::from);
    url.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Shelf, Store};
    use api::client::{Credentials, Token};
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn token(shelf: &Shelf, server: &str) -> Option<String> {
        match shelf.find(server).unwrap()? {
            (Credentials::Token(Token(token)), Store::File) => Some(token),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_server_has_its_own_and_no_other_gets_it() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf(directory.path().join("a/portolan"));
        assert_eq!(token(&shelf, "https://one.example"), None);
        assert!(!shelf.forget("https://one.example").unwrap() && !shelf.0.exists());
        shelf.keep("https://One.example/", &Credentials::token("first"), Store::File).unwrap();
        shelf.keep("http://127.0.0.1:8080", &Credentials::secret("id", "second"), Store::File).unwrap();
        for same in ["https://one.example", "https://one.example/", "https://one.example:443"] {
            assert_eq!(token(&shelf, same).as_deref(), Some("first"), "{same}");
        }
        for other in
            ["http://one.example", "https://one.example:444", "https://one.example.evil", "https://one.example/x"]
        {
            assert_eq!(token(&shelf, other), None, "{other}");
        }
        let (known, _) = shelf.find("http://127.0.0.1:8080").unwrap().unwrap();
        assert!(
            matches!(known, Credentials::Secret(known) if (&*known.client_id, &*known.client_secret) == ("id", "second"))
        );
        shelf.keep("https://one.example", &Credentials::token("third"), Store::File).unwrap();
        assert_eq!(token(&shelf, "https://one.example").as_deref(), Some("third"));
        assert!(shelf.forget("https://one.example").unwrap() && !shelf.forget("https://one.example").unwrap());
        assert_eq!(token(&shelf, "https://one.example"), None);
    }

    #[test]
    fn what_others_may_use_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf(directory.path().join("portolan"));
        shelf.keep("https://one.example", &Credentials::token("hush"), Store::File).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&shelf.file()), mode(&shelf.0)), (0o600, 0o700));
        for (path, bad, good) in [
            (shelf.file(), 0o640, 0o600),
            (shelf.file(), 0o602, 0o600),
            (shelf.0.clone(), 0o755, 0o700),
            (shelf.0.clone(), 0o770, 0o700),
        ] {
            std::fs::set_permissions(&path, Permissions::from_mode(bad)).unwrap();
            let fault = shelf.find("https://one.example").unwrap_err().to_string();
            assert!(fault.contains(&format!("chmod {good:o} {}", path.display())), "{fault}");
            assert!(shelf.keep("https://two.example", &Credentials::token("x"), Store::File).is_err());
            std::fs::set_permissions(&path, Permissions::from_mode(good)).unwrap();
        }
        std::fs::write(shelf.file(), "secret = hush").unwrap();
        assert!(!shelf.find("https://one.example").unwrap_err().to_string().contains("hush"));
    }

    #[test]
    fn what_is_not_whole_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf(directory.path().join("portolan"));
        shelf.keep("https://one.example", &Credentials::secret("id", "hush"), Store::File).unwrap();
        let whole = std::fs::read_to_string(shelf.file()).unwrap();
        for missing in ["client-id", "tenant", "audience", "secret"] {
            let lines = whole.lines().filter(|line| !line.starts_with(missing));
            std::fs::write(shelf.file(), lines.collect::<Vec<_>>().join("\n")).unwrap();
            let fault = shelf.find("https://one.example").unwrap_err().to_string();
            assert!(fault.contains(&format!("has no {missing}: run portolan login")), "{fault}");
            assert!(!fault.contains("keyring") && !fault.contains("hush"), "{fault}");
        }
        std::fs::write(shelf.file(), whole).unwrap();
        assert!(shelf.find("https://one.example").unwrap().is_some());
    }

    #[test]
    fn two_at_once_are_both_kept() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf(directory.path().join("portolan"));
        std::thread::scope(|scope| {
            for number in 0..16 {
                let shelf = &shelf;
                let server = format!("https://{number}.example");
                scope.spawn(move || shelf.keep(&server, &Credentials::token("x"), Store::File).unwrap());
            }
        });
        assert_eq!(shelf.records().unwrap().len(), 16);
    }
}
