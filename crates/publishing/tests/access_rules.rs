//! Who may be what: a table of every rule, and random walks over all commands in three circles at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use publishing::access::{AccessCommand, AccessDecision, AccessRefusal, MOST_SECRETS, Members, decide};
use publishing::entry::{Event, FirstCredential};
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::principal::{BUILT_IN, Circle, Identity, Kind, Principal, Role};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const NOW: Moment = Moment::from_ticks(639_309_372_000_000_000);

fn circles() -> [Circle; 3] {
    let at = |id: &str| Circle::Publisher(PublisherId::parse(id).unwrap());
    [Circle::Marketplace, at("contoso"), at("Fabrikam")]
}

/// The n-th of the principals that walks are about: programs and users, of each circle's making, two of another issuer.
fn principal(n: usize) -> Principal {
    let id = Uuid::from_u128(n as u128 + 1);
    let kind = if n.is_multiple_of(2) { Kind::ServicePrincipal } else { Kind::User };
    let issuer = if n >= 12 { "entra" } else { BUILT_IN };
    Principal {
        id,
        kind,
        name: format!("principal {n}"),
        mail: (kind == Kind::User).then(|| format!("user{n}@x.example")),
        identity: Identity { issuer: issuer.into(), tenant: "t".into(), subject: id.to_string() },
        application: None,
        home: circles()[n / 2 % 3].clone(),
    }
}

const PRINCIPALS: usize = 14;

fn set(roles: &[Role]) -> BTreeSet<Role> {
    roles.iter().copied().collect()
}

/// Everything that changes of access can change.
#[derive(Clone, Debug, Default, PartialEq)]
struct Directory {
    members: BTreeMap<Circle, Members>,
    secrets: BTreeMap<Uuid, BTreeSet<Uuid>>,
    passwords: BTreeSet<Uuid>,
    journal: Vec<(Circle, Event)>,
}

impl Directory {
    fn at(&self, circle: &Circle) -> Members {
        self.members.get(circle).cloned().unwrap_or_default()
    }

    fn there(&self, who: Uuid) -> usize {
        self.secrets.get(&who).map_or(0, BTreeSet::len)
    }

    fn is_anywhere(&self, who: Uuid) -> bool {
        self.members.values().any(|members| members.contains_key(&who))
    }

    /// Stores a decision as the service does.
    fn store(&mut self, circle: &Circle, command: &AccessCommand, decision: AccessDecision) {
        if let Some((who, roles)) = decision.roles {
            let members = self.members.entry(circle.clone()).or_default();
            if roles.is_empty() {
                members.remove(&who);
                let is_home = (0..PRINCIPALS).map(principal).any(|one| one.id == who && one.home == *circle);
                if is_home || !self.is_anywhere(who) {
                    self.secrets.remove(&who);
                }
            } else {
                members.insert(who, roles);
            }
        }
        match command {
            AccessCommand::AddSecret { principal, secret, .. } => {
                self.secrets.entry(principal.id).or_default().insert(*secret);
            }
            AccessCommand::RemoveSecret { principal, secret, .. } => {
                self.secrets.entry(principal.id).or_default().remove(secret);
            }
            AccessCommand::SetPassword { principal } => {
                self.passwords.insert(principal.id);
            }
            _ => {}
        }
        self.journal.push((circle.clone(), decision.event));
    }
}

/// What somebody tries.
#[derive(Clone, Debug)]
enum Move {
    Add(usize, BTreeSet<Role>),
    SetRoles(usize, BTreeSet<Role>),
    Remove(usize),
    AddSecret(usize),
    RemoveSecret(usize, bool),
    Invite(usize, bool),
    SetPassword(usize),
}

fn roles() -> impl Strategy<Value = BTreeSet<Role>> {
    let some = vec(proptest::sample::select(&Role::ALL[..]), 0..4).prop_map(|roles| roles.into_iter().collect());
    let one = proptest::sample::select(&Role::ALL[..]).prop_map(|role| set(&[role]));
    prop_oneof![
        3 => one,
        2 => Just(set(&[Role::Owner])),
        2 => Just(set(&[Role::Operator])),
        1 => Just(set(&[Role::Operator, Role::Reviewer])),
        2 => some,
    ]
}

/// Moves in one of the three circles; most are steered to where they can succeed.
fn moves() -> impl Strategy<Value = Vec<(usize, bool, Move)>> {
    let who = 0..PRINCIPALS;
    let one = prop_oneof![
        8 => (who.clone(), roles()).prop_map(|(who, roles)| Move::Add(who, roles)),
        4 => (who.clone(), roles()).prop_map(|(who, roles)| Move::SetRoles(who, roles)),
        2 => who.clone().prop_map(Move::Remove),
        6 => who.clone().prop_map(Move::AddSecret),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, known)| Move::RemoveSecret(who, known)),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, operator)| Move::Invite(who, operator)),
        1 => who.prop_map(Move::SetPassword),
    ];
    let steered = prop_oneof![4 => Just(true), 1 => Just(false)];
    vec((0..3_usize, steered, one), 1..120)
}

/// The circle and the move, changed so that the roles fit, and credentials are asked for at home.
fn steered(at: usize, chosen: &Move) -> (usize, Move) {
    let there = |roles: &BTreeSet<Role>| {
        let staff = roles.iter().map(|role| Role::ALL[*role as usize % 3 + 3]);
        let member = Role::ALL[roles.first().map_or(0, |role| *role as usize % 3)];
        if at == 0 { staff.collect() } else { set(&[member]) }
    };
    match chosen {
        Move::Add(who, roles) => (at, Move::Add(*who, there(roles))),
        Move::SetRoles(who, roles) => (at, Move::SetRoles(*who, there(roles))),
        Move::AddSecret(who) | Move::RemoveSecret(who, _) | Move::Invite(who, _) => (who / 2 % 3, chosen.clone()),
        Move::Remove(_) | Move::SetPassword(_) => (at, chosen.clone()),
    }
}

fn command(directory: &Directory, chosen: &Move, fresh: u128) -> AccessCommand {
    match chosen {
        Move::Add(n, roles) => {
            AccessCommand::AddMember { principal: principal(*n), roles: roles.clone(), first: FirstCredential::Nothing }
        }
        Move::SetRoles(n, roles) => AccessCommand::SetRoles { member: principal(*n).id, roles: roles.clone() },
        Move::Remove(n) => AccessCommand::RemoveMember { member: principal(*n).id },
        Move::AddSecret(n) => {
            let principal = principal(*n);
            let there = directory.there(principal.id);
            let by_operator = fresh.is_multiple_of(3);
            let secret = Uuid::from_u128(1_000 + fresh);
            AccessCommand::AddSecret { principal, secret, ends_at: NOW, there, by_operator }
        }
        Move::RemoveSecret(n, known) => {
            let principal = principal(*n);
            let first = directory.secrets.get(&principal.id).and_then(|secrets| secrets.first()).copied();
            let secret = first.filter(|_| *known).unwrap_or(Uuid::nil());
            let by_operator = fresh.is_multiple_of(3);
            AccessCommand::RemoveSecret { principal, secret, is_there: secret != Uuid::nil(), by_operator }
        }
        Move::Invite(n, by_operator) => {
            let principal = principal(*n);
            let has_password = directory.passwords.contains(&principal.id);
            AccessCommand::Invite { principal, has_password, by_operator: *by_operator }
        }
        Move::SetPassword(n) => AccessCommand::SetPassword { principal: principal(*n) },
    }
}

fn head(circle: &Circle) -> Role {
    if *circle == Circle::Marketplace { Role::Operator } else { Role::Owner }
}

fn heads(circle: &Circle, members: &Members) -> usize {
    members.values().filter(|roles| roles.contains(&head(circle))).count()
}

fn fits(circle: &Circle, roles: &BTreeSet<Role>) -> bool {
    let [owner, contributor, reader, operator, reviewer, auditor] = Role::ALL;
    match circle {
        Circle::Marketplace => !roles.is_empty() && roles.is_subset(&set(&[operator, reviewer, auditor])),
        Circle::Publisher(_) => roles.len() == 1 && roles.is_subset(&set(&[owner, contributor, reader])),
    }
}

/// In a word what a command comes to, written down apart from the code that decides.
fn expected(directory: &Directory, circle: &Circle, command: &AccessCommand) -> &'static str {
    let members = directory.at(circle);
    let is_last = |who: &Uuid| {
        members.get(who).is_some_and(|roles| roles.contains(&head(circle))) && heads(circle, &members) == 1
    };
    let own = |principal: &Principal, kind: Kind, by_operator: bool| {
        let home = principal.home == *circle || by_operator;
        let here = principal.identity.issuer == BUILT_IN && home && principal.kind == kind;
        match members.contains_key(&principal.id) {
            false => Some("no member"),
            true => (!here).then_some("conflict"),
        }
    };
    match command {
        AccessCommand::CreatePublisher | AccessCommand::SetPassword { .. } | AccessCommand::SetUpAgain { .. } => "done",
        AccessCommand::AddMember { roles, .. } | AccessCommand::SetRoles { roles, .. } if !fits(circle, roles) => {
            "invalid"
        }
        AccessCommand::AddMember { principal, .. } if members.contains_key(&principal.id) => "conflict",
        // Nobody becomes staff whose credentials a publisher's owners give.
        AccessCommand::AddMember { principal, .. }
            if *circle == Circle::Marketplace
                && principal.identity.issuer == BUILT_IN
                && principal.home != Circle::Marketplace =>
        {
            "conflict"
        }
        AccessCommand::AddMember { .. } => "done",
        AccessCommand::SetRoles { member, .. } | AccessCommand::RemoveMember { member }
            if !members.contains_key(member) =>
        {
            "no member"
        }
        AccessCommand::SetRoles { member, roles } if is_last(member) && !roles.contains(&head(circle)) => "conflict",
        AccessCommand::RemoveMember { member } if is_last(member) => "conflict",
        AccessCommand::SetRoles { .. } | AccessCommand::RemoveMember { .. } => "done",
        AccessCommand::AddSecret { principal, there, by_operator, .. } => {
            own(principal, Kind::ServicePrincipal, *by_operator).unwrap_or(if *there >= 5 {
                "conflict"
            } else {
                "done"
            })
        }
        AccessCommand::RemoveSecret { principal, is_there, by_operator, .. } => {
            own(principal, Kind::ServicePrincipal, *by_operator).unwrap_or(if *is_there { "done" } else { "no secret" })
        }
        AccessCommand::Invite { principal, has_password, by_operator } => {
            let late = *has_password && !by_operator;
            own(principal, Kind::User, *by_operator).unwrap_or(if late { "conflict" } else { "done" })
        }
    }
}

fn outcome(result: &Result<AccessDecision, AccessRefusal>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(AccessRefusal::Invalid { .. }) => "invalid",
        Err(AccessRefusal::MemberMissing) => "no member",
        Err(AccessRefusal::SecretMissing) => "no secret",
        Err(AccessRefusal::Conflict(_)) => "conflict",
    }
}

fn walk(moves: &[(usize, bool, Move)], seen: &mut BTreeMap<&'static str, usize>) {
    let mut directory = Directory::default();
    for (turn, (at, is_steered, chosen)) in moves.iter().enumerate() {
        let (at, chosen) = if *is_steered { steered(*at, chosen) } else { (*at, chosen.clone()) };
        let circle = &circles()[at];
        let command = command(&directory, &chosen, turn as u128);
        let before = directory.clone();
        let result = decide(circle, &directory.at(circle), &command);
        let came = outcome(&result);
        assert_eq!(came, expected(&directory, circle, &command), "{command:?} in {circle:?} of {before:?}: {result:?}");
        *seen.entry(came).or_default() += 1;
        match result {
            Ok(decision) => directory.store(circle, &command, decision),
            Err(refusal) => assert!(refusal.to_string().ends_with('.'), "{refusal}"),
        }
        assert_holds(&before, &directory, circle, &command, came == "done");
    }
}

/// What holds after every command, whatever came before.
fn assert_holds(before: &Directory, after: &Directory, circle: &Circle, command: &AccessCommand, done: bool) {
    if !done {
        assert_eq!(before, after, "a refused command changes nothing");
        return;
    }
    assert_eq!(after.journal.len(), before.journal.len() + 1, "one line for one change");
    assert_eq!(after.journal.last().unwrap().0, *circle, "in the journal of its circle");
    for other in circles().iter().filter(|other| *other != circle) {
        assert_eq!(before.at(other), after.at(other), "no other circle is touched");
    }
    for circle in &circles() {
        let (had, has) = (heads(circle, &before.at(circle)), heads(circle, &after.at(circle)));
        assert!(had == 0 || has > 0, "{circle:?} lost its last {} by {command:?}", head(circle));
        assert!(after.at(circle).values().all(|roles| fits(circle, roles)), "{:?}", after.at(circle));
    }
    for one in (0..PRINCIPALS).map(principal) {
        let secrets = after.there(one.id);
        assert!(secrets <= MOST_SECRETS, "{secrets} secrets");
        let theirs = one.kind == Kind::ServicePrincipal && one.identity.issuer == BUILT_IN;
        assert!(secrets == 0 || theirs && after.is_anywhere(one.id), "{one:?} has {secrets} secrets");
        let by_operator = matches!(
            command,
            AccessCommand::AddSecret { by_operator: true, .. } | AccessCommand::RemoveSecret { by_operator: true, .. }
        );
        let came = after.there(one.id) > before.there(one.id);
        assert!(!came || one.home == *circle || by_operator, "secrets at home only: {command:?} in {circle:?}");
        let staff = after.at(&Circle::Marketplace).contains_key(&one.id);
        assert!(!staff || one.identity.issuer != BUILT_IN || one.home == Circle::Marketplace, "{one:?} is staff");
    }
}

#[test]
fn whatever_is_tried_the_rules_of_access_hold() {
    let mut seen = BTreeMap::new();
    let seen_by_all = std::cell::RefCell::new(&mut seen);
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&moves(), |moves| {
        walk(&moves, &mut seen_by_all.borrow_mut());
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
    for outcome in ["done", "invalid", "no member", "no secret", "conflict"] {
        assert!(seen.get(outcome).is_some_and(|times| *times > 100), "{outcome} in {seen:?}");
    }
}

#[test]
fn which_roles_fit_where() {
    let all: Vec<BTreeSet<Role>> = (0..64_u32)
        .map(|bits| {
            Role::ALL.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, role)| role).collect()
        })
        .collect();
    let mut fitting = 0;
    for circle in &circles() {
        for roles in &all {
            let there =
                Members::from([(principal(0).id, set(&[head(circle)])), (principal(2).id, set(&[head(circle)]))]);
            let add = AccessCommand::AddMember {
                // Of another issuer: nobody here gives it credentials.
                principal: principal(13),
                roles: roles.clone(),
                first: FirstCredential::Nothing,
            };
            let change = AccessCommand::SetRoles { member: principal(0).id, roles: roles.clone() };
            let [added, changed] = [add, change].map(|command| decide(circle, &there, &command));
            assert_eq!(added.is_ok(), fits(circle, roles), "{circle:?} {roles:?}");
            assert_eq!(changed.is_ok(), fits(circle, roles), "{circle:?} {roles:?}");
            for refused in [added, changed].into_iter().filter_map(Result::err) {
                assert!(matches!(refused, AccessRefusal::Invalid { .. }), "{refused}");
            }
            fitting += usize::from(fits(circle, roles));
        }
    }
    assert_eq!(fitting, 7 + 3 + 3, "all subsets of three but none, and one of three, twice");
}

#[test]
fn the_last_head_stays_in_every_circle() {
    for circle in &circles() {
        let head = head(circle);
        let other = if *circle == Circle::Marketplace { Role::Auditor } else { Role::Contributor };
        let (one, two) = (principal(0).id, principal(1).id);
        let lower = |who| AccessCommand::SetRoles { member: who, roles: set(&[other]) };
        let remove = |who| AccessCommand::RemoveMember { member: who };
        for (members, tried, goes) in [
            (vec![(one, head)], remove(one), false),
            (vec![(one, head)], lower(one), false),
            (vec![(one, head), (two, other)], remove(one), false),
            (vec![(one, head), (two, other)], lower(one), false),
            (vec![(one, head), (two, other)], remove(two), true),
            (vec![(one, head), (two, other)], lower(two), true),
            (vec![(one, head), (two, head)], remove(one), true),
            (vec![(one, head), (two, head)], lower(one), true),
            // A publisher that never had one: its members can go.
            (vec![(one, other)], remove(one), true),
        ] {
            let members: Members = members.into_iter().map(|(who, role)| (who, set(&[role]))).collect();
            let result = decide(circle, &members, &tried);
            assert_eq!(result.is_ok(), goes, "{tried:?} of {members:?}");
            if let Err(refusal) = result {
                assert!(refusal.to_string().contains(&format!("the last {head}")), "{refusal}");
            }
        }
    }
}

#[test]
fn a_circle_has_at_most_a_thousand_members() {
    let circle = &circles()[1];
    let mut members: Members = (0..999).map(|n| (Uuid::from_u128(1_000 + n), set(&[Role::Reader]))).collect();
    let add = AccessCommand::AddMember {
        principal: principal(0),
        roles: set(&[Role::Reader]),
        first: FirstCredential::Nothing,
    };
    assert!(decide(circle, &members, &add).is_ok());
    members.insert(Uuid::from_u128(5_000), set(&[Role::Reader]));
    assert!(matches!(decide(circle, &members, &add), Err(AccessRefusal::Conflict(_))));
}

#[test]
fn a_publisher_in_another_spelling_is_the_same_home() {
    let program = Principal { home: Circle::Publisher(PublisherId::parse("CONTOSO").unwrap()), ..principal(0) };
    let members = Members::from([(program.id, set(&[Role::Reader]))]);
    let (secret, there) = (Uuid::nil(), 4);
    let add = AccessCommand::AddSecret { principal: program, secret, ends_at: NOW, there, by_operator: false };
    assert!(decide(&circles()[1], &members, &add).is_ok());
    assert_eq!(outcome(&decide(&circles()[2], &members, &add)), "conflict");
}
