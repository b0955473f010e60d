//! `portolan login` and `portolan logout`: credentials are checked, and kept for one server.

use super::Run;
use super::exit::Exit;
use super::fault::Fault;
use super::kept::{Shelf, Store};
use super::print::plain;
use super::session::Session;
use super::whoami::Claims;
use anyhow::{Context, Result};
use api::client::{COMMON_TENANT, Client, ClientError, ClientSecret, Credentials, USUAL_AUDIENCE};
use clap::Args;
use std::io::Read;

/// The longest secret or token that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// As whom to sign in.
#[derive(Debug, Args)]
pub struct Login {
    /// The client id of a service principal. Its secret is asked for.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Read the secret from standard input.
    #[arg(long, requires = "client_id")]
    secret_stdin: bool,
    /// Read a token from standard input.
    #[arg(long, conflicts_with = "client_id")]
    token_stdin: bool,
    /// The tenant in the token endpoint's address; a Portolan knows itself by the one that is meant without.
    #[arg(long, value_name = "ID", requires = "client_id", default_value = COMMON_TENANT)]
    tenant: String,
    /// For whom the tokens are.
    #[arg(long, value_name = "URL", requires = "client_id", default_value = USUAL_AUDIENCE)]
    audience: String,
    /// Where to keep the secret.
    #[arg(long, value_enum, default_value = "keyring")]
    store: Store,
}

/// Nothing but the server says what to forget.
#[derive(Debug, Args)]
pub struct Logout {}

impl Run for Login {
    async fn run(self, session: &Session) -> Result<Exit> {
        let (store, server) = (self.store, session.address());
        let credentials = self.credentials(session).await?;
        let client = session.client_as(credentials.clone())?;
        known(&client).await?;
        Shelf::of_user()?.keep(server, &credentials, store)?;
        let token = client.token().await?;
        let who = Claims::of(&token).map_or_else(String::new, |claims| format!(" as {}", plain(&claims.who())));
        let place = match store {
            Store::Keyring => "in the system's keyring".to_owned(),
            Store::File => format!("in {}", Shelf::of_user()?.file().display()),
        };
        session.say(&format!("Signed in to {server}{who}. It is kept {place}; `portolan logout` forgets it."));
        if std::env::var_os("PORTOLAN_TOKEN").or_else(|| std::env::var_os("PORTOLAN_CLIENT_ID")).is_some() {
            session.say("The environment says who asks too, and goes before what is kept: unset PORTOLAN_TOKEN and PORTOLAN_CLIENT_ID.");
        }
        Ok(Exit::Done)
    }
}

impl Login {
    async fn credentials(self, session: &Session) -> Result<Credentials> {
        if self.token_stdin {
            return Ok(Credentials::token(from_input("token")?));
        }
        let Some(client_id) = self.client_id else {
            let text = "say as whom to sign in: --client-id ID of a service principal, or --token-stdin with a token on \
                        standard input";
            return Err(Fault::usage(text).into());
        };
        let client_secret = if self.secret_stdin { from_input("secret")? } else { asked(session)? };
        let (tenant, audience) = (self.tenant, self.audience);
        Ok(Credentials::Secret(ClientSecret { client_id, client_secret, tenant, audience }))
    }
}

/// Goes on where the server takes the credentials.
async fn known(client: &Client) -> Result<()> {
    match client.list_publishers().await {
        // Whoever may not ask that, or asks a server that does not have it, was let in all the same.
        Ok(_) | Err(ClientError::Refused { status: 403 | 404, .. }) => Ok(()),
        Err(error) => Err(error).context("nothing was kept, for the server does not take it"),
    }
}

fn from_input(what: &str) -> Result<String> {
    let mut text = String::new();
    let unreadable = || format!("the {what} on standard input cannot be read");
    std::io::stdin().take(LONGEST).read_to_string(&mut text).with_context(unreadable)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::usage(format!("there is no {what} on standard input: give it there, in a line")).into());
    }
    Ok(text.to_owned())
}

/// The secret as somebody types it, unseen.
fn asked(session: &Session) -> Result<String> {
    if !session.may_ask() {
        let text = "there is no terminal to ask for the secret on: give it on standard input, with --secret-stdin";
        return Err(Fault::usage(text).into());
    }
    let typed = rpassword::prompt_password("Secret (it is not shown): ").context("the terminal cannot be read")?;
    match typed.trim() {
        "" => Err(Fault::usage("no secret was typed: nothing was kept").into()),
        secret => Ok(secret.to_owned()),
    }
}

impl Run for Logout {
    async fn run(self, session: &Session) -> Result<Exit> {
        let server = session.address();
        let was_there = Shelf::of_user()?.forget(server)?;
        session.say(&match was_there {
            true => format!("Nothing is kept for {server} any more. Tokens that were given out end by themselves."),
            false => format!("Nothing was kept for {server}."),
        });
        Ok(Exit::Done)
    }
}
