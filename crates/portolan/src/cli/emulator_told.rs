//! What came of turning an emulator's clock, in a line.

use super::print::plain;
use api::dates::Date;
use api::emulator::{Advanced, Happening};

/// `2026-11-22 14:05 → 18:40 UTC (+4 h 35 min). web-gateway: Certification complete, Provisioning in progress.`
pub(super) fn told(advanced: &Advanced) -> String {
    let (from, to) = (minute(advanced.from), minute(advanced.to));
    let same_day = from.get(..10) == to.get(..10);
    let to = if same_day { to.get(11..).unwrap_or(&to).to_owned() } else { to };
    let moved = span(advanced.to.ticks() - advanced.from.ticks());
    let happened = happenings(&advanced.happened);
    format!("{from} → {to} UTC (+{moved}).{happened}")
}

/// What happened, offer by offer, in the order in which they came.
fn happenings(happened: &[Happening]) -> String {
    if happened.is_empty() {
        return " Nothing happened.".to_owned();
    }
    let mut offers: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in happened {
        match offers.iter_mut().find(|(offer, _)| *offer == one.offer) {
            Some((_, titles)) => titles.push(&one.title),
            None => offers.push((&one.offer, vec![&one.title])),
        }
    }
    let publisher = |offer: &str| offer.split_once('/').map(|(publisher, _)| publisher.to_owned());
    let is_one =
        offers.iter().all(|(offer, _)| publisher(offer) == offers.first().and_then(|(offer, _)| publisher(offer)));
    let said = offers.into_iter().map(|(offer, titles)| {
        let name = if is_one { offer.split_once('/').map_or(offer, |(_, name)| name) } else { offer };
        format!(" {}: {}.", plain(name), plain(&titles.join(", ")))
    });
    said.collect()
}

/// `2026-11-22 14:05`; with seconds where there are some.
pub(super) fn minute(date: Date) -> String {
    let text = date.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    let time = time.get(..8).unwrap_or(time);
    format!("{day} {}", time.strip_suffix(":00").unwrap_or(time))
}

/// A span of ticks as people say it: its two largest units.
fn span(ticks: i64) -> String {
    let seconds = ticks / 10_000_000;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let parts = units.into_iter().filter_map(|(size, name)| {
        let count = left / size;
        left %= size;
        (count > 0).then(|| format!("{count} {name}"))
    });
    let parts: Vec<String> = parts.take(2).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::{Advanced, Happening, span, told};
    use api::dates::Date;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn a_turn_of_the_clock_is_told_in_a_line() {
        let happened = |offer: &str, title: &str| Happening {
            at: date("2026-11-22T18:40:00Z"),
            offer: offer.into(),
            kind: "stepCompleted".into(),
            title: title.into(),
        };
        let (from, to) = (date("2026-11-22T14:05:00Z"), date("2026-11-22T18:40:00Z"));
        let one = "contoso/web-gateway";
        let mut advanced = Advanced {
            from,
            to,
            happened: vec![happened(one, "Certification complete"), happened(one, "Provisioning in progress")],
        };
        assert_eq!(
            told(&advanced),
            "2026-11-22 14:05 → 18:40 UTC (+4 h 35 min). web-gateway: Certification complete, Provisioning in progress."
        );
        advanced.happened.push(happened("fabrikam/x", "Late\u{1b}[2J"));
        assert!(
            told(&advanced).contains(" contoso/web-gateway: ") && told(&advanced).ends_with(" fabrikam/x: Late?[2J.")
        );
        let nothing = Advanced { from, to: date("2026-11-24T14:05:30Z"), happened: Vec::new() };
        assert_eq!(told(&nothing), "2026-11-22 14:05 → 2026-11-24 14:05:30 UTC (+2 d 30 s). Nothing happened.");
        assert_eq!(span(0), "0 s");
    }
}
