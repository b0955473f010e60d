//! Reads the first sheet of a workbook, or a CSV file, into cells; and no more of either than is safe.

use super::flaws::Flaw;
use calamine::{DataRef, Reader, Xlsx};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek};
use zip::ZipArchive;

/// The most files in a workbook.
const MOST_FILES: usize = 1_000;
/// The most bytes that a workbook may have when it is unpacked.
const MOST_UNPACKED: u64 = 32 << 20;
/// The most cells that are looked at.
const MOST_CELLS: usize = 100_000;
/// The most texts that a workbook may announce, or have. Its reader makes room for what is announced before it has read the
/// first, and for each that there is, also where it is empty.
const MOST_TEXTS: usize = 1_000_000;

/// A cell that is not empty.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Text(String),
    /// A formula that could not be computed, as the program shows it.
    Error(String),
    /// A date, a truth value: nothing that a price list has.
    Other(String),
}

/// The cells of a sheet by row, each by column, both from 0.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Its name; a CSV file has none.
    pub(super) name: Option<String>,
    pub(super) rows: BTreeMap<u32, BTreeMap<u32, Cell>>,
}

impl Sheet {
    /// Where a cell lies, as the beginning of a sentence.
    pub(super) fn place(&self, row: u32, column: u32) -> String {
        let cell = address(row, column);
        match &self.name {
            Some(name) => format!("Sheet {}, cell {cell}", super::flaws::quoted(name)),
            None => format!("Cell {cell}"),
        }
    }

    fn put(&mut self, row: u32, column: u32, cell: Cell) {
        if !matches!(&cell, Cell::Text(text) if text.trim().is_empty()) {
            self.rows.entry(row).or_default().insert(column, cell);
        }
    }
}

/// The name of a cell in spreadsheets: `A1`, `C7`.
fn address(row: u32, column: u32) -> String {
    let (mut letters, mut left) = (Vec::new(), u64::from(column) + 1);
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    format!("{}{}", letters.iter().rev().collect::<String>(), u64::from(row) + 1)
}

/// Reads the first sheet of an XLSX file.
///
/// # Errors
/// Why it cannot be read, for its publisher.
pub(super) fn read<R: Read + Seek>(mut file: R) -> Result<Sheet, Flaw> {
    check_unpacked(&mut file)?;
    let mut book = Xlsx::new(file).map_err(|_| damaged())?;
    let name = book.sheet_names().into_iter().next().ok_or_else(damaged)?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(|_| damaged())?;
    let mut sheet = Sheet { name: Some(name), ..Sheet::default() };
    let mut count = 0;
    while let Some(cell) = cells.next_cell().map_err(|_| damaged())? {
        let (row, column) = cell.get_position();
        let value = match cell.get_value() {
            DataRef::Empty => continue,
            #[allow(clippy::cast_precision_loss)] // a price that large is refused anyway
            DataRef::Int(number) => Cell::Number(*number as f64),
            DataRef::Float(number) => Cell::Number(*number),
            DataRef::String(text) => Cell::Text(text.clone()),
            DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
            DataRef::Error(error) => Cell::Error(error.to_string()),
            DataRef::Bool(value) => Cell::Other(value.to_string().to_uppercase()),
            DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Cell::Other("a date".into()),
        };
        count += 1;
        if count > MOST_CELLS {
            return Err(too_many());
        }
        sheet.put(row, column, value);
    }
    Ok(sheet)
}

/// Reads a CSV file in UTF-8.
///
/// # Errors
/// Why it cannot be read, for its publisher.
pub(super) fn read_csv(bytes: &[u8]) -> Result<Sheet, Flaw> {
    let mut sheet = Sheet::default();
    let mut count = 0;
    for record in records(bytes)? {
        let (row, fields) = record?;
        for (column, field) in (0..).zip(&fields) {
            count += 1;
            if count > MOST_CELLS {
                return Err(too_many());
            }
            sheet.put(row, column, Cell::Text(field.to_owned()));
        }
    }
    Ok(sheet)
}

/// The records of a CSV file in UTF-8, each with its row from 0 as spreadsheet programs count.
///
/// # Errors
/// Why it cannot be read, for its publisher.
pub(super) fn records(bytes: &[u8]) -> Result<impl Iterator<Item = Result<(u32, csv::StringRecord), Flaw>> + '_, Flaw> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("The file is not UTF-8, as line {line} shows.");
        return Err(Flaw::new("FileType", message, "Save it as CSV with the encoding UTF-8."));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut next_row = 0_u32;
    Ok(reader.into_records().map(move |record| {
        let record = record.map_err(|_| Flaw::new("FileType", "The file is no CSV.", "Save it as CSV anew."))?;
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
        let row = next_row.saturating_add(empty_lines(bytes, start));
        next_row = row.saturating_add(1);
        Ok((row, record))
    }))
}

/// How many empty lines, which the reader passes over, stand where a record begins.
fn empty_lines(bytes: &[u8], start: usize) -> u32 {
    let mut before = start.checked_sub(1).map(|at| bytes[at]);
    let mut lines = 0;
    for byte in bytes[start..].iter().copied().take_while(|byte| b"\r\n".contains(byte)) {
        // The two of one end of a line may be apart: the reader ends a record with the first of them.
        if !(byte == b'\n' && before == Some(b'\r')) {
            lines += 1;
        }
        before = Some(byte);
    }
    lines
}

/// Unpacks every part once into nothing and counts, because what an archive says of its sizes may be a lie.
fn check_unpacked<R: Read + Seek>(file: &mut R) -> Result<(), Flaw> {
    let mut archive = ZipArchive::new(&mut *file).map_err(|_| damaged())?;
    if archive.len() > MOST_FILES {
        return Err(too_large());
    }
    let mut left = MOST_UNPACKED;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| damaged())?;
        let is_xml = part.name().map_err(|_| damaged())?.to_ascii_lowercase().ends_with(".xml");
        let mut texts = CountedTexts { is_xml, ..CountedTexts::default() };
        let unpacked = io::copy(&mut part.take(left + 1), &mut texts).map_err(|_| damaged())?;
        left = left.checked_sub(unpacked).ok_or_else(too_large)?;
        if texts.most.max(texts.there) > MOST_TEXTS {
            return Err(too_large());
        }
    }
    file.rewind().map_err(|_| damaged())
}

/// Finds the largest number in a tag that names `uniqueCount`, and counts the tags `si`, with a prefix or without.
///
/// The workbook's reader makes room for so many texts at once, and a process that cannot get memory is ended.
#[derive(Default)]
struct CountedTexts {
    is_xml: bool,
    matched: usize,
    number: Option<usize>,
    most: usize,
    last: [u8; 3],
    there: usize,
}

const ANNOUNCEMENT: &[u8] = b"uniqueCount";

impl io::Write for CountedTexts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes.iter().copied() {
            // XML in UTF-8 has no such bytes; in another encoding the word could hide.
            if self.is_xml && byte < b' ' && !byte.is_ascii_whitespace() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.matched = match ANNOUNCEMENT.get(self.matched) {
                Some(next) if *next == byte => self.matched + 1,
                _ => usize::from(byte == ANNOUNCEMENT[0]),
            };
            self.number = match self.number {
                _ if self.matched == ANNOUNCEMENT.len() => Some(0),
                Some(_) if byte == b'>' => None,
                Some(number) if byte.is_ascii_digit() => {
                    Some(number.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
                }
                Some(_) => Some(0),
                None => None,
            };
            self.most = self.most.max(self.number.unwrap_or(0));
            let ends_name = byte == b'>' || byte == b'/' || byte.is_ascii_whitespace();
            self.there += usize::from(ends_name && (&self.last == b"<si" || &self.last == b":si"));
            self.last = [self.last[1], self.last[2], byte];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn damaged() -> Flaw {
    Flaw::new(
        "FileType",
        "The spreadsheet cannot be read.",
        "Save it as XLSX without a password, or as CSV, and upload it whole.",
    )
}

fn too_large() -> Flaw {
    Flaw::new(
        "FileTooLarge",
        format!("Unpacked, the spreadsheet has more than {} MiB or {MOST_FILES} parts.", MOST_UNPACKED >> 20),
        "Keep only the sheet with the prices, and save it anew.",
    )
}

fn too_many() -> Flaw {
    let message = format!("The sheet has more than {MOST_CELLS} cells.");
    Flaw::new("FileTooLarge", message, "Keep only the rows and columns of the prices.")
}

#[cfg(test)]
mod tests {
    use super::{MOST_CELLS, address, read, read_csv};
    use std::io::{Cursor, Write};

    fn workbook() -> Vec<u8> {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("Prices").unwrap();
        for row in 0..20_u32 {
            for column in 0..8_u16 {
                sheet.write(row, column, format!("{row} {column}")).unwrap();
            }
            sheet.write(row, 8, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
        }
        book.save_to_buffer().unwrap()
    }

    /// A workbook whose parts are these instead of its own.
    fn with_parts(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut original = zip::ZipArchive::new(Cursor::new(workbook())).unwrap();
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for at in 0..original.len() {
            let part = original.by_index(at).unwrap();
            if !parts.iter().any(|(name, _)| part.name().unwrap() == *name) {
                archive.raw_copy_file(part).unwrap();
            }
        }
        for (name, bytes) in parts {
            archive.start_file(*name, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn cells_are_called_as_spreadsheet_programs_call_them() {
        let called: Vec<String> =
            [(0, 0), (6, 2), (0, 25), (0, 26), (0, 701), (0, 702), (9, 16_383)].map(|(r, c)| address(r, c)).into();
        assert_eq!(called, ["A1", "C7", "Z1", "AA1", "ZZ1", "AAA1", "XFD10"]);
        assert_eq!(address(u32::MAX, u32::MAX), "MWLQKWV4294967296");
    }

    #[test]
    fn rows_of_a_csv_file_are_counted_as_spreadsheet_programs_count_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "\u{feff};;a;;;b,\"x;y\";;c;d".replace(';', end);
            let rows: Vec<u32> = read_csv(text.as_bytes()).unwrap().rows.into_keys().collect();
            assert_eq!(rows, [2, 5, 7, 8], "{end:?}");
        }
    }

    #[test]
    fn a_thousand_damaged_files_are_refused_or_read_and_nothing_panics() {
        let (book, csv) = (workbook(), b"Market,Currency,\"1core\"\r\nDE,EUR,0.1\r\n".to_vec());
        // A generator of numbers, so that a failure can be seen again.
        let mut state = 7_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut damaged = 0;
        for round in 0..1_000 {
            let mut bytes = if round % 4 == 0 { csv.clone() } else { book.clone() };
            for _ in 0..=random(6) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                    1 => bytes.truncate(at.max(4)),
                    2 => bytes.extend_from_within(at..),
                    _ => {
                        bytes.remove(at);
                    }
                }
            }
            let read = if round % 4 == 0 { read_csv(&bytes) } else { read(Cursor::new(bytes)) };
            damaged += usize::from(read.is_err());
        }
        assert!((300..1_000).contains(&damaged), "{damaged}");
    }

    #[test]
    fn a_workbook_that_grows_without_bounds_is_refused_before_it_is_read() {
        let zeros = vec![b' '; 33 << 20];
        let said = read(Cursor::new(with_parts(&[("xl/sharedStrings.xml", &zeros)]))).unwrap_err();
        assert_eq!(said.code, "FileTooLarge");

        let mut many = Vec::new();
        for at in 0..1_001 {
            many.push(format!("x/{at}"));
        }
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert_eq!(read(Cursor::new(with_parts(&many))).unwrap_err().code, "FileTooLarge");

        // The directory says that a part is small: what counts is what comes.
        let mut liar = with_parts(&[("xl/sharedStrings.xml", &zeros)]);
        let size = (33_u32 << 20).to_le_bytes();
        while let Some(at) = liar.windows(4).position(|four| four == size) {
            liar[at..at + 4].copy_from_slice(&9_u32.to_le_bytes());
        }
        assert!(read(Cursor::new(liar)).is_err());
    }

    #[test]
    fn a_workbook_cannot_order_room_for_texts_that_it_has_not() {
        for announced in ["100000000000", "'1' a='100000000000", "99999999999999999999999999"] {
            let texts = format!("<sst xmlns=\"x\"  uniqueCount = \"{}\"></sst>", announced.replace('\'', "\""));
            let said = read(Cursor::new(with_parts(&[("xl/sharedStrings.xml", texts.as_bytes())]))).unwrap_err();
            assert_eq!(said.code, "FileTooLarge", "{announced}");
        }
        for (text, is_counted) in [("<si/>", true), ("<x:si ><x:t/></x:si>", true), ("<size/>", false)] {
            let texts = format!("<sst xmlns=\"x\">{}</sst>", text.repeat(1_000_001));
            let said = read(Cursor::new(with_parts(&[("xl/sharedStrings.xml", texts.as_bytes())])));
            assert_eq!(said.is_err_and(|flaw| flaw.code == "FileTooLarge"), is_counted, "{text}");
        }
        let hidden: Vec<u8> =
            "\u{feff}<sst uniqueCount=\"100000000000\"></sst>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(read(Cursor::new(with_parts(&[("xl/sharedStrings.xml", &hidden)]))).is_err());
    }

    #[test]
    fn a_cell_at_the_far_end_takes_no_room_for_those_before_it() {
        let far = b"<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row></sheetData></worksheet>";
        let sheet = read(Cursor::new(with_parts(&[("xl/worksheets/sheet1.xml", far)]))).unwrap();
        assert_eq!(sheet.rows.len(), 1);
        let rows = "x,x,x,x\n".repeat(MOST_CELLS / 4 + 1);
        assert_eq!(read_csv(rows.as_bytes()).unwrap_err().code, "FileTooLarge");
    }
}
