//! The markets there are (ISO 3166) and the currency of each (ISO 4217).

/// Each market with its own currency.
const MARKETS: &str = "\
AD EUR AE AED AF AFN AG XCD AI XCD AL ALL AM AMD AO AOA AQ USD AR ARS AS USD AT EUR AU AUD AW AWG AX EUR AZ AZN \
BA BAM BB BBD BD BDT BE EUR BF XOF BG EUR BH BHD BI BIF BJ XOF BL EUR BM BMD BN BND BO BOB BQ USD BR BRL BS BSD \
BT BTN BV NOK BW BWP BY BYN BZ BZD CA CAD CC AUD CD CDF CF XAF CG XAF CH CHF CI XOF CK NZD CL CLP CM XAF CN CNY \
CO COP CR CRC CU CUP CV CVE CW XCG CX AUD CY EUR CZ CZK DE EUR DJ DJF DK DKK DM XCD DO DOP DZ DZD EC USD EE EUR \
EG EGP EH MAD ER ERN ES EUR ET ETB FI EUR FJ FJD FK FKP FM USD FO DKK FR EUR GA XAF GB GBP GD XCD GE GEL GF EUR \
GG GBP GH GHS GI GIP GL DKK GM GMD GN GNF GP EUR GQ XAF GR EUR GS FKP GT GTQ GU USD GW XOF GY GYD HK HKD HM AUD \
HN HNL HR EUR HT HTG HU HUF ID IDR IE EUR IL ILS IM GBP IN INR IO USD IQ IQD IR IRR IS ISK IT EUR JE GBP JM JMD \
JO JOD JP JPY KE KES KG KGS KH KHR KI AUD KM KMF KN XCD KP KPW KR KRW KW KWD KY KYD KZ KZT LA LAK LB LBP LC XCD \
LI CHF LK LKR LR LRD LS LSL LT EUR LU EUR LV EUR LY LYD MA MAD MC EUR MD MDL ME EUR MF EUR MG MGA MH USD MK MKD \
ML XOF MM MMK MN MNT MO MOP MP USD MQ EUR MR MRU MS XCD MT EUR MU MUR MV MVR MW MWK MX MXN MY MYR MZ MZN NA NAD \
NC XPF NE XOF NF AUD NG NGN NI NIO NL EUR NO NOK NP NPR NR AUD NU NZD NZ NZD OM OMR PA PAB PE PEN PF XPF PG PGK \
PH PHP PK PKR PL PLN PM EUR PN NZD PR USD PS ILS PT EUR PW USD PY PYG QA QAR RE EUR RO RON RS RSD RU RUB RW RWF \
SA SAR SB SBD SC SCR SD SDG SE SEK SG SGD SH SHP SI EUR SJ NOK SK EUR SL SLE SM EUR SN XOF SO SOS SR SRD SS SSP \
ST STN SV USD SX XCG SY SYP SZ SZL TC USD TD XAF TF EUR TG XOF TH THB TJ TJS TK NZD TL USD TM TMT TN TND TO TOP \
TR TRY TT TTD TV AUD TW TWD TZ TZS UA UAH UG UGX UM USD US USD UY UYU UZ UZS VA EUR VC XCD VE VES VG USD VI USD \
VN VND VU VUV WF XPF WS WST XK EUR YE YER YT EUR ZA ZAR ZM ZMW ZW ZWG";

/// The currency of a market, whose code may be in any case; nothing where there is no such market.
pub(super) fn currency_of(market: &str) -> Option<&'static str> {
    table().find(|(code, _)| code.eq_ignore_ascii_case(market)).map(|(_, currency)| currency)
}

/// Whether some market has this currency as its own.
pub(super) fn is_currency(code: &str) -> bool {
    table().any(|(_, currency)| currency == code)
}

fn table() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut words = MARKETS.split(' ');
    std::iter::from_fn(move || words.next().zip(words.next()))
}

#[cfg(test)]
mod tests {
    use super::{currency_of, is_currency, table};

    #[test]
    fn every_market_is_there_once_with_a_currency() {
        let markets: Vec<_> = table().collect();
        // The 249 of ISO 3166, and Kosovo, which has a code by use.
        assert_eq!(markets.len(), 250);
        assert!(markets.windows(2).all(|two| two[0].0 < two[1].0), "in order, and none twice");
        assert!(markets.iter().all(|(code, currency)| code.len() == 2 && currency.len() == 3));
        assert_eq!((currency_of("de"), currency_of("JP"), currency_of("XX")), (Some("EUR"), Some("JPY"), None));
        assert!(is_currency("CHF") && !is_currency("CH") && !is_currency(""));
    }
}
