//! Judges a price list: one row for each market, one column for each core size. Faults are told by cell.

use super::flaws::{Flaw, Flaws, quoted};
use super::markets;
use super::workbook::{Cell, Sheet};
use std::collections::{BTreeMap, HashMap};

/// The core counts that virtual machines have, besides `sharedcore`.
const CORES: [u16; 24] =
    [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 36, 40, 44, 48, 60, 64, 72, 80, 96, 120, 128, 208, 416];
/// The highest price of an hour, in any currency.
const HIGHEST: f64 = 10_000_000.0;

const MARKET_MEND: &str = "Write the market's ISO code of two letters, such as DE.";
const CURRENCY_MEND: &str = "Write the currency's ISO code of three letters, such as EUR.";
const PRICE_MEND: &str = "Write 0 or a positive number with at most 4 decimals.";

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Column {
    Market,
    Currency,
    Cores(String),
}

/// Judges a sheet of prices.
///
/// # Errors
/// Its flaws, by cell.
pub(super) fn judge(sheet: &Sheet) -> Result<(), Vec<Flaw>> {
    let mut flaws = Flaws::of("SheetCell");
    let mut rows = sheet.rows.iter();
    let Some((header_row, header)) = rows.next() else {
        flaws.add("The sheet is empty.", "Begin it with the header Market, Currency, 1core, 2core …");
        return flaws.or(());
    };
    let columns = columns(sheet, *header_row, header, &mut flaws);
    let mut markets = HashMap::new();
    let mut any = false;
    for (row, cells) in rows {
        any = true;
        judge_row(sheet, *row, cells, &columns, &mut markets, &mut flaws);
    }
    if !any {
        flaws.add("The sheet names no market.", "Add a row for each market.");
    }
    flaws.or(())
}

fn columns(sheet: &Sheet, row: u32, header: &BTreeMap<u32, Cell>, flaws: &mut Flaws) -> BTreeMap<u32, Column> {
    let mut columns: BTreeMap<u32, Column> = BTreeMap::new();
    for (at, cell) in header {
        let place = sheet.place(row, *at);
        let name = shown(cell);
        match column(&name) {
            None => flaws.add(
                format!("{place}: {} is no column of a price list.", quoted(&name)),
                "Name it Market, Currency, sharedcore, or a core size such as 4core.",
            ),
            Some(column) if columns.values().any(|other| *other == column) => {
                flaws.add(format!("{place}: the column {} is there twice.", quoted(&name)), "Keep one of them.");
            }
            Some(column) => {
                columns.insert(*at, column);
            }
        }
    }
    let place = sheet.place(row, 0);
    for (missing, name) in [(Column::Market, "Market"), (Column::Currency, "Currency")] {
        if !columns.values().any(|column| *column == missing) {
            flaws.add(format!("{place}: the header has no column `{name}`."), "Add it.");
        }
    }
    if !columns.values().any(|column| matches!(column, Column::Cores(_))) {
        flaws.add(format!("{place}: the header has no core size."), "Add a column such as 1core.");
    }
    columns
}

fn column(name: &str) -> Option<Column> {
    let name: String = name.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    match name.as_str() {
        "market" | "region" => Some(Column::Market),
        "currency" => Some(Column::Currency),
        "sharedcore" => Some(Column::Cores(name)),
        _ => CORES.iter().any(|cores| name == format!("{cores}core")).then_some(Column::Cores(name)),
    }
}

fn judge_row(
    sheet: &Sheet,
    row: u32,
    cells: &BTreeMap<u32, Cell>,
    columns: &BTreeMap<u32, Column>,
    markets: &mut HashMap<String, String>,
    flaws: &mut Flaws,
) {
    // Read first, for the currency may stand left of it.
    let market = columns.iter().find(|(_, column)| **column == Column::Market).and_then(|(at, _)| cells.get(at));
    let own_currency = market.and_then(|cell| markets::currency_of(&shown(cell)));
    for (at, column) in columns {
        let place = sheet.place(row, *at);
        let Some(cell) = cells.get(at) else {
            let mend = match column {
                Column::Market => MARKET_MEND,
                Column::Currency => CURRENCY_MEND,
                Column::Cores(_) => PRICE_MEND,
            };
            flaws.add(format!("{place} is empty."), mend);
            continue;
        };
        let text = shown(cell);
        match column {
            Column::Market if own_currency.is_none() => {
                flaws.add(format!("{place}: {} is no market.", quoted(&text)), MARKET_MEND);
            }
            Column::Market => {
                if let Some(first) = markets.insert(text.to_ascii_uppercase(), place.clone()) {
                    let message = format!("{place}: the market {} is there twice; {first} has it too.", quoted(&text));
                    flaws.add(message, "Keep one of the rows.");
                }
            }
            Column::Currency => judge_currency(&place, &text, own_currency, flaws),
            Column::Cores(_) => {
                if !is_price(cell) {
                    flaws.add(format!("{place}: {} is no price.", quoted(&text)), PRICE_MEND);
                }
            }
        }
    }
    for (at, cell) in cells.iter().filter(|(at, _)| !columns.contains_key(*at)) {
        let place = sheet.place(row, *at);
        flaws.add(format!("{place}: {} stands in a column without a known name.", quoted(&shown(cell))), "Remove it.");
    }
}

fn judge_currency(place: &str, text: &str, own: Option<&str>, flaws: &mut Flaws) {
    let code = text.to_ascii_uppercase();
    if !markets::is_currency(&code) {
        flaws.add(format!("{place}: {} is no currency.", quoted(text)), CURRENCY_MEND);
    } else if let Some(own) = own.filter(|own| ![own, "USD", "EUR"].contains(&&*code)) {
        let mut known = vec![own, "USD", "EUR"];
        known.dedup();
        let mend = format!("Write {}.", if own == "EUR" { "EUR or USD".to_owned() } else { known.join(" or ") });
        flaws.add(format!("{place}: nobody pays with {} in that market.", quoted(text)), mend);
    }
}

fn is_price(cell: &Cell) -> bool {
    match cell {
        Cell::Number(number) => {
            let scaled = number * 10_000.0;
            // What a formula computes may be off by the last bits of a binary fraction.
            (0.0..=HIGHEST).contains(number) && (scaled - scaled.round()).abs() < 1e-4
        }
        Cell::Text(text) => {
            let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let is_low = text.trim().parse::<f64>().is_ok_and(|price| price <= HIGHEST);
            digits(whole) && digits(decimals) && decimals.len() <= 4 && is_low
        }
        Cell::Error(_) | Cell::Other(_) => false,
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.trim().to_owned(),
        Cell::Error(text) | Cell::Other(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::workbook::read_csv;
    use super::judge;

    fn said(text: &str) -> Vec<String> {
        match judge(&read_csv(text.as_bytes()).unwrap()) {
            Ok(()) => Vec::new(),
            Err(flaws) => {
                assert!(flaws.iter().all(|flaw| flaw.code == "SheetCell"));
                flaws.iter().map(|flaw| format!("{} {}", flaw.message, flaw.mend)).collect()
            }
        }
    }

    #[test]
    fn a_price_list_without_faults() {
        for text in [
            "Market,Currency,sharedcore,1core,416core\nDE,EUR,0,0.05,12.3456\nUS,USD,0,1,2\n",
            "\u{feff}region,CURRENCY,1 Core\r\nch,chf,1.\u{30}\r\n\r\nCH,USD,1\r\n".replace("CH,", "JP,").as_str(),
            "\n\nCurrency,Market,2core\nEUR,CH,10000000\n",
        ] {
            assert_eq!(said(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn faults_are_told_by_cell() {
        let told = said("Market,Currency,1core,2core\nDE,EUR,0.1,-3\nde,JPY,0.12345,\nXX,EUX,\"1,5\",1e3\n");
        assert_eq!(
            told,
            [
                "Cell D2: `-3` is no price. Write 0 or a positive number with at most 4 decimals.",
                "Cell A3: the market `de` is there twice; Cell A2 has it too. Keep one of the rows.",
                "Cell B3: nobody pays with `JPY` in that market. Write EUR or USD.",
                "Cell C3: `0.12345` is no price. Write 0 or a positive number with at most 4 decimals.",
                "Cell D3 is empty. Write 0 or a positive number with at most 4 decimals.",
                "Cell A4: `XX` is no market. Write the market's ISO code of two letters, such as DE.",
                "Cell B4: `EUX` is no currency. Write the currency's ISO code of three letters, such as EUR.",
                "Cell C4: `1,5` is no price. Write 0 or a positive number with at most 4 decimals.",
                "Cell D4: `1e3` is no price. Write 0 or a positive number with at most 4 decimals.",
            ]
        );
        for (text, fault) in [
            ("", "The sheet is empty."),
            ("Market,Currency,1core\n", "The sheet names no market."),
            ("Market,1core\nDE,1\n", "Cell A1: the header has no column `Currency`."),
            ("Market,Currency\nDE,EUR\n", "Cell A1: the header has no core size."),
            ("Market,Currency,3core\nDE,EUR,1\n", "Cell C1: `3core` is no column of a price list."),
            ("Market,Currency,1core,1Core\nDE,EUR,1,1\n", "Cell D1: the column `1Core` is there twice."),
            ("Market,Currency,1core\nDE,EUR,1,more\n", "Cell D2: `more` stands in a column without a known name."),
            ("Market,Currency,1core\nDE,EUR,99999999\n", "Cell C2: `99999999` is no price."),
            ("Currency,1core,Market\nJPY,1,DE\n", "Cell A2: nobody pays with `JPY` in that market."),
        ] {
            assert!(said(text).iter().any(|said| said.starts_with(fault)), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn a_hundred_faults_are_told_and_the_rest_is_counted() {
        let rows: String = (0..300).map(|_| "DE,EUR,no\n").collect();
        let told = said(&format!("Market,Currency,1core\n{rows}"));
        assert_eq!(told.len(), 101);
        assert!(told[100].starts_with("The file has 499 more faults."), "{}", told[100]);
    }
}
