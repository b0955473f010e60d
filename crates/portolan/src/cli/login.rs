//! `portolan login` and `portolan logout`: credentials are checked, and kept for one server.

use super::Run;
use super::exit::Exit;
use super::fault::Fault;
use super::kept::{Shelf, Store};
use super::print::plain;
use super::session::Session;
use super::whoami::Claims;
use anyhow::{Context, Result};
use api::client::{COMMON_TENANT, Client, ClientSecret, Credentials, USUAL_AUDIENCE};
use clap::Args;
use std::io::{ErrorKind, Read};
use tokio::signal::unix::{Signal, SignalKind, signal};

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
        let store = self.store;
        let (credentials, interrupt) = self.credentials(session)?;
        tokio::select! {
            done = signed_in(session, credentials, store) => done,
            () = pressed(interrupt) => Err(interrupted().into()),
        }
    }
}

/// Keeps credentials that the server takes, and tells as whom they are.
async fn signed_in(session: &Session, credentials: Credentials, store: Store) -> Result<Exit> {
    let server = session.address();
    let client = session.client_as(credentials.clone())?;
    let was_tried = tried(&client).await?;
    Shelf::of_user()?.keep(server, &credentials, store)?;
    let token = client.token().await?;
    let who = Claims::of(&token).map_or_else(String::new, |claims| format!(" as {}", plain(&claims.who())));
    let place = match store {
        Store::Keyring => "in the system's keyring".to_owned(),
        Store::File => format!("in {}", Shelf::of_user()?.file().display()),
    };
    let outcome = match was_tried {
        true => format!("Signed in to {server}{who}."),
        false => format!(
            "{server} lists no publishers (HTTP 404), so that it could not be tried whether it takes this{who}. Check the \
             address."
        ),
    };
    session.say(&format!("{outcome} It is kept {place}; `portolan logout` forgets it."));
    if std::env::var_os("PORTOLAN_TOKEN").or_else(|| std::env::var_os("PORTOLAN_CLIENT_ID")).is_some() {
        session.say("The environment says who asks too, and goes before what is kept: unset PORTOLAN_TOKEN and PORTOLAN_CLIENT_ID.");
    }
    Ok(Exit::Done)
}

impl Login {
    /// What was given; and who hears Ctrl-C from now on, where it does not end the program by itself any more.
    fn credentials(self, session: &Session) -> Result<(Credentials, Option<Signal>)> {
        if self.token_stdin {
            return Ok((Credentials::token(from_input("token")?), None));
        }
        let Some(client_id) = self.client_id else {
            let text = "say as whom to sign in: --client-id ID of a service principal, or --token-stdin with a token on \
                        standard input";
            return Err(Fault::usage(text).into());
        };
        let (client_secret, interrupt) = if self.secret_stdin {
            (from_input("secret")?, None)
        } else {
            asked(session).map(|(typed, heard)| (typed, Some(heard)))?
        };
        let (tenant, audience) = (self.tenant, self.audience);
        Ok((Credentials::Secret(ClientSecret { client_id, client_secret, tenant, audience }), interrupt))
    }
}

/// Goes on where the server takes the credentials, or cannot be asked whether it does: then it says so.
async fn tried(client: &Client) -> Result<bool> {
    match client.list_publishers().await {
        Ok(_) => Ok(true),
        // Whoever may not ask that was let in all the same; a server without that list has tried nothing.
        Err(error) if error.status() == Some(403) => Ok(true),
        Err(error) if error.status() == Some(404) => Ok(false),
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

/// The secret as somebody types it, unseen; and who hears Ctrl-C from now on.
fn asked(session: &Session) -> Result<(String, Signal)> {
    if !session.may_ask() {
        let text = "there is no terminal to ask for the secret on: give it on standard input, with --secret-stdin";
        return Err(Fault::usage(text).into());
    }
    // Where nobody heard it, Ctrl-C would end the program before the terminal shows again what is typed.
    let interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    let prompt = format!("Secret for {} (it is not shown): ", plain(session.address()));
    let typed = match rpassword::prompt_password(prompt) {
        Err(error) if error.kind() == ErrorKind::Interrupted => return Err(interrupted().into()),
        typed => typed.context("the terminal cannot be read")?,
    };
    match typed.trim() {
        "" => Err(Fault::usage("no secret was typed: nothing was kept").into()),
        secret => Ok((secret.to_owned(), interrupt)),
    }
}

/// Ends once Ctrl-C is pressed, where it is listened for.
async fn pressed(interrupt: Option<Signal>) {
    match interrupt {
        Some(mut interrupt) => drop(interrupt.recv().await),
        None => std::future::pending().await,
    }
}

fn interrupted() -> Fault {
    Fault { exit: Exit::Interrupted, code: "Interrupted", message: "Ctrl-C was pressed: nothing was kept".to_owned() }
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
