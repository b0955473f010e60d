//! What a fresh installation tells whoever started it: the way to the first operator.

use super::print::quoted;
use api::client::is_plain_and_away;

/// The words for a setup secret, where there is no operator or where it was asked for `again`, with the command that uses it. It keeps the secret, and those that come after it, out of the
/// shell's history and of process lists. It is one command, so that pasting it leaves nothing for `read` but the secret.
pub fn welcome(public_url: &str, secret: &str, again: bool) -> String {
    let (why, until) = match again {
        false => ("There is no operator yet.", "; until there is an operator, every start prints a new one"),
        true => ("You asked for another operator.", ""),
    };
    let plain_http = if is_plain_and_away(public_url) { " --plain-http" } else { "" };
    format!(
        "{why} This secret makes one, once:\n\n  {secret}\n\n\
         From a terminal: enter these lines, and then the secret. The operator's credentials are in operator.env after that.\n\n  \
           read -rs PORTOLAN_TOKEN && export PORTOLAN_TOKEN &&\n    \
             (umask 077; portolan staff add --role operator --role reviewer --service-principal admin \
             --server {}{plain_http} > operator.env) &&\n    \
             . ./operator.env && portolan staff list\n\n\
         With a browser: open {public_url}/setup and enter it there. People can sign in; so far the terminal does the rest.\n\n\
         The secret is void at the next start{until}.\n",
        quoted(public_url)
    )
}

#[cfg(test)]
mod tests {
    use super::welcome;

    #[test]
    fn what_the_command_needs_for_its_address_is_in_it() {
        let clear = |url: &str| welcome(url, "pset_x", false).contains(&format!("--server {url} --plain-http >"));
        assert!(clear("http://portolan.example"));
        assert!(!clear("http://127.0.0.1:8080") && !clear("https://portolan.example"));
    }
}
