//! The demo's data: a publisher with offers in every state, each brought there by real commands.

mod people;
mod stories;

pub use people::{NAMES, Names, People, people};
pub use stories::{STORIES, Story};

use crate::auth::{Authorised, Caller, Permission, Role};
use crate::checks::Checks;
use crate::clock::Clock;
use crate::issuer::{Audience, Issuer};
use crate::links::Links;
use crate::perform::{AccessRequest, Newcomer, Perform, permission};
use crate::store::{Claims, Publisher, Selection, Store};
use crate::work::Worker;
use anyhow::{Context, Result, anyhow};
use publishing::command::{Command, Expected, Reason, Verdict};
use publishing::decide::MissingIfMatch;
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::offer_type::OfferTypes;
use publishing::pipeline::{CheckKind, PlannedStep};
use publishing::principal::{Circle, Kind, Principal};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The demo's publisher.
pub const PUBLISHER: &str = "contoso";

/// How long the longest check of the slow certification takes, in seconds: longer than anybody looks at a demo.
const LONG_CHECK: u32 = 30 * 24 * 3600;

/// How long before the demo's start the stories begin, in seconds. Each takes some hours, and the last ends before it.
const BEFORE: i64 = 3 * 24 * 3600;

/// The offer types of the demo: every step takes about a second by itself, but for sign-off, which stays the client's.
///
/// # Errors
/// Where a built-in type is broken.
pub fn rehearsed_types() -> Result<OfferTypes> {
    with_checks(|at, step| {
        let alone = step.checks.iter().any(|kind| matches!(kind, CheckKind::SignOff | CheckKind::Promote));
        let by_themselves = step.checks.iter().filter(|kind| !matches!(kind, CheckKind::Reviewer { .. })).cloned();
        // A submission is picked up after a second; its first step waits for one more, so that it can be seen in progress.
        let seconds = if at == 0 { 2 } else { 1 };
        let pause = (!alone).then_some(CheckKind::Pause { seconds });
        by_themselves.chain(pause).collect()
    })
}

/// The built-in types with a certification of several checks, of which the last takes days.
fn slow_types() -> Result<OfferTypes> {
    with_checks(|_, step| match step.id.as_str() {
        "displaycertify" => {
            vec![
                CheckKind::Definition,
                CheckKind::Artifacts,
                CheckKind::Pause { seconds: LONG_CHECK },
                CheckKind::reviewer(),
            ]
        }
        _ => step.checks.clone(),
    })
}

fn with_checks(replace: impl Fn(usize, &PlannedStep) -> Vec<CheckKind>) -> Result<OfferTypes> {
    let mut types = OfferTypes::built_in()?;
    for offer_type in types.iter_mut() {
        offer_type.pipeline = offer_type.pipeline.with_checks(&replace)?;
    }
    Ok(types)
}

/// Fills an empty store with the publisher and its offers. The stories begin three days before `now`, on a clock of their own.
///
/// # Errors
/// Where a command is refused that should not be.
pub async fn fill(store: &Arc<dyn Store>, now: Moment, links: &Links) -> Result<()> {
    let id = PublisherId::parse(PUBLISHER).context("the demo's publisher id")?;
    let publisher =
        Publisher { id: id.clone(), display_text: "Contoso, Ltd.".into(), seller_id: "1000001".into(), version: 1 };
    store.add_publisher(publisher).await?;
    let clock = Clock::turned(now.plus_seconds(-BEFORE));
    let reviewer = Caller::new("reviewer@marketplace.example", None).with(Circle::Marketplace, [Role::Reviewer]);
    let owner = Caller::new("jane@contoso.example", None).with(Circle::Publisher(id.clone()), [Role::Owner]);
    let usual = Teller::new((store, links), &clock, OfferTypes::built_in()?, &owner, &reviewer);
    let slow = Teller::new((store, links), &clock, slow_types()?, &owner, &reviewer);
    for story in &STORIES {
        let offer = OfferId::parse(story.offer).with_context(|| format!("the offer id {}", story.offer))?;
        let teller = if story.slowly { &slow } else { &usual };
        teller.tell(&OfferKey { publisher: id.clone(), offer }, story).await.with_context(|| story.offer.to_owned())?;
        clock.advance(Duration::from_secs(4 * 3600));
    }
    Ok(())
}

/// What somebody who tries the demo sends.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Of the owner of the publisher, who is an operator too.
    pub owner: String,
    /// Of a reviewer, who is no member of the publisher.
    pub reviewer: String,
}

/// For how long the tokens of a demo are good, in seconds.
pub const DAY_SECONDS: i64 = 24 * 3600;

/// Makes the demo's service principals, and their tokens, good for so many seconds.
///
/// # Errors
/// Where the issuer is switched off, or somebody is refused that should not be.
pub async fn tokens(perform: &Perform, issuer: Option<&Issuer>, lasts_seconds: i64) -> Result<Tokens> {
    let issuer = issuer.context("there is no built-in issuer")?;
    let owner = staff(perform, "demo", Role::Operator).await?;
    let reviewer = staff(perform, "reviewer", Role::Reviewer).await?;
    let founder = founder();
    let id = PublisherId::parse(PUBLISHER).context("the demo's publisher id")?;
    let at = founder.authorise_staff(id, Permission::ManageMembers).map_err(|_| anyhow!("no operator"))?;
    let request = AccessRequest::AddMember { newcomer: Newcomer::Known(owner.id), roles: [Role::Owner].into() };
    perform.change_members(&at, request).await?;
    let audience = Audience::Resource(None);
    Ok(Tokens {
        owner: issuer.token_for(&owner, &audience, lasts_seconds).await?.access_token,
        reviewer: issuer.token_for(&reviewer, &audience, lasts_seconds).await?.access_token,
    })
}

/// Whoever makes the demo.
fn founder() -> Caller {
    Caller::new("demo", None).with(Circle::Marketplace, [Role::Operator])
}

async fn staff(perform: &Perform, name: &str, role: Role) -> Result<Principal> {
    let founder = founder();
    let by = founder.authorise_marketplace(Permission::ManageStaff).map_err(|_| anyhow!("no operator"))?;
    let newcomer = Newcomer::Described {
        kind: Kind::ServicePrincipal,
        name: name.into(),
        mail: None,
        identity: None,
        application: None,
    };
    let granted = perform.change_staff(&by, AccessRequest::AddMember { newcomer, roles: [role].into() }).await?;
    granted.principal.context("nobody was added")
}

/// Tells stories by performing what happens in them.
struct Teller<'a> {
    store: Arc<dyn Store>,
    perform: Perform,
    worker: Worker,
    clock: Clock,
    owner: &'a Caller,
    reviewer: &'a Caller,
}

impl<'a> Teller<'a> {
    fn new(
        (store, links): (&Arc<dyn Store>, &Links),
        clock: &Clock,
        types: OfferTypes,
        owner: &'a Caller,
        reviewer: &'a Caller,
    ) -> Self {
        let types = Arc::new(types);
        let accept = MissingIfMatch::Accept;
        let perform = Perform::new(Arc::clone(store), clock.clone(), Arc::clone(&types), accept, links.clone());
        let claims = Claims::new(Arc::clone(store));
        let worker = Worker::new(claims, perform.clone(), types, Checks::default(), clock.clone());
        Self { store: Arc::clone(store), perform, worker, clock: clock.clone(), owner, reviewer }
    }

    async fn tell(&self, key: &OfferKey, story: &Story) -> Result<()> {
        for event in story.events {
            self.happen(key, story, *event).await.with_context(|| format!("{event:?}"))?;
            // Everything that needs no person is done before the next thing happens.
            for _ in 0..12 {
                self.clock.advance(Duration::from_secs(60));
                // One by one, so that the story is told in the same words each time.
                while self.worker.work_off_one().await? {}
            }
        }
        Ok(())
    }

    async fn happen(&self, key: &OfferKey, story: &Story, event: stories::Event) -> Result<()> {
        use stories::Event;
        let command = match event {
            Event::Save => Command::SaveDraft {
                offer_type: story.offer_type.to_owned(),
                definition: story.definition().into(),
                expected: Expected::Unstated,
            },
            Event::Publish => Command::Publish {
                emails: vec!["jane@contoso.example".into(), "release@contoso.example".into()],
                expected: Expected::Unstated,
            },
            Event::GoLive => Command::GoLive { expected: Expected::Unstated },
            Event::Cancel => Command::Cancel { expected: Expected::Unstated },
            Event::Approve => self.verdict(key, Verdict::Approve).await?,
            Event::Reject { code, target, text } => {
                self.verdict(key, Verdict::Reject(reason(code, target, text))).await?
            }
            Event::Block { code, target, text } => {
                self.verdict(key, Verdict::Block(reason(code, target, text))).await?
            }
        };
        let by = self.authorised(key, &command)?;
        self.perform.perform(&by, &key.offer, command).await?;
        Ok(())
    }

    fn authorised(&self, key: &OfferKey, command: &Command) -> Result<Authorised<'_>> {
        let needed = permission(command).context("nobody may ask that")?;
        let authorised = if needed == Permission::Review {
            self.reviewer.authorise_staff(key.publisher.clone(), needed)
        } else {
            self.owner.authorise(key.publisher.as_str(), needed)
        };
        authorised.map_err(|_| anyhow!("nobody has that role"))
    }

    /// A verdict on the step that the offer's newest operation is at.
    async fn verdict(&self, key: &OfferKey, verdict: Verdict) -> Result<Command> {
        let operation =
            self.store.load(key).await?.and_then(|stored| stored.offer.operation).context("no operation")?;
        let step = operation.current_step().context("no step")?.id.clone();
        Ok(Command::GiveVerdict { operation: operation.id, step, queue: None, verdict })
    }
}

fn reason(code: &str, target: &str, text: &str) -> Reason {
    Reason { code: Some(code.to_owned()), target: Some(target.to_owned()), text: text.to_owned(), ..Reason::default() }
}

/// What the demo prints: where it is, its tokens, its offers, and lines that work.
///
/// # Errors
/// Where the store cannot be read.
pub async fn welcome(
    store: &Arc<dyn Store>,
    address: SocketAddr,
    tokens: &Tokens,
    links: &[String; 3],
) -> Result<String> {
    let [as_owner, as_reviewer, as_operator] = links;
    let Tokens { owner: token, reviewer } = tokens;
    let publisher = PublisherId::parse(PUBLISHER).context("the demo's publisher id")?;
    let selection = Selection { publisher, offer_type: None, skip: 0, top: i64::MAX };
    let offers = store.offers(selection).await?;
    let listed: String = offers.iter().map(|offer| format!("  {:<32} {}\n", offer.id, offer.status)).collect();
    let api = format!("http://{address}/api/publishers/{PUBLISHER}/offers");
    Ok(format!(
        "Portolan demo: in memory, gone when you stop it (Ctrl-C).\n\n\
         URL    http://{address}\n\
         token  {token}\n\n\
         Open the pages, signed in as an owner of {PUBLISHER}:\n  {as_owner}\n\
         as a reviewer:\n  {as_reviewer}\n\
         as an operator:\n  {as_operator}\n\n\
         The publisher {PUBLISHER} has an offer in every state:\n{listed}\n\
         Where an offer stands:\n  \
         curl -H 'Authorization: Bearer {token}' '{api}/vm-in-progress/status?api-version=2017-10-31'\n\n\
         Publish a draft and watch it: about a second a step, up to your go live:\n  \
         curl -X POST -H 'Authorization: Bearer {token}' '{api}/vm-never-published/publish?api-version=2017-10-31'\n\n\
         See what waits for a reviewer, who is no member of {PUBLISHER}:\n  \
         PORTOLAN_TOKEN={reviewer} portolan review list --server http://{address}\n\n\
         Every call is described at http://{address}/openapi.json\n"
    ))
}
