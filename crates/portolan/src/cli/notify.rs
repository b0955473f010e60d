//! `portolan notify`: who is told what happens to offers: webhooks, and the caller's own mails.

use super::Run;
use super::confirm::Confirm;
use super::exit::Exit;
use super::fault::{Fault, Meant};
use super::history::known_event;
use super::mails::Mails;
use super::moments::minute;
use super::print::{plain, quoted, table};
use super::session::Session;
use super::settings::nearest;
use anyhow::{Context, Result};
use api::client::{Client, Of};
use api::subscriptions::{
    Delivery, DeliveryAttempt, DeliveryState, NewSubscription, Subscription, SubscriptionState, SubscriptionWithSecret,
};
use clap::{Args, Subcommand};
use uuid::Uuid;

/// Who shall be told.
#[derive(Debug, Args)]
pub struct Notify {
    #[command(subcommand)]
    what: What,
    /// Those of the marketplace, which are told of all publishers: for operators.
    #[arg(long, global = true)]
    marketplace: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the webhooks.
    ///
    /// Example: portolan notify list
    List,
    /// Add a webhook. Its secret is shown this once.
    ///
    /// Example: portolan notify add https://hooks.contoso.example/portolan --event live,failed > webhook.env
    Add {
        /// Where events go: an https address.
        url: String,
        /// Of what it is told, such as live; with commas between them, or given several times. Of everything where nothing is said.
        #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
        events: Vec<String>,
    },
    /// Send a webhook an event that tells nothing, and say what came of it.
    ///
    /// Example: portolan notify test https://hooks.contoso.example/portolan
    Test(Which),
    /// List what a webhook was told in the last 30 days, the newest first.
    ///
    /// Example: portolan notify deliveries https://hooks.contoso.example/portolan
    Deliveries {
        #[command(flatten)]
        which: Which,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        top: i64,
    },
    /// Deliver something again that was delivered or given up.
    ///
    /// Example: portolan notify redeliver https://hooks.contoso.example/portolan 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50
    Redeliver {
        #[command(flatten)]
        which: Which,
        /// The delivery's id, as `portolan notify deliveries` shows it.
        delivery: Uuid,
    },
    /// Let a webhook go on that was disabled.
    ///
    /// Example: portolan notify enable https://hooks.contoso.example/portolan
    Enable(Which),
    /// Give a webhook a new secret, which is shown this once; the one before signs too for a day.
    ///
    /// Example: portolan notify rotate https://hooks.contoso.example/portolan > webhook.env
    Rotate(Which),
    /// Remove a webhook, with what waits for it and its log.
    ///
    /// Example: portolan notify remove https://hooks.contoso.example/portolan --yes
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// The mails that you get yourself.
    ///
    /// Example: portolan notify mails show
    #[command(subcommand)]
    Mails(Mails),
}

/// Which webhook.
#[derive(Debug, Args)]
struct Which {
    /// The webhook's id, or its address where only one has it.
    webhook: String,
}

impl Run for Notify {
    async fn run(self, session: &Session) -> Result<Exit> {
        // Before the server is asked for anything.
        if let What::Add { events, .. } = &self.what {
            events.iter().try_for_each(|event| known_event(event))?;
        }
        let client = session.client()?;
        let publisher = match self.marketplace {
            true => None,
            false => Some(session.publisher(&client).await?),
        };
        let asked = Asked { session, client: &client, publisher: publisher.as_deref() };
        match self.what {
            What::List => asked.list().await,
            What::Add { url, events } => asked.add(url, events).await,
            What::Test(which) => asked.test(&which).await,
            What::Deliveries { which, top } => asked.deliveries(&which, top).await,
            What::Redeliver { which, delivery } => {
                let webhook = asked.found(&which).await?;
                client.repeat_delivery(asked.of(), webhook.id, delivery).await?;
                session.done(&format!("Done: {delivery} waits to be delivered again."))
            }
            What::Enable(which) => {
                let webhook = asked.found(&which).await?;
                let webhook = client.enable_subscription(asked.of(), webhook.id).await?;
                session.answered(&client, |out, _| Ok(writeln!(out, "Done: {} is told again.", plain(&webhook.url))?))
            }
            What::Rotate(which) => {
                let webhook = asked.found(&which).await?;
                asked.show(&client.rotate_subscription(asked.of(), webhook.id).await?)
            }
            What::Remove { which, confirm } => asked.remove(&which, &confirm).await,
            What::Mails(mails) => mails.run(session, &client, publisher.as_deref()).await,
        }?;
        Ok(Exit::Done)
    }
}

/// Whose webhooks are asked about.
struct Asked<'a> {
    session: &'a Session,
    client: &'a Client,
    publisher: Option<&'a str>,
}

impl Asked<'_> {
    fn of(&self) -> Of<'_> {
        self.publisher.map_or(Of::Marketplace, Of::Publisher)
    }

    async fn all(&self) -> Result<Vec<Subscription>> {
        let all = self.client.list_subscriptions(self.of()).await;
        match self.publisher {
            Some(publisher) => self.session.of_publisher(self.client, publisher, all).await,
            None => Ok(all?),
        }
    }

    async fn list(&self) -> Result<()> {
        let webhooks = self.all().await?;
        self.session.answered(self.client, |out, _| {
            if webhooks.is_empty() {
                return Ok(writeln!(out, "There is no webhook yet.")?);
            }
            let rows: Vec<_> = webhooks.iter().map(row).collect();
            Ok(table(out, ["ID", "ADDRESS", "EVENTS", "STATE", "SINCE", "BY"], &rows)?)
        })
    }

    /// The webhook that is meant by an id or an address.
    async fn found(&self, which: &Which) -> Result<Subscription> {
        let meant = which.webhook.as_str();
        let (mut found, others): (Vec<_>, Vec<_>) =
            self.all().await?.into_iter().partition(|webhook| {
                Uuid::try_parse(meant).map_or_else(|_| webhook.url == meant, |id| webhook.id == id)
            });
        let what = || format!("there is no webhook {meant:?}");
        match (found.len(), found.pop()) {
            (1, Some(webhook)) => Ok(webhook),
            (_, Some(_)) => {
                Err(Fault::usage(format!("{meant:?} is the address of several webhooks; say the id of one")).into())
            }
            (_, None) => Err(match nearest(meant, others.iter().map(|webhook| webhook.url.as_str())) {
                Some(near) => Meant { what: what(), near: near.to_owned() }.alone().into(),
                None => Fault::not_found(format!("{}; `portolan notify list` shows them", what())).into(),
            }),
        }
    }

    async fn add(&self, url: String, events: Vec<String>) -> Result<()> {
        let made = self.client.create_subscription(self.of(), &NewSubscription { url, events, secret: None }).await;
        let made = match self.publisher {
            Some(publisher) => self.session.of_publisher(self.client, publisher, made).await?,
            None => made?,
        };
        self.show(&made)
    }

    /// Shows a secret, this once, as lines that a shell can read from a file.
    fn show(&self, made: &SubscriptionWithSecret) -> Result<()> {
        let SubscriptionWithSecret { subscription, secret } = made;
        let again = format!("portolan notify rotate {}", subscription.id);
        let lost = || format!("the secret was made, but cannot be shown; make another: {again}");
        self.session
            .answered(self.client, |out, _| {
                writeln!(out, "# The webhook {}: what signs its events.", plain(&subscription.url))?;
                writeln!(out, "export PORTOLAN_WEBHOOK_ID={}", subscription.id)?;
                Ok(writeln!(out, "export PORTOLAN_WEBHOOK_SECRET={}", quoted(secret))?)
            })
            .with_context(lost)?;
        self.session.say(&format!("The secret is shown this once. Whoever loses it makes another: {again}"));
        Ok(())
    }

    async fn test(&self, which: &Which) -> Result<()> {
        let webhook = self.found(which).await?;
        let attempt = self.client.test_subscription(self.of(), webhook.id).await?;
        self.session.answered(self.client, |out, _| {
            Ok(writeln!(out, "{}: {}", plain(&webhook.url), plain(&came(&attempt)))?)
        })?;
        match attempt.failure {
            None => Ok(()),
            Some(failure) => {
                let text = format!("the webhook did not take the test ({failure}): see that it answers with 2xx");
                Err(Fault { exit: Exit::Unexpected, code: "NotDelivered", message: text }.into())
            }
        }
    }

    async fn deliveries(&self, which: &Which, top: i64) -> Result<()> {
        let webhook = self.found(which).await?;
        let deliveries = self.client.list_deliveries(self.of(), webhook.id, 0, top).await?;
        self.session.answered(self.client, |out, _| {
            if deliveries.is_empty() {
                return Ok(writeln!(out, "{} was told nothing yet.", plain(&webhook.url))?);
            }
            let rows: Vec<_> = deliveries.iter().map(delivery).collect();
            Ok(table(out, ["ID", "AT", "OFFER", "EVENT", "STATE", "TRIES", "LAST TRY"], &rows)?)
        })
    }

    async fn remove(&self, which: &Which, confirm: &Confirm) -> Result<()> {
        let webhook = self.found(which).await?;
        let url = plain(&webhook.url);
        confirm.ask(
            self.session,
            &format!("{url} is told nothing any more, and what waits for it is dropped. Remove this webhook?"),
        )?;
        self.client.remove_subscription(self.of(), webhook.id).await?;
        self.session.done(&format!("Done: {url} is told nothing any more."))
    }
}

fn row(webhook: &Subscription) -> [String; 6] {
    let events = if webhook.events.is_empty() { "all".to_owned() } else { webhook.events.join(", ") };
    let state = match (webhook.state, &webhook.disabled_because) {
        (SubscriptionState::Active, _) => "active".to_owned(),
        (SubscriptionState::Failing, _) => "failing".to_owned(),
        (SubscriptionState::Disabled, Some(why)) => format!("disabled: {why}"),
        (SubscriptionState::Disabled, None) => "disabled".to_owned(),
    };
    let since = webhook.disabled_at.or(webhook.failing_since).unwrap_or(webhook.made_at);
    [webhook.id.to_string(), webhook.url.clone(), events, state, minute(since), webhook.made_by.clone()]
}

fn delivery(delivery: &Delivery) -> [String; 7] {
    let state = match delivery.state {
        DeliveryState::Waiting => "waiting",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "given up",
    };
    [
        delivery.id.to_string(),
        minute(delivery.at),
        format!("{}/{}", delivery.publisher_id, delivery.offer_id),
        delivery.event.clone().unwrap_or_else(|| "–".to_owned()),
        state.to_owned(),
        delivery.attempts.len().to_string(),
        delivery.attempts.last().map_or_else(|| "–".to_owned(), came),
    ]
}

/// What came of a try.
fn came(attempt: &DeliveryAttempt) -> String {
    let status = attempt.status.map(|status| format!("HTTP {status}"));
    let parts = [attempt.failure.clone(), status, Some(format!("{} ms", attempt.took_milliseconds))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
