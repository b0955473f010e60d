//! What every page has around it: its head, the way to the other pages, and how times and spans are written.

use super::assets::{SCRIPT, STYLE};
use super::reader::{Reader, Theme, reader};
use super::text::{Language, Text};
use crate::auth::{Caller, Permission};
use api::dates::Date;
use askama::filters::HtmlSafe;
use publishing::moment::Moment;
use std::fmt;
use std::sync::Arc;

/// The longest name that stands in the head of pages, in characters.
const LONGEST_NAME: usize = 40;

/// Says so many of a unit of time.
type Unit = fn(Text, i64) -> String;

/// HTML that we have written ourselves, with everything foreign in it escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(pub(super) String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// A place that pages lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Offers,
    Reviews,
    Access,
    Notifications,
    Audit,
    Emulator,
    Reference,
}

impl Room {
    const ALL: [Self; 7] =
        [Self::Offers, Self::Reviews, Self::Access, Self::Notifications, Self::Audit, Self::Emulator, Self::Reference];

    const fn address(self) -> &'static str {
        match self {
            Self::Offers => "/offers",
            Self::Reviews => "/reviews",
            Self::Access => "/access",
            Self::Notifications => "/notifications",
            Self::Audit => "/audit",
            Self::Emulator => "/emulator",
            Self::Reference => "/docs/api",
        }
    }

    fn name(self, t: Text) -> String {
        match self {
            Self::Offers => t.nav_offers(),
            Self::Reviews => t.nav_reviews(),
            Self::Access => t.nav_access(),
            Self::Notifications => t.nav_notifications(),
            Self::Audit => t.nav_audit(),
            Self::Emulator => t.nav_emulator(),
            Self::Reference => t.nav_reference(),
        }
    }

    /// Whether whoever reads finds something there.
    fn is_for(self, reader: &Reader) -> bool {
        let may = |permission| reader.visitor.as_ref().is_some_and(|visitor| may_anywhere(&visitor.caller, permission));
        match self {
            Self::Offers => may(Permission::Read),
            Self::Reviews => may(Permission::Review),
            Self::Access => may(Permission::ReadMembers),
            Self::Notifications => may(Permission::Read),
            Self::Audit => may(Permission::ReadAudit),
            Self::Emulator => reader.speed.is_some(),
            Self::Reference => true,
        }
    }
}

/// Whether a caller may do this in the marketplace, or at some publisher.
pub(super) fn may_anywhere(caller: &Caller, permission: Permission) -> bool {
    caller.authorise_marketplace(permission).is_ok() || caller.publishers().any(|(_, role)| permission.is_of(role))
}

/// A way to a room.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) address: &'static str,
    pub(super) name: String,
    /// Whether the page is there.
    pub(super) is_here: bool,
}

/// What every page has around it.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    /// The words.
    pub(super) t: Text,
    reader: Arc<Reader>,
    /// Whether it shows who is signed in; pages that may be kept for others do not.
    is_own: bool,
    room: Option<Room>,
}

impl Shell {
    /// Around a page for whoever asks for it.
    pub(super) fn here() -> Self {
        let reader = reader();
        Self { t: reader.text, reader, is_own: true, room: None }
    }

    /// Around a page of a room.
    pub(super) fn of(room: Room) -> Self {
        Self { room: Some(room), ..Self::here() }
    }

    /// Around a page that is the same for everybody.
    pub(super) fn for_everybody() -> Self {
        Self { is_own: false, ..Self::here() }
    }

    pub(super) fn language(&self) -> &'static str {
        self.t.language.code()
    }

    /// The theme, where one was chosen.
    pub(super) fn theme(&self) -> Option<&'static str> {
        Some(self.reader.display.theme).filter(|theme| *theme != Theme::System).map(Theme::word)
    }

    pub(super) fn utc(&self) -> bool {
        self.reader.display.utc
    }

    pub(super) fn style(&self) -> &'static str {
        STYLE.path
    }

    pub(super) fn script(&self) -> &'static str {
        SCRIPT.path
    }

    /// The page's own address, to come back to.
    pub(super) fn address(&self) -> &str {
        // The query of a page for everybody may be what opens it.
        let path = self.reader.address.split('?').next().unwrap_or_default();
        if self.is_own { &self.reader.address } else { path }
    }

    /// The languages there are to choose from: code, name, and whether it is this one.
    pub(super) fn languages(&self) -> Vec<(&'static str, &'static str, bool)> {
        Language::CHOICES.into_iter().map(|(one, name)| (one.code(), name, one == self.t.language)).collect()
    }

    /// The rooms that whoever reads may enter.
    pub(super) fn ways(&self) -> Vec<Way> {
        let rooms = Room::ALL.into_iter().filter(|room| self.is_own && room.is_for(&self.reader));
        let way =
            |room: Room| Way { address: room.address(), name: room.name(self.t), is_here: self.room == Some(room) };
        rooms.map(way).collect()
    }

    /// The name of whoever is signed in, not longer than the head has room for.
    pub(super) fn who(&self) -> Option<String> {
        let visitor = self.reader.visitor.as_ref().filter(|_| self.is_own)?;
        let name = visitor.principal.mail.as_deref().unwrap_or(&visitor.principal.name);
        let short: String = name.chars().take(LONGEST_NAME).collect();
        Some(if short.len() < name.len() { format!("{short}…") } else { short })
    }

    /// What makes a form one of this session's.
    pub(super) fn token(&self) -> Html {
        let token = self.reader.visitor.as_ref().map(|visitor| crate::auth::form_token(&visitor.cookie));
        Html(
            token.map_or_else(String::new, |token| {
                format!("<input type=\"hidden\" name=\"form_token\" value=\"{token}\">")
            }),
        )
    }

    /// The emulator's clock: what it shows, and how many of its seconds go by in one.
    pub(super) fn emulated(&self) -> Option<(Html, u32)> {
        Some((self.at(self.reader.now), self.reader.speed.filter(|_| self.is_own)?))
    }

    /// The time by which offers live.
    pub(super) fn now(&self) -> Moment {
        self.reader.now
    }

    /// A moment to the minute, in UTC; our script puts it into the reader's zone.
    pub(super) fn at(&self, moment: Moment) -> Html {
        let date = Date::from_ticks(moment.ticks()).to_string();
        let part = |length: usize| date.get(..length).unwrap_or(&date).to_owned();
        Html(format!("<time datetime=\"{}Z\">{} UTC</time>", part(19), part(16).replace('T', " ")))
    }

    /// A moment, and how long ago it was or how soon it comes.
    pub(super) fn when(&self, moment: Moment) -> Html {
        Html(format!("{} <span class=\"quiet\">({})</span>", self.at(moment), self.relative(moment)))
    }

    /// How long ago a moment was, or how soon it comes.
    pub(super) fn relative(&self, moment: Moment) -> String {
        let seconds = (self.reader.now.ticks() - moment.ticks()) / 10_000_000;
        let (t, past, of) = (self.t, seconds >= 0, seconds.abs());
        match (of / 86_400, of / 3_600, of / 60, past) {
            (0, 0, 0, _) => t.ago_now(),
            (0, 0, minutes, true) => t.ago_minutes(minutes),
            (0, hours, _, true) => t.ago_hours(hours),
            (days, _, _, true) => t.ago_days(days),
            (0, 0, minutes, false) => t.in_minutes(minutes),
            (0, hours, _, false) => t.in_hours(hours),
            (days, _, _, false) => t.in_days(days),
        }
    }

    /// A span of time in its two largest units.
    pub(super) fn span(&self, seconds: i64) -> String {
        let (t, seconds) = (self.t, seconds.max(0));
        let units: [(i64, Unit); 4] = [
            (86_400, |t, many| t.span_days(many)),
            (3_600, |t, many| t.span_hours(many)),
            (60, |t, many| t.span_minutes(many)),
            (1, |t, many| t.span_seconds(many)),
        ];
        let mut left = seconds;
        let mut parts = Vec::new();
        for (size, say) in units {
            // Nobody wants to know the seconds of minutes.
            if left >= size && (size > 1 || parts.is_empty()) && parts.len() < 2 {
                parts.push(say(t, left / size));
            }
            left %= size;
        }
        if parts.is_empty() { t.span_seconds(0) } else { parts.join(" ") }
    }
}
