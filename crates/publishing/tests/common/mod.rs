//! What the tests of the rules share: samples, an operator's own type, and a store that applies decisions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code, unreachable_pub)]

use publishing::command::{CheckRef, Command, Ending, Expected, Reason, Report, Verdict};
use publishing::decide::{Answer, Context, MissingIfMatch, decide};
use publishing::entry::Entry;
use publishing::message::Message;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferId, OfferKey, PublisherId, Snapshot};
use publishing::offer_type::{OfferTypeFile, OfferTypes};
use publishing::operation::{CheckState, Course, Operation, Step};
use publishing::pipeline::{CheckKind, Pipeline};
use publishing::refusal::Refusal;
use publishing::status::{self, OfferStatus, Status, StepStatus};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use uuid::Uuid;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../../../portolan/samples/", $name, ".json"))
    };
}

/// Each built-in type with a definition that passes.
pub const SAMPLES: [(&str, &str); 6] = [
    ("microsoft-azure-virtualmachines", sample!("virtual-machine")),
    ("microsoft-azure-corevm", sample!("core-virtual-machine")),
    ("microsoft-azure-applications", sample!("azure-application")),
    ("microsoft-azure-container", sample!("container")),
    ("microsoft-azure-iotedge", sample!("iot-edge")),
    ("microsoft-azure-saas", sample!("saas")),
];

/// A type that an operator might add: several checks in a step, pauses, machine checks beside reviewers.
pub const OPERATOR_TYPE: &str = "contoso-harbour-berth";

const OPERATOR_FILE: &str = r#"
id = "contoso-harbour-berth"
display_text = "Harbour berth"

[[step]]
id = "examine"
name = "Examination"
description = "Machines and a reviewer look at it side by side."
checks = [{ kind = "definition" }, { kind = "artifacts" }, { kind = "reviewer" }, { kind = "pause", seconds = 60 }]

[[step]]
id = "trial"
name = "Trial"
description = "Three reviewers try it."
only_when = "/offer/microsoft-azure-marketplace-testdrive.enabled"
checks = [{ kind = "reviewer", queue = "legal" }, { kind = "reviewer", queue = "technical", approvals = 2 }]

[[step]]
id = "package"
name = "Packaging"
description = "The preview is put in place."
checks = [{ kind = "listing" }, { kind = "definition" }, { kind = "pause", seconds = 5 }]

[[step]]
id = "sign-off"
name = "Sign-off"
description = "The publisher looks it over."
checks = [{ kind = "sign-off" }]

[[step]]
id = "inspect"
name = "Inspection"
description = "It is looked at and packaged once more."
checks = [{ kind = "reviewer", approvals = 2 }, { kind = "listing" }, { kind = "artifacts" }]

[[step]]
id = "live"
name = "Live"
description = "Customers can buy it."
checks = [{ kind = "promote" }]
"#;

const OPERATOR_SCHEMA: &str = r#"{
    "allOf": [{ "$ref": "urn:portolan:marketplace" }],
    "properties": {
        "offer": { "properties": { "contoso.dockKey": { "type": ["string", "null"], "writeOnly": true } } }
    }
}"#;

/// The built-in types and the operator's.
pub static TYPES: LazyLock<OfferTypes> = LazyLock::new(|| {
    let mut types = OfferTypes::built_in().unwrap();
    let file = OfferTypeFile::parse("berth.toml", OPERATOR_FILE).unwrap();
    types.add(file.with_schema("berth.toml", OPERATOR_SCHEMA).unwrap());
    types
});

/// The same types after an operator has put a pause into every step that may have one.
pub static CHANGED_TYPES: LazyLock<OfferTypes> = LazyLock::new(|| {
    let mut types = TYPES.clone();
    for offer_type in types.iter_mut() {
        let paused = offer_type.pipeline.with_checks(|_, step| {
            let alone = step.checks.iter().any(|kind| matches!(kind, CheckKind::SignOff | CheckKind::Promote));
            let pause = (!alone).then_some(CheckKind::Pause { seconds: 1 });
            step.checks.iter().cloned().chain(pause).collect()
        });
        offer_type.pipeline = paused.unwrap();
    }
    types
});

/// All type ids of [`TYPES`], the operator's last.
pub fn type_ids() -> Vec<&'static str> {
    SAMPLES.iter().map(|(id, _)| *id).chain([OPERATOR_TYPE]).collect()
}

/// A definition that passes, for any type of [`TYPES`].
pub fn sample(offer_type: &str) -> Value {
    if offer_type == OPERATOR_TYPE {
        let mut definition = sample("microsoft-azure-saas");
        definition["offer"]["microsoft-azure-marketplace-testdrive.enabled"] = json!(true);
        definition["offer"]["contoso.dockKey"] = json!("not-a-real-key");
        return definition;
    }
    let (_, text) = SAMPLES.iter().find(|(id, _)| *id == offer_type).unwrap();
    serde_json::from_str(text).unwrap()
}

/// What a command came to, without the particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Saved,
    Started,
    Canceled,
    CancelRequested,
    Recorded,
    OfferMissing,
    BadRequest,
    OperationInProgress,
    InvalidState,
    Precondition,
    ConflictWanted,
    BadRequestWanted,
    Faults,
    ReviewNotAwaited,
    HeldByAnother,
    ApprovedAlready,
    SubmittedByYou,
    OtherVersionLive,
    Superseded,
}

/// Who asks: an owner without a principal, who submits, and three reviewers, who may have submitted too.
pub const PEOPLE: [(&str, Option<Uuid>); 4] = [
    ("amina", None),
    ("ana", Some(Uuid::from_u128(0xa))),
    ("bo", Some(Uuid::from_u128(0xb))),
    ("cem", Some(Uuid::from_u128(0xc))),
];

pub fn outcome(result: &Result<Answer, Refusal>) -> Outcome {
    match result {
        Ok(Answer::Saved { created: true }) => Outcome::Created,
        Ok(Answer::Saved { created: false }) => Outcome::Saved,
        Ok(Answer::Started(_)) => Outcome::Started,
        Ok(Answer::Canceled) => Outcome::Canceled,
        Ok(Answer::CancelRequested(_)) => Outcome::CancelRequested,
        Ok(Answer::Recorded | Answer::Held(_) | Answer::Synchronised(_)) => Outcome::Recorded,
        Err(Refusal::OfferMissing { .. }) => Outcome::OfferMissing,
        Err(Refusal::BadRequest { .. }) => Outcome::BadRequest,
        Err(Refusal::OperationInProgress { .. }) => Outcome::OperationInProgress,
        Err(Refusal::InvalidState { .. }) => Outcome::InvalidState,
        Err(Refusal::Precondition { .. }) => Outcome::Precondition,
        Err(Refusal::IfMatchWanted { conflict: true }) => Outcome::ConflictWanted,
        Err(Refusal::IfMatchWanted { conflict: false }) => Outcome::BadRequestWanted,
        Err(Refusal::Faults(_)) => Outcome::Faults,
        Err(Refusal::ReviewNotAwaited { .. } | Refusal::StepMissing { .. }) => Outcome::ReviewNotAwaited,
        Err(Refusal::HeldByAnother { .. }) => Outcome::HeldByAnother,
        Err(Refusal::ApprovedAlready) => Outcome::ApprovedAlready,
        Err(Refusal::SubmittedByYou) => Outcome::SubmittedByYou,
        Err(Refusal::OtherVersionLive { .. }) => Outcome::OtherVersionLive,
        Err(Refusal::Superseded) => Outcome::Superseded,
    }
}

/// A store of one offer, that keeps what decisions say and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    pub offer_type: &'static str,
    pub changed_pipelines: bool,
    pub setting: MissingIfMatch,
    pub now: Moment,
    /// Who asks, by the place among [`PEOPLE`].
    pub by: usize,
    pub offer: Option<Offer>,
    pub snapshots: BTreeMap<i64, Snapshot>,
    /// Oldest first.
    pub operations: Vec<Operation>,
    pub journal: Vec<Entry>,
    next_id: u128,
}

impl Store {
    pub fn new(offer_type: &'static str) -> Self {
        Self {
            offer_type,
            changed_pipelines: false,
            setting: MissingIfMatch::Accept,
            now: Moment::from_ticks(638_000_000_000_000_000),
            by: 0,
            offer: None,
            snapshots: BTreeMap::new(),
            operations: Vec::new(),
            journal: Vec::new(),
            next_id: 1,
        }
    }

    pub fn types(&self) -> &'static OfferTypes {
        if self.changed_pipelines { &CHANGED_TYPES } else { &TYPES }
    }

    pub fn pipeline(&self) -> &'static Pipeline {
        &self.types().get(self.offer_type).unwrap().pipeline
    }

    /// Puts a command to the rules and stores what they decide.
    pub fn put(&mut self, command: Command) -> Result<Answer, Refusal> {
        let key = OfferKey {
            publisher: PublisherId::parse("Contoso").unwrap(),
            offer: OfferId::parse("relay-gateway").unwrap(),
        };
        let fresh_id = Uuid::from_u128(self.next_id);
        self.next_id += 1;
        let context = Context {
            now: self.now,
            fresh_id,
            actor: PEOPLE[self.by].0,
            principal: PEOPLE[self.by].1,
            types: self.types(),
            missing_if_match: self.setting,
        };
        let decision = decide(&key, self.offer.as_ref(), command, &context)?;
        if let Some(snapshot) = decision.snapshot {
            let version = snapshot.version;
            assert!(self.snapshots.insert(version, snapshot).is_none(), "version {version} was published twice");
        }
        for operation in decision.signed_off.iter().chain(&decision.offer.operation) {
            match self.operations.iter_mut().find(|known| known.id == operation.id) {
                Some(known) => *known = operation.clone(),
                None => self.operations.push(operation.clone()),
            }
        }
        self.offer = Some(decision.offer);
        self.journal.push(decision.entry);
        Ok(decision.answer)
    }

    pub fn offer(&self) -> &Offer {
        self.offer.as_ref().unwrap()
    }

    pub fn newest(&self) -> Option<&Operation> {
        self.offer.as_ref()?.operation.as_ref()
    }

    pub fn status(&self) -> OfferStatus {
        self.offer().status()
    }

    pub fn document(&self) -> Status {
        status::of_offer(self.offer(), Some(self.pipeline()))
    }

    pub fn step_statuses(&self) -> Vec<StepStatus> {
        self.document().steps.iter().map(Step::status).collect()
    }

    pub fn save(&mut self, definition: &Value) -> Result<Answer, Refusal> {
        let definition = definition.to_string();
        self.put(Command::SaveDraft {
            offer_type: self.offer_type.to_owned(),
            definition: definition.into(),
            expected: Expected::Any,
        })
    }

    /// The command that brings the offer one move nearer to production.
    pub fn onward(&self) -> Command {
        let Some(offer) = &self.offer else {
            let definition = sample(self.offer_type).to_string();
            return Command::SaveDraft {
                offer_type: self.offer_type.to_owned(),
                definition: definition.into(),
                expected: Expected::Unstated,
            };
        };
        match (offer.status(), &offer.operation) {
            (OfferStatus::WaitingForPublisherReview, _) => go_live(),
            (OfferStatus::Running, Some(operation)) => go_on(operation, self.now),
            _ => publish(),
        }
    }

    /// Puts a command as whoever is there, and where that one may not decide, as the first one who may.
    pub fn put_by_anybody(&mut self, command: Command) -> Result<Answer, Refusal> {
        let usual = self.by;
        let mut result = self.put(command.clone());
        for by in 0..PEOPLE.len() {
            if !matches!(
                result,
                Err(Refusal::ApprovedAlready | Refusal::SubmittedByYou | Refusal::HeldByAnother { .. })
            ) {
                break;
            }
            self.by = by;
            result = self.put(command.clone());
        }
        self.by = usual;
        result
    }

    /// Goes onward until the offer is so, or panics where it never will be.
    pub fn go_until(&mut self, reached: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if self.offer.is_some() && reached(self) {
                return;
            }
            self.put_by_anybody(self.onward()).unwrap();
        }
        panic!("it never came to that: {:?} {:?}", self.status(), self.step_statuses());
    }
}

fn go_on(operation: &Operation, now: Moment) -> Command {
    match operation.due_checks().into_iter().next() {
        Some((at, _))
            if operation.course == Course::Running
                && matches!(operation.check(&at).unwrap().state, CheckState::Queued { .. }) =>
        {
            Command::StartCheck(at)
        }
        Some((at, _)) => report(at, Ending::Done, now),
        None => {
            let step = operation.current_step().unwrap();
            let blocked = step.status() == StepStatus::Blocked;
            let awaiting = step.checks.iter().find(|check| check.state == CheckState::AwaitingPerson);
            let queue = awaiting.and_then(|check| check.kind.queue()).map(str::to_owned);
            let verdict = if blocked { Verdict::Unblock } else { Verdict::Approve };
            let queue = queue.filter(|_| !blocked);
            Command::GiveVerdict { operation: operation.id, step: step.id.clone(), queue, verdict }
        }
    }
}

pub fn publish() -> Command {
    Command::Publish { emails: vec!["amina@contoso.example".into()], expected: Expected::Unstated }
}

pub fn go_live() -> Command {
    Command::GoLive { expected: Expected::Unstated }
}

pub fn cancel() -> Command {
    Command::Cancel { expected: Expected::Unstated }
}

pub fn verdict(operation: Uuid, step: &str, verdict: Verdict) -> Command {
    Command::GiveVerdict { operation, step: step.to_owned(), queue: None, verdict }
}

pub fn reason() -> Reason {
    Reason {
        code: Some("IMG-048".into()),
        target: None,
        text: "The image does not boot. Mend it.".into(),
        ..Reason::default()
    }
}

/// A report as a worker makes it: a step that blocks or rejects says why.
pub fn report(at: CheckRef, ending: Ending, now: Moment) -> Command {
    let messages = match ending {
        Ending::GoesOn => vec![Message::information("So far.", now)],
        Ending::Done => vec![Message::information("It was looked at.", now)],
        Ending::WaitingUntil(_) => Vec::new(),
        Ending::Blocked | Ending::Rejected => vec![Message::error("IMG-048", "The image does not boot. Mend it.", now)],
    };
    Command::ReportCheck(at, Report::new(ending, messages))
}
