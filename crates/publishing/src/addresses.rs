//! The list of mail addresses given at publish: one comma-separated text on the wire.

use crate::refusal::Refusal;

const MOST_ADDRESSES: usize = 20;
const LONGEST_ADDRESS: usize = 254;
const TARGET: &str = "/metadata/notification-emails";

/// Reads the addresses out of `notification-emails`; blanks round them are dropped, empty entries skipped.
///
/// # Errors
/// [`Refusal::BadRequest`] names the address that cannot be a mailbox, or says that there are more than 20.
pub fn parse(list: &str) -> Result<Vec<String>, Refusal> {
    let addresses: Vec<&str> =
        list.split(',').map(|address| address.trim_matches(' ')).filter(|a| !a.is_empty()).collect();
    if addresses.len() > MOST_ADDRESSES {
        return Err(Refusal::bad_request(
            TARGET,
            format!("{} addresses are given. Give at most {MOST_ADDRESSES}.", addresses.len()),
        ));
    }
    match addresses.iter().position(|address| !is_address(address)) {
        None => Ok(addresses.into_iter().map(str::to_owned).collect()),
        Some(at) => Err(Refusal::bad_request(
            TARGET,
            format!("Address {} of the list is not a mail address. Write it like jane@contoso.example.", at + 1),
        )),
    }
}

/// Whether a text is one plain mail address of at most 254 ASCII characters.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_ok = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= LONGEST_ADDRESS && local_ok && domain.split('.').all(label_ok)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_a_list_and_refuses_what_could_forge_a_header() {
        assert_eq!(parse("a@x.example, b@y.example,").unwrap(), ["a@x.example", "b@y.example"]);
        assert_eq!(parse("").unwrap(), Vec::<String>::new());
        for bad in ["a", "a@", "@x", "a@x\r\nBcc: b@y", "a b@x", "a@x..y", "a@@x", "<a@x>", "ä@x", "a@x\0"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(parse(&"a@x,".repeat(21)).is_err());
    }
}
